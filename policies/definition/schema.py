"""The JSON Schema of policies."""

from __future__ import annotations

from typing import Any

from policies.definition.dumping import OWN, UNTIL_ANSWERED, severity_name
from policies.definition.values import (
    CRITICAL,
    DEFAULT_FINAL_TIMES,
    ENTRY_ORIGINS,
    MAX_CYCLES,
    MAX_DUTY_LENGTH,
    MAX_LEVELS,
    MAX_NAME_LENGTH,
    MAX_REF_LENGTH,
    MAX_REPEATS,
    MAX_TARGETS,
    MAX_UP,
    TIMEOUT_ORIGINS,
    AckMode,
    Hours,
    IfUnreachable,
    MeasuredFrom,
    Pick,
    Role,
    TargetKind,
)
from policies.durations import DURATION_PATTERN
from policies.reading import MAX_SECONDS
from policies.severity import Severity
from policies.ways import KINDS

_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": DURATION_PATTERN, "examples": ["5m", "90s", "1h30m"]},
        {"type": "integer", "minimum": 0, "maximum": MAX_SECONDS, "description": "seconds"},
    ]
}


def _object_schema(required: list[str], **properties: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


_SEVERITY_NAMES = [severity_name(severity.value) for severity in Severity]
_SEVERITIES_SCHEMA: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": len(_SEVERITY_NAMES),
    "items": {"enum": [*_SEVERITY_NAMES, *(severity.value for severity in Severity)]},
}


def _by_severity_schema(value: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": ["object", "null"],
        "propertyNames": {"pattern": "^([sS][eE][vV]-?)?[1-5]$"},
        "additionalProperties": value,
    }


def _finer_schema(origins: tuple[MeasuredFrom, ...], default: MeasuredFrom) -> dict[str, Any]:
    """What a delay and a timeout may say besides how long they are."""
    return {
        "measured_from": {"enum": [origin.value for origin in origins], "default": default.value},
        "by_severity": _by_severity_schema(_DURATION_SCHEMA, "what holds for a severity instead"),
        "hours": {"enum": [hours.value for hours in Hours], "default": "all", "description": "which time counts"},
        "otherwise": {
            "description": "before_sla only: how long where the incident has no SLA",
            "anyOf": [{"type": "null"}, _DURATION_SCHEMA],
        },
    }


def _timeout_schema(description: str) -> dict[str, Any]:
    finer = _finer_schema(TIMEOUT_ORIGINS, MeasuredFrom.LEVEL)
    long_form = _object_schema(["after"], after=_DURATION_SCHEMA, **finer)
    return {"description": description, "anyOf": [{"type": "null"}, _DURATION_SCHEMA, long_form]}


TARGET_SCHEMA = _object_schema(
    ["kind"],
    kind={"enum": [kind.value for kind in TargetKind]},
    ref={"type": ["string", "integer", "null"], "maxLength": MAX_REF_LENGTH, "description": "slug or primary key"},
    role={"enum": [None, *(role.value for role in Role)], "description": "schedules only"},
    up={"type": "integer", "minimum": 0, "maximum": MAX_UP, "description": "managers only: how many more up the line"},
    pick={"enum": [pick.value for pick in Pick], "default": "all", "description": "all of its people, or one in turn"},
)

_TARGETS_SCHEMA = {"type": "array", "maxItems": MAX_TARGETS, "items": TARGET_SCHEMA}

_REPEAT_SCHEMA = {
    "description": "tell the level again while nobody has answered",
    "anyOf": [
        {"type": "null"},
        _DURATION_SCHEMA,
        _object_schema(
            ["every"],
            every=_DURATION_SCHEMA,
            times={
                "anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_REPEATS}, {"enum": [UNTIL_ANSWERED, None]}],
                "default": UNTIL_ANSWERED,
            },
            severities={**_SEVERITIES_SCHEMA, "default": [severity_name(severity) for severity in CRITICAL]},
        ),
    ],
}

