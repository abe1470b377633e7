"""Letting people in and out: an account is switched off, never deleted, because history names it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import Conflict
from oncall.models import ApiToken, User
from oncall.services import actor_of
from oncall.tokens import token_revoke


@transaction.atomic
def user_deactivate(*, user: User, actor: User, at: datetime, source: str = "") -> User:
    """``user`` can no longer sign in, is no longer called, and their API tokens end. Twice does nothing.

    Raises Conflict for oneself and for the last administrator: nobody could undo either.
    """
    if not user.is_active:
        return user
    if user.pk == actor.pk:
        raise Conflict(_("You cannot switch off your own account."), field="is_active")
    administrators = User.objects.select_for_update().filter(role=User.Role.ADMINISTRATOR, is_active=True)
    if user.is_administrator and administrators.count() == 1:
        raise Conflict(_("%(name)s is the last administrator.") % {"name": user.name}, field="is_active")
    for token in ApiToken.objects.filter(owner=user, revoked_at=None).select_related("owner"):
        token_revoke(token=token, actor=actor, at=at)
    return _set_active(user, False, "user.deactivate", actor=actor, at=at, source=source)


@transaction.atomic
def user_activate(*, user: User, actor: User, at: datetime, source: str = "") -> User:
    """``user`` may sign in again and is called again. Twice does nothing; revoked tokens stay revoked."""
    return user if user.is_active else _set_active(user, True, "user.activate", actor=actor, at=at, source=source)


def _set_active(user: User, active: bool, action: str, *, actor: User, at: datetime, source: str) -> User:
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
