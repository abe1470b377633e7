"""The workload page: each person's figures, with a bar against what they are meant to bear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import dateformat
from django.utils.translation import gettext as _

from escalation_site.ui import durations
from oncall import ports
from oncall.load.capacity import WINDOW, limit_passed
from oncall.load.measure import Burden
from oncall.load.reading import Reading
from oncall.load.spans import heaviest
from oncall.models import User

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """The heaviest four weeks against the limit: places in percent, as text for SVG attributes."""

    within: str
    over: str
    limit: str
    words: str
    is_over: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One person's figures; hours as numbers, ``pages`` None where the range is ahead."""

    user: User
    bar: Bar
    hours: float
    nights: float
    weekends: float
    holidays: float
    stretches: int
    longest: str
    pages: int | None


def rows(found: Reading, *, at: datetime, zone: ZoneInfo) -> list[Row]:
    """Everybody of the range: those over their limit first, then by hours."""
    burdens, pages = found.burdens, _pages(found, at, zone)
    peaks = {pk: _peak(found, pk) for pk in burdens}
    scale = max((max(peak, _limit(found.people[pk])) for pk, (_begun, peak) in peaks.items()), default=timedelta(0))
    made = [
        _row(found.people[pk], one, _bar(found, pk, peaks[pk], scale or HOUR), pages) for pk, one in burdens.items()
    ]
    return sorted(made, key=lambda row: (not row.bar.is_over, -row.hours, row.user.name))


def _row(user: User, one: Burden, bar: Bar, pages: Mapping[int, int] | None) -> Row:
    return Row(
        user=user,
        bar=bar,
        hours=_hours(one.hours.total),
        nights=_hours(one.hours.nights),
        weekends=_hours(one.hours.weekends),
        holidays=_hours(one.hours.holidays),
        stretches=one.stretches,
        longest=durations.in_two_units(one.longest.total_seconds(), smallest=durations.MINUTE) if one.longest else "–",
        pages=None if pages is None else pages.get(user.pk, 0),
    )


def _hours(span: timedelta) -> float:
    return round(span / HOUR, 2)


def _pages(found: Reading, at: datetime, zone: ZoneInfo) -> Mapping[int, int] | None:
    if found.days.first >= at.astimezone(zone).date():
        return None
    return ports.pages_by_person(since=found.days.since(zone), until=min(found.days.until(zone), at))


def _limit(user: User) -> timedelta:
    return (user.capacity_hours or 0) * HOUR


def _peak(found: Reading, pk: int) -> tuple[datetime, timedelta]:
    clock = found.clocks[pk]
    length = min(WINDOW, clock.until - clock.since)
    return heaviest(found.everywhere[pk], length, since=clock.since, until=clock.until)


def _bar(found: Reading, pk: int, peak: tuple[datetime, timedelta], scale: timedelta) -> Bar:
    user, (begun, most) = found.people[pk], peak
    limit = _limit(user)
    is_over = limit_passed(user, most)
    within = min(most, limit) if user.capacity_hours is not None else most
    return Bar(
        within=_percent(within / scale),
        over=_percent((most - within) / scale),
        limit=_percent(limit / scale) if user.capacity_hours is not None else "",
        words=_words(user, most, dateformat.format(begun.astimezone(found.clocks[pk].zone), "j M")),
        is_over=is_over,
    )


def _words(user: User, most: timedelta, day: str) -> str:
    """The bar as a sentence."""
    words = {"hours": round(most / HOUR), "limit": user.capacity_hours, "day": day}
    if user.capacity_hours is None:
        return _("%(hours)d h in the heaviest 4 weeks, no limit set") % words
    if not limit_passed(user, most):
        return _("%(hours)d h of %(limit)d h in the heaviest 4 weeks") % words
    words["over"] = max(round(most / HOUR) - user.capacity_hours, 1)
    return _("%(over)d h over the limit: %(hours)d h of %(limit)d h in the 4 weeks from %(day)s") % words


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


@dataclass(frozen=True, slots=True)
class Sums:
    """The figures of everybody together."""

    hours: float
    nights: float
    weekends: float
    holidays: float
    over: int


def sums(made: Sequence[Row]) -> Sums:
    return Sums(
        sum(row.hours for row in made),
        sum(row.nights for row in made),
        sum(row.weekends for row in made),
        sum(row.holidays for row in made),
        sum(row.bar.is_over for row in made),
    )
