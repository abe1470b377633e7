"""Escalation policies: who is told, when, and how responsibility moves on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from audit.rows import row_set
from escalation_site.configuration.definitions import problems_placed, unknown_fields
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import UNUSABLE, Field, Missing, Reference, Scope, Text, text_of
from escalation_site.configuration.kind import Fields, Kind, Writing
from escalation_site.configuration.kinds.teams import KIND as TEAMS
from policies.definition import POLICY_SCHEMA, PolicyDef, TargetDef, TargetKind, policy_dump, policy_parse
from policies.editing.draft import MAX_GUIDELINES
from policies.editing.services import guidelines_set
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
    TargetKind.CHAT_CHANNEL: "destinations",
    TargetKind.WEBHOOK: "destinations",
}


@dataclass(frozen=True, slots=True)
class Documents(Field):
    """Documents to read with the object: a list of titles with addresses."""

    empty: Any = field(default_factory=list)

    def schema(self) -> dict[str, Any]:
        return {
            "type": ["array", "null"],
            "maxItems": MAX_GUIDELINES,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["title", "url"],
                "properties": {
                    "title": {"type": "string", "minLength": 1, "maxLength": 120},
                    "url": {"type": "string", "maxLength": 500},
                },
            },
        }

    def value(self, item: Item, scope: Scope) -> Any:
        if not isinstance(item.data, list) or len(item.data) > MAX_GUIDELINES:
            item.wrong(_("must be a list of titles with addresses, at most %(most)d") % {"most": MAX_GUIDELINES})
            return UNUSABLE
        before = len(item.problems.found)
        found = [_document(entry) for entry in item.entries]
        return found if len(item.problems.found) == before else UNUSABLE


def _document(entry: Item) -> dict[str, Any]:
    noted = unknown_fields(entry, {"properties": {"title": {}, "url": {}}})
    found: dict[str, Any] = {}
    for name, most in (("title", 120), ("url", 500)):
        if name not in entry.members:
            if not noted:
                entry.wrong(_("“%(field)s” is missing") % {"field": name})
        elif not isinstance(text := text_of(entry.members[name], most=most), Missing):
            found[name] = text
            if not text:
                entry.members[name].wrong(_("must not be empty"))
    return found


class Policies(Kind):
    section = "policies"
    help = "Escalation policies, by slug. A change is a new version: incidents under way keep theirs."
    model = EscalationPolicy
    after = ("users", "teams", "schedules", "destinations")
    fields = (
        Text("name", "Name, unique among policies.", required=True, most=100),
        Text("description", "When to use it.", most=5000),
        Reference("team", "The team that owns the policy.", section="teams"),
        Documents("guidelines", "Documents to read with it, in order: title and url."),
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
                "guidelines": [{"title": one.title, "url": one.url} for one in policy.guidelines.all()],
            }
            for policy in EscalationPolicy.objects.select_related("team", "current_version").prefetch_related(
                "guidelines"
            )
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
        if "guidelines" in changed:
            rows = [(one["title"], one["url"]) for one in changed["guidelines"]]
            guidelines_set(policy, rows, actor=writing.actor, author=writing.user, at=writing.at)
        return policy


def _references_hold(item: Item, policy: PolicyDef, scope: Scope) -> bool:
    """Whether every target that is named by a text exists; those that do not are noted."""
    before = len(item.problems.found)
    _check_targets(item, ("catch_all",), policy.catch_all, scope)
    for index, level in enumerate(policy.levels):
        _check_targets(item, ("levels", index, "targets"), level.targets, scope)
        if level.raci is not None:
            keys = ("levels", index, "raci")
            target_check(item, (*keys, "accountable"), level.raci.accountable, scope)
            for cell in ("responsible", "consulted", "informed"):
                _check_targets(item, (*keys, cell), getattr(level.raci, cell), scope)
    if policy.final is not None:
        target_check(item, ("final", "target"), policy.final.target, scope)
    if policy.overseer is not None:
        target_check(item, ("overseer",), policy.overseer, scope)
    return len(item.problems.found) == before


def _check_targets(item: Item, keys: tuple[str | int, ...], targets: tuple[TargetDef, ...], scope: Scope) -> None:
    for index, target in enumerate(targets):
        target_check(item, (*keys, index), target, scope)


def target_check(item: Item, keys: tuple[str | int, ...], target: TargetDef, scope: Scope) -> None:
    if isinstance(target.ref, str):
        scope.reference(item.nearest((*keys, "ref")), _SECTIONS[target.kind])


KIND = Policies()
