"""What one immutable version of an escalation policy says: its values, its JSON form, and what is wrong with it.

Pure: nothing here touches the ORM, the clock or the network. All durations are elapsed whole seconds, so that a change
of clocks moves no timer.

How a ladder is meant to be read (`policies.escalation` walks it):

- A level is *entered* (its targets are paged) and stays in force until it is answered or one of its timeouts passes.
- Its acknowledgement timeout passes while nobody has acknowledged: the next level is entered after that level's own
  `start.delay`. Its resolution timeout passes while the incident is neither resolved nor (if mitigation counts)
  mitigated: the next level is entered at once, even if somebody has acknowledged.
- A level without an acknowledgement timeout gives people until its resolution timeout to answer, and one without
  either until some time after its last repeat.
- A level may tell its people again while nobody has answered, and may want the answer of everyone it paged.
- Delays and timeouts may differ by the incident's severity, count business time only, or count back from the instant
  at which the incident's SLA ends. A severity may have its path start at a higher level.
- A level may name the channels its people are told by; otherwise each is told by the contact methods they chose.
- "start", as the instant from which a delay or timeout is measured, is the start of the incident's run in the first
  cycle and the start of the repeat in later ones.
"""

from policies.definition.checks import policy_vacancies, policy_warnings
from policies.definition.dumping import OWN, policy_dump, severity_name, target_dump
from policies.definition.parsing import policy_parse, policy_problems, targets_parse
from policies.definition.schema import POLICY_SCHEMA
from policies.definition.values import (
    CRITICAL,
    ENTRY_ORIGINS,
    MAX_CYCLES,
    MAX_DUTY_LENGTH,
    MAX_LEVELS,
    MAX_NAME_LENGTH,
    MAX_REF_LENGTH,
    MAX_REPEATS,
    MAX_TARGETS,
    MAX_UP,
    PLACE_KINDS,
    TIMEOUT_ORIGINS,
    AckMode,
    BySeverity,
    Entry,
    Final,
    Hours,
    IfUnreachable,
    LevelDef,
    MeasuredFrom,
    Pick,
    PolicyDef,
    Raci,
    Repeat,
    Role,
    TargetDef,
    TargetKind,
    Timeout,
)

__all__ = [
    "CRITICAL",
    "ENTRY_ORIGINS",
    "MAX_CYCLES",
    "MAX_DUTY_LENGTH",
    "MAX_LEVELS",
    "MAX_NAME_LENGTH",
    "MAX_REF_LENGTH",
    "MAX_REPEATS",
    "MAX_TARGETS",
    "MAX_UP",
    "OWN",
    "PLACE_KINDS",
    "POLICY_SCHEMA",
    "TIMEOUT_ORIGINS",
    "AckMode",
    "BySeverity",
    "Entry",
    "Final",
    "Hours",
    "IfUnreachable",
    "LevelDef",
    "MeasuredFrom",
    "Pick",
    "PolicyDef",
    "Raci",
    "Repeat",
    "Role",
    "TargetDef",
    "TargetKind",
    "Timeout",
    "policy_dump",
    "policy_parse",
    "policy_problems",
    "policy_vacancies",
    "policy_warnings",
    "severity_name",
    "target_dump",
    "targets_parse",
]
