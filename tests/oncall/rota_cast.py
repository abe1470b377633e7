"""A small cast and short ways to say when, for tests of the rota."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from oncall.rota import Absence, AbsenceReason, LayerSpec, Override, OverrideKind, ScheduleSpec, Shift

ALICE, BOB, CAROL, DAVE = range(1, 5)
NAMES = {ALICE: "alice", BOB: "bob", CAROL: "carol", DAVE: "dave"}
ROME = "Europe/Rome"


class Within(TypedDict):
    """The range a question is about."""

    since: datetime
    until: datetime


def local(text: str) -> datetime:
    """A time on some wall clock: "2026-03-29 09:00"."""
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    """An instant, written in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rome(text: str) -> datetime:
    """An instant, written as the clock in Rome shows it (its first occurrence)."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ROME)).astimezone(UTC)


def layer(start: str, *people: int | tuple[int, ...], zone: str = ROME, name: str = "week", **fields: Any) -> LayerSpec:
    """A weekly layer, unless told otherwise."""
    groups = tuple(person if isinstance(person, tuple) else (person,) for person in people)
    return LayerSpec(name=name, time_zone=zone, start=local(start), participants=groups, **fields)


def schedule(*layers: LayerSpec, zone: str = ROME) -> ScheduleSpec:
    return ScheduleSpec(time_zone=zone, layers=layers)


def override(kind: OverrideKind, person: int, start: datetime, end: datetime, **fields: Any) -> Override:
    return Override(kind=kind, user_id=person, start=start, end=end, **fields)


def absence(person: int, start: datetime, end: datetime, reason: AbsenceReason = AbsenceReason.ABSENCE) -> Absence:
    return Absence(user_id=person, start=start, end=end, reason=reason)


def told(shifts: Iterable[Shift], zone: str = ROME) -> list[str]:
    """The shifts as a person would note them, on the clock of a zone: "alice 03-28 09:00 – 03-29 09:00"."""
    return [f"{NAMES[shift.user_id]} {_noted(shift.start, zone)} – {_noted(shift.end, zone)}" for shift in shifts]


def hours(shift: Shift) -> float:
    return shift.duration / timedelta(hours=1)


def _noted(instant: datetime, zone: str) -> str:
    shown = instant.astimezone(ZoneInfo(zone))
    return shown.strftime("%m-%d %H:%M:%S").removesuffix(":00")
