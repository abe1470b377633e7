"""Writing the role map (R103–R106): for each role a person, whoever is on call in a schedule, or nobody by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.rows import row_set
from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import Conflict, NotAllowed
from incidents.changes import actor_of
from incidents.models import ResponseRole, RoleDuty
from oncall.models import Schedule, User
from policies.editing.permissions import may_edit
from policies.models import EscalationPolicy

NOUN = "role_duty"


@dataclass(frozen=True, slots=True)
class Takes:
    """Who takes a role: ``user``, or whoever is on call in ``schedule`` (in ``schedule_role``, in any where that is "")."""

    user: User | None = None
    schedule: Schedule | None = None
    schedule_role: str = ""

    @property
    def key(self) -> str:
        """The same as a text: in forms, and to see whether anything changed meanwhile."""
        if self.user is not None:
            return f"user:{self.user.pk}"
        return f"schedule:{self.schedule.pk}:{self.schedule_role}" if self.schedule is not None else ""


def may_edit_map(user: User, policy: EscalationPolicy | None) -> bool:
    """Whoever may write the policy writes its map; the house's own is written by administrators."""
    if policy is None:
        return user.is_active and user.role == User.Role.ADMINISTRATOR
    return may_edit(user, policy)


def map_of(policy: EscalationPolicy | None) -> dict[str, Takes]:
    """The entries of the map by the key of their role: one query. Without ``policy`` the house's own."""
    rows = RoleDuty.objects.filter(policy=policy).select_related("role", "user", "schedule")
    return {row.role.key: Takes(row.user, row.schedule, row.schedule_role) for row in rows}


def map_mark(policy: EscalationPolicy | None) -> str:
    """The map as one text, to notice what changed between a form and its answer."""
    return " ".join(f"{key}={takes.key}" for key, takes in sorted(map_of(policy).items()))


@transaction.atomic
def role_map_set(
    *,
    policy: EscalationPolicy | None,
    wanted: Mapping[str, Takes],
    actor: User,
    at: datetime,
    seen: str | None = None,
) -> int:
    """Make the map say ``wanted`` of these roles (by key; empty ``Takes`` is no entry); others stay. Returns how many entries changed.

    ``seen`` is the mark of the map that whoever edits had before them. Raises NotAllowed, and Conflict where it was changed meanwhile.
    """
    if not may_edit_map(actor, policy):
        raise NotAllowed(_("Only managers of the policy’s team and administrators write this map."))
    if policy is not None:
        EscalationPolicy.objects.select_for_update().get(pk=policy.pk)
    if seen is not None and seen != map_mark(policy):
        raise Conflict(_("Somebody changed the map meanwhile. Look at it again; what you chose is kept below."))
    changed = 0
    for role in ResponseRole.objects.filter(key__in=wanted).order_by("position", "key"):
        changed += _set(policy, role, wanted[role.key], actor, at)
    return changed


def _set(policy: EscalationPolicy | None, role: ResponseRole, takes: Takes, actor: User, at: datetime) -> bool:
    row = RoleDuty.objects.filter(policy=policy, role=role).select_related("user", "schedule").first()
    if takes.key == "":
        if row is not None:
            _remove(row, actor, at)
        return row is not None
    values = {"user": takes.user, "schedule": takes.schedule, "schedule_role": takes.schedule_role}
    row = row or RoleDuty(policy=policy, role=role)
    return row_set(row, values, noun=NOUN, at=at, actor=actor_of(actor), user=actor)


def _remove(row: RoleDuty, actor: User, at: datetime) -> None:
    pk, before = row.pk, {"user": str(row.user or ""), "schedule": str(row.schedule or ""), "role": str(row.role)}
    history: object = row
    history._history_date, history._history_user = at, actor  # type: ignore[attr-defined]  # read by django-simple-history
    row.delete()
    entry_append(
        EntryValue(
            at=at,
            action="role_duty.delete",
            object_type=NOUN,
            object_id=str(pk),
            object_label=str(row),
            subject=f"{NOUN}:{pk}",
            actor=actor_of(actor),
            before=before,
        )
    )
