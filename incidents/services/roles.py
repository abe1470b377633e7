"""Who plays which part on an incident (R008, R107): taken, given, handed over and handed back by people.

A role has one holder at a time, its tasks are theirs, and the incident's row is the lock of both.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Incident, ResponseRole, RoleHolder
from incidents.permissions import require_responder
from incidents.services.admitting import admitted, shows_it_to
from incidents.services.role_map import holder_tell, role_enter
from incidents.services.task_writing import tasks_follow
from incidents.services.working import Work, working
from oncall.models import User


def role_take(
    *, incident_id: int, role: ResponseRole, actor: User, at: datetime, seen: int | None = None, source: str = "web"
) -> RoleHolder:
    """``actor`` takes the role; from whoever has it only where ``seen`` says that this was known (the holder's number).

    Raises Conflict where somebody else has it by now, NotAllowed for people who may not respond.
    """
    return role_give(incident_id=incident_id, role=role, user=actor, actor=actor, at=at, seen=seen, source=source)


def role_give(
    *,
    incident_id: int,
    role: ResponseRole,
    user: User,
    actor: User,
    at: datetime,
    seen: int | None = None,
    admit: bool = False,
    source: str = "web",
) -> RoleHolder:
    """``user`` has the role from now on, and its open tasks. ``admit`` says that a restricted incident is to be shown to somebody who
    does not see it. Raises as ``role_take``; DomainError for somebody who cannot have it."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        _require_fit(user)
        shown = shows_it_to(user, work.incident, admit=admit)
        before = _present(work.incident, role)
        if before is not None and before.user_id == user.pk:
            return before
        if before is not None and seen != before.pk and before.user_id != actor.pk:
            raise Conflict(
                _("%(name)s has this role by now. Look again, then take it over or leave it.")
                % {"name": before.user.name},
                field="user",
            )
        if not role.active:
            raise DomainError(_("This role is not used any more."), field="role")
        _end(before, at)
        if shown:
            admitted(user, work.incident, changes=work.changes)
        holder = RoleHolder.objects.create(incident=work.incident, role=role, user=user, since=at)
        _say(work, holder, before)
        tasks_follow(work, role, user)
        holder_tell(holder, changes=work.changes)
    return holder


def role_leave(
    *, incident_id: int, role: ResponseRole, actor: User, at: datetime, seen: int | None = None, source: str = "web"
) -> None:
    """The role is vacant from now on; its open tasks have nobody. Nothing happens where nobody holds it.

    Raises Conflict where somebody else than ``seen`` or ``actor`` has it by now.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        before = _present(work.incident, role)
        if before is None:
            return
        if before.user_id != actor.pk and seen != before.pk:
            raise Conflict(_("%(name)s has this role by now.") % {"name": before.user.name})
        _end(before, at)
        work.changes.timeline(work.incident, "role.leave", name=before.user.name, role=role.name, source=source)
        role_enter(work.changes, work.incident, "role.leave", role, before.user, None)
        tasks_follow(work, role, None)


def _require_fit(user: User) -> None:
    if not (user.is_active and user.may_respond):
        raise DomainError(_("%(name)s does not respond to incidents.") % {"name": user.name}, field="user")


def _present(incident: Incident, role: ResponseRole) -> RoleHolder | None:
    return RoleHolder.objects.filter(incident=incident, role=role, until=None).select_related("user").first()


def _end(holder: RoleHolder | None, at: datetime) -> None:
    if holder is not None:
        RoleHolder.objects.filter(pk=holder.pk).update(until=at)


def _say(work: Work, holder: RoleHolder, before: RoleHolder | None) -> None:
    """Taken from nobody, handed over, or given: each its own line."""
    changes = work.changes
    places: dict[str, Any] = {"name": holder.user.name, "role": holder.role.name, "source": changes.source}
    if before is not None:
        changes.timeline(work.incident, "role.hand_over", before=before.user.name, **places)
    elif holder.user == changes.user:
        changes.timeline(work.incident, "role.take", **places)
    else:
        changes.timeline(work.incident, "role.give", **places)
    action = "role.take" if holder.user == changes.user else "role.give"
    role_enter(changes, work.incident, action, holder.role, before.user if before else None, holder.user)
