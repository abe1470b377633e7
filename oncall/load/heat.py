"""Hours per person and week as a table whose cells are shaded, and who is on call on public holidays."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from django.utils import dateformat
from django.utils.translation import gettext as _

from oncall.load.measure import Days
from oncall.load.reading import Reading, holidays_of
from oncall.models import User

HOUR = timedelta(hours=1)
SHADES = 4
MOST_HOLIDAYS = 40
EVENINGS = ((12, 24), (12, 31))


@dataclass(frozen=True, slots=True)
class Cell:
    """Whole hours of one person in one week, and the shade: 0 (none) to SHADES."""

    week: str
    hours: int
    shade: int


@dataclass(frozen=True, slots=True)
class Line:
    """One person: a cell per week."""

    user: User
    cells: tuple[Cell, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Month:
    """A head over the weeks that begin in it."""

    label: str
    weeks: int


@dataclass(frozen=True, slots=True)
class Heat:
    months: tuple[Month, ...]
    weeks: tuple[date, ...]
    lines: tuple[Line, ...]


def heat(found: Reading, people: Iterable[User]) -> Heat:
    """The weeks of the range, cut at Mondays, for the given people in their order."""
    weeks = found.days.weeks()
    hours = {user.pk: [_hours(found, user, week) for week in weeks] for user in people}
    most = max((number for numbers in hours.values() for number in numbers), default=0)
    names = [_("week from %(day)s") % {"day": dateformat.format(week.first, "j M Y")} for week in weeks]
    lines = tuple(
        Line(
            user,
            tuple(Cell(name, number, _shade(number, most)) for name, number in zip(names, hours[user.pk], strict=True)),
            round(found.duty[user.pk].total / HOUR),
        )
        for user in people
    )
    months = tuple(
        Month(label, len(list(group)))
        for label, group in groupby(dateformat.format(week.first, "M Y") for week in weeks)
    )
    return Heat(months, tuple(week.first for week in weeks), lines)


def _hours(found: Reading, user: User, week: Days) -> int:
    zone = found.clocks[user.pk].zone
    return round(found.duty[user.pk].within(week.since(zone), week.until(zone)) / HOUR)


def _shade(number: int, most: int) -> int:
    return -(-number * SHADES // most) if number else 0


@dataclass(frozen=True, slots=True)
class HolidayDuty:
    """One person's hours on a holiday; ``own`` when it is one where they live."""

    user: User
    hours: int
    own: bool


@dataclass(frozen=True, slots=True)
class Holiday:
    """A public holiday of some of the people, or one of the two evenings, and who is on call that day."""

    day: date
    names: tuple[str, ...]
    duties: tuple[HolidayDuty, ...]


def holidays(found: Reading, people: Iterable[User]) -> tuple[Holiday, ...]:
    """The holidays of the range, in order; at most MOST_HOLIDAYS."""
    people = list(people)
    kept = {
        key: holidays_of(user, found.days) for key, user in {user.holiday_calendar: user for user in people}.items()
    }
    names: dict[date, dict[str, None]] = {day: {} for day in _evenings(found.days)}
    for days in kept.values():
        for day, name in days.items():
            names.setdefault(day, {})[name] = None
    return tuple(
        Holiday(day, tuple(names[day]) or (_evening(day),), tuple(_on(found, people, kept, day)))
        for day in sorted(names)[:MOST_HOLIDAYS]
    )


def _evenings(days: Days) -> list[date]:
    found = [date(year, *evening) for year in range(days.first.year, days.last.year + 1) for evening in EVENINGS]
    return [day for day in found if days.first <= day <= days.last]


def _evening(day: date) -> str:
    return _("Christmas Eve") if day.day == 24 else _("New Year’s Eve")


def _on(found: Reading, people: Iterable[User], kept: dict[str, dict[date, str]], day: date) -> Iterable[HolidayDuty]:
    for user in people:
        number = _hours(found, user, Days(day, day))
        if number:
            yield HolidayDuty(user, number, day in kept[user.holiday_calendar])
