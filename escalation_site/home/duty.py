"""A responder's own week: what they are on call for now and until when, the days ahead, the next shift, how they
are reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Subquery
from django.utils import dateformat
from django.utils.translation import gettext as _

from escalation_site.ui import lanes
from escalation_site.ui.adapter import Watch
from escalation_site.ui.durations import list_of
from notifications.models import ContactMethod, Delivery
from oncall import rota
from oncall.board import role_words
from oncall.models import Schedule, User
from oncall.selectors import NEXT_SHIFT_HORIZON, Loaded, schedules_load

WEEK = 7
OUTCOME_ICONS = {
    "delivered": "check",
    "failed": "triangle-alert",
    "cancelled": "ban",
    "queued": "send",
    "sending": "send",
}


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty held now, and who else stands on the same schedule."""

    schedule: Schedule
    role: str
    since: datetime
    until: datetime
    others: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the week ahead with the hours on call, as places (x, width) on its line."""

    day: date
    bars: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Coming:
    """The next shift to begin."""

    schedule: Schedule
    role: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Week:
    duties: tuple[Duty, ...]
    days: tuple[Day, ...]
    label: str
    next: Coming | None

    @property
    def watches(self) -> list[Watch]:
        """The same duties for the frame, which then need not ask again."""
        return [Watch(duty.schedule.name, duty.until) for duty in self.duties]


def week_of(user: User, *, at: datetime) -> Week:
    """Five queries, however many schedules."""
    zone = ZoneInfo(user.time_zone)
    schedules = list(Schedule.objects.select_related("team"))
    first = at.astimezone(zone).date()
    since = datetime.combine(first, time(), zone).astimezone(UTC)
    loaded = list(schedules_load(schedules, since=since).values())
    shifts = [
        (item.schedule, shift)
        for item in loaded
        for shift in item.shifts(since=since, until=at + NEXT_SHIFT_HORIZON)
        if shift.user_id == user.pk
    ]
    days = _days([shift for _schedule, shift in shifts], first=first, zone=zone)
    coming = min((pair for pair in shifts if pair[1].start > at), key=lambda pair: pair[1].start, default=None)
    return Week(
        duties=_duties(loaded, user, at),
        days=days,
        label=_label(days),
        next=Coming(coming[0], role_words(coming[1].role), coming[1].start, coming[1].end) if coming else None,
    )


def _duties(loaded: Sequence[Loaded], user: User, at: datetime) -> tuple[Duty, ...]:
    standing = [(item.schedule, item.on_call_at(at)) for item in loaded]
    mine = [(schedule, found, shift) for schedule, found in standing for shift in found if shift.user_id == user.pk]
    others = {shift.user_id for _schedule, found, _own in mine for shift in found} - {user.pk}
    names = {pk: person.name for pk, person in User.objects.in_bulk(others).items()} if others else {}
    return tuple(
        Duty(schedule, role_words(own.role), own.start, own.end, _beside(found, own, names))
        for schedule, found, own in mine
    )


def _beside(found: Sequence[rota.Shift], own: rota.Shift, names: dict[int, str]) -> str:
    others = [
        _("%(name)s (%(role)s)") % {"name": names[shift.user_id], "role": role_words(shift.role)}
        for shift in found
        if shift.user_id in names
    ]
    return list_of(list(dict.fromkeys(others)))


def _days(shifts: Sequence[rota.Shift], *, first: date, zone: ZoneInfo) -> tuple[Day, ...]:
    days = []
    for number in range(WEEK):
        day = first + timedelta(days=number)
        start, end = (datetime.combine(day + timedelta(days=more), time(), zone) for more in (0, 1))
        spans = [lanes.Span(shift.start, shift.end, "") for shift in shifts]
        blocks = lanes.blocks(spans, since=start.astimezone(UTC), until=end.astimezone(UTC))
        days.append(Day(day, tuple((block.x, block.width) for block in blocks)))
    return tuple(days)


def _label(days: Sequence[Day]) -> str:
    on = [dateformat.format(day.day, "l j") for day in days if day.bars]
    if not on:
        return _("On call on none of the next 7 days")
    return _("On call on %(days)s") % {"days": list_of(on)}


@dataclass(frozen=True, slots=True)
class Reach:
    """One way to reach the person, and how it went the last time."""

    method: ContactMethod
    state: str
    state_words: str
    at: datetime | None
    icon: str
    reason: str


def reaches_of(user: User) -> list[Reach]:
    """The enabled contact methods in their order, each with its last delivery: one query."""
    last = Delivery.objects.filter(contact_method=OuterRef("pk")).order_by("-id")
    methods = (
        ContactMethod.objects.filter(user=user, enabled=True)
        .annotate(
            last_state=Subquery(last.values("state")[:1]),
            last_reason=Subquery(last.values("reason")[:1]),
            last_at=Subquery(last.values("settled_at")[:1]),
        )
        .order_by("position", "id")
    )
    words = dict(Delivery.State.choices)
    return [
        Reach(
            method=one,
            state=one.last_state or "",
            state_words=str(words.get(one.last_state, "")),
            at=one.last_at,
            icon=OUTCOME_ICONS.get(one.last_state or "", "send"),
            reason=one.last_reason or "",
        )
        for one in methods
    ]
