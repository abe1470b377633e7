"""What the priority matrix is made of, and the priority that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policies.escalation import BusinessTime

SCALE = range(1, 6)
"""Impact, urgency and priority alike: 1 is the highest, 5 the lowest."""

MAX_THRESHOLDS = 10
MAX_LABEL = 80

Five = tuple[str, str, str, str, str]
Numbers = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Once ``at_percent`` of an SLA's time has passed, the priority is ``raise_by`` steps higher than before it."""

    at_percent: int
    raise_by: int = 1


@dataclass(frozen=True, slots=True)
class PriorityDef:
    """``matrix[impact - 1][urgency - 1]`` is the priority; ``severity[severity - 1]`` where impact or urgency is unknown.

    ``impact`` and ``urgency`` name the steps of the scales; an empty name means the one that Watchbell comes with.
    ``thresholds`` are in the order of their percentages, each percentage once.
    """

    impact: Five = ("", "", "", "", "")
    urgency: Five = ("", "", "", "", "")
    matrix: tuple[Numbers, Numbers, Numbers, Numbers, Numbers] = (
        (1, 1, 2, 3, 3),
        (1, 2, 2, 3, 4),
        (2, 2, 3, 4, 4),
        (3, 3, 4, 4, 5),
        (3, 4, 4, 5, 5),
    )
    severity: Numbers = (1, 2, 3, 4, 5)
    thresholds: tuple[Threshold, ...] = (Threshold(50), Threshold(80))


def priority_name(priority: int) -> str:
    """P1 to P5."""
    return f"P{priority}"


def priority_of(
    definition: PriorityDef,
    *,
    severity: int,
    impact: int | None = None,
    urgency: int | None = None,
    elapsed_percent: float = 0,
) -> int:
    """The priority, 1 to 5: of the matrix, or of the severity where impact or urgency is unknown.

    Each threshold that has passed by ``elapsed_percent`` of the SLA's time raises it, never above 1.
    """
    base = definition.severity[severity - 1]
    if impact is not None and urgency is not None:
        base = definition.matrix[impact - 1][urgency - 1]
    return raised(definition, base, elapsed_percent=elapsed_percent)


def raised(definition: PriorityDef, base: int, *, elapsed_percent: float) -> int:
    """What ``base``, the priority at the beginning, has become by then."""
    steps = sum(one.raise_by for one in definition.thresholds if one.at_percent <= elapsed_percent)
    return max(1, base - steps)


def percent_passed(
    definition: PriorityDef, *, started_at: datetime, seconds: int, at: datetime, moved: BusinessTime
) -> int:
    """The highest threshold that has passed ``at``, in percent of the ``seconds`` an SLA gives; 0 when none has.

    ``moved`` counts the SLA's time: around the clock or in working hours.
    """
    passed = 0
    for threshold in definition.thresholds:
        if moved(started_at, seconds * threshold.at_percent // 100) > at:
            break
        passed = threshold.at_percent
    return passed
