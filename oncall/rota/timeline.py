"""From layers, absences and overrides to one line of segments per role, each saying who is on call and why.

A line tiles its range: segments follow each other without holes, those with nobody on call say the cause.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from oncall.rota.errors import RotaError
from oncall.rota.results import Cause, UserId, Why
from oncall.rota.turns import Layer, Turn, layer_ready
from oncall.rota.values import (
    PRIMARY,
    Absence,
    AbsenceReason,
    HolidayRule,
    LayerSpec,
    Override,
    OverrideKind,
    ScheduleKind,
    ScheduleSpec,
    WhenAbsent,
)

NOBODY: tuple["Slot", ...] = ()
CAUSE_RANK = {cause: rank for rank, cause in enumerate(Cause)}
COVER_WHY = {AbsenceReason.ABSENCE: Why.COVER, AbsenceReason.HOLIDAY: Why.HOLIDAY_COVER}


class Slot(NamedTuple):
    """One person's place in a segment, with what Shift will say of it."""

    user_id: UserId
    why: Why
    layer: str = ""
    turn: int | None = None
    override_id: int | None = None
    instead_of: UserId | None = None


class Segment(NamedTuple):
    """A span in which nothing changes; ``cause`` counts only when there are no slots."""

    start: datetime
    end: datetime
    slots: tuple[Slot, ...]
    cause: Cause


class Away(NamedTuple):
    """One absence, in UTC."""

    start: datetime
    end: datetime
    reason: AbsenceReason


Line = list[Segment]
Lines = dict[str, Line]
Absences = dict[UserId, list[Away]]

_segment_start = attrgetter("start")
_segment_end = attrgetter("end")


def lines_of(
    spec: ScheduleSpec, *, since: datetime, until: datetime, overrides: Sequence[Override], absences: Absences
) -> Lines:
    """One line for each role; ``since`` before ``until``, both UTC; overrides in the order they act."""
    absences = absences_under(spec, absences)
    roles = spec.roles
    blank = Segment(since, until, NOBODY, Cause.UNASSIGNED)
    lines: Lines = {role: [blank] for role in roles}
    if spec.kind is ScheduleKind.FOLLOW:
        raise RotaError("ask the schedule it follows", field="follows", code="follows")
    if spec.kind is ScheduleKind.EVERYONE:
        lines[PRIMARY] = list(_everyone(spec, since, until, absences))
    else:
        for layer in spec.layers:
            under, line = lines[layer.role], layer_line(layer, since=since, until=until, absences=absences)
            # Most schedules have one layer: nothing to paint over.
            alone = under == [blank] and line and line[0].start == since and line[-1].end == until
            lines[layer.role] = line if alone else _painted(under, line)
    for override in overrides:
        if override.start < until and since < override.end:
            _override(lines, override, first_role=roles[0])
    return lines


def layer_line(spec: LayerSpec, *, since: datetime, until: datetime, absences: Absences) -> Line:
    """What one layer says, by itself: a line over its lifetime within the range, and nothing outside it."""
    layer = layer_ready(spec)
    life = layer.lifetime(since, until)
    if life.start >= life.end:
        return []
    nothing = Cause.CLOSED if layer.windows else Cause.UNASSIGNED
    line: Line = []
    reached = life.start
    for turn in _open_turns(layer, life.start, life.end):
        if reached < turn.start:
            line.append(Segment(reached, turn.start, NOBODY, nothing))
        line.extend(_served(layer, turn, absences))
        reached = turn.end
    if reached < life.end:
        line.append(Segment(reached, life.end, NOBODY, nothing))
    return line


def absences_by_user(absences: Iterable[Absence]) -> Absences:
    """The absences of each person, in UTC."""
    found: Absences = {}
    for absence in absences:
        away = Away(absence.start.astimezone(UTC), absence.end.astimezone(UTC), absence.reason)
        found.setdefault(absence.user_id, []).append(away)
    return found


def absences_under(spec: ScheduleSpec, absences: Absences) -> Absences:
    """The absences that count for a schedule: one that works on holidays knows none of those."""
    if spec.holidays is HolidayRule.COVER or not absences:
        return absences
    counting = {
        user: [away for away in theirs if away.reason is not AbsenceReason.HOLIDAY] for user, theirs in absences.items()
    }
    return {user: theirs for user, theirs in counting.items() if theirs}


