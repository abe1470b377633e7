"""Who is on call, read from the stored schedules through the one rota function (DESIGN.md §3)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db.models import Prefetch

from oncall import rota
from oncall.models import Membership, Override, Schedule, ScheduleVersion, Team, User
from oncall.rota_document import document_load

NEXT_SHIFT_HORIZON = timedelta(days=60)
# A shift that an override cut short began before it: without those of the last days its true start would not show.
OVERRIDE_LOOKBACK = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody on call: as what, why (layer, override, …) and until when (UTC; None beyond the horizon)."""

    user: User
    role: str
    why: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Duty:
    """One person's place on one schedule for a while."""

    schedule: Schedule
    role: str
    start: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Loaded:
    """A schedule with everything the rota asks for, read once."""

    schedule: Schedule
    versions: tuple[rota.Version, ...]
    overrides: tuple[rota.Override, ...]

    def shifts(self, *, since: datetime, until: datetime) -> tuple[rota.Shift, ...]:
        if not self.versions:
            return ()
        return rota.shifts(self.versions, since=since, until=until, overrides=self.overrides)

    def on_call_at(self, at: datetime) -> tuple[rota.Shift, ...]:
        if not self.versions:
            return ()
        return rota.on_call_at(self.versions, at=at, overrides=self.overrides)


_specs: dict[bytes, rota.ScheduleSpec] = {}


def definition_spec(definition: Mapping[str, Any]) -> rota.ScheduleSpec:
    """A stored definition as a value, parsed once per process: remembered by content, since versions never change."""
    key = orjson.dumps(definition)
    if key not in _specs:
        if len(_specs) > 2000:
            _specs.clear()
        _specs[key] = document_load(definition)
    return _specs[key]


def schedules_load(schedules: Collection[Schedule], *, since: datetime) -> dict[int, Loaded]:
    """The schedules with their versions and the overrides that end after ``since``: two queries, however many schedules."""
    ids = [schedule.pk for schedule in schedules]
    versions: dict[int, list[rota.Version]] = defaultdict(list)
    for row in ScheduleVersion.objects.filter(schedule__in=ids).order_by("schedule", "effective_from", "number"):
        versions[row.schedule_id].append(rota.Version(row.effective_from, definition_spec(row.definition)))
    overrides: dict[int, list[rota.Override]] = defaultdict(list)
    for item in Override.objects.filter(
        schedule__in=ids, cancelled_at=None, end__gt=since - OVERRIDE_LOOKBACK
    ).order_by("id"):
        overrides[item.schedule_id].append(_override(item))
    return {
        schedule.pk: Loaded(schedule, tuple(versions[schedule.pk]), tuple(overrides[schedule.pk]))
        for schedule in schedules
    }


def _override(item: Override) -> rota.Override:
    return rota.Override(
        kind=rota.OverrideKind(item.kind),
        user_id=item.user_id,
        start=item.start,
        end=item.end,
        replaces=item.replaces_id,
        id=item.pk,
        order=item.pk,
    )


def holders_at(*, schedules: Collection[Schedule], at: datetime) -> dict[int, list[Holder]]:
    """Who is on call at ``at``, by schedule id: three queries, however many schedules. People who have left are skipped."""
    loaded = schedules_load(schedules, since=at)
    shifts = {pk: item.on_call_at(at) for pk, item in loaded.items()}
    users = _active({shift.user_id for found in shifts.values() for shift in found})
    return {
        pk: [
            Holder(users[shift.user_id], shift.role, str(shift.why), shift.end)
            for shift in found
            if shift.user_id in users
        ]
        for pk, found in shifts.items()
    }


def _active(ids: Iterable[int]) -> dict[int, User]:
    return User.objects.filter(is_active=True).in_bulk(list(ids))


def duties(user: User, *, since: datetime, until: datetime) -> list[Duty]:
    """``user``'s shifts on every schedule in the range, in order of start."""
    schedules = list(Schedule.objects.select_related("team"))
    found = [
        Duty(item.schedule, shift.role, shift.start, shift.end)
        for item in schedules_load(schedules, since=since).values()
        for shift in item.shifts(since=since, until=until)
        if shift.user_id == user.pk
    ]
    return sorted(found, key=lambda duty: (duty.start, duty.schedule.name))


def current_duties(user: User, at: datetime) -> list[Duty]:
    """What ``user`` is on call for now, each until its true end."""
    schedules = list(Schedule.objects.select_related("team"))
    return [
        Duty(item.schedule, shift.role, shift.start, shift.end)
        for item in schedules_load(schedules, since=at).values()
        for shift in item.on_call_at(at)
        if shift.user_id == user.pk
    ]


def next_duty(user: User, at: datetime) -> Duty | None:
    """``user``'s next shift that begins after ``at``, within sixty days."""
    coming = duties(user, since=at, until=at + NEXT_SHIFT_HORIZON)
    return next((duty for duty in coming if duty.start > at), None)


def on_call_now(at: datetime) -> list[tuple[Schedule, list[Holder]]]:
    """Every schedule with who holds it at ``at``, by name: four queries."""
    schedules = list(Schedule.objects.select_related("team").order_by("name"))
    holders = holders_at(schedules=schedules, at=at)
    return [(schedule, holders[schedule.pk]) for schedule in schedules]


def team_tree() -> list[Team]:
    """All teams with their members at hand."""
    members = Prefetch("memberships", Membership.objects.select_related("user").order_by("role", "user__username"))
    return list(Team.objects.select_related("parent").prefetch_related(members))
