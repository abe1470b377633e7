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
from policies.definition.dumping import target_dump
from policies.definition.parsing import targets_read
from policies.definition.schema import TARGET_SCHEMA
from policies.durations import DURATION_PATTERN, duration_text
from policies.reading import MAX_SECONDS, DefinitionInvalid, Node, Problem
from policies.routing.values import (
    LEAST_ASK,
    LEAST_SUPPRESS,
    MAX_RULES,
    MAX_TIMERS,
    MOST_ASK,
    MOST_SUPPRESS,
    Ask,
    AskOtherwise,
    Aspect,
    Effect,
    RoutingDef,
    RoutingRule,
)

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
        elif isinstance(value, Ask):
            value = ask_dump(value)
        elif aspect is Aspect.SUPPRESS:
            value = duration_text(value)
        elif aspect.value.startswith("severity"):
            value = severity_name(value)
        data[aspect.value] = value
    return data


def ask_parse(data: object) -> Ask | None:
    """The question that `data` describes, None for none. Raises DefinitionInvalid as `routing_parse` does."""
    problems: list[Problem] = []
    ask = _ask(Node(data, (), problems))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return ask


def suppress_parse(data: object) -> int | None:
    """The seconds that `data` describes, None for none. Raises DefinitionInvalid as `routing_parse` does."""
    problems: list[Problem] = []
    seconds = _suppress(Node(data, (), problems))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return seconds


def ask_dump(ask: Ask) -> dict[str, Any]:
    return {
        "targets": [target_dump(target) for target in ask.targets],
        "within": duration_text(ask.within_seconds),
        "otherwise": ask.otherwise.value,
    }


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
        tell=targets_read(fields["tell"], least=0, places=True),
        timers_percent=_number(fields["timers_percent"], most=MAX_TIMERS),
        escalate=None if fields["escalate"].value is None else fields["escalate"].flag(default=True),
        ask=_ask(fields["ask"]),
        suppress=_suppress(fields["suppress"]),
        guarded=fields["guarded"].flag(default=False),
        protected=fields["protected"].flag(default=False),
        major=fields["major"].flag(default=False),
        problem=fields["problem"].flag(default=False),
    )
    if effect.escalate is False and effect.straight_to:
        fields["straight_to"].wrong(_("pages people, while “escalate” says that nobody is paged"))
    if effect.escalate is False and effect.ask is not None:
        fields["ask"].wrong(_("asks whether to escalate, while “escalate” says that nobody is paged"))
    _check_silence(effect, fields["suppress"])
    return effect


def _check_silence(effect: Effect, node: Node) -> None:
    """What is silent cannot make a noise by the same rule."""
    if effect.suppress is None:
        return
    if effect.escalate is False:
        node.wrong(_("keeps it silent for a time, while “escalate” says that nobody is paged at all"))
    if effect.ask is not None or effect.straight_to or effect.major:
        node.wrong(_("keeps it silent, while the same rule asks or pages people, or declares a major incident"))


def _suppress(node: Node) -> int | None:
    """For how long, in seconds."""
    if node.value is None:
        return None
    seconds = node.seconds(least=1)
    if 0 < seconds < LEAST_SUPPRESS or MOST_SUPPRESS < seconds <= MAX_SECONDS:
        node.wrong(_("must be from 1 minute to 7 days"))
    # What is no duration was noted; the rule still says something.
    return seconds or LEAST_SUPPRESS


def _ask(node: Node) -> Ask | None:
    """`{"targets": [target, …], "within": "10m", "otherwise": "proceed"}`."""
    if node.value is None:
        return None
    fields = node.fields("targets", "within", "otherwise")
    seconds = fields["within"].seconds(least=1)
    if 0 < seconds < LEAST_ASK or MOST_ASK < seconds <= MAX_SECONDS:
        fields["within"].wrong(_("must be from 1 minute to 24 hours"))
    return Ask(
        targets=targets_read(fields["targets"], least=1),
        within_seconds=seconds,
        otherwise=fields["otherwise"].choice(list(AskOtherwise), default=AskOtherwise.PROCEED),
    )


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
_ASK = _object(
    ["targets", "within"],
    targets={"type": "array", "minItems": 1, "maxItems": MAX_TARGETS, "items": TARGET_SCHEMA},
    within={
        "anyOf": [
            {"type": "string", "pattern": DURATION_PATTERN},
            {"type": "integer", "minimum": LEAST_ASK, "maximum": MOST_ASK},
        ],
        "description": "how long a decision is waited for: 1 minute to 24 hours",
    },
    otherwise={"enum": [None, *(one.value for one in AskOtherwise)], "description": "what follows when nobody decided"},
)
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
    ask={
        "anyOf": [{"type": "null"}, _ASK],
        "description": "an ambiguous incident asks a person before anybody is paged",
    },
    suppress={
        "anyOf": [
            {"type": "null"},
            {"type": "string", "pattern": DURATION_PATTERN},
            {"type": "integer", "minimum": LEAST_SUPPRESS, "maximum": MOST_SUPPRESS},
        ],
        "description": "on record and silent for so long (1 minute to 7 days), then escalated if it is still open",
    },
    guarded={**_SWITCH, "description": "what automation would do waits for a person"},
    protected={**_SWITCH, "description": "only owners of the service may silence it"},
    major={**_SWITCH, "description": "declare it a major incident"},
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
