"""The values of the escalation core: where a run stands, what may happen to it, and what is to be done.

Levels and cycles are counted from 0; `number` properties count from 1, as people do. All instants are aware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

STATE_FORMAT = 1


class Phase(StrEnum):
    WAITING = "waiting"
    """For the delay of the level that comes next."""
    PAGING = "paging"
    """The level in force has been told and has not answered."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody has it; only the resolution clock and the acknowledgement's own expiry run."""
    SNOOZED = "snoozed"
    """Put aside until an instant; then the level in force is told again."""
    EXHAUSTED = "exhausted"
    """The ladder came to its end and the catch-all was told."""
    STOPPED = "stopped"
    """Resolved, closed, merged or suppressed: nothing happens until it is reopened."""


class Because(StrEnum):
    """Why something happened: a machine code, put into words by `policies.sentences`."""

    STARTED = "started"
    ACK_TIMEOUT = "ack_timeout"
    RESOLVE_TIMEOUT = "resolve_timeout"
    BY_HAND = "by_hand"
    NOBODY_ON_CALL = "nobody_on_call"
    NOBODY_REACHABLE = "nobody_reachable"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    ACK_EXPIRED = "ack_expired"
    SNOOZED = "snoozed"
    SNOOZE_ENDED = "snooze_ended"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"
    SUPPRESSED = "suppressed"
    REOPENED = "reopened"
    RESTARTED = "restarted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where one run stands in its policy version.

    `level` of `cycle` is in force when `entered`; otherwise it is the one that comes next. (cycle, level) only ever
    moves on, and a pair is entered at most once in a run: telling people again, for whatever cause, opens a new cycle.
    `last_cycle` is the cycle after whose last level the run is exhausted. `first_level` is where each cycle begins.

    `moved_at` is the instant of the last step: no later one is recorded before it, whatever a host's clock says.
    `cycle_started_at` is the "start" from which delays and timeouts may be measured. A clock that does not run is
    None; `resolve_left` is what was left on the resolution clock when a snooze or a mitigation held it.
    `mitigated` is True only where the policy lets a mitigation satisfy the resolution timeout.
    """

    phase: Phase
    reason: Because
    cycle: int
    level: int
    entered: bool
    first_level: int
    last_cycle: int
    started_at: datetime
    moved_at: datetime
    cycle_started_at: datetime
    level_started_at: datetime | None = None
    ack_due_at: datetime | None = None
    resolve_due_at: datetime | None = None
    resolve_left: timedelta | None = None
    enter_next_at: datetime | None = None
    snoozed_until: datetime | None = None
    ack_expires_at: datetime | None = None
    mitigated: bool = False

    @property
    def acknowledged(self) -> bool:
        """Whether the level in force is answered. A level entered later must be answered anew, though the incident
        keeps its owner."""
        return self.phase is Phase.ACKNOWLEDGED

    @property
    def level_number(self) -> int:
        return self.level + 1

    @property
    def cycle_number(self) -> int:
        return self.cycle + 1

    @property
    def next_due_at(self) -> datetime | None:
        """The earliest instant at which something happens by itself; None when nothing ever will."""
        clocks = (self.ack_due_at, self.resolve_due_at, self.enter_next_at, self.snoozed_until, self.ack_expires_at)
        return min((clock for clock in clocks if clock is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into an equal state."""
        values = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {"v": STATE_FORMAT, **values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunState:
        """Raises ValueError, KeyError or TypeError for anything that `to_json` did not write."""
        if data["v"] != STATE_FORMAT:
            raise ValueError(f"run state of format {data['v']}, this code reads {STATE_FORMAT}")
        left = data["resolve_left"]
        return cls(
            phase=Phase(data["phase"]),
            reason=Because(data["reason"]),
            cycle=data["cycle"],
            level=data["level"],
            entered=data["entered"],
            first_level=data["first_level"],
            last_cycle=data["last_cycle"],
            started_at=datetime.fromisoformat(data["started_at"]),
            moved_at=datetime.fromisoformat(data["moved_at"]),
            cycle_started_at=datetime.fromisoformat(data["cycle_started_at"]),
            level_started_at=_instant(data["level_started_at"]),
            ack_due_at=_instant(data["ack_due_at"]),
            resolve_due_at=_instant(data["resolve_due_at"]),
            resolve_left=None if left is None else timedelta(microseconds=left),
            enter_next_at=_instant(data["enter_next_at"]),
            snoozed_until=_instant(data["snoozed_until"]),
            ack_expires_at=_instant(data["ack_expires_at"]),
            mitigated=data["mitigated"],
        )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return value.value if isinstance(value, StrEnum) else value


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


# What may happen to a run. `at` is when it happened; an `at` before the run's last step (a host whose clock is behind)
# counts as the instant of that step.


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has come to `at`: perform whatever fell due. Late, doubled and stale ticks do no harm."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody has it. `expires_at` is when the acknowledgement falls away by itself, None for never; a second
    acknowledgement only replaces it."""

    at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """The one who had it gives it back: the level in force is told again."""

    at: datetime


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
    """Nobody is on call at `level` of `cycle`, or no page of it can reach anybody. Ignored unless that very level is
    waiting for an answer."""

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
)

# What is to be done, in order, in the transaction that stores the new state.


@dataclass(frozen=True, slots=True)
class EnterLevel:
    """Resolve the level's targets as of `at` and page them. With nobody to page, answer with LevelUnreachable."""

    level: int
    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class EndLevel:
    """The level is no longer in force, for the record. Its pages stay valid: who was told may still acknowledge."""

    level: int
    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class StartCycle:
    """The ladder begins again as `cycle`, for the record; the level to page follows as EnterLevel, now or later."""

    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelPages:
    """Whatever has not reached anybody yet must not go out any more."""

    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class Exhaust:
    """The ladder is at its end without an answer: list the incident as exhausted."""

    cycle: int
    because: Because
    at: datetime


@dataclass(frozen=True, slots=True)
class PageCatchAll:
    """Page the policy's catch-all, or the site's where it has none. `level` is one past the last, so that
    (cycle, level) is as unique for these pages as for any."""

    level: int
    cycle: int
    because: Because
    at: datetime


Action = EnterLevel | EndLevel | StartCycle | CancelPages | Exhaust | PageCatchAll


@dataclass(frozen=True, slots=True)
class Decision:
    """The state to store and the actions to perform, in order. An ignored event gives the same state and none."""

    state: RunState
    actions: tuple[Action, ...] = ()