def _open_turns(layer: Layer, since: datetime, until: datetime) -> Iterator[Turn]:
    """The open parts of the turns, within the range and in order."""
    spans = layer.open_spans(since, until)
    span = next(spans, None)
    for number, begins, ends, group, place in layer.turns(since, until):
        while span is not None and span.start < ends:
            start, end = max(begins, span.start, since), min(ends, span.end, until)
            if start < end:
                yield Turn(number, start, end, group, place)
            if span.end > ends:
                break
            span = next(spans, None)


def _served(layer: Layer, turn: Turn, absences: Absences) -> Iterator[Segment]:
    """Who serves an open part of a turn, cut where somebody leaves or returns."""
    spec = layer.spec
    if not turn.group:
        yield Segment(turn.start, turn.end, NOBODY, Cause.EMPTY_SLOT)
        return
    if not absences or not any(_away_within(absences, user, turn) for user in turn.group):
        slots = tuple(Slot(user, Why.LAYER, spec.name, turn.number) for user in turn.group)
        yield Segment(turn.start, turn.end, slots, Cause.UNASSIGNED)
        return
    concerned = {*turn.group, *(user for group in spec.participants for user in group)}
    edges = {turn.start, turn.end}
    for user in concerned:
        for away in _away_within(absences, user, turn):
            edges.update((max(away.start, turn.start), min(away.end, turn.end)))
    for start, end in pairwise(sorted(edges)):
        yield Segment(start, end, _present(spec, turn, absences, start), Cause.ABSENT)


def _away_within(absences: Absences, user: UserId, turn: Turn) -> list[Away]:
    return [away for away in absences.get(user, ()) if away.start < turn.end and turn.start < away.end]


def _present(spec: LayerSpec, turn: Turn, absences: Absences, at: datetime) -> tuple[Slot, ...]:
    """The members of the group who are there at an instant; when none is, the next group that has somebody there.

    A holiday that everybody keeps opens no gap: then those on holiday count as there, first of all the group itself.
    """

    def reason(user: UserId) -> AbsenceReason | None:
        return _reason(absences, user, at)

    there = tuple(Slot(user, Why.LAYER, spec.name, turn.number) for user in turn.group if reason(user) is None)
    if there or spec.when_absent is WhenAbsent.NOBODY:
        return there
    missing = turn.group[0]
    why = COVER_WHY[reason(missing) or AbsenceReason.ABSENCE]
    following = spec.participants[turn.place + 1 :] + spec.participants[: turn.place + 1]
    for group in following:
        there = tuple(
            Slot(user, why, spec.name, turn.number, instead_of=missing) for user in group if reason(user) is None
        )
        if there:
            return there
    for group in (turn.group, *following):
        there = tuple(
            Slot(user, Why.LAYER, spec.name, turn.number)
            if group is turn.group
            else Slot(user, why, spec.name, turn.number, instead_of=missing)
            for user in group
            if reason(user) is AbsenceReason.HOLIDAY
        )
        if there:
            return there
    return NOBODY


def _reason(absences: Absences, user: UserId, at: datetime) -> AbsenceReason | None:
    """Why somebody is away at an instant; somebody who is away on a holiday is away for good."""
    reasons = {away.reason for away in absences.get(user, ()) if away.start <= at < away.end}
    return AbsenceReason.ABSENCE if AbsenceReason.ABSENCE in reasons else next(iter(reasons), None)


def _everyone(spec: ScheduleSpec, since: datetime, until: datetime, absences: Absences) -> Iterator[Segment]:
    if not spec.members:
        yield Segment(since, until, NOBODY, Cause.UNASSIGNED)
        return
    edges = {since, until}
    for user in spec.members:
        for away in absences.get(user, ()):
            edges.update(edge for edge in (away.start, away.end) if since < edge < until)
    for start, end in pairwise(sorted(edges)):
        reasons = {user: _reason(absences, user, start) for user in spec.members}
        # A holiday that everybody keeps opens no gap.
        on_holiday = () if None in reasons.values() else (AbsenceReason.HOLIDAY,)
        there = tuple(
            Slot(user, Why.LAYER) for user, reason in reasons.items() if reason is None or reason in on_holiday
        )
        yield Segment(start, end, there, Cause.ABSENT)


