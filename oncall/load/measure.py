"""What time on call costs: hours, of them at night, at weekends, on public holidays, on the person's own clock. Pure.

Nights and weekends are those of ``rota.workloads``; the spans of a zone are laid out once and asked for every shift,
so that a year of two hundred schedules takes a second and not a minute.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from oncall import rota
from oncall.load.spans import NOTHING, Spans
from oncall.rota.clock import first_instant
from oncall.rota.windows import WeekWindow, open_spans
from oncall.rota.workload import NIGHT, WEEKEND

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Time on call, and how much of it fell into nights (22:00 to 06:00), weekends and public holidays."""

    total: timedelta = NOTHING
    nights: timedelta = NOTHING
    weekends: timedelta = NOTHING
    holidays: timedelta = NOTHING

    def __add__(self, other: "Hours") -> "Hours":
        return Hours(
            self.total + other.total,
            self.nights + other.nights,
            self.weekends + other.weekends,
            self.holidays + other.holidays,
        )


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days from ``first`` to ``last``, both included, on whatever clock they are read."""

    first: date
    last: date

    @property
    def number(self) -> int:
        return (self.last - self.first).days + 1

    def since(self, zone: ZoneInfo) -> datetime:
        """The first instant of the range where the clock of ``zone`` is read."""
        return _midnight(self.first, zone)

    def until(self, zone: ZoneInfo) -> datetime:
        """The first instant after it."""
        return _midnight(self.last + DAY, zone)

    def weeks(self) -> list["Days"]:
        """The range cut at its Mondays."""
        found, first = [], self.first
        while first <= self.last:
            last = min(first + timedelta(days=6 - first.weekday()), self.last)
            found.append(Days(first, last))
            first = last + DAY
        return found


@dataclass(frozen=True, slots=True)
class Clock:
    """A person's days: when they begin and end a range, and their nights, weekends and public holidays in it."""

    zone: ZoneInfo
    days: Days
    nights: Spans
    weekends: Spans
    holidays: Spans

    @property
    def since(self) -> datetime:
        return self.days.since(self.zone)

    @property
    def until(self) -> datetime:
        return self.days.until(self.zone)

    def hours(self, start: datetime, end: datetime) -> Hours:
        """What the time between two instants costs."""
        return Hours(
            max(end - start, NOTHING),
            self.nights.within(start, end),
            self.weekends.within(start, end),
            self.holidays.within(start, end),
        )

    def hours_of(self, duty: Spans) -> Hours:
        return sum((self.hours(start, end) for start, end in duty.pairs), Hours())


def clock_of(zone: ZoneInfo, days: Days, holidays: Iterable[date]) -> Clock:
    """``holidays`` are the public holidays among ``days``."""
    off = Spans((_midnight(day, zone), _midnight(day + DAY, zone)) for day in holidays)
    return Clock(zone, days, _open(NIGHT, zone, days), _open(WEEKEND, zone, days), off)


def _open(windows: tuple[WeekWindow, ...], zone: ZoneInfo, days: Days) -> Spans:
    return Spans(open_spans(windows, zone, since=days.since(zone), until=days.until(zone)))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Where the clock skips midnight, the day begins at the jump.
    return first_instant(datetime.combine(day, time()), zone)


@dataclass(frozen=True, slots=True)
class Burden:
    """One person's time on call in a range. Time in two roles or schedules at once counts once."""

    user_id: int
    hours: Hours
    stretches: int
    longest: timedelta


def burden(user_id: int, duty: Spans, clock: Clock) -> Burden:
    lengths = [end - start for start, end in duty.pairs]
    return Burden(user_id, clock.hours_of(duty), len(lengths), max(lengths, default=NOTHING))


def duties(shifts: Iterable[rota.Shift], clocks: Mapping[int, Clock]) -> dict[int, Spans]:
    """When each of the people of ``clocks`` is on call within their own range, whatever the schedules and roles."""
    held: dict[int, list[tuple[datetime, datetime]]] = {pk: [] for pk in clocks}
    for shift in shifts:
        if shift.user_id in held:
            held[shift.user_id].append((shift.start, shift.end))
    return {pk: Spans(pairs).cut(clocks[pk].since, clocks[pk].until) for pk, pairs in held.items()}
