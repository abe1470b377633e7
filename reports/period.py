"""The range of days a report is about, on the reader's clock. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

Hour = tuple[int, int]
"""A day of the week (0 is Monday) and an hour of it (0 to 23)."""
QUARTER = timedelta(minutes=15)
"""No time zone is off by a part of it."""
DAYS = {"28d": 28, "90d": 90, "12m": 365}
DEFAULT = "28d"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from `first` to `last`, both included, on the clock of `zone`."""

    first: date
    last: date
    zone: tzinfo

    @property
    def since(self) -> datetime:
        """The first instant (UTC)."""
        return day_begins(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """The first instant after the period (UTC)."""
        return day_begins(self.last + timedelta(days=1), self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def weeks(self) -> list[date]:
        """The first day of each week of the period: its own first day, then the Mondays."""
        monday = self.first + timedelta(days=7 - self.first.weekday())
        return [self.first, *(monday + timedelta(days=day) for day in range(0, (self.last - monday).days + 1, 7))]

    def week_bounds(self) -> list[datetime]:
        """The instants (UTC) at which its weeks begin, and the one at which the last ends."""
        return [*(day_begins(day, self.zone) for day in self.weeks()), self.until]

    def before(self) -> "Period":
        """The period of as many days that ends the day before this one begins."""
        last = self.first - timedelta(days=1)
        return Period(last - timedelta(days=self.days - 1), last, self.zone)


def days_of(since: datetime, until: datetime) -> tuple[date, date]:
    """The first and the last UTC day that the time touches."""
    return since.astimezone(UTC).date(), (until - timedelta(microseconds=1)).astimezone(UTC).date()


def monday_of(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def day_begins(day: date, zone: tzinfo) -> datetime:
    """Midnight (UTC) at the beginning of ``day`` on the clock of ``zone``."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def period_of(key: str, *, at: datetime, zone: tzinfo, first: date | None = None, last: date | None = None) -> Period:
    """The period called `key` ("28d", "90d", "12m") that ends today, or the one from `first` to `last` where both
    are given.
    """
    if first is not None and last is not None:
        return Period(first, last, zone)
    today = at.astimezone(zone).date()
    return Period(today - timedelta(days=DAYS.get(key, DAYS[DEFAULT]) - 1), today, zone)


def hour_spans(period: Period, hour: Hour) -> list[tuple[datetime, datetime]]:
    """From when until when (UTC) the period's clock showed that hour of the week: none where it was left out, longer where it was
    shown twice."""
    weekday, of_day = hour
    found: list[tuple[datetime, datetime]] = []
    day = period.first + timedelta(days=(weekday - period.first.weekday()) % 7)
    while day <= period.last:
        at, ends = day_begins(day, period.zone), day_begins(day + timedelta(days=1), period.zone)
        while at < ends:
            if at.astimezone(period.zone).hour == of_day:
                joins = bool(found) and found[-1][1] == at
                since = found.pop()[0] if joins else at
                found.append((since, at + QUARTER))
            at += QUARTER
        day += timedelta(days=7)
    return found
