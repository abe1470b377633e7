"""Letting people in and out: an account is switched off, never deleted, because history names it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import Conflict
from oncall.absences import person_left, person_returned, schedules_of
from oncall.holidays_sync import holidays_sync
from oncall.models import ApiToken, Override, User
from oncall.notices import shifts_watched
from oncall.services import actor_of, override_cancel
from oncall.swaps import swaps_end_of
from oncall.tokens import token_revoke


@transaction.atomic
def user_deactivate(*, user: User, actor: User | None, at: datetime, source: str = "") -> User:
    """``user`` can no longer sign in, is no longer on call, and their API tokens end. Twice does nothing.

    They are away for good from now on, so that the next in turn steps in; the windows they had taken and the swaps they had
    asked for end. Whoever gets their shifts is told. Raises Conflict for oneself and for the last administrator: nobody could undo either.
    """
    if not user.is_active:
        return user
    if actor is not None and user.pk == actor.pk:
        raise Conflict(_("You cannot switch off your own account."), field="is_active")
    administrators = User.objects.select_for_update().filter(role=User.Role.ADMINISTRATOR, is_active=True)
    if user.is_administrator and administrators.count() == 1:
        raise Conflict(_("%(name)s is the last administrator.") % {"name": user.name}, field="is_active")
    for token in ApiToken.objects.filter(owner=user, revoked_at=None).select_related("owner"):
        token_revoke(token=token, actor=actor, at=at)
    taken = list(user.overrides.filter(cancelled_at=None, end__gt=at).select_related("schedule", "user", "replaces"))
    schedules = {schedule.pk: schedule for schedule in (*schedules_of([user]), *(one.schedule for one in taken))}
    with shifts_watched(list(schedules.values()), actor=actor, at=at, told=[user.pk]):
        swaps_end_of(user=user, actor=actor, at=at)
        for override in taken:
            if override.kind != Override.Kind.REMOVE:
                override_cancel(override=override, actor=actor, at=at)
        person_left(user=user, actor=actor, at=at)
    return _set_active(user, False, "user.deactivate", actor=actor, at=at, source=source)


@transaction.atomic
def user_activate(*, user: User, actor: User | None, at: datetime, source: str = "") -> User:
    """``user`` may sign in again and is on call in turn again. Twice does nothing; revoked tokens stay revoked."""
    if user.is_active:
        return user
    with shifts_watched(schedules_of([user]), actor=actor, at=at, told=[user.pk]):
        person_returned(user=user, actor=actor, at=at)
        _set_active(user, True, "user.activate", actor=actor, at=at, source=source)
        holidays_sync(at=at, users=[user])
    return user


def _set_active(user: User, active: bool, action: str, *, actor: User | None, at: datetime, source: str) -> User:
    user.is_active = active
    user.save(update_fields=["is_active"])
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="user",
            object_id=str(user.pk),
            object_label=user.name,
            subject=f"user:{user.pk}",
            actor=actor_of(actor),
            source=source,
            before={"is_active": not active},
            after={"is_active": active},
        )
    )
    return user
