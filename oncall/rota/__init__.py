"""The rota: who is on call when, and why. Pure: values in, values out; no database, no clock, no network.

One computation, ``shifts``, stands behind every answer. Its rules:

- Rotations, handoffs and restrictions are read on the wall clock of the layer's zone. A handoff is one instant: in an
  hour the clock shows twice its first occurrence, in an hour it skips the instant of the jump. A turn the clock skips
  whole lasts no time. A restriction window opens at its first occurrence and closes at its last.
- Later layers win over earlier ones of the same role. A layer that has nobody to offer (closed, an empty slot,
  everybody away) hides nothing below it.
- Absences take people out of their turns; the next group in turn that is there steps in, and the order of turns stays.
  A public holiday does so where the schedule keeps holidays, and never opens a gap: one that everybody keeps is worked.
- Overrides act last, one after the other in their order; the later one has the last word where two overlap.
- Versions take effect from an instant; what earlier versions said about the time before it stays.
"""

from oncall.rota.answers import coverage, gaps, layer_shifts, next_handoff, on_call_at, overlaps, shifts
from oncall.rota.choice import Choice, Skip, choose, limit_reason, skill_reasons, stretches, succession
from oncall.rota.compare import (
    Change,
    Clash,
    Duty,
    OverrideOverlap,
    away_on_call,
    clashes,
    compare,
    override_overlaps,
)
from oncall.rota.errors import RotaError
from oncall.rota.results import Cause, Coverage, Gap, Handoff, Overlap, OverlapKind, Shift, UserId, Why
from oncall.rota.values import (
    PRIMARY,
    Absence,
    AbsenceReason,
    Every,
    FixedShift,
    Group,
    Handover,
    HandoverPage,
    HolidayRule,
    LayerSpec,
    Limits,
    Override,
    OverrideKind,
    Restriction,
    Rota,
    ScheduleKind,
    ScheduleSpec,
    Version,
    WhenAbsent,
)
from oncall.rota.versions import Reign, expand_follows, expand_teams, resolve, stack_overrides
from oncall.rota.workload import Workload, fairness, workloads

__all__ = [
    "PRIMARY",
    "Absence",
    "AbsenceReason",
    "Cause",
    "Change",
    "Choice",
    "Clash",
    "Coverage",
    "Duty",
    "Every",
    "FixedShift",
    "Gap",
    "Group",
    "Handoff",
    "Handover",
    "HandoverPage",
    "HolidayRule",
    "LayerSpec",
    "Limits",
    "Overlap",
    "OverlapKind",
    "Override",
    "OverrideKind",
    "OverrideOverlap",
    "Reign",
    "Restriction",
    "Rota",
    "RotaError",
    "ScheduleKind",
    "ScheduleSpec",
    "Shift",
    "Skip",
    "UserId",
    "Version",
    "WhenAbsent",
    "Why",
    "Workload",
    "away_on_call",
    "choose",
    "clashes",
    "compare",
    "coverage",
    "expand_follows",
    "expand_teams",
    "fairness",
    "gaps",
    "layer_shifts",
    "limit_reason",
    "next_handoff",
    "on_call_at",
    "overlaps",
    "override_overlaps",
    "resolve",
    "shifts",
    "skill_reasons",
    "stack_overrides",
    "stretches",
    "succession",
    "workloads",
]
