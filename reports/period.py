"""The range of days a report is about, on the reader's clock. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

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
        return _midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """The first instant after the period (UTC)."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> "Period":
        """The period of as many days that ends the day before this one begins."""
        last = self.first - timedelta(days=1)
        return Period(last - timedelta(days=self.days - 1), last, self.zone)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def period_of(key: str, *, at: datetime, zone: tzinfo, first: date | None = None, last: date | None = None) -> Period:
    """The period called `key` ("28d", "90d", "12m") that ends today, or the one from `first` to `last` where both
    are given.
    """
    if first is not None and last is not None:
        return Period(first, last, zone)
    today = at.astimezone(zone).date()
    return Period(today - timedelta(days=DAYS.get(key, DAYS[DEFAULT]) - 1), today, zone)
