"""Roles that fill themselves (R103–R106): from the role map when an incident opens; and who holds a role that is needed is told.

Apart from what people do with roles, because the services that open incidents and declare them major call this one.
"""

from collections.abc import Mapping, Sequence

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from escalation_site.kernel.rows import rows_insert
from incidents.changes import Changes
from incidents.models import Incident, ResponseRole, RoleDuty, RoleHolder
from incidents.roles import role_label, role_needed
from incidents.services.notices import may_see, people_tell
from oncall.models import User
from policies.definition import TargetDef, TargetKind
from policies.targets import TargetResolver


def roles_fill(
    incidents: Sequence[Incident], policies: Mapping[int, int | None], *, changes: Changes, resolver: TargetResolver
) -> None:
    """Fill the vacant roles of these locked (or new) incidents from the role map: one query where the map is empty.

    ``policies`` gives the policy each runs under by the incident's number; its own entries come before the house's. Whoever is on
    call counts at this instant; where nobody is, the role stays vacant. The caller writes ``changes``.
    """
    wanted = {policy for policy in policies.values() if policy is not None}
    rows = RoleDuty.objects.filter(Q(policy=None) | Q(policy__in=wanted), role__active=True)
    duties = list(rows.select_related("role", "user", "schedule").order_by("role__position", "role__key"))
    if not duties or not incidents:
        return
    held = RoleHolder.objects.filter(incident__in=[one.pk for one in incidents], until=None)
    taken = set(held.values_list("incident", "role"))
    fresh: list[RoleHolder] = []
    for incident in incidents:
        for duty in _duties_for(duties, policies.get(incident.pk)):
            user = _holder(duty, incident, resolver) if (incident.pk, duty.role_id) not in taken else None
            if user is not None:
                fresh.append(RoleHolder(incident=incident, role=duty.role, user=user, since=changes.at))
    rows_insert(fresh)
    for holder in fresh:
        changes.timeline(holder.incident, "role.fill", name=holder.user.name, role=holder.role.name)
        role_enter(changes, holder.incident, "role.fill", holder.role, None, holder.user)
        if role_needed(holder.role, holder.incident):
            holder_tell(holder, changes=changes)


def _duties_for(duties: Sequence[RoleDuty], policy: int | None) -> list[RoleDuty]:
    """One entry for each role: the policy's own before the house's."""
    chosen: dict[int, RoleDuty] = {}
    for duty in duties:
        own = duty.policy_id is not None
        if (own and duty.policy_id != policy) or (not own and duty.role_id in chosen):
            continue
        chosen[duty.role_id] = duty
    return list(chosen.values())


def _holder(duty: RoleDuty, incident: Incident, resolver: TargetResolver) -> User | None:
    if duty.user is not None:
        people = [duty.user]
    else:
        target = TargetDef(TargetKind.SCHEDULE, duty.schedule_id, duty.schedule_role or None)  # type: ignore[arg-type]  # checked when written
        people = [one.user for one in resolver.recipients([target], team=incident.team)]
    return next((user for user in people if may_see(user, incident)), None)


def holder_tell(holder: RoleHolder, *, changes: Changes) -> None:
    """Tell whoever got a role, once, and not whoever took it by hand."""
    people_tell(
        incident=holder.incident,
        users=[holder.user],
        key=f"role:{holder.pk}",
        says=lambda: [
            _("You have a role on %(reference)s: %(role)s.")
            % {"reference": holder.incident.reference, "role": holder.role.label},
            role_label(holder.role.duty),
        ],
        changes=changes,
        urgency="high",
        place=reverse("incidents:work", args=(holder.incident_id,)),
    )


def roles_recheck(incident: Incident, *, changes: Changes) -> None:
    """It became worse, or major: whoever holds a role that is needed now, and was not told yet, is told. One query."""
    held = RoleHolder.objects.filter(incident=incident, until=None).select_related("role", "user")
    for holder in held:
        if role_needed(holder.role, incident):
            holder.incident = incident
            holder_tell(holder, changes=changes)


def role_enter(
    changes: Changes, incident: Incident, action: str, role: ResponseRole, before: User | None, after: User | None
) -> None:
    """The ledger's entry of a role that has another holder."""
    changes.ledger(
        incident,
        action,
        object_type="role",
        object_id=role.key,
        object_label=f"{incident.reference} {role.name}",
        before={"holder": before.name if before else None},
        after={"holder": after.name if after else None},
    )
