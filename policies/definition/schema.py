"""The JSON Schema of policies."""

from __future__ import annotations

from typing import Any

from policies.definition.values import (
    ENTRY_ORIGINS,
    MAX_CYCLES,
    MAX_DUTY_LENGTH,
    MAX_LEVELS,
    MAX_NAME_LENGTH,
    MAX_REF_LENGTH,
    MAX_TARGETS,
    TIMEOUT_ORIGINS,
    AckMode,
    Role,
    TargetKind,
)
from policies.durations import DURATION_PATTERN
from policies.reading import MAX_SECONDS

_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": DURATION_PATTERN, "examples": ["5m", "90s", "1h30m"]},
        {"type": "integer", "minimum": 0, "maximum": MAX_SECONDS, "description": "seconds"},
    ]
}


def _object_schema(required: list[str], **properties: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _timeout_schema(description: str) -> dict[str, Any]:
    origins = {"enum": [origin.value for origin in TIMEOUT_ORIGINS], "default": "level"}
    long_form = _object_schema(["after"], after=_DURATION_SCHEMA, measured_from=origins)
    return {"description": description, "anyOf": [{"type": "null"}, _DURATION_SCHEMA, long_form]}


_TARGET_SCHEMA = _object_schema(
    ["kind"],
    kind={"enum": [kind.value for kind in TargetKind]},
    ref={"type": ["string", "integer", "null"], "maxLength": MAX_REF_LENGTH, "description": "slug or primary key"},
    role={"enum": [None, *(role.value for role in Role)], "description": "schedules only"},
)

_LEVEL_SCHEMA = _object_schema(
    ["name", "targets"],
    name={"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
    duty={"type": "string", "maxLength": MAX_DUTY_LENGTH},
    start={
        "description": "when the level is entered after the one before it went unanswered",
        "anyOf": [
            {"type": "null"},
            _DURATION_SCHEMA,
            _object_schema(
                [],
                delay=_DURATION_SCHEMA,
                measured_from={"enum": [origin.value for origin in ENTRY_ORIGINS], "default": "previous"},
            ),
        ],
    },
    targets={"type": "array", "minItems": 1, "maxItems": MAX_TARGETS, "items": _TARGET_SCHEMA},
    ack_timeout=_timeout_schema("time to acknowledge before the next level"),
    resolve_timeout=_timeout_schema("time to resolve or mitigate before the next level, acknowledged or not"),
    ack_mode={"enum": [mode.value for mode in AckMode], "default": "any"},
)

POLICY_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Escalation policy",
    **_object_schema(
        ["levels"],
        levels={"type": "array", "minItems": 1, "maxItems": MAX_LEVELS, "items": _LEVEL_SCHEMA},
        cycles={"type": "integer", "minimum": 1, "maximum": MAX_CYCLES, "default": 1},
        catch_all={"type": "array", "maxItems": MAX_TARGETS, "items": _TARGET_SCHEMA, "default": []},
        mitigated_satisfies_resolution={"type": "boolean", "default": True},
    ),
}
"""JSON Schema (draft 2020-12) of the form `policy_parse` reads. What it accepts may still break a rule that crosses
fields (a level without any timeout, a role on a person); `policy_parse` has the last word."""
