"""A second rota, slow and plain, to check the real one against; and the random schedules to check it with.

It shares no code with the rota but the values. It walks through time in quarters of an hour and decides every instant
by itself, from two readings of each wall clock: the latest time it has shown so far (an event has come when that
reaches it), and the earliest time it will still show (a window has closed when that has passed its end).
"""

import zoneinfo
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from hypothesis import strategies as st

from oncall.rota import (
    Absence,
    AbsenceReason,
    Every,
    FixedShift,
    HolidayRule,
    LayerSpec,
    Override,
    OverrideKind,
    Restriction,
    ScheduleSpec,
    Shift,
    WhenAbsent,
)

STEP = timedelta(minutes=15)
MARGIN = timedelta(days=3)
DAY = timedelta(days=1)
ZONES = tuple(sorted(name for name in zoneinfo.available_timezones() if name not in {"localtime", "Factory"}))
ALICE, BOB, CAROL, DAVE, ERIN = range(1, 6)
PEOPLE = (ALICE, BOB, CAROL, DAVE, ERIN)

Duty = tuple[int, str, str]
"""Person, why, layer."""


@dataclass(frozen=True)
class Reading:
    """What a wall clock tells at an instant: the latest time shown so far, and the earliest it will still show."""

    so_far: datetime
    still: datetime


