"""The JSON form of the priority matrix.

{"impact": ["Everybody", "", "", "", ""],
 "urgency": ["", "", "", "", ""],
 "matrix": [[1, 1, 2, 3, 3], [1, 2, 2, 3, 4], [2, 2, 3, 4, 4], [3, 3, 4, 4, 5], [3, 4, 4, 5, 5]],
 "severity": [1, 2, 3, 4, 5],
 "thresholds": [{"at_percent": 50, "raise_by": 1}, {"at_percent": 80, "raise_by": 1}]}

A row of the matrix is an impact, a place in it an urgency, each from the highest to the lowest. Priorities may be
written as "P1". What is left out is as Watchbell comes with it.
"""

from __future__ import annotations

from typing import Any, cast

from django.utils.translation import gettext as _

from policies.priority.values import MAX_LABEL, MAX_THRESHOLDS, Five, Numbers, PriorityDef, Threshold
from policies.reading import DefinitionInvalid, Node, Problem

MAX_PERCENT = 200
MAX_RAISE = 4
_DEFAULT = PriorityDef()
_STEPS = 5


def priority_parse(data: object) -> PriorityDef:
    """What ``data`` (parsed JSON or YAML) describes. Raises DefinitionInvalid naming every field at fault."""
    problems: list[Problem] = []
    priority = _priority(Node(data, (), problems))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return priority


def priority_dump(priority: PriorityDef) -> dict[str, Any]:
    """The JSON form, always the same for the same matrix; `priority_parse` reads it back to an equal value."""
    return {
        "impact": list(priority.impact),
        "urgency": list(priority.urgency),
        "matrix": [list(row) for row in priority.matrix],
        "severity": list(priority.severity),
        "thresholds": [{"at_percent": one.at_percent, "raise_by": one.raise_by} for one in priority.thresholds],
    }


def _priority(node: Node) -> PriorityDef:
    fields = node.fields("impact", "urgency", "matrix", "severity", "thresholds")
    return PriorityDef(
        impact=_labels(fields["impact"]),
        urgency=_labels(fields["urgency"]),
        matrix=_matrix(fields["matrix"]),
        severity=_DEFAULT.severity if fields["severity"].value is None else _numbers(fields["severity"]),
        thresholds=_thresholds(fields["thresholds"]),
    )


def _labels(node: Node) -> Five:
    if node.value is None:
        return _DEFAULT.impact
    found = node.items(lambda item: item.text(most=MAX_LABEL), most=_STEPS)
    _require_five(node, len(found))
    return cast(Five, (*found, "", "", "", "", "")[:_STEPS])


def _matrix(node: Node) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    if node.value is None:
        return _DEFAULT.matrix
    rows = node.items(_numbers, most=_STEPS)
    _require_five(node, len(rows))
    return cast(tuple[Numbers, Numbers, Numbers, Numbers, Numbers], (*rows, *_DEFAULT.matrix)[:_STEPS])


def _numbers(node: Node) -> Numbers:
    found = node.items(_number, most=_STEPS)
    _require_five(node, len(found))
    return cast(Numbers, (*found, *_DEFAULT.severity)[:_STEPS])


def _require_five(node: Node, count: int) -> None:
    if count < _STEPS:
        node.wrong(_("must have %(count)d entries, from the highest to the lowest") % {"count": _STEPS})


def _number(node: Node) -> int:
    value = node.value
    if isinstance(value, str) and len(value) == 2 and value[0] in "pP" and value[1] in "12345":
        value = int(value[1])
    if not isinstance(value, int) or isinstance(value, bool) or value not in range(1, _STEPS + 1):
        node.wrong(_("must be a priority from P1 to P5"))
        return 1
    return value


def _thresholds(node: Node) -> tuple[Threshold, ...]:
    if node.value is None:
        return _DEFAULT.thresholds
    found = node.items(_threshold, most=MAX_THRESHOLDS)
    percents = [one.at_percent for one in found]
    for index, percent in enumerate(percents):
        if percent in percents[:index]:
            node.child(index, None).wrong(_("names %(percent)d %% again") % {"percent": percent})
    return tuple(sorted(found, key=lambda one: one.at_percent))


def _threshold(node: Node) -> Threshold:
    fields = node.fields("at_percent", "raise_by")
    if fields["at_percent"].value is None:
        fields["at_percent"].wrong(_("must not be empty"))
    return Threshold(
        fields["at_percent"].count(most=MAX_PERCENT, default=1), fields["raise_by"].count(most=MAX_RAISE, default=1)
    )


def priority_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the form `priority_parse` reads, which has the last word."""
    labels = {"type": ["array", "null"], "minItems": _STEPS, "maxItems": _STEPS, "items": _LABEL}
    threshold = {
        "type": "object",
        "additionalProperties": False,
        "required": ["at_percent"],
        "properties": {
            "at_percent": {"type": "integer", "minimum": 1, "maximum": MAX_PERCENT},
            "raise_by": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_RAISE},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Priority matrix",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "impact": {**labels, "description": "names of the impacts, from the highest to the lowest"},
            "urgency": {**labels, "description": "names of the urgencies, from the highest to the lowest"},
            "matrix": {
                "type": ["array", "null"],
                "minItems": _STEPS,
                "maxItems": _STEPS,
                "items": _NUMBERS,
                "description": "a row for each impact, in it a priority for each urgency",
            },
            "severity": {
                "anyOf": [{"type": "null"}, _NUMBERS],
                "description": "the priority of each severity, where impact or urgency is unknown",
            },
            "thresholds": {"type": ["array", "null"], "maxItems": MAX_THRESHOLDS, "items": threshold},
        },
    }


_LABEL = {"type": ["string", "null"], "maxLength": MAX_LABEL}
_NUMBERS = {
    "type": "array",
    "minItems": _STEPS,
    "maxItems": _STEPS,
    "items": {
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": _STEPS}, {"type": "string", "pattern": "^[pP][1-5]$"}]
    },
}