_FINAL_SCHEMA = {
    "description": "one final decision-maker, told at the end of the ladder and again until somebody answers",
    "anyOf": [
        {"type": "null"},
        _object_schema(
            ["target", "every"],
            target=TARGET_SCHEMA,
            every=_DURATION_SCHEMA,
            times={"type": "integer", "minimum": 1, "maximum": MAX_REPEATS, "default": DEFAULT_FINAL_TIMES},
        ),
    ],
}

_CHANNELS_SCHEMA = {
    "description": "over which channels its people are told; as each of them chose when left out",
    "anyOf": [
        {"enum": [OWN, None]},
        {"type": "array", "minItems": 1, "maxItems": len(KINDS), "items": {"enum": list(KINDS)}},
    ],
    "default": OWN,
}

_LEVEL_SCHEMA = _object_schema(
    ["name", "targets"],
    name={"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
    duty={"type": "string", "maxLength": MAX_DUTY_LENGTH},
    start={
        "description": "when the level is entered after the one before it went unanswered",
        "anyOf": [
            {"type": "null"},
            _DURATION_SCHEMA,
            _object_schema([], delay=_DURATION_SCHEMA, **_finer_schema(ENTRY_ORIGINS, MeasuredFrom.PREVIOUS)),
        ],
    },
    targets={**_TARGETS_SCHEMA, "minItems": 1},
    ack_timeout=_timeout_schema("time to acknowledge before the next level"),
    resolve_timeout=_timeout_schema("time to resolve or mitigate before the next level, acknowledged or not"),
    ack_mode={"enum": [mode.value for mode in AckMode], "default": "any", "description": "whose answer is enough"},
    repeat=_REPEAT_SCHEMA,
    raci={
        "description": "who does the work, who answers for it, who is asked, who is told; nobody is paged by it",
        "anyOf": [
            {"type": "null"},
            _object_schema(
                ["responsible", "accountable"],
                responsible={**_TARGETS_SCHEMA, "minItems": 1},
                accountable={
                    "anyOf": [TARGET_SCHEMA, {"type": "array", "minItems": 1, "maxItems": 1, "items": TARGET_SCHEMA}]
                },
                consulted={**_TARGETS_SCHEMA, "default": []},
                informed={**_TARGETS_SCHEMA, "default": []},
            ),
        ],
    },
    if_unreachable={"enum": [one.value for one in IfUnreachable], "default": "next_level"},
    major={
        "type": "boolean",
        "default": False,
        "description": "an incident that gets as far as this level is declared a major incident",
    },
    channels=_CHANNELS_SCHEMA,
)

POLICY_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Escalation policy",
    **_object_schema(
        ["levels"],
        levels={"type": "array", "minItems": 1, "maxItems": MAX_LEVELS, "items": _LEVEL_SCHEMA},
        cycles={"type": "integer", "minimum": 1, "maximum": MAX_CYCLES, "default": 1},
        catch_all={**_TARGETS_SCHEMA, "default": []},
        mitigated_satisfies_resolution={"type": "boolean", "default": True},
        ack_expires={
            "description": "how long an acknowledgement holds, a minute at least; for ever when left out",
            "anyOf": [{"type": "null"}, _DURATION_SCHEMA],
        },
        cycle_severities={**_SEVERITIES_SCHEMA, "description": "others go through the levels once; all when left out"},
        starts_at=_by_severity_schema(
            {"type": "integer", "minimum": 1, "maximum": MAX_LEVELS},
            "the level, counted from 1, at which incidents of a severity begin",
        ),
        inform_skipped={"type": "boolean", "default": True, "description": "inform the levels below such a beginning"},
        final=_FINAL_SCHEMA,
        overseer={
            "description": "who watches over a major incident; the people of level 3 when left out",
            "anyOf": [{"type": "null"}, TARGET_SCHEMA],
        },
    ),
}
"""JSON Schema (draft 2020-12) of the form `policy_parse` reads. What it accepts may still break a rule that crosses
fields (a level without any timeout, a role on a person); `policy_parse` has the last word."""
