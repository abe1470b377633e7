"""What a condition is made of: checks, and groups of conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from policies.conditions.kinds import Operator

MAX_DEPTH = 5
MAX_CHECKS = 100
MAX_VALUES = 200
MAX_WORD = 200


class Join(StrEnum):
    """How a group reads its parts. NONE holds when no part does."""

    ALL = "all"
    ANY = "any"
    NONE = "none"


class Day(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


@dataclass(frozen=True, slots=True)
class Range:
    """From `least` to `most`, both included."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Window:
    """On each of `days` (in the order of the week) from `start` until `end`, on the wall clock.

    An end that is not later than the start lies on the next day; equal times mean 24 hours.
    """

    days: tuple[Day, ...]
    start: time
    end: time


Operand = bool | int | float | str | Range | tuple[int, ...] | tuple[str, ...] | tuple[Window, ...] | None
"""What stands at an operator's right side; which of these is said by `kinds.Shape` and the fact's kind."""


@dataclass(frozen=True, slots=True)
class Check:
    """One fact held against something: "the severity", "at least", "SEV-2".

    `within` is the span in seconds in which a history is counted. `zone` names the wall clock of a weekday or a time,
    `calendar` the calendar of a holiday or of business hours; empty means the ones the facts come with.
    """

    fact: str
    operator: Operator
    value: Operand = None
    within: int = 0
    zone: str = ""
    calendar: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions taken together. Only the whole of a condition may be an empty group: ALWAYS."""

    join: Join
    parts: tuple[Condition, ...]


Condition = Check | Group

ALWAYS = Group(Join.ALL, ())
"""Holds whatever the facts."""


def all_of(*parts: Condition) -> Group:
    return Group(Join.ALL, parts)


def any_of(*parts: Condition) -> Group:
    return Group(Join.ANY, parts)


def none_of(*parts: Condition) -> Group:
    return Group(Join.NONE, parts)


def checks(condition: Condition) -> Iterator[Check]:
    """Every check of the condition, from left to right."""
    if isinstance(condition, Check):
        yield condition
        return
    for part in condition.parts:
        yield from checks(part)


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be known to evaluate some conditions: facts by name, and how far back each history must reach (seconds).

    Whoever gathers facts asks the database for these and no others.
    """

    facts: frozenset[str]
    history: dict[str, int]


def needs(*conditions: Condition) -> Needs:
    found = [check for condition in conditions for check in checks(condition)]
    history: dict[str, int] = {}
    for check in found:
        if check.within:
            history[check.fact] = max(check.within, history.get(check.fact, 0))
    return Needs(frozenset(check.fact for check in found), history)