def _painted(line: Line, over: Iterable[Segment]) -> Line:
    """The line with segments laid over it. Segments with nobody hide nothing; they only tell a better cause."""
    painted: Line = []
    pieces = iter(line)
    piece = next(pieces, None)
    for segment in over:
        while piece is not None and piece.end <= segment.start:
            painted.append(piece)
            piece = next(pieces, None)
        while piece is not None and piece.start < segment.end:
            start, end = max(piece.start, segment.start), min(piece.end, segment.end)
            if piece.start < start:
                painted.append(Segment(piece.start, start, piece.slots, piece.cause))
            painted.append(_laid(piece, segment, start, end))
            if piece.end > end:
                piece = Segment(end, piece.end, piece.slots, piece.cause)
                break
            piece = next(pieces, None)
    if piece is not None:
        painted.append(piece)
    painted.extend(pieces)
    return painted


def _laid(under: Segment, over: Segment, start: datetime, end: datetime) -> Segment:
    if over.slots:
        return Segment(start, end, over.slots, over.cause)
    return Segment(start, end, under.slots, max(under.cause, over.cause, key=CAUSE_RANK.__getitem__))


def _override(lines: Lines, override: Override, *, first_role: str) -> None:
    """Let one override, which touches their range, act on the lines in place."""
    start, end = override.start.astimezone(UTC), override.end.astimezone(UTC)
    everywhere = override.kind in (OverrideKind.REPLACE, OverrideKind.REMOVE)
    roles = [override.role] if override.role else list(lines) if everywhere else [first_role]
    for role in roles:
        if role not in lines:
            reference = lines[first_role]
            lines[role] = [Segment(reference[0].start, reference[-1].end, NOBODY, Cause.UNASSIGNED)]
        line = lines[role]
        first = bisect_right(line, start, key=_segment_end)
        past = bisect_left(line, end, lo=first, key=_segment_start)
        line[first:past] = [
            piece for segment in line[first:past] for piece in _overridden(segment, override, start, end)
        ]


def _overridden(segment: Segment, override: Override, start: datetime, end: datetime) -> Iterator[Segment]:
    """A segment that the window ``start`` to ``end`` touches, cut at the window's edges and changed inside it."""
    begins, ends, slots, cause = segment
    inside, until = max(begins, start), min(ends, end)
    if begins < inside:
        yield Segment(begins, inside, slots, cause)
    yield Segment(inside, until, _changed(slots, override), Cause.REMOVED if slots else cause)
    if until < ends:
        yield Segment(until, ends, slots, cause)


def _changed(slots: tuple[Slot, ...], override: Override) -> tuple[Slot, ...]:
    user = override.user_id
    match override.kind:
        case OverrideKind.COVER:
            if [slot.user_id for slot in slots] == [user]:
                return slots
            # One shift for the whole window, whoever would have come and gone in it: hence no `instead_of`.
            return (Slot(user, override.why, override_id=override.id),)
        case OverrideKind.REPLACE:
            return tuple(_replaced(slots, override))
        case OverrideKind.ADD:
            if any(slot.user_id == user for slot in slots):
                return slots
            return (*slots, Slot(user, override.why, override_id=override.id))
        case OverrideKind.REMOVE:
            return tuple(slot for slot in slots if slot.user_id != user)


def _replaced(slots: tuple[Slot, ...], override: Override) -> Iterator[Slot]:
    if override.user_id == override.replaces:
        # Nobody takes their own place away.
        yield from slots
        return
    already = any(slot.user_id == override.user_id for slot in slots)
    for slot in slots:
        if slot.user_id != override.replaces:
            yield slot
        elif not already:
            yield Slot(
                override.user_id,
                override.why,
                layer=slot.layer,
                turn=slot.turn,
                override_id=override.id,
                instead_of=slot.user_id,
            )
