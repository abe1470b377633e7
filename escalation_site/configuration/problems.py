"""What is wrong with a file: each mistake with its file, line and field, all of them at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError

Keys = tuple[str | int, ...]
"""What leads to a value: ("teams", "payments", "members", 0)."""


def path_text(keys: Keys) -> str:
    """The keys as people write them: "teams.payments.members[0]"."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. ``line`` counts from 1."""

    source: str
    line: int
    keys: Keys
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}"
        return f"{place}: {path_text(self.keys)}: {self.message}" if self.keys else f"{place}: {self.message}"


class ConfigurationInvalid(DomainError):
    """A file that cannot be applied; nothing of it was.

    Its text lists every mistake, one a line, in the order of the file.
    """

    default_code = "configuration_invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line))
        super().__init__(self.problems[0].message, field=path_text(self.problems[0].keys))

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(slots=True)
class Problems:
    """The mistakes found so far in the file ``source``."""

    source: str
    found: list[Problem] = field(default_factory=list)

    def add(self, line: int, keys: Keys, message: str) -> None:
        self.found.append(Problem(self.source, line, keys, message))

    def raise_if_any(self) -> None:
        """Raise ConfigurationInvalid when there is any."""
        if self.found:
            raise ConfigurationInvalid(self.found)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the known name nearest to ``name``, empty when none is near. Begins with a blank."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return " " + _("Did you mean “%(name)s”?") % {"name": near[0]} if near else ""
