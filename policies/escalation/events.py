"""What may happen to a run.

`at` is when it happened; an `at` before the run's last step (a host whose clock is behind) counts as the instant of
that step.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policies.escalation.state import Because


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has come to `at`: perform whatever fell due. Late, doubled and stale ticks do no harm."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody has it. `expires_at` is when the acknowledgement falls away by itself, None for never; a second
    acknowledgement only replaces it.

    `who` is the person's number. At a level that everyone must answer it answers for that person alone, and that of a
    person who was never told there answers for nobody; None, an answer that no person gave, answers for all.
    """

    at: datetime
    expires_at: datetime | None = None
    who: int | None = None


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """The one who had it gives it back: the level in force is told again. While a level still waits for others, only
    the answer of `who` (of everybody when None) is taken back."""

    at: datetime
    who: int | None = None


@dataclass(frozen=True, slots=True)
class Mitigated:
    """The harm is stopped. It holds the resolution clock (where the policy says so) and is no acknowledgement: a
    person who marks an incident mitigated acknowledges it too, with an event of its own."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Unmitigated:
    """The harm is back: the resolution clock runs on with what was left."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Resolved:
    """The run has nothing left to do. `because` tells resolved from closed, merged and suppressed."""

    at: datetime
    because: Because = Because.RESOLVED


@dataclass(frozen=True, slots=True)
class Reopened:
    """A stopped incident is open again: the ladder is walked from where it began, with all its cycles."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Restarted:
    """A person has the ladder of an open incident walked again from where it began, with all its cycles."""

    at: datetime


@dataclass(frozen=True, slots=True)
class EscalateNow:
    """The next level is wanted at once. `level` and `cycle`, when given, say which one (`next_level` at the time the
    person looked): a second press on the same page is then stale and ignored. An exhausted run ignores it too."""

    at: datetime
    level: int | None = None
    cycle: int | None = None


@dataclass(frozen=True, slots=True)
class LevelUnreachable:
    """Nobody is on call at `level` of `cycle`, no page of it can reach anybody, or whoever was told cannot take it;
    `because` says which. Ignored unless that very level is waiting for an answer, and, where the level waits all the
    same, when its pages reached nobody."""

    at: datetime
    level: int
    cycle: int
    because: Because = Because.NOBODY_ON_CALL


@dataclass(frozen=True, slots=True)
class Snoozed:
    """Nobody is paged before `until`. Ignored unless that is in the future; a second snooze replaces the first."""

    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class SnoozeEnded:
    """The snooze is ended early. At its `until` a tick ends it."""

    at: datetime


@dataclass(frozen=True, slots=True)
class LevelPaged:
    """The executor's answer to EnterLevel and RepeatLevel: these people (their numbers) are on the level now. Only a
    level that everyone must answer needs it; without it any answer is enough there too."""

    at: datetime
    level: int
    cycle: int
    recipients: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeverityChanged:
    """The incident is of another severity now: running clocks get its times, and a path that starts at a higher level
    starts there at once. A severity that becomes milder moves no level back."""

    at: datetime
    severity: int


@dataclass(frozen=True, slots=True)
class SlaChanged:
    """The incident's SLA ends at another instant now, None where it has none (any more)."""

    at: datetime
    sla_due_at: datetime | None


Event = (
    Tick
    | Acknowledged
    | Unacknowledged
    | Mitigated
    | Unmitigated
    | Resolved
    | Reopened
    | Restarted
    | EscalateNow
    | LevelUnreachable
    | Snoozed
    | SnoozeEnded
    | LevelPaged
    | SeverityChanged
    | SlaChanged
)
