"""Business time: the instant that is so many seconds of working hours after or before another one. Pure.

A span of time counts while the calendar is open. The nights the clock changes follow DESIGN.md §3, as everywhere: a window
opens at the first occurrence of its start and closes at the last of its end. Holidays are closed from midnight to
midnight on the calendar's wall clock, also for a window that opened the evening before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from oncall.rota.clock import first_instant, wall_time, zone_named
from oncall.rota.values import Restriction
from oncall.rota.windows import Span, open_spans, week_windows
from policies.conditions import BusinessCalendar, Day
from policies.escalation import BusinessTime, around_the_clock

_DAYS = tuple(Day)
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_NOTHING = timedelta(0)


@lru_cache(maxsize=256)
def business_time(calendar: BusinessCalendar) -> BusinessTime:
    """Moves instants along the working hours of ``calendar``; it may be kept and shared.

    Going forward gives the first instant by which so much working time has passed, going back the last one since which
    it has: an hour from Friday 17:30 ends on Monday 09:30, half an hour on Friday 18:00. A calendar that never opens
    counts around the clock: an escalation must not wait for ever. Raises RotaError (code "unknown_zone") where the tz
    database does not have the zone.
    """
    if not any(window.days for window in calendar.windows):
        return around_the_clock
    return _Walk(calendar).moved


@lru_cache(maxsize=256)
def business_span(calendar: BusinessCalendar) -> Callable[[datetime, datetime], timedelta]:
    """Measures how much working time of ``calendar`` lies from one instant to a later one: ``business_time`` read backwards.

    All of it, where the calendar never opens. Raises RotaError (code "unknown_zone") as ``business_time`` does.
    """
    if not any(window.days for window in calendar.windows):
        return lambda since, until: until - since
    return _Walk(calendar).worked


class _Week(NamedTuple):
    """What is open from one Monday to the next, in order and apart."""

    spans: tuple[Span, ...]
    total: timedelta


class _Walk:
    def __init__(self, calendar: BusinessCalendar) -> None:
        self._zone = zone_named(calendar.zone)
        restrictions = [
            Restriction(weekday=_DAYS.index(day), start=window.start, end=window.end)
            for window in calendar.windows
            for day in window.days
        ]
        # Empty when together they fill the week.
        self._windows = week_windows(restrictions)
        self._holidays = calendar.holidays
        # A handful of weeks is asked for again and again, and each is worked out once.
        self._weeks: dict[date, _Week] = {}

    def moved(self, at: datetime, seconds: int) -> datetime:
        """See `BusinessTime`; the answer is in UTC."""
        at = at.astimezone(UTC)
        try:
            return self._forward(at, timedelta(seconds=seconds)) if seconds >= 0 else self._back(at, -seconds)
        except OverflowError:
            # Beyond the years that a date can name.
            return around_the_clock(at, seconds)

    def worked(self, since: datetime, until: datetime) -> timedelta:
        """See `business_span`."""
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        monday, found = self._monday(since), _NOTHING
        while self._midnight(monday) < until:
            week = self._week(monday)
            if week.spans and since <= week.spans[0].start and week.spans[-1].end <= until:
                found += week.total
            else:
                found += sum(
                    (max(min(end, until) - max(start, since), _NOTHING) for start, end in week.spans), _NOTHING
                )
            monday += _WEEK
        return found

    def _forward(self, at: datetime, left: timedelta) -> datetime:
        if not left:
            return at
        monday = self._monday(at)
        while True:
            week = self._week(monday)
            if week.spans and week.spans[0].start >= at and week.total < left:
                left -= week.total
            else:
                for start, end in week.spans:
                    start = max(start, at)
                    if start + left <= end:
                        return start + left
                    left -= max(end - start, _NOTHING)
            monday += _WEEK

    def _back(self, at: datetime, seconds: int) -> datetime:
        left = timedelta(seconds=seconds)
        monday = self._monday(at)
        while True:
            week = self._week(monday)
            if week.spans and week.spans[-1].end <= at and week.total < left:
                left -= week.total
            else:
                for start, end in reversed(week.spans):
                    end = min(end, at)
                    if end - left >= start:
                        return end - left
                    left -= max(end - start, _NOTHING)
            monday -= _WEEK

    def _monday(self, at: datetime) -> date:
        day = wall_time(at, self._zone).date()
        return day - day.weekday() * _DAY

    def _week(self, monday: date) -> _Week:
        known = self._weeks.get(monday)
        if known is None:
            spans = tuple(self._open(monday))
            known = _Week(spans, sum((span.end - span.start for span in spans), _NOTHING))
            self._weeks[monday] = known
        return known

    def _open(self, monday: date) -> Iterator[Span]:
        begins, ends = self._midnight(monday), self._midnight(monday + _WEEK)
        free = sorted(day for day in (monday + number * _DAY for number in range(7)) if day in self._holidays)
        closed = [Span(self._midnight(day), self._midnight(day + _DAY)) for day in free]
        whole = [Span(begins, ends)]
        for span in open_spans(self._windows, self._zone, since=begins, until=ends) if self._windows else whole:
            yield from _without(Span(max(span.start, begins), min(span.end, ends)), closed)

    def _midnight(self, day: date) -> datetime:
        return first_instant(datetime.combine(day, time()), self._zone)


def _without(span: Span, closed: list[Span]) -> Iterator[Span]:
    """What is left of ``span``; ``closed`` are in order and apart."""
    start = span.start
    for gap in closed:
        if gap.start >= span.end or gap.end <= start:
            continue
        if gap.start > start:
            yield Span(start, gap.start)
        start = max(start, gap.end)
    if start < span.end:
        yield Span(start, span.end)
