"""Reading structured data that people wrote: every mistake is noted with the path of its field, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from django.utils.translation import gettext as _

from oncall.rota import RotaError

Value = TypeVar("Value")
Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document: ``keys`` lead to it ("layers", 1, "handoff"), empty for the whole."""

    keys: Keys
    message: str

    @property
    def path(self) -> str:
        """The keys as people write them: "layers[1].handoff"."""
        text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        return text.removeprefix(".")

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.keys else self.message


class DocumentInvalid(RotaError):
    """A document that describes no schedule. ``field`` and ``message`` are the first problem's; its text names all."""

    default_code = "definition_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message, field=problems[0].path)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the document. Its readers give None or a stand-in where something is wrong, and note what."""

    value: object
    keys: Keys
    problems: list[Problem]

    @property
    def absent(self) -> bool:
        return self.value is None

    def wrong(self, message: str) -> None:
        self.problems.append(Problem(self.keys, message))

    def child(self, key: str | int, value: object) -> Node:
        return Node(value, (*self.keys, key), self.problems)

    def fields(self, known: Sequence[str]) -> dict[str, Node]:
        """The members by name, absent ones with None; a misspelt member is not passed over in silence."""
        if not isinstance(self.value, Mapping):
            self.wrong(_("must be an object with named fields"))
            return {key: self.child(key, None) for key in known}
        for key in self.value:
            if key not in known:
                self.child(str(key), None).wrong(_unknown(str(key), known))
        return {key: self.child(key, self.value.get(key)) for key in known}

    def items(self, read: Callable[[Node], Value], *, most: int) -> tuple[Value, ...]:
        """Each entry of a list, read; an absent list is empty."""
        if self.value is None:
            return ()
        if not isinstance(self.value, Sequence) or isinstance(self.value, str | bytes):
            self.wrong(_("must be a list"))
            return ()
        if len(self.value) > most:
            self.wrong(_("has more than %(most)d entries") % {"most": most})
        return tuple(read(self.child(number, item)) for number, item in enumerate(self.value[:most]))

    def text(self, *, most: int) -> str:
        """A text without blanks around it, not empty; "" where it is wrong."""
        if not isinstance(self.value, str):
            self.wrong(_("must not be empty") if self.absent else _("must be a text"))
            return ""
        text = self.value.strip()
        if not text:
            self.wrong(_("must not be empty"))
        elif len(text) > most:
            self.wrong(_("is longer than %(most)d characters") % {"most": most})
        elif not text.isprintable():
            self.wrong(_("holds characters that cannot be shown"))
        return text

    def choice(self, allowed: Sequence[Value], *, default: Value) -> Value:
        """One of ``allowed`` by its text; the default when absent."""
        if self.value is None:
            return default
        for member in allowed:
            if str(member) == self.value:
                return member
        self.wrong(_("must be one of %(names)s") % {"names": ", ".join(str(member) for member in allowed)})
        return default

    def flag(self, *, default: bool) -> bool:
        if self.value is None:
            return default
        if not isinstance(self.value, bool):
            self.wrong(_("must be true or false"))
            return default
        return self.value

    def count(self, *, most: int, default: int = 1) -> int:
        """A whole number from 1 to ``most``; the default when absent."""
        if self.value is None:
            return default
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not 1 <= self.value <= most:
            self.wrong(_("must be a whole number from 1 to %(most)d") % {"most": most})
            return default
        return self.value


def _unknown(key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, n=1)
    if close:
        return _("is not a known field; did you mean “%(close)s”?") % {"close": close[0]}
    return _("is not a known field; known are %(known)s") % {"known": ", ".join(known)}
