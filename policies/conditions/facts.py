"""Facts as conditions are held against them: what is known of one incident at one instant.

Pure. Whoever gathers facts hands over plain JSON-like data; what is of no use (a severity of "lots", a label that is a
list) is unknown, as if it had not been said, and never an error: a strange alert must still find its way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeGuard

from oncall.rota import RotaError
from policies.conditions.kinds import CLOCK_KINDS, Kind
from policies.conditions.times import BusinessCalendar, BusinessDay, WallTime, wall_time
from policies.conditions.values import MAX_WORD
from policies.conditions.vocabulary import VOCABULARY, FactDef, Vocabulary
from policies.conditions.words import Prose, caseless
from policies.durations import duration_seconds

MAX_HISTORY = 10_000
MAX_OPEN = 500
"""Labels, custom fields and tags that are read; what comes after them is not looked at."""
_HUGE = 10**15
_NOTHING: Mapping[str, BusinessCalendar] = MappingProxyType({})


class Facts:
    """What is known at `at` (an instant). `zone` is the wall clock of checks that name none.

    `calendars` are business calendars by name, "" the one meant by checks that name none. `values` holds what was
    understood, in the form checks compare; `given` the same in the form people read. An unknown fact is in neither.
    """

    __slots__ = ("_days", "_walls", "at", "calendars", "given", "values", "zone")

    def __init__(
        self,
        values: Mapping[str, Any],
        given: Mapping[str, object],
        *,
        at: datetime | None,
        zone: str,
        calendars: Mapping[str, BusinessCalendar],
    ) -> None:
        self.values = values
        self.given = given
        self.at = at
        self.zone = zone
        self.calendars = calendars
        self._walls: dict[str, WallTime | None] = {}
        self._days: dict[str, BusinessDay | None] = {}

    def wall(self, zone: str) -> WallTime | None:
        """What the clock of `zone` ("" is that of the facts) shows; None without an instant or such a zone."""
        name = zone or self.zone
        if name not in self._walls:
            self._walls[name] = self._wall(name)
        return self._walls[name]

    def _wall(self, zone: str) -> WallTime | None:
        if self.at is None:
            return None
        try:
            return wall_time(self.at, zone)
        except (RotaError, OverflowError):
            return None

    def business_day(self, calendar: str) -> BusinessDay | None:
        """What that calendar says of the instant; None without an instant or such a calendar."""
        if calendar not in self._days:
            known = self.calendars.get(calendar)
            try:
                self._days[calendar] = known.says(self.at) if known is not None and self.at is not None else None
            except (RotaError, OverflowError):
                self._days[calendar] = None
        return self._days[calendar]


def facts_of(
    data: Mapping[str, object],
    *,
    at: datetime | None = None,
    zone: str = "UTC",
    calendars: Mapping[str, BusinessCalendar] = _NOTHING,
    vocabulary: Vocabulary = VOCABULARY,
) -> Facts:
    """The facts that `data` states: names of the vocabulary to values; open families ("labels") as objects in it.

    Durations are seconds, timedeltas or texts such as "30m"; a history is a list of seconds ago. Members that are no
    facts, or hold nothing a fact could be, are left out; `facts_ignored` names them. Never raises for JSON data.
    """
    values: dict[str, Any] = {}
    given: dict[str, object] = {}
    for name, raw in data.items():
        if name in vocabulary.families and isinstance(raw, Mapping):
            for key in list(raw)[:MAX_OPEN]:
                _put(values, given, f"{name}.{key}", vocabulary, raw[key])
        else:
            _put(values, given, name, vocabulary, raw)
    if "text" not in values:
        said = [str(given[name]) for name in ("title", "description") if name in given]
        if said:
            given["text"] = "\n".join(said)
            values["text"] = Prose("\n".join(said))
    return Facts(values, given, at=at, zone=zone, calendars=calendars)


def facts_ignored(data: Mapping[str, object], *, vocabulary: Vocabulary = VOCABULARY) -> tuple[str, ...]:
    """The paths in `data` that state no fact, for a person who wrote it: misspelt names, values of the wrong kind."""
    known = facts_of(data, vocabulary=vocabulary).values
    ignored = []
    for name, raw in data.items():
        if name in vocabulary.families and isinstance(raw, Mapping):
            ignored += [
                f"{name}.{key}" for key, value in raw.items() if value is not None and f"{name}.{key}" not in known
            ]
        elif raw is not None and name not in known:
            ignored.append(str(name))
    return tuple(ignored)


def _put(values: dict[str, Any], given: dict[str, object], name: str, vocabulary: Vocabulary, raw: object) -> None:
    definition = vocabulary.find(name) if raw is not None else None
    if definition is None or definition.kind in CLOCK_KINDS:
        return
    value = _READERS[definition.kind](raw, definition)
    if value is not None:
        values[name] = value
        given[name] = list(raw) if isinstance(raw, tuple | set | frozenset) else raw


def _rank(raw: object, definition: FactDef) -> int | None:
    return definition.rank_of(raw)


def _choice(raw: object, definition: FactDef) -> str | None:
    return str(raw) if isinstance(raw, str) and any(raw == key for key, _words in definition.choices) else None


def _name(raw: object, _definition: FactDef) -> str | None:
    if _is_whole(raw):
        return str(raw)
    return raw.strip()[:MAX_WORD] or None if isinstance(raw, str) else None


def _word(raw: object, _definition: FactDef) -> str | None:
    return caseless(raw[:MAX_WORD]) or None if isinstance(raw, str) else None


def _open(raw: object, _definition: FactDef) -> str | None:
    return open_text(raw)


def _words(raw: object, _definition: FactDef) -> frozenset[str] | None:
    if not isinstance(raw, list | tuple | set | frozenset):
        return None
    found = [caseless(word[:MAX_WORD]) for word in list(raw)[:MAX_OPEN] if isinstance(word, str)]
    return frozenset(word for word in found if word)


def _flag(raw: object, _definition: FactDef) -> bool | None:
    return raw if isinstance(raw, bool) else None


def _number(raw: object, _definition: FactDef) -> float | None:
    return number_of(raw)


def _duration(raw: object, _definition: FactDef) -> float | None:
    if isinstance(raw, timedelta):
        return max(0.0, raw.total_seconds())
    if isinstance(raw, str):
        try:
            return float(duration_seconds(raw[:MAX_WORD]))
        except ValueError:
            return None
    seconds = number_of(raw)
    return seconds if seconds is not None and seconds >= 0 else None


def _history(raw: object, _definition: FactDef) -> tuple[float, ...] | None:
    """Sorted, so that those within a span are counted by halving."""
    if not isinstance(raw, list | tuple):
        return None
    ages = [number_of(age) for age in raw[:MAX_HISTORY]]
    return tuple(sorted(age for age in ages if age is not None and age >= 0))


def _text(raw: object, _definition: FactDef) -> Prose | None:
    return Prose(raw) if isinstance(raw, str) and raw.strip() else None


_READERS: Mapping[Kind, Callable[[object, FactDef], Any]] = {
    Kind.RANK: _rank,
    Kind.CHOICE: _choice,
    Kind.NAME: _name,
    Kind.WORD: _word,
    Kind.OPEN: _open,
    Kind.WORDS: _words,
    Kind.FLAG: _flag,
    Kind.NUMBER: _number,
    Kind.DURATION: _duration,
    Kind.HISTORY: _history,
    Kind.TEXT: _text,
}


def _is_whole(raw: object) -> TypeGuard[int]:
    return isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < _HUGE


def number_of(raw: object) -> float | None:
    """A finite number of a size that floats hold well; None for anything else. True is no number."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    # Neither infinity nor what is no number is smaller than anything.
    return float(raw) if abs(raw) < _HUGE else None


def open_text(raw: object) -> str | None:
    """The one form in which values nobody declared are compared: 5 and 5.0 are "5", True is "true"."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return caseless(raw[:MAX_WORD]) or None
    number = number_of(raw)
    if number is None:
        return None
    return str(int(number)) if number.is_integer() else repr(number)


def number_in(text: str) -> float | None:
    """The number that a label reads as; None where it is none."""
    try:
        return None if "_" in text else number_of(float(text))
    except ValueError:
        return None
