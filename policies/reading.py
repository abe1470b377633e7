"""Reading structured data that people wrote, naming every mistake with the path of its field.

Pure. A definition (policy, routing, schedule) is read by small functions that each take a `Node`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeGuard, TypeVar

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from policies.durations import duration_seconds

MAX_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a definition: `keys` lead to it ("levels", 1, "ack_timeout"), empty for the whole."""

    keys: tuple[str | int, ...]
    message: str

    @property
    def path(self) -> str:
        """The keys as people write them: "levels[1].ack_timeout"."""
        text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        return text.removeprefix(".")

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.keys else self.message


class DefinitionInvalid(DomainError):
    """A definition that cannot be used. `field` and `message` are those of the first problem, its text names all."""

    default_code = "definition_invalid"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0].message, field=problems[0].path)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


_Value = TypeVar("_Value")
_Member = TypeVar("_Member", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the data being read. Each reader notes what is wrong and goes on with a stand-in, so that a person
    sees every problem at once; whoever parses throws the stand-ins away."""

    value: object
    keys: tuple[str | int, ...]
    problems: list[Problem] = field(repr=False)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, Mapping)

    def wrong(self, message: str) -> None:
        self.problems.append(Problem(self.keys, message))

    def child(self, key: str | int, value: object) -> Node:
        return Node(value, (*self.keys, key), self.problems)

    def fields(self, *known: str) -> Mapping[str, Node]:
        """Its members by name, absent ones as None. A misspelt member must not be passed over in silence."""
        mapping = self.value if isinstance(self.value, Mapping) else {}
        if not isinstance(self.value, Mapping):
            self.wrong(_("must be an object with named fields"))
        for key in mapping:
            if key not in known:
                self.child(str(key), None).wrong(
                    _("is not a known field; known are %(known)s") % {"known": ", ".join(known)}
                )
        return {key: self.child(key, mapping.get(key)) for key in known}

    def items(self, read: Callable[[Node], _Value], *, most: int, least: int = 0) -> tuple[_Value, ...]:
        if self.value is None:
            if least:
                self.wrong(_("needs at least one entry"))
            return ()
        if not isinstance(self.value, Sequence) or isinstance(self.value, str | bytes):
            self.wrong(_("must be a list"))
            return ()
        if len(self.value) < least:
            self.wrong(_("needs at least one entry"))
        if len(self.value) > most:
            self.wrong(_("has more than %(most)d entries") % {"most": most})
        return tuple(read(self.child(index, item)) for index, item in enumerate(self.value[:most]))

    def text(self, *, most: int, required: bool = False) -> str:
        if self.value is None:
            if required:
                self.wrong(_("must not be empty"))
            return ""
        if not isinstance(self.value, str):
            self.wrong(_("must be a text"))
            return ""
        text = self.value.strip()
        if required and not text:
            self.wrong(_("must not be empty"))
        if len(text) > most:
            self.wrong(_("is longer than %(most)d characters") % {"most": most})
        if not _storable(text):
            self.wrong(_("holds characters that cannot be stored"))
        return text

    def choice(self, allowed: Sequence[_Member], *, default: _Member) -> _Member:
        if self.value is None:
            return default
        for member in allowed:
            if member.value == self.value:
                return member
        self.wrong(_("must be one of %(names)s") % {"names": ", ".join(allowed)})
        return default

    def flag(self, *, default: bool) -> bool:
        if self.value is None:
            return default
        if not isinstance(self.value, bool):
            self.wrong(_("must be true or false"))
            return default
        return self.value

    def count(self, *, most: int, default: int) -> int:
        if self.value is None:
            return default
        if not _is_number(self.value) or not 1 <= self.value <= most:
            self.wrong(_("must be a whole number from 1 to %(most)d") % {"most": most})
            return default
        return self.value

    def seconds(self, *, least: int, most: int = MAX_SECONDS) -> int:
        seconds = self._seconds()
        if seconds is None:
            self.wrong(_('must be a duration such as "5m", "90s" or "1h30m", or a whole number of seconds'))
        elif seconds < least:
            self.wrong(_("must be longer than 0 seconds") if least else _("must not be negative"))
        elif seconds > most:
            self.wrong(_("is longer than %(most)d days") % {"most": most // 86_400})
        return seconds or 0

    def _seconds(self) -> int | None:
        if _is_number(self.value):
            return self.value
        try:
            return duration_seconds(self.value) if isinstance(self.value, str) else None
        except ValueError:
            return None


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _storable(text: str) -> bool:
    """PostgreSQL stores neither NUL nor half a surrogate pair, and control characters have no place in a name."""
    return not any((char < " " and char not in "\n\r\t") or "\ud800" <= char <= "\udfff" for char in text)
