"""The values of a policy definition, and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_LEVELS = 20
MAX_TARGETS = 20
MAX_CYCLES = 50
MAX_NAME_LENGTH = 100
MAX_DUTY_LENGTH = 1_000
MAX_REF_LENGTH = 200


class TargetKind(StrEnum):
    SCHEDULE = "schedule"
    USER = "user"
    TEAM = "team"
    TEAM_LEAD = "team_lead"
    MANAGER = "manager"


class Role(StrEnum):
    """Which of a schedule's people: the one on call first, or the stand-in."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


class MeasuredFrom(StrEnum):
    """The instant from which a duration runs. A delay knows PREVIOUS and START, a timeout LEVEL and START."""

    PREVIOUS = "previous"
    LEVEL = "level"
    START = "start"


ENTRY_ORIGINS = (MeasuredFrom.PREVIOUS, MeasuredFrom.START)
TIMEOUT_ORIGINS = (MeasuredFrom.LEVEL, MeasuredFrom.START)


class AckMode(StrEnum):
    """Whose acknowledgement answers a level with several people: that of any one of them."""

    ANY = "any"


@dataclass(frozen=True, slots=True)
class TargetDef:
    """Someone to be told, resolved to people at the moment the level is entered.

    `ref` is a slug or a primary key. It may be None for TEAM_LEAD and MANAGER, which then mean those of the team that
    owns the incident's service. `role` belongs to schedules; None means everyone on call there.
    """

    kind: TargetKind
    ref: str | int | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Timeout:
    """`seconds` (above 0) from the level's entry, or from the start (MeasuredFrom.START)."""

    seconds: int
    measured_from: MeasuredFrom = MeasuredFrom.LEVEL


@dataclass(frozen=True, slots=True)
class Entry:
    """When a level is entered after the one before it went unanswered: `delay_seconds` (0 or more) later, or that
    long after the start (at once if that has passed)."""

    delay_seconds: int = 0
    measured_from: MeasuredFrom = MeasuredFrom.PREVIOUS


@dataclass(frozen=True, slots=True)
class LevelDef:
    """One rung. It has at least one target and at least one timeout; `duty` says what those told are expected to do."""

    name: str
    targets: tuple[TargetDef, ...]
    ack_timeout: Timeout | None = None
    resolve_timeout: Timeout | None = None
    start: Entry = Entry()
    ack_mode: AckMode = AckMode.ANY
    duty: str = ""


@dataclass(frozen=True, slots=True)
class PolicyDef:
    """A whole ladder. `cycles` is how often it is walked before the incident is exhausted and `catch_all` is told.

    An empty `catch_all` leaves that to the site's own. With `mitigated_satisfies_resolution` the resolution clocks are
    held for as long as the incident is mitigated.
    """

    levels: tuple[LevelDef, ...]
    cycles: int = 1
    catch_all: tuple[TargetDef, ...] = ()
    mitigated_satisfies_resolution: bool = True
