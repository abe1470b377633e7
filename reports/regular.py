"""When something regular is due next: a time of day on a zone's clock, on some days. Pure.

A time the clock shows twice counts once, at its first occurrence; a time it jumps over counts at the jump. So a morning's
report comes once a morning, whatever the clocks do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from oncall.rota.clock import first_instant

DAY = timedelta(days=1)
LONGEST = 62
"""Days within which every cadence comes round."""
LAST_DAY = 31


class Cadence(StrEnum):
    DAILY = "daily"
    WORKDAYS = "workdays"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Regular:
    """``weekday`` (0 is Monday) counts for weekly, ``day`` (1 to 31; a shorter month's last day) for monthly."""

    cadence: Cadence
    at: time
    zone: ZoneInfo
    weekday: int = 0
    day: int = 1

    def next_after(self, moment: datetime) -> datetime:
        """The first due instant after ``moment`` (aware), in UTC."""
        return next(instant for instant in self._instants(moment) if instant > moment)

    def _instants(self, moment: datetime) -> Iterator[datetime]:
        # The day before too: where the clock skipped midnight, its instant may lie on the next day.
        first = moment.astimezone(self.zone).date() - DAY
        for offset in range(LONGEST + 2):
            day = first + offset * DAY
            if self._falls_on(day):
                yield first_instant(datetime.combine(day, self.at), self.zone).astimezone(UTC)

    def _falls_on(self, day: date) -> bool:
        match self.cadence:
            case Cadence.DAILY:
                return True
            case Cadence.WORKDAYS:
                return day.weekday() < 5
            case Cadence.WEEKLY:
                return day.weekday() == self.weekday
            case _:
                month_ends = (day + DAY).month != day.month
                return day.day == self.day or (month_ends and day.day < self.day)
