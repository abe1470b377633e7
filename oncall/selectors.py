"""Who is on call, read from the stored schedules through the one rota function (DESIGN.md §3)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch

from oncall.loading import Loaded, definition_spec, schedules_load
from oncall.models import Membership, Schedule, Team, User
from oncall.standing import Mark, OnDuty, mark_now, standing_at

__all__ = [
    "Duty",
    "Holder",
    "Loaded",
    "current_duties",
    "definition_spec",
    "duties",
    "holders_at",
    "next_duty",
    "on_call_now",
    "schedules_load",
    "team_tree",
]

NEXT_SHIFT_HORIZON = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody on call: as what, why (layer, override, …) and until when (UTC; None beyond the horizon).

    ``instead_of`` is the id of whoever's turn it was, where an absence or a replacement took them off it.
    """

    user: User
    role: str
    why: str
    until: datetime | None
    instead_of: int | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """One person's place on one schedule for a while."""

    schedule: Schedule
    role: str
    start: datetime
    until: datetime


def holders_at(*, schedules: Collection[Schedule], at: datetime) -> dict[int, list[Holder]]:
    """Who is on call at ``at``, by schedule id: four queries, however many schedules (see ``schedules_load``)."""
    loaded = schedules_load(schedules, since=at, starts=False)
    shifts = {pk: item.held_at(at) for pk, item in loaded.items()}
    users = User.objects.in_bulk({shift.user_id for found in shifts.values() for shift in found})
    return {
        pk: [
            Holder(users[shift.user_id], shift.role, str(shift.why), shift.end, shift.instead_of)
            for shift in found
            # A person whose row was deleted in the database by hand is nobody.
            if shift.user_id in users
        ]
        for pk, found in shifts.items()
    }


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


def current_duties(user: User, at: datetime, *, mark: Mark | None = None) -> list[OnDuty]:
    """What ``user`` is on call for now, each until its true end. ``mark`` spares a query where the schedules' mark is at hand."""
    standing = standing_at(at, mark=mark_now(user) if mark is None else mark)
    return [one for one in standing if one.user_id == user.pk]


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
