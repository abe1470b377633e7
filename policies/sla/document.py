"""The JSON form of SLA targets.

{"targets": [
    {"name": "Outages", "severity": ["SEV-1"], "tier": [1], "acknowledge": "5m", "resolve": "4h"},
    {"name": "Everything else", "resolve": "40h", "hours": "business"}
]}

The first target that fits holds. "severity", "priority" ("P2") and "tier" are lists; one that is left out fits any.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from policies.conditions import VOCABULARY
from policies.definition import Hours, severity_name
from policies.durations import DURATION_PATTERN, duration_text
from policies.reading import DefinitionInvalid, Node, Problem
from policies.sla.values import MAX_TARGETS, SlaDef, SlaTarget

MAX_NAME = 80
MAX_RESOLVE = 365 * 86_400
_TIERS = 3


def sla_parse(data: object) -> SlaDef:
    """The targets that ``data`` (parsed JSON or YAML) describes. Raises DefinitionInvalid naming every field at fault."""
    problems: list[Problem] = []
    fields = Node(data, (), problems).fields("targets")
    sla = SlaDef(fields["targets"].items(_target, most=MAX_TARGETS))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return sla


def sla_dump(sla: SlaDef) -> dict[str, Any]:
    """The JSON form, always the same for the same targets; `sla_parse` reads it back to an equal value."""
    return {"targets": [_target_dump(target) for target in sla.targets]}


def _target_dump(target: SlaTarget) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": target.name,
        "severity": [severity_name(one) for one in target.severities],
        "priority": [f"P{one}" for one in target.priorities],
        "tier": list(target.tiers),
        "resolve": _span_text(target.resolve_seconds, target.hours),
        "hours": target.hours.value,
    }
    if target.acknowledge_seconds is not None:
        data["acknowledge"] = _span_text(target.acknowledge_seconds, target.hours)
    return data


def _span_text(seconds: int, hours: Hours) -> str:
    """A working day has no 24 hours, so that working hours are never written as days: "40h" and not "1d16h"."""
    whole, rest = divmod(seconds, 3_600)
    if hours is Hours.ALL or whole < 24:
        return duration_text(seconds)
    return f"{whole}h" + (duration_text(rest) if rest else "")


def _target(node: Node) -> SlaTarget:
    fields = node.fields("name", "severity", "priority", "tier", "acknowledge", "resolve", "hours")
    if fields["resolve"].value is None:
        fields["resolve"].wrong(_("must not be empty"))
        resolve = 0
    else:
        resolve = fields["resolve"].seconds(least=1, most=MAX_RESOLVE)
    acknowledge = None
    if fields["acknowledge"].value not in (None, ""):
        acknowledge = fields["acknowledge"].seconds(least=1, most=MAX_RESOLVE)
        if resolve and acknowledge > resolve:
            fields["acknowledge"].wrong(_("must not be longer than the time to resolve"))
    return SlaTarget(
        name=fields["name"].text(required=True, most=MAX_NAME),
        resolve_seconds=resolve,
        acknowledge_seconds=acknowledge,
        severities=_ranks(fields["severity"], "severity"),
        priorities=_ranks(fields["priority"], "priority"),
        tiers=_ranks(fields["tier"], "tier"),
        hours=fields["hours"].choice(tuple(Hours), default=Hours.ALL),
    )


def _ranks(node: Node, name: str) -> tuple[int, ...]:
    """Ranks of a fact of that name, sorted, each once; a single one need not be in a list."""
    fact = VOCABULARY.names[name]
    alone = isinstance(node.value, int | str) and not isinstance(node.value, bool)

    def rank(item: Node) -> int:
        found = fact.rank_of(item.value)
        if found is None:
            names = [f"{fact.written}{key}" for key, _words in fact.choices]
            item.wrong(_("must be one of %(names)s") % {"names": ", ".join(names)})
        return found or 1

    return (rank(node),) if alone else tuple(sorted(set(node.items(rank, most=5))))


def sla_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the form `sla_parse` reads, which has the last word."""
    duration = {"anyOf": [{"type": "string", "pattern": DURATION_PATTERN}, {"type": "integer", "minimum": 1}]}
    target = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "resolve"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME},
            "severity": _ranks_schema("^[sS][eE][vV]-[1-5]$", 5),
            "priority": _ranks_schema("^[pP][1-5]$", 5),
            "tier": _ranks_schema("", _TIERS),
            "acknowledge": {"anyOf": [*duration["anyOf"], {"type": "null"}, {"const": ""}]},
            "resolve": duration,
            "hours": {"enum": [*(hours.value for hours in Hours), None]},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "SLA targets",
        "type": "object",
        "additionalProperties": False,
        "properties": {"targets": {"type": ["array", "null"], "maxItems": MAX_TARGETS, "items": target}},
    }


def _ranks_schema(pattern: str, most: int) -> dict[str, Any]:
    one: list[dict[str, Any]] = [{"type": "integer", "minimum": 1, "maximum": most}]
    if pattern:
        one.append({"type": "string", "pattern": pattern})
    return {"anyOf": [*one, {"type": ["array", "null"], "maxItems": 5, "items": {"anyOf": one}}]}
