"""Who may approve an important action on an incident (R099): level 3 of its policy, and whoever answers for it."""

from datetime import datetime

from incidents.models import EscalationRun, Incident
from oncall.models import User
from policies.definition import TargetDef
from policies.services import version_definition
from policies.targets import TargetResolver


def approvers_of(incident: Incident, *, at: datetime) -> list[User]:
    """Its overseer, else whoever is accountable at the level in force, else the overseers its policy names (level 3); where none of
    them is there, the managers of its team. Each once; administrators may too and are not listed."""
    if incident.overseer is not None:
        return [incident.overseer]
    resolver = TargetResolver(at=at)
    for targets in _targets(incident):
        people = [one.user for one in resolver.recipients(targets, team=incident.team)]
        if people:
            return people
    return managers_of(incident)


def managers_of(incident: Incident) -> list[User]:
    """The managers in the team that owns it."""
    found = User.objects.filter(is_active=True, role=User.Role.MANAGER, memberships__team=incident.team_id)
    return list(found.order_by("pk"))


def _targets(incident: Incident) -> list[tuple[TargetDef, ...]]:
    """Whom the policy of its run makes accountable now, and whom it has oversee; nothing without a run or policy."""
    run = EscalationRun.objects.filter(incident=incident, superseded=False).select_related("policy_version").first()
    own = incident.service.policy
    version = run.policy_version if run else own.current_version if own else None
    if version is None:
        return []
    policy = version_definition(version)
    level = policy.levels[min(run.level if run else 0, len(policy.levels) - 1)]
    return [*([(level.raci.accountable,)] if level.raci else []), policy.overseers]
