"""Escalation policies: who is told, when, and how responsibility moves on."""

from collections.abc import Mapping
from typing import Any

from audit.rows import row_set
from escalation_site.configuration.definitions import problems_placed, unknown_fields
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import Reference, Scope, Text
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.teams import KIND as TEAMS
from policies.definition import POLICY_SCHEMA, PolicyDef, TargetDef, TargetKind, policy_dump, policy_parse
from policies.models import EscalationPolicy
from policies.reading import DefinitionInvalid
from policies.services import policy_publish

_DEFINITION: Mapping[str, Any] = POLICY_SCHEMA["properties"]
_SECTIONS = {
    TargetKind.SCHEDULE: "schedules",
    TargetKind.USER: "users",
    TargetKind.TEAM: "teams",
    TargetKind.TEAM_LEAD: "teams",
    TargetKind.MANAGER: "teams",
    TargetKind.FUNCTIONAL_TEAM: "teams",
    TargetKind.POLICY: "policies",
}


class Policies(Kind):
    section = "policies"
    help = "Escalation policies, by slug. A change is a new version: incidents under way keep theirs."
    model = EscalationPolicy
    after = ("users", "teams", "schedules")
    fields = (
        Text("name", "Name, unique among policies.", required=True, most=100),
        Text("description", "When to use it.", most=5000),
        Reference("team", "The team that owns the policy.", section="teams"),
    )

    def properties(self) -> dict[str, Any]:
        return {**super().properties(), **_DEFINITION}

    def read(self, item: Item, scope: Scope, *, exists: bool) -> Fields:
        given = super().read(item, scope, exists=exists)
        data = {name: item.data[name] for name in _DEFINITION if name in item.data}
        if not data and exists:
            return given
        noted = set[tuple[str | int, ...]]()
        for name in data:
            noted |= unknown_fields(item.members[name], _DEFINITION[name])
        try:
            policy = policy_parse(data)
        except DefinitionInvalid as error:
            problems_placed(item, ((problem.keys, problem.message) for problem in error.problems), noted=noted)
            return given
        if not noted and _references_hold(item, policy, scope):
            given["definition"] = policy_dump(policy)
        return given

    def current(self) -> dict[str, Fields]:
        return {
            policy.slug: {
                "name": policy.name,
                "description": policy.description,
                "team": policy.team.slug if policy.team else None,
                "definition": policy.current_version.definition if policy.current_version else None,
            }
            for policy in EscalationPolicy.objects.select_related("team", "current_version")
        }

    def write(self, writing: Writing, name: str, wanted: Fields, changed: Mapping[str, Any]) -> EscalationPolicy:
        policy = EscalationPolicy.objects.filter(slug=name).first() or EscalationPolicy(slug=name)
        values = {field: changed[field] for field in ("name", "description") if field in changed}
        if "team" in changed:
            values["team"] = writing.row(TEAMS, changed["team"])
        row_set(policy, values, noun="policy", at=writing.at, actor=writing.actor, user=writing.user)
        if "definition" in changed:
            policy_publish(
                policy=policy,
                definition=changed["definition"],
                author=writing.user,
                at=writing.at,
                reason=writing.reason,
            )
        return policy


def _references_hold(item: Item, policy: PolicyDef, scope: Scope) -> bool:
    """Whether every target that is named by a text exists; those that do not are noted."""
    before = len(item.problems.found)
    _check_targets(item, ("catch_all",), policy.catch_all, scope)
    for index, level in enumerate(policy.levels):
        _check_targets(item, ("levels", index, "targets"), level.targets, scope)
        if level.raci is not None:
            keys = ("levels", index, "raci")
            _check_target(item, (*keys, "accountable"), level.raci.accountable, scope)
            for cell in ("responsible", "consulted", "informed"):
                _check_targets(item, (*keys, cell), getattr(level.raci, cell), scope)
    if policy.final is not None:
        _check_target(item, ("final", "target"), policy.final.target, scope)
    return len(item.problems.found) == before


def _check_targets(item: Item, keys: tuple[str | int, ...], targets: tuple[TargetDef, ...], scope: Scope) -> None:
    for index, target in enumerate(targets):
        _check_target(item, (*keys, index), target, scope)


def _check_target(item: Item, keys: tuple[str | int, ...], target: TargetDef, scope: Scope) -> None:
    if isinstance(target.ref, str):
        scope.reference(item.nearest((*keys, "ref")), _SECTIONS[target.kind])


KIND = Policies()
