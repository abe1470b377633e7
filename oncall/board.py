"""Who is on call across the teams at one instant, and who may act on a schedule from its pages."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from oncall import permissions, rota
from oncall.calendar.gaps import GapState, GapText, gap_texts
from oncall.calendar.reading import covering, in_place_of
from oncall.models import GapAcceptance, Override, Schedule, Team, User
from oncall.selectors import Loaded, schedules_load
from oncall.wording import role_words, why_words

__all__ = [
    "HORIZON",
    "Holding",
    "Standing",
    "coming_overrides",
    "may_cancel",
    "may_take_over",
    "role_words",
    "standings",
    "team_and_below",
]

HORIZON = timedelta(days=14)
PLAIN = (rota.Why.LAYER,)
"""Reasons nobody needs to be told: the rotation as it is."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Somebody on call at the instant: as what, until when, why where it is not their plain turn, and their local time."""

    user: User
    role: str
    until: datetime
    why: str
    local: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One schedule at the instant: who holds it, when that next changes, and the gaps to mend within HORIZON."""

    schedule: Schedule
    holders: tuple[Holding, ...]
    handoff_at: datetime | None
    gaps: tuple[GapText, ...]
    planned: bool


def standings(*, at: datetime, teams: Collection[int] | None = None) -> list[Standing]:
    """Schedules as they stand at ``at``, by name; of ``teams`` only, where given. The same number of queries for any number."""
    found = Schedule.objects.select_related("team").order_by("name")
    schedules = list(found if teams is None else found.filter(team__in=teams))
    loaded = schedules_load(schedules, since=at)
    shifts = {pk: item.on_call_at(at) for pk, item in loaded.items()}
    instead = {
        shift: in_place_of(shift, replace(loaded[pk], overrides=()).on_call_at(at))
        for pk, several in shifts.items()
        for shift in several
        if shift.override_id in covering(loaded[pk].overrides)
    }
    ids = {shift.user_id for several in shifts.values() for shift in several}
    ids |= {shift.instead_of for several in shifts.values() for shift in several if shift.instead_of is not None}
    ids |= {user for users in instead.values() for user in users}
    users = User.objects.in_bulk(ids)
    accepted = list(GapAcceptance.objects.filter(schedule__in=schedules, end__gt=at, start__lt=at + HORIZON))
    return [
        Standing(
            item.schedule,
            tuple(_holding(shift, users, instead.get(shift, ()), at) for shift in shifts[pk] if _counts(shift, users)),
            handoff.at if (handoff := item.next_handoff(at)) else None,
            _open_gaps(item, at, accepted),
            bool(item.versions),
        )
        for pk, item in loaded.items()
    ]


def _counts(shift: rota.Shift, users: Mapping[int, User]) -> bool:
    """Whoever has left is called by nobody."""
    return shift.user_id in users and users[shift.user_id].is_active


def _holding(shift: rota.Shift, users: Mapping[int, User], instead: Sequence[int], at: datetime) -> Holding:
    user = users[shift.user_id]
    why = "" if shift.why in PLAIN else why_words(shift, lambda pk: users[pk].name, instead=instead)
    return Holding(user, role_words(shift.role), shift.end, why, f"{at.astimezone(ZoneInfo(user.time_zone)):%H:%M}")


def _open_gaps(item: Loaded, at: datetime, accepted: Collection[GapAcceptance]) -> tuple[GapText, ...]:
    found = gap_texts(item, since=at, until=at + HORIZON, at=at, acceptances=accepted)
    return tuple(gap for gap in found if gap.state is GapState.OPEN)


def team_and_below(team: Team, teams: Collection[Team]) -> set[int]:
    """The ids of ``team`` and of all its sub-teams, out of ``teams``."""
    children: dict[int | None, list[int]] = defaultdict(list)
    for one in teams:
        children[one.parent_id].append(one.pk)
    found, waiting = set[int](), [team.pk]
    while waiting:
        pk = waiting.pop()
        # A circle of parents, which nothing forbids, ends here.
        if pk not in found:
            found.add(pk)
            waiting += children[pk]
    return found


def may_take_over(user: User, schedule: Schedule) -> bool:
    """Responders of the schedule's team, and whoever manages. A schedule of no team is open to every responder."""
    return permissions.may_plan_override(user, schedule, kind=Override.Kind.COVER, user=user)


def may_cancel(user: User, override: Override) -> bool:
    """One's own override, or one that one made; managers any."""
    return permissions.may_end_override(user, override)


def coming_overrides(schedule: Schedule, *, at: datetime, reader: User) -> list[dict[str, Any]]:
    """Overrides that are not over, with whether ``reader`` may end them: one query."""
    found = (
        schedule.overrides.filter(cancelled_at=None, end__gt=at)
        .select_related("user", "replaces", "created_by")
        .order_by("start")
    )
    return [
        {
            "override": one,
            "role_name": role_words(one.role),
            "may_cancel": may_cancel(reader, one),
            "runs": one.start <= at,
        }
        for one in found
    ]
