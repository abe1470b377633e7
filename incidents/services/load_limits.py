"""How many open incidents somebody carries at once, set by themselves, their managers and administrators (R198)."""

from datetime import datetime

from django.utils.translation import gettext as _

from audit.rows import row_set
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.changes import actor_of
from oncall.models import User

MOST = 1_000


def may_limit(
    actor: User, user: User, *, own: frozenset[int] | None = None, teams: frozenset[int] | None = None
) -> bool:
    """Whether ``actor`` may say how much ``user`` carries. ``own`` are the actor's teams and ``teams`` the other's, where they are
    known; each is a query else."""
    if not (actor.is_active and actor.may_respond and user.may_respond):
        return False
    if actor.pk == user.pk or actor.role == User.Role.ADMINISTRATOR or user.manager_id == actor.pk:
        return True
    if actor.role != User.Role.MANAGER:
        return False
    mine = _teams(actor) if own is None else own
    return bool(mine & (_teams(user) if teams is None else teams))


def _teams(user: User) -> frozenset[int]:
    return frozenset(user.memberships.values_list("team", flat=True))


def capacity_set(*, user: User, incidents: int | None, actor: User, at: datetime) -> bool:
    """``user`` carries ``incidents`` open ones at once from now on; None is as many as everybody. Returns whether that is new.

    Raises NotAllowed, and DomainError for a number out of range.
    """
    if not may_limit(actor, user):
        raise NotAllowed(_("Only the person, their managers and administrators may say how much they carry."))
    if incidents is not None and not 1 <= incidents <= MOST:
        raise DomainError(_("Give a number from 1 to %(most)d.") % {"most": MOST}, field="incidents")
    return row_set(user, {"capacity_incidents": incidents}, noun="user", at=at, actor=actor_of(actor), user=actor)
