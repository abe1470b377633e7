"""Weekly windows on the wall clock of a zone, and business calendars.

The night the clock changes follows the rule of the rota (DESIGN.md §3): a window opens at the first occurrence of its
start and closes at the last of its end. On every other day the wall clock alone says it, which is quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from oncall.rota.clock import zone_named
from oncall.rota.values import Restriction
from oncall.rota.windows import open_spans, week_windows
from policies.conditions.values import Day, Window

_DAYS = tuple(Day)
_WEEK = 7 * 86_400
# No window lasts longer than a day, and no clock moves by more than a few hours.
_NEAR = timedelta(hours=36)
_MOMENT = timedelta(seconds=1)


class WallTime(NamedTuple):
    """What the clock on the wall of a zone shows. `shifting`: its offset changes nearby, and looks deceive."""

    day: date
    second_of_week: int
    shifting: bool

    @property
    def weekday(self) -> Day:
        return _DAYS[self.second_of_week // 86_400]

    @property
    def clock(self) -> str:
        """ "03:10"."""
        minutes = self.second_of_week % 86_400 // 60
        return f"{minutes // 60:02}:{minutes % 60:02}"


def wall_time(at: datetime, zone: str) -> WallTime:
    """Raises RotaError (code "unknown_zone") for a zone that the tz database does not have."""
    place = zone_named(zone)
    local = at.astimezone(place)
    second = local.weekday() * 86_400 + local.hour * 3_600 + local.minute * 60 + local.second
    offset = local.utcoffset()
    shifting = any((at + near).astimezone(place).utcoffset() != offset for near in (-_NEAR, _NEAR))
    return WallTime(local.date(), second, shifting)


class WeekClock:
    """Weekly windows, ready to be asked whether an instant is within one."""

    def __init__(self, windows: Sequence[Window]) -> None:
        restrictions = [
            Restriction(weekday=_DAYS.index(day), start=window.start, end=window.end)
            for window in windows
            for day in window.days
        ]
        self._windows = week_windows(restrictions)
        self._always = bool(restrictions) and not self._windows
        self._spans = [
            (int(window.opens.total_seconds()), int((window.opens + window.length).total_seconds()))
            for window in self._windows
        ]

    def is_open(self, at: datetime, zone: str, shown: WallTime) -> bool:
        """`shown` is `wall_time(at, zone)`, which the caller remembers for all its checks."""
        if self._always:
            return True
        if shown.shifting:
            spans = open_spans(self._windows, zone_named(zone), since=at, until=at + _MOMENT)
            return any(span.start <= at < span.end for span in spans)
        second = shown.second_of_week
        return any(start <= second < end or start <= second + _WEEK < end for start, end in self._spans)


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """When an organisation works: weekly windows in a zone, and days on which it does not.

    On a holiday it is closed from midnight to midnight, also in a window that opened the evening before.
    """

    zone: str = "UTC"
    windows: tuple[Window, ...] = ()
    holidays: frozenset[date] = frozenset()

    def says(self, at: datetime) -> BusinessDay:
        """Raises RotaError (code "unknown_zone") where the tz database does not have the zone."""
        shown = wall_time(at, self.zone)
        holiday = shown.day in self.holidays
        return BusinessDay(holiday, not holiday and _week_clock(self.windows).is_open(at, self.zone, shown))


class BusinessDay(NamedTuple):
    """What a calendar says of an instant."""

    holiday: bool
    business_hours: bool


@lru_cache(maxsize=256)
def _week_clock(windows: tuple[Window, ...]) -> WeekClock:
    return WeekClock(windows)


OFFICE_HOURS = (Window((Day.MON, Day.TUE, Day.WED, Day.THU, Day.FRI), time(9), time(18)),)
