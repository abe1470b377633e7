"""Rotations: which turn of a layer is on when, and whose it is.

Handoffs are computed from their number, never by walking from the start, so a rotation ten years old costs no more than
one of yesterday.
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from math import gcd
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oncall.rota.clock import first_instant, wall_time, zone_named
from oncall.rota.values import DAY, WEEK, Every, Group, LayerSpec
from oncall.rota.windows import Span, WeekWindow, open_on_the_wall, open_spans, week_windows

HOUR = timedelta(hours=1)
STEPS = {Every.HOURLY: HOUR, Every.DAILY: DAY, Every.WEEKLY: WEEK}


class Turn(NamedTuple):
    """Turn ``number`` of a layer, in instants. ``place`` is the place in the participants whose turn it is."""

    number: int
    start: datetime
    end: datetime
    group: Group
    place: int


class OpenTurns(NamedTuple):
    """How many of the turns are open: whether turn 0 is, and running counts over one period of the turns after it."""

    first: int
    running: Sequence[int]


@dataclass(frozen=True, slots=True)
class Layer:
    """A LayerSpec made ready for questions. ``anchor`` is the handoff (local) at or before the start."""

    spec: LayerSpec
    zone: ZoneInfo
    anchor: datetime
    starts: datetime
    ends: datetime | None
    windows: tuple[WeekWindow, ...]
    open_turns: OpenTurns | None

    def lifetime(self, since: datetime, until: datetime) -> Span:
        """The part of the range in which the layer is in force; where there is none, it starts at or after its end."""
        return Span(max(since, self.starts), until if self.ends is None else min(until, self.ends))

    def turns(self, since: datetime, until: datetime) -> Iterator[Turn]:
        """The turns that touch the range, whole, in order and without holes inside the layer's life."""
        since, until = self.lifetime(since, until)
        if since >= until:
            return
        if self.spec.rotation is Every.FIXED:
            yield from self._fixed_turns(since, until)
        elif self.spec.participants:
            yield from self._rotating_turns(since, until)

    def open_spans(self, since: datetime, until: datetime) -> Iterator[Span]:
        """The spans in which restrictions leave the layer open; the range itself when there are none."""
        if not self.windows:
            return iter((Span(since, until),))
        return open_spans(self.windows, self.zone, since=since, until=until)

    def handoff(self, index: int) -> datetime:
        """The instant turn ``index`` begins."""
        return self.starts if index == 0 else first_instant(_handoff_local(self.spec, self.anchor, index), self.zone)

    def _rotating_turns(self, since: datetime, until: datetime) -> Iterator[Turn]:
        index = self._index_at(since)
        start = self.handoff(index)
        while start < until:
            end = self.handoff(index + 1)
            if self.ends is not None:
                end = min(end, self.ends)
            # A turn whose wall-clock hours the clock jumps over lasts no time at all.
            if start < end:
                place = self._place(index)
                yield Turn(index, start, end, self.spec.participants[place], place)
            index, start = index + 1, end
            if end == self.ends:
                return

    def _index_at(self, instant: datetime) -> int:
        """The turn that is on at the instant; a first guess by the wall clock, then put right by whole turns."""
        index = max(0, _guess_index(self.spec, self.anchor, wall_time(instant, self.zone)))
        while index > 0 and self.handoff(index) > instant:
            index -= 1
        while self.handoff(index + 1) <= instant:
            index += 1
        return index

    def _place(self, index: int) -> int:
        used = index if self.open_turns is None else max(0, _open_up_to(self.open_turns, index) - 1)
        return used % len(self.spec.participants)

    def _fixed_turns(self, since: datetime, until: datetime) -> Iterator[Turn]:
        listed = self.spec.fixed_shifts
        # Two days back: no zone's clock has ever moved by more.
        index = max(0, bisect_right(listed, wall_time(since, self.zone) - 2 * DAY, key=attrgetter("end")) - 1)
        places = {group: place for place, group in enumerate(self.spec.participants)}
        for number in range(index, len(listed)):
            shift = listed[number]
            start = max(first_instant(shift.start, self.zone), self.starts)
            end = first_instant(shift.end, self.zone)
            if self.ends is not None:
                end = min(end, self.ends)
            if start >= until:
                return
            if start < end and end > since:
                yield Turn(number, start, end, shift.group, places.get(shift.group, -1))


