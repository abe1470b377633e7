"""The head of a calendar line: its days or its hours, drawn to scale, and what the clock does on the way. Pure.

A day of 23 or 25 hours is as wide as it lasts; an hour the clock shows twice is there twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils import dateformat
from django.utils.translation import gettext

from escalation_site.ui import durations, lanes, moments
from oncall.calendar.ranges import Range, View, Window, midnight

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Mark:
    """One day or hour: ``x`` and ``width`` in percent, as SVG text. ``day`` is None for hours, which lead nowhere."""

    x: str
    width: str
    small: str
    strong: str
    css: str
    day: date | None = None
    today: bool = False


@dataclass(frozen=True, slots=True)
class ClockChange:
    """At ``at`` the clock goes from ``before`` to ``after``; its day lasts ``length``."""

    at: datetime
    day: date
    before: str
    after: str
    length: timedelta

    @property
    def hours(self) -> str:
        """The length in hours, also above 24: "25 h", "24 h 30 min"."""
        hours, rest = divmod(int(self.length.total_seconds()), durations.HOUR)
        words = gettext(durations.UNIT_WORDS["hour"]).replace("{n}", str(hours))
        return f"{words} {durations.in_two_units(rest, smallest=durations.MINUTE)}" if rest else words


def marks(window: Window, shown: Range, *, today: date) -> tuple[Mark, ...]:
    """The hours of a day, or the days of a line; days outside the range (of a month's first and last week) are "out"."""
    if shown.view is View.DAY:
        return tuple(_hours(window, shown.zone))
    return tuple(_days(window, shown, today))


def _days(window: Window, shown: Range, today: date) -> Iterator[Mark]:
    for day in window.days:
        start, end = midnight(day, shown.zone), midnight(day + timedelta(days=1), shown.zone)
        x, width = lanes.extent(start, end, since=window.since, until=window.until)
        css = " ".join(
            word
            for word, holds in (
                ("today", day == today),
                ("we", day.weekday() >= 5),
                ("out", not shown.holds(day)),
            )
            if holds
        )
        yield Mark(x, width, dateformat.format(day, "D"), dateformat.format(day, "j"), css, day, day == today)


def _hours(window: Window, zone: ZoneInfo) -> Iterator[Mark]:
    """Every full hour the clock shows, as it shows it; an hour shown twice says by which of the two clocks."""
    edges = []
    moment = window.since
    while moment < window.until:
        # The first hour of the day may not be a full one, where the clock jumps over midnight.
        if moment == window.since or moment.astimezone(zone).minute == 0:
            edges.append(moment)
        moment += QUARTER
    for number, (start, end) in enumerate(pairwise([*edges, window.until])):
        local = start.astimezone(zone)
        x, width = lanes.extent(start, end, since=window.since, until=window.until)
        twice = moments.shown_twice(local)
        css = "twice" if twice else "odd" if number % 2 else ""
        yield Mark(x, width, moments.zone_name(local) if twice else "", f"{local:%H:%M}", css)


def weekends(window: Window, shown: Range) -> list[tuple[str, str]]:
    """x and width of the Saturdays and Sundays; none in a day by itself."""
    if shown.view is View.DAY:
        return []
    return [
        lanes.extent(
            midnight(day, shown.zone),
            midnight(day + timedelta(days=1), shown.zone),
            since=window.since,
            until=window.until,
        )
        for day in window.days
        if day.weekday() >= 5
    ]


def clock_changes(zone: ZoneInfo, *, since: datetime, until: datetime) -> tuple[ClockChange, ...]:
    """When the clock of ``zone`` is moved within the range."""
    found = []
    moment = since
    while moment < until:
        following = min(moment + HOUR, until)
        if _offset(moment, zone) != _offset(following, zone):
            found.append(_change(moment, following, zone))
        moment = following
    return tuple(found)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> ClockChange:
    before = _offset(low, zone)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=1) // 2)
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    # The clock on the wall up to the change, and from it on.
    shown_before, shown_after = (high.replace(tzinfo=None) + before, high.astimezone(zone).replace(tzinfo=None))
    # A clock that goes back past midnight shows the old day's end again; the day that grows is that one.
    day = min(shown_before, shown_after).date()
    length = midnight(day + timedelta(days=1), zone) - midnight(day, zone)
    return ClockChange(high, day, f"{shown_before:%H:%M}", f"{shown_after:%H:%M}", length)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def same_clock(one: ZoneInfo, other: ZoneInfo, *, since: datetime, until: datetime) -> bool:
    """Whether both clocks show the same all through the range (to the hour)."""
    if one.key == other.key:
        return True
    moment = since.astimezone(UTC)
    while moment <= until:
        if _offset(moment, one) != _offset(moment, other):
            return False
        moment += HOUR
    return True
