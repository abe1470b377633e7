"""What SLA targets are made of, and the instants that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policies.definition import Hours
from policies.escalation import BusinessTime, around_the_clock

MAX_TARGETS = 100


@dataclass(frozen=True, slots=True)
class SlaTarget:
    """How long incidents that fit may take. Empty ``severities``, ``priorities`` and ``tiers`` fit any of them.

    Times are seconds, counted around the clock or in the working hours of the service's calendar.
    """

    name: str
    resolve_seconds: int
    acknowledge_seconds: int | None = None
    severities: tuple[int, ...] = ()
    priorities: tuple[int, ...] = ()
    tiers: tuple[int, ...] = ()
    hours: Hours = Hours.ALL

    def fits(self, *, severity: int, priority: int | None, tier: int) -> bool:
        return (
            (not self.severities or severity in self.severities)
            and (not self.priorities or priority in self.priorities)
            and (not self.tiers or tier in self.tiers)
        )

    def moved(self, calendar: BusinessTime) -> BusinessTime:
        """How its time is counted where ``calendar`` counts working hours."""
        return calendar if self.hours is Hours.BUSINESS else around_the_clock

    def due(self, started_at: datetime, calendar: BusinessTime = around_the_clock) -> Targets:
        moved = self.moved(calendar)
        return Targets(
            self,
            resolve_due=moved(started_at, self.resolve_seconds),
            ack_due=None if self.acknowledge_seconds is None else moved(started_at, self.acknowledge_seconds),
        )


@dataclass(frozen=True, slots=True)
class SlaDef:
    """Targets in order: the first that fits holds. Without one that fits, an incident has no SLA."""

    targets: tuple[SlaTarget, ...] = ()

    @property
    def uses_business_hours(self) -> bool:
        return any(target.hours is Hours.BUSINESS for target in self.targets)


@dataclass(frozen=True, slots=True)
class Targets:
    """By when one incident is to be acknowledged (None: nobody promised) and resolved; instants."""

    target: SlaTarget
    resolve_due: datetime
    ack_due: datetime | None = None


def target_for(sla: SlaDef, *, severity: int, priority: int | None, tier: int) -> SlaTarget | None:
    """The first target that fits; ``priority`` None is unknown and fits only where any does."""
    return next((one for one in sla.targets if one.fits(severity=severity, priority=priority, tier=tier)), None)


def sla_of(
    sla: SlaDef,
    *,
    severity: int,
    priority: int | None,
    tier: int,
    started_at: datetime,
    calendar: BusinessTime = around_the_clock,
) -> Targets | None:
    """By when an incident that began at ``started_at`` is to be had; None where nothing was promised."""
    target = target_for(sla, severity=severity, priority=priority, tier=tier)
    return None if target is None else target.due(started_at, calendar)
