"""The schedules, and who is on call on each at this moment, kept by the process until somebody changes one: every page says it in its
frame.

Reading them takes, with two hundred schedules, 50 ms; whether anything has changed takes six looks at the end of an index, in a query
that every page asks anyway. For pages only: whoever pages people reads the schedules themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.cache import cache
from django.db.models import Model, Subquery

from oncall.loading import Loaded
from oncall.loading_all import Everything, all_load
from oncall.models import Absence, Membership, Override, Schedule, ScheduleVersion, User

KEPT = timedelta(seconds=60)
"""So long at most. A transaction that ends after one begun later is seen by then at the latest."""
_TOKEN = "oncall-standing"  # noqa: S105  names an entry of the cache
_COLUMNS = tuple(f"oncall_mark_{number}" for number in range(6))
Mark = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class OnDuty:
    """One person's place on one schedule now; ``until`` is its true end (UTC)."""

    user_id: int
    schedule: Schedule
    role: str
    since: datetime
    until: datetime


def mark_columns() -> dict[str, Subquery]:
    """What changes whenever a schedule does, as columns for a query that is asked anyway; see ``mark_of``."""
    histories: tuple[Any, ...] = (Schedule.history, Override.history, Absence.history, Membership.history)
    # Holidays are read from calendars many at a time, without a history of each.
    models: tuple[type[Model], ...] = (*(one.model for one in histories), ScheduleVersion, Absence)
    newest = (model._default_manager.order_by("-pk").values("pk")[:1] for model in models)
    return {name: Subquery(rows) for name, rows in zip(_COLUMNS, newest, strict=True)}


def mark_of(row: Mapping[str, Any]) -> Mark:
    """The mark in a row that was asked for ``mark_columns``."""
    return tuple(row[name] for name in _COLUMNS)


def mark_now(user: User) -> Mark:
    """The mark by a query of its own, for ``user``, who looks."""
    return mark_of(User.objects.filter(pk=user.pk).values(**mark_columns()).get())


@dataclass(slots=True)
class _Kept:
    """What was read at ``since`` and is true while ``mark`` is; ``standing`` is who is on call from an instant to another."""

    token: str
    mark: Mark
    since: datetime
    read: Everything
    standing: tuple[datetime, datetime, tuple[OnDuty, ...]] | None = None


_kept: _Kept | None = None


def schedules_kept(at: datetime, *, mark: Mark) -> Mapping[int, Loaded]:
    """Every schedule by its id, as for ``schedules_load`` at ``at`` (aware UTC): no query where nothing has changed since the last time,
    in the last minute, else those of ``all_load``. Whoever gets it only looks at it: others are looking at the same."""
    return _current(at, mark).read.schedules


def standing_at(at: datetime, *, mark: Mark) -> tuple[OnDuty, ...]:
    """Everybody on call at ``at`` (aware UTC), by name of the schedule; queries as ``schedules_kept``."""
    kept = _current(at, mark)
    standing = kept.standing
    if standing is None or not standing[0] <= at < standing[1]:
        kept.standing = standing = _on_duty(kept.read.schedules.values(), at)
    return standing[2]


def _current(at: datetime, mark: Mark) -> _Kept:
    global _kept
    # Emptying the cache forgets what every process has kept.
    token = cache.get(_TOKEN)
    kept = _kept
    if kept is not None and (kept.token, kept.mark) == (token, mark) and kept.since <= at < kept.since + KEPT:
        return kept
    if token is None:
        token = uuid4().hex
        cache.set(_TOKEN, token, None)
    # Whatever has changed, it is a good guess; of another database (a test's) it is not.
    known = kept.read.known if kept is not None and kept.token == token else None
    _kept = kept = _Kept(token, mark, at, all_load(since=at, known=known))
    return kept


def _on_duty(schedules: Iterable[Loaded], at: datetime) -> tuple[datetime, datetime, tuple[OnDuty, ...]]:
    """Who is on call from ``at`` on, and until when that is so: somebody comes or goes, or ``KEPT`` is over."""
    until = at + KEPT
    found: list[OnDuty] = []
    for item in schedules:
        for shift in item.on_call_at(at):
            found.append(OnDuty(shift.user_id, item.schedule, shift.role, shift.start, shift.end))
        edges = [edge for shift in item.shifts(since=at, until=until) for edge in (shift.start, shift.end)]
        until = min([until, *(edge for edge in edges if edge > at)])
    return at, until, tuple(found)