def grid(since: datetime, until: datetime) -> list[datetime]:
    return [since + number * STEP for number in range((until - since) // STEP)]


def readings(zone: str, since: datetime, until: datetime) -> dict[datetime, Reading]:
    instants = grid(since - MARGIN, until + MARGIN)
    walls = [instant.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None, fold=0) for instant in instants]
    so_far, still = list(walls), list(walls)
    for number in range(1, len(walls)):
        so_far[number] = max(so_far[number], so_far[number - 1])
    for number in range(len(walls) - 2, -1, -1):
        still[number] = min(still[number], still[number + 1])
    return {instant: Reading(so_far[number], still[number]) for number, instant in enumerate(instants)}


def handoffs(layer: LayerSpec) -> Iterator[datetime]:
    """Every local handoff after the start, found by looking at one hour or day after another."""
    number = 0
    if layer.rotation is Every.HOURLY:
        moment = layer.start
        while True:
            moment += timedelta(hours=1)
            number += 1
            if number % layer.every == 0:
                yield moment
    day = layer.start.date() - DAY
    clock = layer.handoff_time or layer.start.time()
    while True:
        day += DAY
        moment = datetime.combine(day, clock)
        if moment > layer.start and is_handoff_day(layer, day):
            number += 1
            if number % layer.every == 0:
                yield moment


def is_handoff_day(layer: LayerSpec, day: date) -> bool:
    if layer.rotation is Every.WEEKLY:
        weekday = layer.start.weekday() if layer.handoff_weekday is None else layer.handoff_weekday
        return day.weekday() == weekday
    if layer.rotation is Every.MONTHLY:
        last = monthrange(day.year, day.month)[1]
        return day.day == min(layer.handoff_day or layer.start.day, last)
    return True


@cache
def turns_until(layer: LayerSpec, local: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The local spans of the turns that have begun by ``local``, from the first on."""
    found, start = [], layer.start
    for moment in handoffs(layer):
        found.append((start, moment))
        start = moment
        if moment > local:
            break
    return tuple(found)


def window_end(restriction: Restriction, opens: datetime) -> datetime:
    moment = opens
    while True:
        moment += STEP
        right_day = restriction.end_weekday is None or moment.weekday() == restriction.end_weekday
        if right_day and moment.time() == restriction.end:
            return moment


def is_open(layer: LayerSpec, reading: Reading) -> bool:
    if not layer.restrictions:
        return True
    for back in range(-9, 3):
        day = reading.so_far.date() + back * DAY
        for restriction in layer.restrictions:
            if day.weekday() == restriction.weekday:
                opens = datetime.combine(day, restriction.start)
                if reading.so_far >= opens and reading.still < window_end(restriction, opens):
                    return True
    return False


@cache
def has_open_time(layer: LayerSpec, start: datetime, end: datetime) -> bool:
    """By the wall clock alone."""
    moment = start
    while moment < end:
        if is_open(layer, Reading(moment, moment)):
            return True
        moment += STEP
    return False


def group_of(layer: LayerSpec, reading: Reading) -> tuple[tuple[int, ...], int] | None:
    """Whose turn it is, and the place among the participants; None when the layer is not in force."""
    if reading.so_far < layer.start or (layer.end is not None and reading.so_far >= layer.end):
        return None
    if layer.rotation is Every.FIXED:
        for shift in layer.fixed_shifts:
            if shift.start <= reading.so_far < shift.end:
                place = layer.participants.index(shift.group) if shift.group in layer.participants else -1
                return shift.group, place
        return None
    if not layer.participants:
        return None
    begun = [span for span in turns_until(layer, reading.so_far) if span[0] <= reading.so_far]
    place = len(begun) - 1
    if layer.restrictions and not layer.turns_advance_when_closed:
        place = max(0, sum(has_open_time(layer, *span) for span in begun) - 1)
    place %= len(layer.participants)
    return layer.participants[place], place


def layer_duties(layer: LayerSpec, reading: Reading, away: dict[int, AbsenceReason]) -> list[Duty]:
    turn = group_of(layer, reading)
    if turn is None or not is_open(layer, reading):
        return []
    group, place = turn
    there = [(person, "layer", layer.name) for person in group if person not in away]
    if there or not group or layer.when_absent is WhenAbsent.NOBODY:
        return there
    why = "holiday_cover" if away[group[0]] is AbsenceReason.HOLIDAY else "cover"
    for ahead in range(1, len(layer.participants) + 1):
        stand_in = layer.participants[(place + ahead) % len(layer.participants)]
        there = [(person, why, layer.name) for person in stand_in if person not in away]
        if there:
            return there
    # Everybody is away: those on a holiday only work it.
    working = {person: reason for person, reason in away.items() if reason is AbsenceReason.ABSENCE}
    there = [(person, "layer", layer.name) for person in group if person not in working]
    if there:
        return there
    for ahead in range(1, len(layer.participants) + 1):
        stand_in = layer.participants[(place + ahead) % len(layer.participants)]
        there = [(person, why, layer.name) for person in stand_in if person not in working]
        if there:
            return there
    return []


def overridden(duties: dict[str, list[Duty]], override: Override, first: str) -> None:
    everywhere = override.kind in (OverrideKind.REPLACE, OverrideKind.REMOVE)
    for role in [override.role] if override.role else list(duties) if everywhere else [first]:
        held = duties.setdefault(role, [])
        people = [duty[0] for duty in held]
        new = (override.user_id, "override", "")
        if override.kind is OverrideKind.COVER and people != [override.user_id]:
            held[:] = [new]
        elif override.kind is OverrideKind.ADD and override.user_id not in people:
            held.append(new)
        elif override.kind is OverrideKind.REMOVE:
            held[:] = [duty for duty in held if duty[0] != override.user_id]
        elif override.kind is OverrideKind.REPLACE and override.replaces in people:
            if override.replaces == override.user_id:
                continue
            place = people.index(override.replaces)
            already = override.user_id in people
            held[place : place + 1] = [] if already else [(override.user_id, "override", held[place][2])]


def oracle(
    spec: ScheduleSpec,
    *,
    since: datetime,
    until: datetime,
    overrides: tuple[Override, ...] = (),
    absences: tuple[Absence, ...] = (),
) -> dict[datetime, dict[str, set[Duty]]]:
    """Who is on call in which role, at each quarter of an hour."""
    clocks = {layer.time_zone: readings(layer.time_zone, since, until) for layer in spec.layers}
    answer = {}
    for instant in grid(since, until):
        now_away = [absence for absence in absences if absence.start <= instant < absence.end]
        if spec.holidays is HolidayRule.WORK:
            now_away = [absence for absence in now_away if absence.reason is AbsenceReason.ABSENCE]
        # Somebody who is away on a holiday is away.
        away = {absence.user_id: absence.reason for absence in now_away}
        away |= {one.user_id: one.reason for one in now_away if one.reason is AbsenceReason.ABSENCE}
        duties: dict[str, list[Duty]] = {role: [] for role in spec.roles}
        for layer in spec.layers:
            duties[layer.role] = layer_duties(layer, clocks[layer.time_zone][instant], away) or duties[layer.role]
        for override in sorted(overrides, key=lambda override: override.order):
            if override.start <= instant < override.end:
                overridden(duties, override, spec.roles[0])
        answer[instant] = {role: set(held) for role, held in duties.items() if held}
    return answer


def sampled(shifts: tuple[Shift, ...], *, since: datetime, until: datetime) -> dict[datetime, dict[str, set[Duty]]]:
    """The shifts in the oracle's terms."""
    answer: dict[datetime, dict[str, set[Duty]]] = {}
    for instant in grid(since, until):
        held: dict[str, set[Duty]] = {}
        for shift in shifts:
            if shift.start <= instant < shift.end:
                held.setdefault(shift.role, set()).add((shift.user_id, str(shift.why), shift.layer))
        answer[instant] = held
    return answer


@cache
def clock_changes(zone: str, year: int) -> tuple[datetime, ...]:
    """The UTC midnights of the year before which the zone's offset was another a day earlier."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + number * DAY for number in range(366)]
    offsets = [day.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset() for day in days]
    return tuple(days[number] for number in range(1, 366) if offsets[number] != offsets[number - 1])


quarters = st.builds(lambda number: time(number // 4, number % 4 * 15), st.integers(0, 95))
people = st.sampled_from(PEOPLE)
groups = st.lists(people, max_size=2, unique=True).map(tuple)


@st.composite
def ranges(draw: st.DrawFn, zones: tuple[str, ...]) -> tuple[datetime, datetime]:
    """Some days, near a change of clock of one of the zones where it has any."""
    zone, year = draw(st.sampled_from(zones)), draw(st.integers(2022, 2034))
    middle = draw(st.sampled_from(clock_changes(zone, year) or (datetime(year, 6, 1, tzinfo=UTC),)))
    since = middle - draw(st.integers(0, 4 * 96)) * STEP
    return since, since + draw(st.integers(1, 5 * 96)) * STEP


@st.composite
def restrictions(draw: st.DrawFn) -> Restriction:
    return Restriction(
        weekday=draw(st.integers(0, 6)),
        start=draw(quarters),
        end=draw(quarters),
        end_weekday=draw(st.none() | st.integers(0, 6)),
    )


@st.composite
def layers(draw: st.DrawFn, *, name: str, zone: str, since: datetime) -> LayerSpec:
    """A layer that begins up to two months before ``since``, or shortly after."""
    rotation = draw(st.sampled_from(Every))
    start = since.replace(tzinfo=None) + draw(st.integers(-60 * 96, 96)) * STEP
    if rotation is Every.FIXED:
        start = since.replace(tzinfo=None) - 2 * DAY
    by_day = rotation in (Every.DAILY, Every.WEEKLY, Every.MONTHLY)
    return LayerSpec(
        name=name,
        time_zone=zone,
        start=start,
        rotation=rotation,
        every=draw(st.integers(1, 9)) if rotation is not Every.FIXED else 1,
        participants=tuple(draw(st.lists(groups, max_size=4))),
        end=draw(st.none() | st.integers(1, 70 * 96).map(lambda number: start + number * STEP)),
        handoff_time=draw(st.none() | quarters) if by_day else None,
        handoff_weekday=draw(st.none() | st.integers(0, 6)) if rotation is Every.WEEKLY else None,
        handoff_day=draw(st.none() | st.integers(1, 31)) if rotation is Every.MONTHLY else None,
        restrictions=tuple(draw(st.lists(restrictions(), max_size=3))),
        turns_advance_when_closed=draw(st.booleans()),
        when_absent=draw(st.sampled_from(WhenAbsent)),
        role=draw(st.sampled_from(("primary", "secondary"))),
        fixed_shifts=draw(fixed_shifts(start)) if rotation is Every.FIXED else (),
    )


@st.composite
def fixed_shifts(draw: st.DrawFn, start: datetime) -> tuple[FixedShift, ...]:
    found, moment = [], start
    for _ in range(draw(st.integers(0, 6))):
        begin = moment + draw(st.integers(0, 20)) * STEP
        moment = begin + draw(st.integers(1, 96)) * STEP
        found.append(FixedShift(start=begin, end=moment, group=draw(groups)))
    return tuple(found)


@st.composite
def overrides(draw: st.DrawFn, *, since: datetime, number: int) -> Override:
    start = since + draw(st.integers(-96, 4 * 96)) * STEP
    return Override(
        kind=draw(st.sampled_from(OverrideKind)),
        user_id=draw(people),
        start=start,
        end=start + draw(st.integers(1, 2 * 96)) * STEP,
        replaces=draw(people),
        role=draw(st.sampled_from(("", "primary", "secondary", "shadow"))),
        id=number,
        order=draw(st.integers(0, 3)),
    )


@st.composite
def absences(draw: st.DrawFn, *, since: datetime) -> Absence:
    start = since + draw(st.integers(-96, 4 * 96)) * STEP
    end = start + draw(st.integers(1, 3 * 96)) * STEP
    return Absence(user_id=draw(people), start=start, end=end, reason=draw(st.sampled_from(AbsenceReason)))


@dataclass(frozen=True)
class Case:
    """A schedule, a range, and what else the rota is told."""

    spec: ScheduleSpec
    since: datetime
    until: datetime
    overrides: tuple[Override, ...] = ()
    absences: tuple[Absence, ...] = ()


@st.composite
def cases(draw: st.DrawFn, *, most_overrides: int = 4, most_absences: int = 3) -> Case:
    """A random schedule somewhere in the tz database, asked about days on which a clock changes."""
    zones = tuple(draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=3)))
    since, until = draw(ranges(zones))
    count = draw(st.integers(0, 3))
    drawn = (layers(name=f"layer {number}", zone=draw(st.sampled_from(zones)), since=since) for number in range(count))
    spec = ScheduleSpec(
        time_zone=zones[0],
        layers=tuple(draw(layer) for layer in drawn),
        holidays=draw(st.sampled_from(HolidayRule)),
    )
    acts = tuple(draw(overrides(since=since, number=number)) for number in range(draw(st.integers(0, most_overrides))))
    away = tuple(draw(absences(since=since)) for _ in range(draw(st.integers(0, most_absences))))
    return Case(spec, since, until, acts, away)
