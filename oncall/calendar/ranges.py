"""Which stretch of time the calendar shows: a day, two weeks or a month, on one clock. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAYS_IN_FORTNIGHT = 14
WEEK = 7
FARTHEST_DAYS = 3660
"""Days farther from today than this are not drawn."""


class View(StrEnum):
    DAY = "day"
    FORTNIGHT = "fortnight"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Window:
    """One line of the calendar: days side by side, from ``since`` to ``until`` (UTC, excluded). ``days`` are dates."""

    days: tuple[date, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Range:
    """The days from ``first`` to before ``past``, on the clock of ``zone``."""

    view: View
    first: date
    past: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        return midnight(self.past, self.zone)

    @property
    def last(self) -> date:
        return self.past - timedelta(days=1)

    @property
    def earlier(self) -> date:
        """The first day of the range before this one."""
        match self.view:
            case View.DAY:
                return self.first - timedelta(days=1)
            case View.FORTNIGHT:
                return self.first - timedelta(days=DAYS_IN_FORTNIGHT)
            case View.MONTH:
                return (self.first - timedelta(days=1)).replace(day=1)

    @property
    def later(self) -> date:
        return self.past

    @property
    def windows(self) -> tuple[Window, ...]:
        """The lines to draw. Those of a month are whole weeks, so that all have one scale."""
        if self.view is not View.MONTH:
            return (self._window(self.first, (self.past - self.first).days),)
        mondays, monday = [], monday_before(self.first)
        while monday < self.past:
            mondays.append(monday)
            monday += timedelta(days=WEEK)
        return tuple(self._window(monday, WEEK) for monday in mondays)

    def _window(self, first: date, count: int) -> Window:
        days = tuple(first + timedelta(days=number) for number in range(count))
        return Window(days, midnight(first, self.zone), midnight(first + timedelta(days=count), self.zone))

    def holds(self, day: date) -> bool:
        return self.first <= day < self.past


def range_of(view: View, day: date, zone: ZoneInfo) -> Range:
    """The range of that kind in which ``day`` lies: itself, two weeks from its Monday, or its month."""
    match view:
        case View.DAY:
            # A day the zone skipped altogether (Samoa, 30 December 2011) lasts no time: the next one is shown.
            while midnight(day, zone) == midnight(day + timedelta(days=1), zone):
                day += timedelta(days=1)
            return Range(view, day, day + timedelta(days=1), zone)
        case View.FORTNIGHT:
            monday = monday_before(day)
            return Range(view, monday, monday + timedelta(days=DAYS_IN_FORTNIGHT), zone)
        case View.MONTH:
            first = day.replace(day=1)
            return Range(view, first, (first + timedelta(days=31)).replace(day=1), zone)


def monday_before(day: date) -> date:
    """The Monday of that day's week."""
    return day - timedelta(days=day.weekday())


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the day begins; where midnight is skipped, the instant of the jump."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
