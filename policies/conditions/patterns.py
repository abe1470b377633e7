"""Patterns in text that cannot run away.

Python's `re` tries one way after the other: a pattern such as "(a+)+b" keeps it busy for years on a line of thirty
letters, and a pattern is written by a person who means no harm, once, and then meets every alert. This one goes through
the text once, following all ways together (a set of places in the pattern, remembered as one state), as RE2 does. The
time is the length of the text times at most the size of the pattern, whatever is written; both are bounded. The price:
no back references and no looking around, which such an engine cannot have.

The grammar is that of `re` for literals, ".", classes, "\\d \\w \\s \\b" and their opposites, "^ $", groups, "|", and
"* + ? {m} {m,} {m,n}". Case does not matter. "^" and "$" are the ends of the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext as _

MAX_PATTERN = 200
MAX_SIZE = 400
"""Places in a pattern once its counted repetitions are written out."""
MAX_SEARCHED = 2_000
"""Characters of a text that are looked at."""
_MAX_STATES = 500
"""Remembered states; a pattern that makes more forgets them and begins again."""

Accepts = Callable[[str], bool]


class PatternInvalid(ValueError):
    """A pattern that cannot be used; the text says why, for people."""


# --- What a pattern is made of -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Letter:
    accepts: Accepts


@dataclass(frozen=True, slots=True)
class _Place:
    """A condition on the place between two letters: "^", "$", "b" at the edge of a word, "B" not at one."""

    sign: str


@dataclass(frozen=True, slots=True)
class _Row:
    parts: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: tuple[_Part, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: _Part
    least: int
    most: int | None


_Part = _Letter | _Place | _Row | _Choice | _Repeat


# --- Reading -----------------------------------------------------------------------------------------------------

_CLASSES: dict[str, Accepts] = {
    "d": str.isdecimal,
    "w": lambda char: char.isalnum() or char == "_",
    "s": str.isspace,
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_COUNT = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}", re.ASCII)


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _cases(char: str) -> frozenset[str]:
    return frozenset((char, char.lower(), char.upper(), char.casefold()))


def _literal(char: str) -> Accepts:
    wanted = _cases(char)
    return lambda found: found in wanted or not wanted.isdisjoint(_cases(found))


def _between(low: str, high: str) -> Accepts:
    return lambda found: any(len(case) == 1 and low <= case <= high for case in _cases(found))


def _negated(accepts: Accepts) -> Accepts:
    return lambda found: not accepts(found)


def _either(tests: Iterable[Accepts]) -> Accepts:
    every = tuple(tests)
    return lambda found: any(accepts(found) for accepts in every)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> _Part:
        part = self._choice(depth=0)
        if self.at < len(self.text):
            raise PatternInvalid(_("has a “)” that closes nothing"))
        return part

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        char = self._peek()
        self.at += 1
        return char

    def _skip(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def _choice(self, *, depth: int) -> _Part:
        if depth > 20:
            raise PatternInvalid(_("has groups nested too deeply"))
        ways = [self._row(depth=depth)]
        while self._skip("|"):
            ways.append(self._row(depth=depth))
        return ways[0] if len(ways) == 1 else _Choice(tuple(ways))

    def _row(self, *, depth: int) -> _Part:
        parts: list[_Part] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom(depth=depth)))
        return parts[0] if len(parts) == 1 else _Row(tuple(parts))

    def _repeated(self, part: _Part) -> _Part:
        bounds = self._bounds()
        if bounds is None:
            return part
        if isinstance(part, _Place):
            raise PatternInvalid(_("repeats something that is no character"))
        # Which way is tried first ("lazy") cannot matter where only the presence of a match is asked.
        self._skip("?")
        if self._peek() in ("*", "+") or _COUNT.match(self.text, self.at):
            raise PatternInvalid(_("has two repetitions after one another"))
        return _Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._skip(sign):
                return bounds
        count = _COUNT.match(self.text, self.at)
        if count is None:
            return None
        self.at = count.end()
        least = int(count[1])
        if count[2] is None:
            return least, least
        most = int(count[3]) if count[3] else None
        if most is not None and most < least:
            raise PatternInvalid(_("has a repetition whose end comes before its start"))
        return least, most

    def _atom(self, *, depth: int) -> _Part:
        char = self._take()
        match char:
            case "(":
                return self._group(depth=depth)
            case "[":
                return _Letter(self._class())
            case ".":
                return _Letter(lambda found: found != "\n")
            case "^" | "$":
                return _Place(char)
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise PatternInvalid(_("has a “%(sign)s” with nothing before it") % {"sign": char})
            case _:
                return _Letter(_literal(char))

    def _group(self, *, depth: int) -> _Part:
        if self._peek() == "?" and not self._skip("?:"):
            raise PatternInvalid(_("may have groups only as (…) or (?:…): looking around and names are not supported"))
        inner = self._choice(depth=depth + 1)
        if not self._skip(")"):
            raise PatternInvalid(_("has a “(” that is never closed"))
        return _Row((inner,)) if isinstance(inner, _Place) else inner

    def _escape(self) -> _Part:
        char = self._take()
        if char in ("b", "B"):
            return _Place(char)
        if char in ("A", "Z"):
            return _Place("^" if char == "A" else "$")
        return _Letter(self._escaped(char))

    def _escaped(self, char: str) -> Accepts:
        if not char:
            raise PatternInvalid(_("ends with a lone “\\”"))
        if char in _CLASSES:
            return _CLASSES[char]
        if char.lower() in _CLASSES:
            return _negated(_CLASSES[char.lower()])
        return _literal(self._meant(char))

    def _meant(self, char: str) -> str:
        """The character that an escape stands for."""
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char.isalnum() and char.isascii():
            raise PatternInvalid(_("has “\\%(sign)s”, which means nothing here") % {"sign": char})
        return char

    def _class(self) -> Accepts:
        opposite = self._skip("^")
        # A bracket that comes first is meant as itself.
        tests = [_literal("]")] if self._skip("]") else []
        while not self._skip("]"):
            if self.at >= len(self.text):
                raise PatternInvalid(_("has a “[” that is never closed"))
            tests.append(self._member())
        accepts = _either(tests)
        return _negated(accepts) if opposite else accepts

    def _member(self) -> Accepts:
        low = self._take()
        if low == "\\":
            char = self._take()
            if char.lower() in _CLASSES or not char:
                return self._escaped(char)
            low = self._meant(char)
        following = self.text[self.at : self.at + 2]
        if len(following) < 2 or following[0] != "-" or following[1] == "]":
            return _literal(low)
        self.at += 1
        high = self._take()
        if high == "\\":
            high = self._meant(self._take())
        if len(high) != 1 or high < low:
            raise PatternInvalid(_("has a range that runs backwards: “%(range)s”") % {"range": f"{low}-{high}"})
        return _between(low, high)


# --- Running -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Step:
    """A place in the program: a letter leads to `then`; a fork to `then` and `other`; a sign to `then` if it holds."""

    then: int = -1
    other: int = -1
    accepts: Accepts | None = None
    sign: str = ""


class _State:
    """The places reached together, and where each character seen so far leads."""

    __slots__ = ("before", "moves", "places")

    def __init__(self, places: frozenset[int], before: str) -> None:
        self.places = places
        self.before = before
        self.moves: dict[str, _State] = {}


_DONE = 0
_MATCHED = _State(frozenset(), "")


def _too_large() -> PatternInvalid:
    return PatternInvalid(_("is too large once its repetitions are written out"))


class Pattern:
    """A pattern ready to search with. Made by `pattern`, which remembers what it made."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN:
            raise PatternInvalid(_("is longer than %(most)d characters") % {"most": MAX_PATTERN})
        self._steps = [_Step()]
        self._parts_left = 10 * MAX_SIZE
        self._begin = self._build(_Reader(text).whole(), _DONE)
        self._states: dict[tuple[frozenset[int], str], _State] = {}
        self._first = _State(frozenset((self._begin,)), "start")

    def found(self, text: str) -> bool:
        """Whether the pattern is anywhere in the first MAX_SEARCHED characters of `text`."""
        state = self._first
        for char in text[:MAX_SEARCHED]:
            state = state.moves.get(char) or self._move(state, char)
            if state is _MATCHED:
                return True
        return self._reach(state, "") is None

    def _move(self, state: _State, char: str) -> _State:
        letters = self._reach(state, char)
        following = _MATCHED if letters is None else self._following(letters, char)
        state.moves[char] = following
        return following

    def _following(self, letters: Iterable[int], char: str) -> _State:
        steps = self._steps
        # The beginning again: a match may start at every place.
        places = {self._begin}
        for letter in letters:
            accepts = steps[letter].accepts
            if accepts is not None and accepts(char):
                places.add(steps[letter].then)
        key = (frozenset(places), "word" if _is_word(char) else "other")
        known = self._states.get(key)
        if known is None:
            if len(self._states) >= _MAX_STATES:
                self._states = {}
                self._first.moves = {}
            known = self._states[key] = _State(*key)
        return known

    def _reach(self, state: _State, char: str) -> list[int] | None:
        """The letters that may come next, with `char` following ("" at the end); None when the pattern is found."""
        seen: set[int] = set()
        waiting = list(state.places)
        letters = []
        while waiting:
            place = waiting.pop()
            if place == _DONE:
                return None
            if place in seen:
                continue
            seen.add(place)
            step = self._steps[place]
            if step.accepts is not None:
                letters.append(place)
            elif not step.sign or _fits(step.sign, state.before, char):
                waiting.append(step.then)
                if step.other >= 0:
                    waiting.append(step.other)
        return letters

    def _add(self, step: _Step) -> int:
        if len(self._steps) > MAX_SIZE:
            raise _too_large()
        self._steps.append(step)
        return len(self._steps) - 1

    def _build(self, part: _Part, then: int) -> int:
        """Writes the part so that it leads to `then`; the place where it begins."""
        # Groups of nothing, repeated within one another, take up no place but time.
        self._parts_left -= 1
        if self._parts_left < 0:
            raise _too_large()
        match part:
            case _Letter(accepts):
                return self._add(_Step(then, accepts=accepts))
            case _Place(sign):
                return self._add(_Step(then, sign=sign))
            case _Row(parts):
                for inner in reversed(parts):
                    then = self._build(inner, then)
                return then
            case _Choice(ways):
                begin = self._build(ways[-1], then)
                for way in reversed(ways[:-1]):
                    begin = self._add(_Step(self._build(way, then), begin))
                return begin
            case _Repeat(inner, least, most):
                return self._build_repeat(inner, least, most, then)

    def _build_repeat(self, inner: _Part, least: int, most: int | None, then: int) -> int:
        begin = then
        if most is None:
            begin = self._add(_Step(then, then))
            self._steps[begin].then = self._build(inner, begin)
        else:
            for _time in range(most - least):
                begin = self._add(_Step(self._build(inner, begin), then))
        for _time in range(least):
            begin = self._build(inner, begin)
        return begin


def _fits(sign: str, before: str, char: str) -> bool:
    match sign:
        case "^":
            return before == "start"
        case "$":
            return char == ""
        case _:
            edge = (before == "word") != (char != "" and _is_word(char))
            return edge if sign == "b" else not edge


@lru_cache(maxsize=512)
def pattern(text: str) -> Pattern:
    """The pattern `text` describes. Raises PatternInvalid with a sentence for the person who wrote it."""
    return Pattern(text)
