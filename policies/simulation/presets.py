"""Instants at which a path is worth trying: the small hours of a Sunday, the nights clocks change, a public holiday."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from oncall.models import Absence, Schedule
from policies.definition import PolicyDef, TargetKind
from policies.targets import schedules_named

BEFORE_CHANGE = timedelta(minutes=3)
"""The walk begins just before a clock changes, so that its first timers run across the change."""
_LOOK_AHEAD = timedelta(days=370)


@dataclass(frozen=True, slots=True)
class Preset:
    """An instant (UTC) and why it is worth trying."""

    at: datetime
    label: str


def presets_of(definition: PolicyDef, *, at: datetime, zone: str) -> list[Preset]:
    """What comes next after `at`; `zone` is the reader's clock. Two queries at most."""
    targets = [one for one in definition.all_targets if one.kind is TargetKind.SCHEDULE]
    schedules: set[Schedule] = set(schedules_named(targets).values())
    found = [Preset(next_sunday(at, zone), _("Next Sunday, 03:10"))]
    changes: dict[datetime, str] = {}
    for one in sorted({schedule.time_zone for schedule in schedules} or {zone}):
        for change in clock_changes(at, one):
            changes.setdefault(change, one)
    found += [Preset(change - BEFORE_CHANGE, _change_text(change, name)) for change, name in sorted(changes.items())]
    holiday = Absence.objects.filter(kind=Absence.Kind.HOLIDAY, start__gt=at).order_by("start").first()
    if holiday is not None:
        found.append(Preset(holiday.start + timedelta(hours=10), _("The next public holiday")))
    return found


def _change_text(change: datetime, zone: str) -> str:
    clock = ZoneInfo(zone)
    before, after = ((change + margin).astimezone(clock).utcoffset() for margin in (-BEFORE_CHANGE, BEFORE_CHANGE))
    places = {"zone": zone.replace("_", " ")}
    if before is not None and after is not None and after > before:
        return _("The clocks go forward in %(zone)s") % places
    return _("The clocks go back in %(zone)s") % places


def next_sunday(at: datetime, zone: str) -> datetime:
    """03:10 of the next Sunday on the clock of `zone`, as UTC."""
    clock = ZoneInfo(zone)
    here = at.astimezone(clock)
    day = here.date() + timedelta(days=(6 - here.weekday()) % 7)
    found = datetime.combine(day, time(3, 10), clock)
    if found <= here:
        found = datetime.combine(day + timedelta(days=7), time(3, 10), clock)
    return found.astimezone(UTC)


def clock_changes(at: datetime, zone: str) -> Iterable[datetime]:
    """The instants of about a year from `at` at which the clock of `zone` is put forward or back, to the minute."""
    clock = ZoneInfo(zone)

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(clock).utcoffset()

    day = at
    while day < at + _LOOK_AHEAD:
        following = day + timedelta(days=1)
        if offset(day) != offset(following):
            early, late = day, following
            while late - early > timedelta(seconds=1):
                middle = early + (late - early) / 2
                early, late = (middle, late) if offset(middle) == offset(early) else (early, middle)
            yield (late + timedelta(seconds=30)).replace(second=0, microsecond=0)
        day = following
