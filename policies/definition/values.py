"""The values of a policy definition, and their limits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policies.severity import Severity
from policies.ways import Way

MAX_LEVELS = 20
MAX_TARGETS = 20
MAX_CYCLES = 50
MAX_REPEATS = 100
"""Bounds "until answered" too: a run must come to an end that is seen."""
DEFAULT_FINAL_TIMES = 20
MAX_NAME_LENGTH = 100
MAX_DUTY_LENGTH = 1_000
MAX_REF_LENGTH = 200
MAX_UP = 9
OVERSEEING_LEVEL = 3
"""Counted from 1: the level whose people oversee a major incident where the policy names nobody."""

CRITICAL: tuple[int, ...] = (Severity.SEV1.value, Severity.SEV2.value)
"""The severities at which people are told again and again without second thoughts (R137)."""

BySeverity = tuple[tuple[int, int], ...]
"""(severity, value) in the order of severities: what differs from the value that holds otherwise."""


def value_for(by_severity: BySeverity, severity: int | None, otherwise: int) -> int:
    """What holds for `severity`; None is one that nobody knows, and takes what holds otherwise."""
    return next((value for one, value in by_severity if one == severity), otherwise)


class TargetKind(StrEnum):
    SCHEDULE = "schedule"
    USER = "user"
    TEAM = "team"
    TEAM_LEAD = "team_lead"
    MANAGER = "manager"
    SERVICE_OWNER = "service_owner"
    FUNCTIONAL_TEAM = "functional_team"
    POLICY = "policy"
    CHAT_CHANNEL = "chat_channel"
    WEBHOOK = "webhook"


PLACE_KINDS = (TargetKind.CHAT_CHANNEL, TargetKind.WEBHOOK)
"""Places that are told and are nobody: they cannot answer, so that no word of theirs acknowledges anything."""


class Pick(StrEnum):
    """Whom of a target's people: all at once, or one, who was paged longest ago (round robin)."""

    ALL = "all"
    ROUND_ROBIN = "round_robin"


class Role(StrEnum):
    """Which of a schedule's people: the one on call first, or the stand-in."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


class MeasuredFrom(StrEnum):
    """The instant from which a duration runs. A delay knows PREVIOUS, START and BEFORE_SLA, a timeout LEVEL, START
    and BEFORE_SLA; BEFORE_SLA counts back from the instant at which the incident's SLA ends."""

    PREVIOUS = "previous"
    LEVEL = "level"
    START = "start"
    BEFORE_SLA = "before_sla"


ENTRY_ORIGINS = (MeasuredFrom.PREVIOUS, MeasuredFrom.START, MeasuredFrom.BEFORE_SLA)
TIMEOUT_ORIGINS = (MeasuredFrom.LEVEL, MeasuredFrom.START, MeasuredFrom.BEFORE_SLA)


class Hours(StrEnum):
    """Which time counts: all of it, or what the business calendar calls working time."""

    ALL = "all"
    BUSINESS = "business"


class AckMode(StrEnum):
    """Whose acknowledgement answers a level with several people: that of any one of them, or of everyone paged."""

    ANY = "any"
    ALL = "all"


class IfUnreachable(StrEnum):
    """What follows when no page of a level reaches anybody: the next level at once, or the level's own time."""

    NEXT_LEVEL = "next_level"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class TargetDef:
    """Someone to be told, resolved to people at the moment the level is entered.

    `ref` is a slug or a primary key. It may be None for TEAM_LEAD and MANAGER, which then mean those of the team that
    owns the incident's service. `role` belongs to schedules; None means everyone on call there. `up` belongs to
    MANAGER: 0 is the nearest, 1 the next manager up the line, and so on. SERVICE_OWNER is whoever answers for the team
    that owns the service, FUNCTIONAL_TEAM whoever is on call in a team of specialists (its lead where nobody is), and
    POLICY whomever the first level of another policy tells. CHAT_CHANNEL and WEBHOOK are destinations: places that are
    told and are nobody.
    """

    kind: TargetKind
    ref: str | int | None = None
    role: Role | None = None
    up: int = 0
    pick: Pick = Pick.ALL


@dataclass(frozen=True, slots=True)
class Timeout:
    """`seconds` (above 0) from the level's entry, from the start, or before the SLA ends.

    Where no SLA is known, or its instant has passed when the level is entered, `otherwise_seconds` from the entry.
    """

    seconds: int
    measured_from: MeasuredFrom = MeasuredFrom.LEVEL
    by_severity: BySeverity = ()
    hours: Hours = Hours.ALL
    otherwise_seconds: int | None = None

    def seconds_for(self, severity: int | None) -> int:
        return value_for(self.by_severity, severity, self.seconds)


@dataclass(frozen=True, slots=True)
class Entry:
    """When a level is entered after the one before it went unanswered: `delay_seconds` (0 or more) later, or that
    long after the start, or before the SLA ends (at once if that has passed).

    Where no SLA is known, `otherwise_seconds` after the level before it ended.
    """

    delay_seconds: int = 0
    measured_from: MeasuredFrom = MeasuredFrom.PREVIOUS
    by_severity: BySeverity = ()
    hours: Hours = Hours.ALL
    otherwise_seconds: int | None = None

    def seconds_for(self, severity: int | None) -> int:
        return value_for(self.by_severity, severity, self.delay_seconds)


