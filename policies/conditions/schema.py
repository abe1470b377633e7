"""JSON Schema (draft 2020-12) of the form `condition_parse` reads, made from the tables of facts and operators."""

from __future__ import annotations

import re
from typing import Any

from policies.conditions.document import MAX_COUNT, MAX_WINDOWS, MAX_WITHIN
from policies.conditions.kinds import OPERATORS, YES_OR_NO, Kind, Operator, Shape
from policies.conditions.patterns import MAX_PATTERN
from policies.conditions.values import MAX_CHECKS, MAX_VALUES, MAX_WORD, Day, Join
from policies.conditions.vocabulary import VOCABULARY, FactDef, Vocabulary
from policies.durations import DURATION_PATTERN
from policies.reading import MAX_SECONDS

_TIME = r"^\s*([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?\s*$"
_END = r"^\s*(([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?|24:00(:00)?)\s*$"
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "pattern": r"\S"}


def condition_schema(*, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """The schema of a condition. What it accepts may still break a rule that it cannot say (how deep groups nest,
    whether a pattern can be used); `condition_parse` has the last word."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Condition",
        "anyOf": [{"$ref": "#/$defs/condition"}, _object(["all"], all={"type": "array", "maxItems": 0})],
        "$defs": condition_definitions(vocabulary=vocabulary),
    }


def condition_definitions(*, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """The `$defs` of a schema that holds conditions, who are then `{"$ref": "#/$defs/condition"}`."""
    parts = {"type": "array", "minItems": 1, "maxItems": MAX_CHECKS, "items": {"$ref": "#/$defs/condition"}}
    groups = [_object([join.value], **{join.value: parts}) for join in Join]
    return {"condition": {"anyOf": [*groups, {"$ref": "#/$defs/check"}]}, "check": {"anyOf": _checks(vocabulary)}}


def _object(required: list[str], **properties: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _checks(vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """One schema for each fact and shape; facts that want the very same share one."""
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    open_names = []
    for fact in vocabulary:
        for schema in _shapes(fact):
            _same, names = found.setdefault(repr(schema), (schema, []))
            names.append(fact.name)
        if fact.is_open:
            open_names.append(fact.name)
    return [_named(schema, names) for schema, names in found.values()]


def _named(schema: dict[str, Any], names: list[str]) -> dict[str, Any]:
    closed = [name for name in names if not name.endswith(".*")]
    families = [re.escape(name.removesuffix(".*")) for name in names if name.endswith(".*")]
    ways: list[dict[str, Any]] = [{"enum": closed}] if closed else []
    if families:
        ways.append({"type": "string", "maxLength": MAX_WORD, "pattern": rf"^({'|'.join(families)})\.\S([\s\S]*\S)?$"})
    named = ways[0] if len(ways) == 1 else {"anyOf": ways}
    return {**schema, "properties": {"fact": named, **schema["properties"]}}


def _shapes(fact: FactDef) -> list[dict[str, Any]]:
    shapes: dict[Shape, list[Operator]] = {}
    for operator, shape in OPERATORS[fact.kind].items():
        shapes.setdefault(shape, []).append(operator)
    first = next(iter(OPERATORS[fact.kind]))
    return [_shape(fact, shape, operators, has_first=first in operators) for shape, operators in shapes.items()]


def _shape(fact: FactDef, shape: Shape, operators: list[Operator], *, has_first: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "operator": {"enum": [operator.value for operator in operators]},
        **{name: {"type": "null"} for name in ("value", "within", "zone", "calendar")},
    }
    required = ["fact"] if has_first else ["fact", "operator"]
    if has_first:
        properties["operator"] = {"enum": [*properties["operator"]["enum"], None]}
    if shape is not Shape.NOTHING:
        properties["value"] = _value(fact, shape)
        if fact.kind not in YES_OR_NO:
            required.append("value")
    if fact.kind is Kind.HISTORY and shape is not Shape.NOTHING:
        properties["within"] = _duration(MAX_WITHIN, least=1)
        required.append("within")
    if fact.kind in (Kind.WEEKDAY, Kind.TIME):
        properties["zone"] = {"type": ["string", "null"], "maxLength": MAX_WORD}
    if fact.kind is Kind.CALENDAR:
        properties["calendar"] = {"type": ["string", "null"], "maxLength": MAX_WORD}
    return _object(required, **properties)


def _value(fact: FactDef, shape: Shape) -> dict[str, Any]:
    one = _one(fact)
    match shape:
        case Shape.MANY:
            return {"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": one}
        case Shape.SIZE:
            return _size(fact)
        case Shape.RANGE:
            return _object(["from", "to"], **{"from": _size(fact), "to": _size(fact)})
        case Shape.PHRASES:
            phrases = {"type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": _TEXT}
            return {"anyOf": [_TEXT, phrases]}
        case Shape.PATTERN:
            return {**_TEXT, "description": f"a regular expression of at most {MAX_PATTERN} characters"}
        case Shape.WINDOWS:
            return {"anyOf": [_WINDOW, {"type": "array", "minItems": 1, "maxItems": MAX_WINDOWS, "items": _WINDOW}]}
        case _:
            return one


def _one(fact: FactDef) -> dict[str, Any]:
    match fact.kind:
        case Kind.RANK:
            ranks = {"type": "integer", "minimum": 1, "maximum": len(fact.choices)}
            if not fact.written:
                return ranks
            prefix = "".join(f"[{char.lower()}{char}]" if char.isalpha() else re.escape(char) for char in fact.written)
            return {"anyOf": [{"type": "string", "pattern": f"^{prefix}[1-{len(fact.choices)}]$"}, ranks]}
        case Kind.CHOICE | Kind.WEEKDAY:
            return {"enum": [key for key, _words in fact.choices]}
        case Kind.OPEN:
            return {"anyOf": [_TEXT, {"type": ["number", "boolean"]}]}
        case Kind.FLAG | Kind.CALENDAR:
            return {"type": ["boolean", "null"]}
        case _:
            return _TEXT


def _size(fact: FactDef) -> dict[str, Any]:
    if fact.kind is Kind.DURATION:
        return _duration(MAX_SECONDS, least=0)
    if fact.kind is Kind.HISTORY:
        return {"type": "integer", "minimum": 0, "maximum": MAX_COUNT}
    return {"type": "number"}


def _duration(most: int, *, least: int) -> dict[str, Any]:
    return {
        "anyOf": [
            {"type": "string", "pattern": DURATION_PATTERN, "examples": ["30m", "24h"]},
            {"type": "integer", "minimum": least, "maximum": most, "description": "seconds"},
        ]
    }


_WINDOW = _object(
    ["from", "to"],
    days={"type": ["array", "null"], "maxItems": 7, "items": {"enum": [day.value for day in Day]}},
    **{"from": {"type": "string", "pattern": _TIME}, "to": {"type": "string", "pattern": _END}},
)
