"""Restrictions: the weekly windows in which a layer is open, as spans of instants."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from oncall.rota.clock import first_instant, last_instant, wall_time
from oncall.rota.values import DAY, WEEK, Restriction

NOTHING = timedelta(0)


class Span(NamedTuple):
    """From ``start`` to ``end``, ``end`` excluded; instants."""

    start: datetime
    end: datetime


class WeekWindow(NamedTuple):
    """A weekly window on the wall clock: its opening since Monday 00:00, and its length."""

    opens: timedelta
    length: timedelta


def week_windows(restrictions: Sequence[Restriction]) -> tuple[WeekWindow, ...]:
    """The windows in order of opening; empty when the layer is always open: none, or together the whole week."""
    windows = sorted(WeekWindow(restriction.opens, restriction.length) for restriction in restrictions)
    return () if not windows or _fill_the_week(windows) else tuple(windows)


def _fill_the_week(windows: Sequence[WeekWindow]) -> bool:
    # What hangs over the end of the week opens the next one, hence the second round.
    reached = max(NOTHING, *(window.opens + window.length - WEEK for window in windows))
    for window in windows:
        if window.opens > reached:
            return False
        reached = max(reached, window.opens + window.length)
    return reached >= WEEK


def open_spans(windows: Sequence[WeekWindow], zone: ZoneInfo, *, since: datetime, until: datetime) -> Iterator[Span]:
    """The spans that touch the range, in order and apart; they may reach beyond it.

    A window opens at the first occurrence of its opening time and closes at the last of its closing time, so that
    windows which meet on the wall clock meet in time too, on the nights the clock changes as on others.
    """
    # Two days on either side: no zone's clock has ever moved by more.
    over, past = wall_time(since, zone) - 2 * DAY, wall_time(until, zone) + 2 * DAY
    monday = _monday(over - WEEK)
    current: Span | None = None
    while monday < past:
        for opens, length in windows:
            if monday + opens + length < over:
                continue
            span = Span(first_instant(monday + opens, zone), last_instant(monday + opens + length, zone))
            if span.end <= since or span.start >= span.end:
                continue
            if current is not None and span.start <= current.end:
                current = Span(current.start, max(current.end, span.end))
                continue
            if current is not None:
                yield current
            if span.start >= until:
                return
            current = span
        monday += WEEK
    if current is not None:
        yield current


def open_on_the_wall(windows: Sequence[WeekWindow], start: datetime, end: datetime) -> bool:
    """Whether any window has time in common with the local span, by the wall clock alone."""
    if end - start >= WEEK:
        return True
    monday = _monday(start)
    return any(
        monday + shift + opens < end and start < monday + shift + opens + length
        for opens, length in windows
        for shift in (-WEEK, NOTHING, WEEK)
    )


def _monday(local: datetime) -> datetime:
    """The Monday 00:00 of that local time's week."""
    return datetime.combine(local.date() - local.weekday() * DAY, datetime.min.time())
