"""The questions people and machines ask of a schedule, all answered from the same lines."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple, TypeVar

from oncall.rota.results import Coverage, Gap, Handoff, Overlap, OverlapKind, Shift, UserId
from oncall.rota.timeline import Line, Lines, Segment, Slot, absences_by_user, absences_under, layer_line, lines_of
from oncall.rota.values import EARLIEST, LATEST, Absence, Every, Override, Rota, ScheduleSpec
from oncall.rota.versions import acting_order, checked_range, resolve

INSTANT = timedelta(microseconds=1)
LOOK_AROUND = (timedelta(days=1), timedelta(days=8), timedelta(days=64), timedelta(days=400))
"""How far from a range the true ends of its shifts, or the next handoff, are looked for, step by step."""


TURNS = {
    Every.HOURLY: timedelta(hours=1),
    Every.DAILY: timedelta(days=1),
    Every.WEEKLY: timedelta(days=7),
    Every.MONTHLY: timedelta(days=31),
    Every.FIXED: timedelta(0),
}

Stretch = TypeVar("Stretch", Gap, Overlap)


_segment_start = attrgetter("start")
_segment_end = attrgetter("end")


class Part(NamedTuple):
    """The lines of one version while it is in force."""

    spec: ScheduleSpec
    lines: Lines


def shifts(
    rota: Rota,
    *,
    since: datetime,
    until: datetime,
    overrides: Sequence[Override] = (),
    absences: Iterable[Absence] = (),
    whole: bool = False,
) -> tuple[Shift, ...]:
    """Who is on call in the range (``until`` excluded), why and until when: the final schedule.

    In order of start, then role. Shifts are cut at the ends of the range; with ``whole`` they
    keep their true start and end, as far as 400 days beyond it. A change of turn ends a shift even where the next turn
    is the same person's. RotaError for a range that is naive, empty or out of the years 1900 to 2999.
    """
    absences = tuple(absences)
    if not whole:
        return _shifts(_parts(rota, since, until, overrides, absences))
    touching: tuple[Shift, ...] = ()
    for low, high in _wider(since, until, at_least=_longest_turn(rota, since, until)):
        around = _shifts(_parts(rota, low, high, overrides, absences), touching=(since, until))
        touching = tuple(shift for shift in around if shift.start < until and shift.end > since)
        if all(low < shift.start and shift.end < high for shift in touching):
            break
    return touching


def on_call_at(
    rota: Rota, *, at: datetime, overrides: Sequence[Override] = (), absences: Iterable[Absence] = ()
) -> tuple[Shift, ...]:
    """The shifts in force at an instant, whole: role by role, in the order of the layers."""
    reigns = resolve(rota, since=at, until=at + INSTANT)
    rank = {role: number for reign in reigns for number, role in enumerate(reign.spec.roles)}
    found = shifts(rota, since=at, until=at + INSTANT, overrides=overrides, absences=absences, whole=True)
    return tuple(sorted(found, key=lambda shift: rank.get(shift.role, len(rank))))


def layer_shifts(
    rota: Rota, *, since: datetime, until: datetime, absences: Iterable[Absence] = ()
) -> dict[str, tuple[Shift, ...]]:
    """What each layer says by itself, by name of the layer: the rows of a calendar above the final schedule."""
    away = absences_by_user(absences)
    rows: dict[str, tuple[str, Line]] = {}
    for start, end, spec in resolve(rota, since=since, until=until):
        counting = absences_under(spec, away)
        for layer in spec.layers:
            _, line = rows.setdefault(layer.name, (layer.role, []))
            line.extend(layer_line(layer, since=start, until=end, absences=counting))
    return {name: _in_order(_line_shifts(role, line)) for name, (role, line) in rows.items()}


def gaps(
    rota: Rota,
    *,
    since: datetime,
    until: datetime,
    overrides: Sequence[Override] = (),
    absences: Iterable[Absence] = (),
) -> tuple[Gap, ...]:
    """When a role of the schedule is nobody's, in order of start; a new cause begins a new gap.

    Roles that only an override knows (somebody who shadows) have no gaps, nor has the time before the first version.
    """
    found = (
        gap
        for part in _parts(rota, since, until, overrides, absences)
        for role in part.spec.roles
        for gap in _line_gaps(role, part.lines[role])
    )
    joined = _joined(sorted(found, key=lambda gap: (gap.role, gap.start)))
    return tuple(sorted(joined, key=lambda gap: gap.start))


def coverage(
    rota: Rota,
    *,
    since: datetime,
    until: datetime,
    overrides: Sequence[Override] = (),
    absences: Iterable[Absence] = (),
) -> tuple[Coverage, ...]:
    """For each role, how much of the time it existed in the range somebody held it."""
    total: dict[str, timedelta] = {}
    for start, end, spec in resolve(rota, since=since, until=until):
        for role in spec.roles:
            total[role] = total.get(role, timedelta(0)) + (end - start)
    covered = dict(total)
    for gap in gaps(rota, since=since, until=until, overrides=overrides, absences=absences):
        covered[gap.role] -= gap.end - gap.start
    return tuple(Coverage(role, covered[role], total[role]) for role in total)


def overlaps(
    rota: Rota,
    *,
    since: datetime,
    until: datetime,
    overrides: Sequence[Override] = (),
    absences: Iterable[Absence] = (),
) -> tuple[Overlap, ...]:
    """When people who do not serve together hold one role, and when one person holds several; in order of start."""
    parts = _parts(rota, since, until, overrides, absences)
    doubled = (
        Overlap(start, end, OverlapKind.SAME_ROLE, (role,), tuple(slot.user_id for slot in slots))
        for part in parts
        for role, line in part.lines.items()
        for start, end, slots, _ in line
        if len({_serving(slot) for slot in slots}) > 1
    )
    found = [*_joined(sorted(doubled, key=lambda one: (one.roles, one.start))), *_double_duties(_shifts(parts))]
    return tuple(sorted(found, key=lambda one: (one.start, one.kind, one.roles, one.user_ids)))


def next_handoff(
    rota: Rota, *, at: datetime, overrides: Sequence[Override] = (), absences: Iterable[Absence] = ()
) -> Handoff | None:
    """The first instant after ``at`` at which the people on call change; None when nothing changes within 400 days."""
    absences = tuple(absences)
    for _, high in _wider(at, at + INSTANT):
        coming = shifts(rota, since=at, until=high, overrides=overrides, absences=absences)
        edges = {shift.start for shift in coming} | {shift.end for shift in coming}
        for edge in sorted(edge for edge in edges if at < edge < high):
            ended = {(shift.user_id, shift.role): None for shift in coming if shift.end == edge}
            begun = {(shift.user_id, shift.role): None for shift in coming if shift.start == edge}
            outgoing = tuple(duty for duty in ended if duty not in begun)
            incoming = tuple(duty for duty in begun if duty not in ended)
            if outgoing or incoming:
                return Handoff(edge, outgoing, incoming)
    return None


def _parts(
    rota: Rota, since: datetime, until: datetime, overrides: Sequence[Override], absences: Iterable[Absence]
) -> list[Part]:
    in_turn = sorted(overrides, key=acting_order)
    away = absences_by_user(absence for absence in absences if absence.start < until and since < absence.end)
    return [
        Part(spec, lines_of(spec, since=start, until=end, overrides=in_turn, absences=away))
        for start, end, spec in resolve(rota, since=since, until=until)
    ]


def _wider(
    since: datetime, until: datetime, *, at_least: timedelta = timedelta(0)
) -> Iterator[tuple[datetime, datetime]]:
    since, until = checked_range(since, until)
    for margin in LOOK_AROUND:
        if margin >= at_least or margin is LOOK_AROUND[-1]:
            yield max(EARLIEST, since - margin), min(LATEST, until + margin)


def _longest_turn(rota: Rota, since: datetime, until: datetime) -> timedelta:
    """About how long the turns in force last: looking less far around would only be looking twice."""
    layers = (layer for reign in resolve(rota, since=since, until=until) for layer in reign.spec.layers)
    return max((TURNS[layer.rotation] * layer.every for layer in layers), default=timedelta(0))


def _shifts(parts: Sequence[Part], *, touching: tuple[datetime, datetime] | None = None) -> tuple[Shift, ...]:
    """All shifts, or at least those that touch a range, whole."""
    roles = dict.fromkeys(role for part in parts for role in part.lines)
    lines = {role: [segment for part in parts for segment in part.lines.get(role, ())] for role in roles}
    if touching is not None:
        lines = {role: _around(line, *touching) for role, line in lines.items()}
    # The sort keeps the order of roles for equal starts.
    return _in_order(shift for role, line in lines.items() for shift in _line_shifts(role, line))


def _around(line: Line, since: datetime, until: datetime) -> Line:
    """The segments that the shifts of a range are made of: all that touch it, and those their people come from and go on to.

    Of a year around an instant, most has nothing to do with who is on call then.
    """
    first = bisect_right(line, since, key=_segment_end)
    past = bisect_left(line, until, lo=first, key=_segment_start)
    while 0 < first < past and _goes_on(line[first - 1], line[first]):
        first -= 1
    while first < past < len(line) and _goes_on(line[past - 1], line[past]):
        past += 1
    return line[first:past]


def _goes_on(segment: Segment, following: Segment) -> bool:
    return segment.end == following.start and any(slot in following.slots for slot in segment.slots)


def _in_order(found: Iterable[Shift]) -> tuple[Shift, ...]:
    return tuple(sorted(found, key=lambda shift: shift.start))


def _line_shifts(role: str, line: Line) -> Iterator[Shift]:
    """The shifts of a line: a slot that goes on from segment to segment is one shift."""
    begun: dict[Slot, datetime] = {}
    reached: datetime | None = None
    for segment in line:
        if reached != segment.start or any(slot not in segment.slots for slot in begun):
            going_on = segment.slots if reached == segment.start else ()
            for slot in [slot for slot in begun if slot not in going_on]:
                yield _shift(role, slot, begun.pop(slot), reached or segment.start)
        for slot in segment.slots:
            begun.setdefault(slot, segment.start)
        reached = segment.end
    for slot, start in begun.items():
        yield _shift(role, slot, start, reached or start)


def _shift(role: str, slot: Slot, start: datetime, end: datetime) -> Shift:
    user_id, why, layer, turn, override_id, instead_of = slot
    return Shift(user_id, start, end, role, why, layer, turn, override_id, instead_of)


def _line_gaps(role: str, line: Line) -> Iterator[Gap]:
    return (Gap(segment.start, segment.end, role, segment.cause) for segment in line if not segment.slots)


def _serving(slot: Slot) -> tuple[object, ...]:
    """Equal for people who serve together: those of one turn, and everyone of an EVERYONE schedule."""
    return (slot.layer, slot.turn, None if slot.layer else slot.override_id)


def _double_duties(found: Sequence[Shift]) -> Iterator[Overlap]:
    """When one person holds several roles at once."""
    by_user: dict[UserId, list[Shift]] = {}
    for shift in found:
        by_user.setdefault(shift.user_id, []).append(shift)
    for user_id, theirs in by_user.items():
        if len({shift.role for shift in theirs}) > 1:
            yield from _joined(_double_duties_of(user_id, theirs))


def _double_duties_of(user_id: UserId, theirs: Sequence[Shift]) -> Iterator[Overlap]:
    edges = sorted({shift.start for shift in theirs} | {shift.end for shift in theirs})
    waiting, held = 0, list[Shift]()
    for start, end in pairwise(edges):
        held = [shift for shift in held if shift.end > start]
        while waiting < len(theirs) and theirs[waiting].start <= start:
            held.append(theirs[waiting])
            waiting += 1
        roles = tuple(dict.fromkeys(sorted(shift.role for shift in held)))
        if len(roles) > 1:
            yield Overlap(start, end, OverlapKind.SAME_PERSON, roles, (user_id,))


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Stretches that meet and say the same become one."""
    current: Stretch | None = None
    for stretch in stretches:
        meets = current is not None and current.end == stretch.start
        if current is not None and meets and replace(stretch, start=current.start) == replace(current, end=stretch.end):
            current = replace(current, end=stretch.end)
            continue
        if current is not None:
            yield current
        current = stretch
    if current is not None:
        yield current
