"""The JSON form of routing rules.

{"rules": [{
    "key": "vip-payments",
    "name": "VIP customers cannot pay",
    "reason": "A VIP customer cannot pay.",
    "when": {"all": [{"fact": "vip"}, {"fact": "payment_failure"}]},
    "then": {"policy": "critical-payments", "severity_at_least": "SEV-1", "start_level": 2,
             "tell": [{"kind": "user", "ref": "account-manager"}]}
 }],
 "otherwise": {"escalate": true}}
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from policies.conditions import VOCABULARY, Vocabulary, condition_definitions, condition_dump, condition_read
from policies.definition import MAX_LEVELS, MAX_NAME_LENGTH, MAX_REF_LENGTH, MAX_TARGETS, severity_name
from policies.definition.parts import TARGET_SCHEMA, target_dump, targets_read
from policies.reading import DefinitionInvalid, Node, Problem
from policies.routing.values import MAX_RULES, MAX_TIMERS, Effect, RoutingDef, RoutingRule

KEY_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,59}$"
MAX_REASON = 300
_KEY = re.compile(KEY_PATTERN, re.ASCII)
_EFFECTS = tuple(Effect.__dataclass_fields__)


def routing_parse(data: object, *, vocabulary: Vocabulary = VOCABULARY) -> RoutingDef:
    """The rules that `data` (parsed JSON or YAML) describes.

    Raises DefinitionInvalid naming every problem found, each with the path of its field.
    """
    problems: list[Problem] = []
    routing = _routing(Node(data, (), problems), vocabulary)
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return routing


def routing_dump(routing: RoutingDef, *, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """The JSON form, always the same for the same rules; `routing_parse` reads it back to an equal value."""
    return {
        "rules": [_rule_dump(rule, vocabulary) for rule in routing.rules],
        "otherwise": effect_dump(routing.otherwise),
    }


def effect_dump(effect: Effect) -> dict[str, Any]:
    """What the effect says and nothing else."""
    data: dict[str, Any] = {}
    for aspect in effect.aspects:
        value = getattr(effect, aspect.value)
        if isinstance(value, tuple):
            value = [target_dump(target) for target in value]
        elif aspect.value.startswith("severity"):
            value = severity_name(value)
        data[aspect.value] = value
    return data


def _rule_dump(rule: RoutingRule, vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "key": rule.key,
        "name": rule.name,
        "reason": rule.reason,
        "when": condition_dump(rule.when, vocabulary=vocabulary),
        "then": effect_dump(rule.then),
        "stop": rule.stop,
        "enabled": rule.enabled,
    }


def _routing(node: Node, vocabulary: Vocabulary) -> RoutingDef:
    fields = node.fields("rules", "otherwise")
    rules = fields["rules"].items(lambda item: _rule(item, vocabulary), most=MAX_RULES)
    _name_doubles(fields["rules"], rules)
    otherwise = fields["otherwise"]
    return RoutingDef(rules, Effect() if otherwise.value is None else _effect(otherwise, vocabulary))


def _name_doubles(node: Node, rules: Sequence[RoutingRule]) -> None:
    keys = [rule.key for rule in rules]
    for index, key in enumerate(keys):
        if key and key in keys[:index]:
            node.child(index, None).child("key", None).wrong(_("is the key of an earlier rule too"))


def _rule(node: Node, vocabulary: Vocabulary) -> RoutingRule:
    fields = node.fields("key", "name", "reason", "when", "then", "stop", "enabled")
    key = fields["key"].text(required=True, most=MAX_NAME_LENGTH)
    if key and not _KEY.match(key):
        fields["key"].wrong(_("must be small letters, digits, “-” and “_” only, at most 60"))
    rule = RoutingRule(
        key=key,
        name=fields["name"].text(required=True, most=MAX_NAME_LENGTH),
        reason=fields["reason"].text(most=MAX_REASON),
        when=condition_read(fields["when"], vocabulary=vocabulary),
        then=_effect(fields["then"], vocabulary),
        stop=fields["stop"].flag(default=False),
        enabled=fields["enabled"].flag(default=True),
    )
    if fields["then"].is_mapping and not rule.then.aspects and not rule.stop:
        fields["then"].wrong(_("decides nothing"))
    return rule


def _effect(node: Node, vocabulary: Vocabulary) -> Effect:
    fields = node.fields(*_EFFECTS)
    severity, at_least = (_severity(fields[name], vocabulary) for name in ("severity", "severity_at_least"))
    if severity and at_least:
        fields["severity_at_least"].wrong(_("cannot stand beside a severity that is set"))
    effect = Effect(
        policy=_ref(fields["policy"]),
        severity=severity,
        severity_at_least=at_least,
        start_level=_number(fields["start_level"], most=MAX_LEVELS),
        team=_ref(fields["team"]),
        straight_to=targets_read(fields["straight_to"], least=0),
        tell=targets_read(fields["tell"], least=0),
        timers_percent=_number(fields["timers_percent"], most=MAX_TIMERS),
        escalate=None if fields["escalate"].value is None else fields["escalate"].flag(default=True),
        protected=fields["protected"].flag(default=False),
        problem=fields["problem"].flag(default=False),
    )
    if effect.escalate is False and effect.straight_to:
        fields["straight_to"].wrong(_("pages people, while “escalate” says that nobody is paged"))
    return effect


def _severity(node: Node, vocabulary: Vocabulary) -> int | None:
    if node.value is None:
        return None
    fact = vocabulary.find("severity")
    rank = fact.rank_of(node.value) if fact is not None else None
    if rank is None:
        names = [severity_name(number) for number in range(1, 6)]
        node.wrong(_("must be one of %(names)s") % {"names": ", ".join(names)})
    return rank


def _number(node: Node, *, most: int) -> int | None:
    return None if node.value is None else node.count(most=most, default=1)


def _ref(node: Node) -> str | int | None:
    """A slug or a primary key."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.count(most=2**63 - 1, default=1)
    return node.text(most=MAX_REF_LENGTH) or None


