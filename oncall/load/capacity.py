"""Limits: who is on call for more hours in four weeks than they are meant to bear (``User.capacity_hours``)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from escalation_site.ui import moments
from oncall.load.clashing import people_on
from oncall.load.spans import Spans, heaviest
from oncall.models import Schedule, User
from oncall.selectors import Loaded, schedules_load

WINDOW = timedelta(weeks=4)
"""What ``User.capacity_hours`` counts in."""
HORIZON = timedelta(weeks=12)
"""How far ahead a change is looked at."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Overload:
    """Somebody's heaviest four weeks ask for more ``hours`` than their ``limit``; ``since`` and ``until`` in UTC."""

    user: User
    hours: float
    limit: int
    since: datetime
    until: datetime


def capacity_warnings(*, after: Sequence[Loaded], people: Mapping[int, User], at: datetime) -> list[Overload]:
    """Whom of ``people`` the schedules take over their limit in any four weeks that begin within HORIZON of ``at``.

    Give every schedule these people are on, the changed ones as they would be: time in two of them at once counts
    once. Worst first. People without a limit are never over it.
    """
    limited = {pk: user for pk, user in people.items() if user.capacity_hours is not None}
    return _overloads(after, limited, at)


def overloads_brought(*, changed: Collection[Loaded], at: datetime) -> list[Overload]:
    """Whom a change pushes over their limit, or further over it: ``changed`` are the schedules as they would be.

    All other schedules are read as they are, a constant number of queries.
    """
    limited = {user.pk: user for user in User.objects.filter(is_active=True).exclude(capacity_hours=None)}
    if not limited:
        return []
    loaded = schedules_load(list(Schedule.objects.all()), since=at)
    new = {one.schedule.pk: one for one in changed}
    touched = people_on([*new.values(), *(loaded[pk] for pk in new if pk in loaded)])
    # Nobody else's load changes, and whoever shares nobody with the change is not computed.
    limited = {pk: user for pk, user in limited.items() if pk in touched}
    before = {pk: one for pk, one in loaded.items() if pk in new or limited.keys() & people_on([one])}
    after = {**before, **new}
    were = {one.user.pk: one.hours for one in _overloads(before.values(), limited, at)}
    return [one for one in _overloads(after.values(), limited, at) if one.hours > were.get(one.user.pk, 0.0)]


def overload_text(overload: Overload, *, at: datetime) -> str:
    """The warning as a sentence in the reader's language and zone."""
    return _("%(name)s would be on call %(hours)s h in the four weeks from %(day)s; the limit is %(limit)s h.") % {
        "name": overload.user.name,
        "hours": f"{overload.hours:.0f}",
        "day": moments.written(overload.since, "date", at=at),
        "limit": overload.limit,
    }


def _overloads(schedules: Iterable[Loaded], limited: Mapping[int, User], at: datetime) -> list[Overload]:
    until = at + HORIZON + WINDOW
    held: dict[int, list[tuple[datetime, datetime]]] = {pk: [] for pk in limited}
    for loaded in schedules if limited else ():
        for shift in loaded.shifts(since=at, until=until):
            if shift.user_id in held:
                held[shift.user_id].append((shift.start, shift.end))
    found = [_overload(limited[pk], Spans(pairs), at, until) for pk, pairs in held.items() if pairs]
    return sorted((one for one in found if one), key=lambda one: (one.limit - one.hours, one.user.pk))


def _overload(user: User, duty: Spans, at: datetime, until: datetime) -> Overload | None:
    begun, most = heaviest(duty, WINDOW, since=at, until=until)
    limit = user.capacity_hours or 0
    return Overload(user, most / HOUR, limit, begun, begun + WINDOW) if most > limit * HOUR else None


def limit_passed(user: User, peak: timedelta) -> bool:
    """Whether ``peak``, the most in any four weeks, is more than ``user`` is meant to bear."""
    return user.capacity_hours is not None and peak > user.capacity_hours * HOUR
