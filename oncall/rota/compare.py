"""Comparing schedules: who gains and loses what by a change, and what collides with what."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oncall.rota.choice import stretches
from oncall.rota.results import Shift, UserId
from oncall.rota.values import Absence, Override
from oncall.rota.versions import acting_order


@dataclass(frozen=True, slots=True, order=True)
class Duty:
    """Time on call in a role, whatever the turns and reasons behind it; ``end`` excluded."""

    start: datetime
    end: datetime
    user_id: UserId
    role: str


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit gives to people and takes from them, each in order of start."""

    gained: tuple[Duty, ...]
    lost: tuple[Duty, ...]


@dataclass(frozen=True, slots=True)
class OverrideOverlap:
    """Two overrides share a window; ``later`` acts on what ``earlier`` made."""

    start: datetime
    end: datetime
    earlier: Override
    later: Override


@dataclass(frozen=True, slots=True)
class Clash:
    """One person on call in several schedules at once."""

    start: datetime
    end: datetime
    user_id: UserId
    schedules: tuple[str, ...]


def compare(before: Iterable[Shift], after: Iterable[Shift]) -> Change:
    """Who gains and loses which time on call when ``before`` becomes ``after``; both over the same range."""
    then, now = _duties(before), _duties(after)
    return Change(
        gained=tuple(sorted(duty for duties in now.values() for duty in _without(duties, then))),
        lost=tuple(sorted(duty for duties in then.values() for duty in _without(duties, now))),
    )


def override_overlaps(overrides: Sequence[Override]) -> tuple[OverrideOverlap, ...]:
    """The pairs of overrides that touch the same time and, as far as they say, the same role; in order of start."""
    acting = sorted(overrides, key=acting_order)
    pairs = (
        OverrideOverlap(max(earlier.start, later.start), min(earlier.end, later.end), earlier, later)
        for number, earlier in enumerate(acting)
        for later in acting[number + 1 :]
        if earlier.start < later.end and later.start < earlier.end
        if not earlier.role or not later.role or earlier.role == later.role
    )
    return tuple(sorted(pairs, key=lambda pair: pair.start))


def away_on_call(shifts: Iterable[Shift], absences: Sequence[Absence]) -> tuple[tuple[Shift, Absence], ...]:
    """The shifts of people who are away meanwhile: an override, their explicit word, allows it; it is to be shown."""
    return tuple(
        (shift, absence)
        for shift in shifts
        for absence in absences
        if absence.user_id == shift.user_id and absence.start < shift.end and shift.start < absence.end
    )


def clashes(schedules: Mapping[str, Sequence[Shift]]) -> tuple[Clash, ...]:
    """When one person is on call in two of the named schedules at once, pair by pair, in order of start."""
    on_duty: dict[UserId, list[tuple[datetime, datetime, str]]] = {}
    for name, shifts in schedules.items():
        for user_id in {shift.user_id for shift in shifts}:
            theirs = ((start, end, name) for start, end in stretches(shifts, user_id=user_id))
            on_duty.setdefault(user_id, []).extend(theirs)
    found = (clash for user_id, duties in on_duty.items() for clash in _clashes_of(user_id, sorted(duties)))
    return tuple(sorted(found, key=lambda clash: (clash.start, clash.user_id, clash.schedules)))


def _clashes_of(user_id: UserId, duties: Sequence[tuple[datetime, datetime, str]]) -> Iterator[Clash]:
    running: list[tuple[datetime, datetime, str]] = []
    for start, end, name in duties:
        running = [duty for duty in running if duty[1] > start]
        for _, other_end, other in running:
            yield Clash(start, min(end, other_end), user_id, tuple(sorted((other, name))))
        running.append((start, end, name))


def _duties(shifts: Iterable[Shift]) -> dict[tuple[UserId, str], list[Duty]]:
    """Unbroken time on call for each person and role, in order."""
    duties: dict[tuple[UserId, str], list[Duty]] = {}
    for shift in sorted(shifts, key=lambda shift: shift.start):
        theirs = duties.setdefault((shift.user_id, shift.role), [])
        start = shift.start
        if theirs and start <= theirs[-1].end:
            start = theirs.pop().start
        theirs.append(Duty(start, shift.end, shift.user_id, shift.role))
    return duties


def _without(duties: Sequence[Duty], taken: Mapping[tuple[UserId, str], Sequence[Duty]]) -> Iterator[Duty]:
    """The parts of one person's duties in a role that are not among ``taken``."""
    for duty in duties:
        start = duty.start
        for other in taken.get((duty.user_id, duty.role), ()):
            if other.end <= start or other.start >= duty.end:
                continue
            if start < other.start:
                yield Duty(start, other.start, duty.user_id, duty.role)
            start = other.end
        if start < duty.end:
            yield Duty(start, duty.end, duty.user_id, duty.role)
