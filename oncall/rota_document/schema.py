"""The document's JSON Schema."""

from typing import Any

from oncall.rota import Every, HandoverPage, HolidayRule, ScheduleKind, WhenAbsent
from oncall.rota.values import LONGEST_EVERY
from oncall.rota_document.load import (
    LONGEST_HANDOVER_MINUTES,
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_ROLE,
    MOST_LAYERS,
    MOST_PAGES,
    MOST_PARTICIPANTS,
    MOST_RESTRICTIONS,
    MOST_SHIFTS,
)
from oncall.rota_document.words import DURATION_PATTERN, END_TIME_PATTERN, TIME_PATTERN, WEEKDAY_PATTERN, WEEKDAYS

LOCAL_PATTERN = rf"\d{{4}}-\d\d-\d\d(?:[T ]{TIME_PATTERN})?"


def _text(pattern: str, description: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^{pattern}$", "description": description}


def _object(required: list[str], **properties: object) -> dict[str, Any]:
    # An absent field may also be written as null, as YAML writes an empty one.
    optional = {
        field: schema if field in required else {"anyOf": [schema, {"type": "null"}]}
        for field, schema in properties.items()
    }
    return {"type": "object", "additionalProperties": False, "required": required, "properties": optional}


USER: dict[str, Any] = {
    "description": "a person: user name, or id",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "integer", "minimum": 1, "maximum": LONGEST_ID},
    ],
}
GROUP: dict[str, Any] = {
    "description": "one person, or several who serve together; none at all is an empty slot",
    "anyOf": [USER, {"type": "array", "maxItems": MOST_PARTICIPANTS, "uniqueItems": True, "items": USER}],
}
LOCAL = _text(LOCAL_PATTERN, "date and time on the clock of the layer's zone; the date alone means its handoff time")
NAME: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
ZONE: dict[str, Any] = {"type": "string", "minLength": 1, "description": "IANA time zone", "examples": ["Europe/Rome"]}
WEEKDAY: dict[str, Any] = {"enum": list(WEEKDAYS)}

HANDOFF: dict[str, Any] = {
    "description": "when turns change; as the start says, unless given",
    "anyOf": [
        _text(rf"(?:{WEEKDAY_PATTERN} )?{TIME_PATTERN}", "time, for weekly rotations with a weekday before it"),
        _text(rf"(?:[1-9]|[12]\d|3[01]) {TIME_PATTERN}", "day of the month and time, for monthly rotations"),
        _object(
            [],
            time=_text(TIME_PATTERN, "time"),
            weekday=WEEKDAY,
            day={"type": "integer", "minimum": 1, "maximum": 31},
        ),
    ],
}
RESTRICTION: dict[str, Any] = {
    **_object(
        ["start", "end"],
        days={
            "description": "every day, unless given",
            "anyOf": [
                {"type": "array", "minItems": 1, "maxItems": 7, "items": WEEKDAY},
                {"type": "string", "examples": ["mon-fri", "sat, sun"]},
            ],
        },
        start=_text(rf"(?:{WEEKDAY_PATTERN} )?{TIME_PATTERN}", "opening; with a weekday for windows of several days"),
        end=_text(rf"(?:{WEEKDAY_PATTERN} )?{END_TIME_PATTERN}", "closing; no later than the start: the next day"),
    ),
    "description": "a window in which the layer is open; equal start and end mean 24 hours",
}
LAYER = _object(
    ["name"],
    name=NAME,
    role={"type": "string", "minLength": 1, "maxLength": LONGEST_ROLE, "default": "primary"},
    time_zone={**ZONE, "description": "the schedule's, unless given"},
    start=LOCAL,
    end=LOCAL,
    rotation={
        "description": "how long a turn lasts",
        "default": "weekly",
        "anyOf": [
            {"enum": [unit.value for unit in Every]},
            _text(DURATION_PATTERN, "whole hours, days or weeks, such as 12h, 7d or 2w"),
            {"type": "integer", "minimum": 3600, "description": "seconds"},
        ],
    },
    every={"type": "integer", "minimum": 1, "maximum": LONGEST_EVERY, "default": 1},
    handoff=HANDOFF,
    participants={"type": "array", "maxItems": MOST_PARTICIPANTS, "items": GROUP},
    restrictions={"type": "array", "maxItems": MOST_RESTRICTIONS, "items": RESTRICTION},
    turns_advance_when_closed={
        "type": "boolean",
        "default": True,
        "description": "whether a turn without any open time uses up somebody's turn",
    },
    when_absent={
        "enum": [rule.value for rule in WhenAbsent],
        "default": "next",
        "description": "who serves when the whole turn is away: the next who is there, or nobody of this layer",
    },
    shifts={
        "description": "for the rotation “fixed”: the shifts, in order and apart",
        "type": "array",
        "maxItems": MOST_SHIFTS,
        "items": _object(["start", "end", "participants"], start=LOCAL, end=LOCAL, participants=GROUP),
    },
)
SCHEDULE_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "On-call schedule",
    **_object(
        ["time_zone"],
        kind={"enum": [kind.value for kind in ScheduleKind], "description": "layers, unless members or follow say so"},
        time_zone=ZONE,
        layers={"type": "array", "maxItems": MOST_LAYERS, "items": LAYER, "description": "later ones win"},
        members={"type": "array", "maxItems": MOST_PARTICIPANTS, "items": USER, "description": "all on call at once"},
        everyone_in={
            "description": "everybody of this team, as it is at the time: slug, or id",
            "anyOf": USER["anyOf"],
        },
        follow={**NAME, "description": "the schedule it follows, by slug"},
        holidays={
            "enum": [rule.value for rule in HolidayRule],
            "default": "cover",
            "description": "what a public holiday of whoever's turn it is means: the next one covers, or nothing",
        },
        limits={
            **_object(
                [],
                pages_per_shift={"type": "integer", "minimum": 1, "maximum": MOST_PAGES},
                consecutive=_text(DURATION_PATTERN, "longest time on call without a break, such as 7d"),
                rest=_text(DURATION_PATTERN, "shortest time off between two stretches, such as 8h"),
            ),
            "description": "above these the next person is paged; when everybody is above them, whoever is on call",
        },
        handover={
            **_object(
                [],
                minutes={"type": "integer", "minimum": 1, "maximum": LONGEST_HANDOVER_MINUTES, "default": 15},
                page={"enum": [who.value for who in HandoverPage], "default": "both"},
            ),
            "description": "who is paged in the first minutes after a handoff",
        },
    ),
}
"""JSON Schema (draft 2020-12) of what ``document_load`` reads. It is a little narrower in spelling (``document_load``
takes "Monday" for "mon") and knows no rule that crosses fields; ``document_load`` has the last word."""