@lru_cache(maxsize=4096)
def layer_ready(spec: LayerSpec) -> Layer:
    """The layer, ready for questions; remembered, for the same layers are asked again and again."""
    zone = zone_named(spec.time_zone)
    windows = week_windows(spec.restrictions)
    anchor = _anchor(spec)
    counts = bool(windows) and not spec.turns_advance_when_closed and spec.rotation is not Every.FIXED
    return Layer(
        spec=spec,
        zone=zone,
        anchor=anchor,
        starts=first_instant(spec.start, zone),
        ends=None if spec.end is None else first_instant(spec.end, zone),
        windows=windows,
        open_turns=_open_turns(spec, anchor, windows) if counts else None,
    )


def _anchor(spec: LayerSpec) -> datetime:
    """The last handoff, on the wall clock, at or before the start."""
    if spec.rotation in (Every.HOURLY, Every.FIXED):
        return spec.start
    anchor = datetime.combine(spec.start, spec.handoff_time or spec.start.time())
    if spec.rotation is Every.WEEKLY and spec.handoff_weekday is not None:
        anchor -= (anchor.weekday() - spec.handoff_weekday) % 7 * DAY
    elif spec.rotation is Every.MONTHLY:
        anchor = _day_of_month(anchor, 0, _monthly_day(spec))
        return anchor if anchor <= spec.start else _day_of_month(anchor, -1, _monthly_day(spec))
    if anchor > spec.start:
        anchor -= STEPS[spec.rotation]
    return anchor


def _monthly_day(spec: LayerSpec) -> int:
    return spec.handoff_day or spec.start.day


def _day_of_month(moment: datetime, months: int, day: int) -> datetime:
    """The same time of day, ``months`` later, on that day or the last one of a shorter month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(day, monthrange(year, month + 1)[1]))


def _handoff_local(spec: LayerSpec, anchor: datetime, index: int) -> datetime:
    if spec.rotation is Every.MONTHLY:
        return _day_of_month(anchor, index * spec.every, _monthly_day(spec))
    return anchor + index * spec.every * STEPS[spec.rotation]


def _guess_index(spec: LayerSpec, anchor: datetime, local: datetime) -> int:
    if spec.rotation is Every.MONTHLY:
        return ((local.year - anchor.year) * 12 + local.month - anchor.month) // spec.every
    return (local - anchor) // (spec.every * STEPS[spec.rotation])


def _open_turns(spec: LayerSpec, anchor: datetime, windows: Sequence[WeekWindow]) -> OpenTurns | None:
    """Which turns have open time. They repeat: handoffs fall on the same times of the week again after some turns.

    Decided on the wall clock alone, so that a clock change never moves anybody's place. None when every turn is open.
    """
    first = open_on_the_wall(windows, spec.start, _handoff_local(spec, anchor, 1))
    if spec.rotation is Every.MONTHLY:
        return None if first else OpenTurns(0, (1,))
    step = spec.every * STEPS[spec.rotation]
    in_a_week = WEEK // STEPS[spec.rotation]
    period = in_a_week // gcd(spec.every, in_a_week)
    starts = [anchor + index * step for index in range(1, period + 1)]
    return OpenTurns(int(first), tuple(accumulate(int(open_on_the_wall(windows, at, at + step)) for at in starts)))


def _open_up_to(open_turns: OpenTurns, index: int) -> int:
    """How many of the turns 0 … index are open."""
    rounds, rest = divmod(index, len(open_turns.running))
    in_rest = open_turns.running[rest - 1] if rest else 0
    return open_turns.first + rounds * open_turns.running[-1] + in_rest
