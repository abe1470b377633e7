"""SLA targets: by when an incident is to be acknowledged and resolved. Pure."""

from policies.sla.document import sla_dump, sla_parse, sla_schema
from policies.sla.sentences import sla_lines, target_sentences
from policies.sla.values import MAX_TARGETS, SlaDef, SlaTarget, Targets, sla_of, target_for

__all__ = [
    "MAX_TARGETS",
    "SlaDef",
    "SlaTarget",
    "Targets",
    "sla_dump",
    "sla_lines",
    "sla_of",
    "sla_parse",
    "sla_schema",
    "target_for",
    "target_sentences",
]