def routing_schema(*, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the form `routing_parse` reads, which has the last word."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Routing rules",
        **_object(
            [],
            rules={"type": ["array", "null"], "maxItems": MAX_RULES, "items": _RULE},
            otherwise={"anyOf": [{"type": "null"}, _EFFECT]},
        ),
        "$defs": condition_definitions(vocabulary=vocabulary),
    }


def _object(required: list[str], **properties: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


_REFERENCE = {"type": ["string", "integer", "null"], "maxLength": MAX_REF_LENGTH, "description": "slug or primary key"}
_SEVERITY = {
    "anyOf": [
        {"type": "string", "pattern": "^[sS][eE][vV]-[1-5]$"},
        {"type": ["integer", "null"], "minimum": 1, "maximum": 5},
    ]
}
_TARGETS = {"type": ["array", "null"], "maxItems": MAX_TARGETS, "items": TARGET_SCHEMA}
_SWITCH = {"type": ["boolean", "null"]}
_EFFECT = _object(
    [],
    policy=_REFERENCE,
    severity=_SEVERITY,
    severity_at_least={**_SEVERITY, "description": "never milder than this"},
    start_level={"type": ["integer", "null"], "minimum": 1, "maximum": MAX_LEVELS},
    team=_REFERENCE,
    straight_to={**_TARGETS, "description": "paged at once besides the first level: seniors and specialists"},
    tell={**_TARGETS, "description": "get a notice and no page"},
    timers_percent={"type": ["integer", "null"], "minimum": 1, "maximum": MAX_TIMERS},
    escalate={**_SWITCH, "description": "false pages nobody"},
    protected={**_SWITCH, "description": "only owners of the service may silence it"},
    problem={**_SWITCH, "description": "propose a problem record"},
)
_RULE = _object(
    ["key", "name", "when", "then"],
    key={"type": "string", "pattern": KEY_PATTERN},
    name={"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
    reason={"type": ["string", "null"], "maxLength": MAX_REASON, "description": "what people read on the incident"},
    when={"anyOf": [{"$ref": "#/$defs/condition"}, _object(["all"], all={"type": "array", "maxItems": 0})]},
    then=_EFFECT,
    stop={**_SWITCH, "description": "no later rule is looked at when this one matches"},
    enabled=_SWITCH,
)
