"""Priority: what is worked on first. From impact × urgency, else from severity; it rises as an SLA's time runs down. Pure."""

from policies.priority.document import priority_dump, priority_parse, priority_schema
from policies.priority.sentences import level_label, priority_lines, priority_sentences
from policies.priority.values import (
    MAX_THRESHOLDS,
    SCALE,
    PriorityDef,
    Threshold,
    percent_passed,
    priority_name,
    priority_of,
    raised,
)

__all__ = [
    "MAX_THRESHOLDS",
    "SCALE",
    "PriorityDef",
    "Threshold",
    "level_label",
    "percent_passed",
    "priority_dump",
    "priority_lines",
    "priority_name",
    "priority_of",
    "priority_parse",
    "priority_schema",
    "priority_sentences",
    "raised",
]
