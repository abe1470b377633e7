"""JSON Schema of severity criteria, for editors and other programs."""

from __future__ import annotations

from typing import Any

from policies.conditions import condition_definitions
from policies.criteria.document import KEY_PATTERN
from policies.criteria.facts import ASKABLE, SERVICE_FACTS
from policies.criteria.values import (
    MAX_CRITERIA,
    MAX_HELP,
    MAX_OPTIONS,
    MAX_QUESTIONS,
    MAX_TEXT,
    SCALE,
    AnswerKind,
    Scale,
)
from policies.routing.values import AskOtherwise


def criteria_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the form `criteria_parse` reads, which has the last word."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Severity criteria",
        **_object(
            [],
            questions={"type": ["array", "null"], "maxItems": MAX_QUESTIONS, "items": _QUESTION},
            **{scale.value: _criteria(scale) for scale in Scale},
            otherwise=_OTHERWISE,
            unclear=_UNCLEAR,
        ),
        "$defs": condition_definitions(),
    }


def _object(required: list[str], /, **properties: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, schema]}


def _text(most: int, *, required: bool = False) -> dict[str, Any]:
    if required:
        return {"type": "string", "minLength": 1, "maxLength": most}
    return {"type": ["string", "null"], "maxLength": most}


_SEVERITY = {
    "anyOf": [
        {"type": "string", "pattern": "^[sS][eE][vV]-[1-5]$"},
        {"type": "integer", "minimum": 1, "maximum": SCALE},
    ]
}
_FACT = {
    "anyOf": [{"enum": list(ASKABLE)}, {"type": "string", "pattern": r"^custom\.\S"}],
    "description": "what the answer is known as in conditions",
}
_OPTION = _object(["value"], value=_text(60, required=True), text=_text(MAX_TEXT))
_QUESTION = _object(
    ["key", "fact", "text"],
    key={"type": "string", "pattern": KEY_PATTERN},
    fact=_FACT,
    text=_text(MAX_TEXT, required=True),
    answer={"enum": [*(kind.value for kind in AnswerKind), None], "description": "of custom facts only"},
    help=_text(MAX_HELP),
    required={"type": ["boolean", "null"]},
    options={"type": ["array", "null"], "maxItems": MAX_OPTIONS, "items": _OPTION},
    yes=_text(MAX_TEXT),
    no=_text(MAX_TEXT),
)
_OTHERWISE = _optional(
    _object([], severity=_optional(_SEVERITY), escalate={"type": ["boolean", "null"]}, reason=_text(MAX_HELP))
)
_UNCLEAR = _optional(
    _object(
        [],
        within={"type": ["string", "integer", "null"], "description": "1m to 24h"},
        otherwise={"enum": [*(one.value for one in AskOtherwise), None]},
        severity=_optional(_SEVERITY),
    )
)


def _criteria(scale: Scale) -> dict[str, Any]:
    value = _SEVERITY if scale is Scale.SEVERITY else {"type": "integer", "minimum": 1, "maximum": SCALE}
    facts = ", ".join(SERVICE_FACTS)
    criterion = _object(
        [scale.value, "when"],
        **{scale.value: value},
        when={
            "anyOf": [{"$ref": "#/$defs/condition"}, _object(["all"], all={"type": "array", "maxItems": 0})],
            "description": f"about facts that a question asks for, or that the catalogue knows: {facts}",
        },
        reason=_text(MAX_HELP),
    )
    return {"type": ["array", "null"], "maxItems": MAX_CRITERIA, "items": criterion}
