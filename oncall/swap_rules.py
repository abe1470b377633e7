"""What a swap must be: a window that whoever asks holds, people who may be asked, a shift in return that is theirs."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from oncall import permissions, rota
from oncall.models import Schedule, User
from oncall.selectors import schedules_load

LAST_CALL = timedelta(hours=24)
"""Before the shift: the second reminder."""


def require_window(
    schedule: Schedule, role: str, requester: User, start: datetime, end: datetime, *, at: datetime
) -> None:
    """Raises DomainError unless ``requester`` holds ``role`` for the whole of a window that is not over."""
    if end <= at:
        raise DomainError(_("That shift is over."), field="end")
    if end <= start:
        raise DomainError(_("The end must come after the start."), field="end")
    if not holds(schedule, role, requester, start, end):
        raise DomainError(_("You are not on call for the whole of that time."), field="start")


def require_asked(schedule: Schedule, requester: User, asked: Collection[User]) -> list[User]:
    """Those of ``asked`` who are not ``requester``. Raises DomainError for nobody, and for people not of the team."""
    people = [user for user in asked if user.pk != requester.pk]
    if not people:
        raise DomainError(_("Say whom to ask."), field="asked")
    known = set(permissions.colleagues(schedule).values_list("pk", flat=True))
    strangers = [user.name for user in people if user.pk not in known]
    if strangers:
        names = {"names": ", ".join(strangers)}
        raise DomainError(_("Not of the schedule’s team: %(names)s.") % names, field="asked")
    return people


def require_return(
    schedule: Schedule,
    role: str,
    people: list[User],
    start: datetime,
    return_start: datetime | None,
    return_end: datetime | None,
    *,
    at: datetime,
) -> None:
    """Raises DomainError where something is wanted in return that the one person asked does not hold."""
    if return_start is None and return_end is None:
        return
    if return_start is None or return_end is None or return_end <= return_start:
        raise DomainError(_("The end must come after the start."), field="back")
    if len(people) != 1:
        raise DomainError(_("An exchange is with one person."), field="asked")
    if return_start < at:
        raise DomainError(_("What you take in return must lie ahead."), field="back")
    if not holds(schedule, role, people[0], return_start, return_end):
        raise DomainError(_("That shift is not theirs."), field="back")


def holds(schedule: Schedule, role: str, user: User, start: datetime, end: datetime) -> bool:
    """Whether ``user`` holds ``role`` for the whole window."""
    loaded = schedules_load([schedule], since=start)[schedule.pk]
    shifts = [shift for shift in loaded.shifts(since=start, until=end) if shift.role == role]
    spans = rota.stretches(shifts, user_id=user.pk)
    return any(begun <= start and end <= ended for begun, ended in spans)


def next_reminder(*, created_at: datetime, start: datetime, expires_at: datetime, after: datetime) -> datetime | None:
    """Half-way to the end, and a day before the shift: whichever comes next and before the swap expires."""
    planned = (created_at + (expires_at - created_at) / 2, start - LAST_CALL)
    return min((moment for moment in planned if after < moment < expires_at), default=None)
