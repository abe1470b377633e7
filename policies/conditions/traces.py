"""Traces as data, to be kept beside what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from policies.conditions.compiling import Trace
from policies.conditions.document import condition_dump, condition_parse
from policies.conditions.values import Check, Group, Join
from policies.conditions.vocabulary import VOCABULARY, Vocabulary

MAX_SHOWN = 500


def trace_dump(trace: Trace) -> dict[str, Any]:
    """The JSON form: a check as its document with `held` and `saw` beside, a group with its parts. Long texts are cut."""
    if isinstance(trace.condition, Check):
        return {**condition_dump(trace.condition), "held": trace.held, "saw": _plain(trace.value)}
    parts = [trace_dump(part) for part in trace.parts]
    return {trace.condition.join.value: parts, "held": trace.held}


def trace_read(data: Mapping[str, Any], *, vocabulary: Vocabulary = VOCABULARY) -> Trace:
    """The trace that `trace_dump` wrote, to be said in words again.

    Raises DefinitionInvalid where it names a fact that is not known any more.
    """
    join = next((join for join in Join if join.value in data), None)
    if join is not None:
        parts = tuple(trace_read(part, vocabulary=vocabulary) for part in data[join.value])
        return Trace(Group(join, tuple(part.condition for part in parts)), bool(data["held"]), None, parts)
    check = {name: value for name, value in data.items() if name not in ("held", "saw")}
    return Trace(condition_parse(check, vocabulary=vocabulary), bool(data["held"]), data.get("saw"))


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