@dataclass(frozen=True, slots=True)
class Repeat:
    """The level is told again every `every_seconds` while it is in force and unanswered, at most `times` times; None
    is until it is answered (MAX_REPEATS bounds that too).

    It holds for incidents of these `severities`; for others, and so by default for those that are not critical, the
    level is told once (R138). A severity that nobody knows counts as one of them.
    """

    every_seconds: int
    times: int | None = None
    severities: tuple[int, ...] = CRITICAL

    def times_for(self, severity: int | None) -> int:
        """How often the level is told again at most."""
        if severity is not None and severity not in self.severities:
            return 0
        return MAX_REPEATS if self.times is None else self.times


@dataclass(frozen=True, slots=True)
class Raci:
    """Who does what at a level (R292): at least one does the work, exactly one answers for it, some are asked, some are
    told. Nobody is paged by it."""

    responsible: tuple[TargetDef, ...]
    accountable: TargetDef
    consulted: tuple[TargetDef, ...] = ()
    informed: tuple[TargetDef, ...] = ()

    @property
    def all_targets(self) -> tuple[TargetDef, ...]:
        return (*self.responsible, self.accountable, *self.consulted, *self.informed)


@dataclass(frozen=True, slots=True)
class LevelDef:
    """One rung. It has at least one target and at least one timeout or a `repeat`; `duty` says what those told are
    expected to do. An incident that gets as far as a `major` level is declared a major incident.

    Without any timeout it passes on after its last repeat went unanswered for as long as there is between two.

    `channels` are the kinds of contact method its people are told by, in the order of `Way`; none is as each of them chose.
    """

    name: str
    targets: tuple[TargetDef, ...]
    ack_timeout: Timeout | None = None
    resolve_timeout: Timeout | None = None
    start: Entry = Entry()
    ack_mode: AckMode = AckMode.ANY
    duty: str = ""
    repeat: Repeat | None = None
    if_unreachable: IfUnreachable = IfUnreachable.NEXT_LEVEL
    raci: Raci | None = None
    major: bool = False
    channels: tuple[Way, ...] = ()

    @property
    def uses_business_hours(self) -> bool:
        timings = (self.start, self.ack_timeout, self.resolve_timeout)
        return any(timing is not None and timing.hours is Hours.BUSINESS for timing in timings)

    @property
    def all_targets(self) -> tuple[TargetDef, ...]:
        return (*self.targets, *(self.raci.all_targets if self.raci else ()))


@dataclass(frozen=True, slots=True)
class Final:
    """The final decision-maker (R078): told when the ladder is at its end, and told again every `every_seconds` until
    somebody answers, at most `times` times."""

    target: TargetDef
    every_seconds: int
    times: int


@dataclass(frozen=True, slots=True)
class PolicyDef:
    """A whole ladder. `cycles` is how often it is walked before the incident is exhausted and `catch_all` is told;
    with `cycle_severities` that holds for incidents of those, and others walk it once.

    An empty `catch_all` leaves that to the site's own. With `mitigated_satisfies_resolution` the resolution clocks are
    held for as long as the incident is mitigated. `starts_at` gives the level (counted from 0) at which incidents of a
    severity begin; with `inform_skipped` the levels below are informed, not paged. `overseer` is whoever watches over
    the work on a major incident; see `overseers`. An acknowledgement falls away after `ack_expires_seconds`, never
    where that is None.
    """

    levels: tuple[LevelDef, ...]
    cycles: int = 1
    catch_all: tuple[TargetDef, ...] = ()
    mitigated_satisfies_resolution: bool = True
    cycle_severities: tuple[int, ...] = ()
    starts_at: BySeverity = ()
    inform_skipped: bool = True
    final: Final | None = None
    ack_expires_seconds: int | None = None
    overseer: TargetDef | None = None

    @property
    def all_targets(self) -> tuple[TargetDef, ...]:
        """Everyone whom the policy names, wherever it does."""
        of_levels = tuple(target for level in self.levels for target in level.all_targets)
        ends = (self.final.target if self.final else None, self.overseer)
        return (*of_levels, *self.catch_all, *(target for target in ends if target is not None))

    @property
    def overseers(self) -> tuple[TargetDef, ...]:
        """Who watches over a major incident: the overseer that is named, else the people of level 3, or of the last
        level where there are fewer. The first of them who is there takes it."""
        if self.overseer is not None:
            return (self.overseer,)
        return self.levels[min(OVERSEEING_LEVEL, len(self.levels)) - 1].targets

    @property
    def uses_business_hours(self) -> bool:
        """Whether any of its times counts business time only, so that a walk needs a calendar."""
        return any(level.uses_business_hours for level in self.levels)

    def cycles_for(self, severity: int | None) -> int:
        applies = not self.cycle_severities or severity is None or severity in self.cycle_severities
        return self.cycles if applies else 1

    def first_level_for(self, severity: int | None) -> int:
        """The level at which an incident of `severity` begins, counted from 0."""
        return value_for(self.starts_at, severity, 0)
