"""Traces as data, to be kept beside what was decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from policies.conditions.compiling import Trace
from policies.conditions.document import condition_dump
from policies.conditions.values import Check

MAX_SHOWN = 500


def trace_dump(trace: Trace) -> dict[str, Any]:
    """The JSON form: a check as its document with `held` and `saw` beside, a group with its parts. Long texts are cut."""
    if isinstance(trace.condition, Check):
        return {**condition_dump(trace.condition), "held": trace.held, "saw": _plain(trace.value)}
    parts = [trace_dump(part) for part in trace.parts]
    return {trace.condition.join.value: parts, "held": trace.held}


def _plain(value: object) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case timedelta():
            return value.total_seconds()
        case list():
            return [_plain(item) for item in value[:MAX_SHOWN]]
        case _:
            text = str(value)
            return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
