"""Where a run stands, and why.

Levels and cycles are counted from 0; `number` properties count from 1, as people do. All instants are aware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

STATE_FORMAT = 3
_READS = (1, 2, 3)
"""Format 1 had no repeats, severities, SLA or answers of several people, format 2 no shortened times: runs that began
before keep their state."""
WHOLE = 100
"""Times as the policy says them, in per cent."""


class Phase(StrEnum):
    WAITING = "waiting"
    """For the delay of the level that comes next."""
    PAGING = "paging"
    """The level in force has been told and has not answered."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody has it; only the resolution clock and the acknowledgement's own expiry run."""
    SNOOZED = "snoozed"
    """Put aside until an instant, by a person or (reason SUPPRESSED) by a rule; then the level in force is told."""
    EXHAUSTED = "exhausted"
    """The ladder came to its end and the catch-all was told. A final decision-maker may still be told again."""
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
    SUPPRESSION_ENDED = "suppression_ended"
    REOPENED = "reopened"
    RESTARTED = "restarted"
    UNANSWERED = "unanswered"
    PARTLY_ANSWERED = "partly_answered"
    SEVERITY_RAISED = "severity_raised"
    DECLINED = "declined"


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

    `severity` (1 is worst) and `sla_due_at` are the incident's as far as the run was told; they choose its times.
    `repeat` counts how often the level in force was told again. `paged` are those whose answers a level waits for that
    everyone must answer, `told` these and whoever was told before in their place (in turn, or before a handoff),
    `answered` those of `told` who have answered. `waits_from` is the instant the running delay counts from;
    `resolve_level` and `resolve_from` name the level whose resolution clock runs and when that was entered.
    `timers_percent` (1 to 100) is how much of the policy's times the run gets. `declared_major` is whether the run has
    come to a level that declares a major incident. `opens` is whether the level in force, or the one that comes next, is
    the first since the walk began, was begun again or the incident reopened.
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
    severity: int | None = None
    sla_due_at: datetime | None = None
    repeat: int = 0
    repeat_due_at: datetime | None = None
    paged: tuple[int, ...] = ()
    told: tuple[int, ...] = ()
    answered: tuple[int, ...] = ()
    waits_from: datetime | None = None
    resolve_level: int | None = None
    resolve_from: datetime | None = None
    timers_percent: int = WHOLE
    declared_major: bool = False
    opens: bool = False

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
        clocks = (
            self.ack_due_at,
            self.resolve_due_at,
            self.enter_next_at,
            self.snoozed_until,
            self.ack_expires_at,
            self.repeat_due_at,
        )
        return min((clock for clock in clocks if clock is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into an equal state."""
        values = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return {"v": STATE_FORMAT, **values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunState:
        """Raises ValueError, KeyError or TypeError for anything that no `to_json` has written."""
        if data["v"] not in _READS:
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
            severity=data.get("severity"),
            sla_due_at=_instant(data.get("sla_due_at")),
            repeat=data.get("repeat", 0),
            repeat_due_at=_instant(data.get("repeat_due_at")),
            paged=tuple(data.get("paged", ())),
            told=tuple(data.get("told", ())),
            answered=tuple(data.get("answered", ())),
            waits_from=_instant(data.get("waits_from")),
            resolve_level=data.get("resolve_level"),
            resolve_from=_instant(data.get("resolve_from")),
            timers_percent=data.get("timers_percent", WHOLE),
            declared_major=data.get("declared_major", False),
            opens=data.get("opens", False),
        )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, StrEnum) else value


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
