"""The values a schedule is made of.

Local times (layer starts, handoffs, restriction times) are naive and read on the wall clock of the layer's zone.
Instants (overrides, absences) are aware. Everything is precise to the second.
A value that makes no sense cannot be built: its constructor raises RotaError naming the field and the broken rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from oncall.rota.clock import zone_named
from oncall.rota.errors import RotaError
from oncall.rota.results import UserId, Why

Group = tuple[UserId, ...]
"""People who serve a turn together; the empty group is a turn nobody serves."""

PRIMARY = "primary"
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC)
LONGEST_EVERY = 1000
LONGEST_HANDOVER = timedelta(days=1)


class Every(StrEnum):
    """The unit a rotation counts in."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    FIXED = "fixed"


class ScheduleKind(StrEnum):
    """Layers of rotations, everyone of a list all the time, or whatever another schedule says."""

    LAYERS = "layers"
    EVERYONE = "everyone"
    FOLLOW = "follow"


class WhenAbsent(StrEnum):
    """Who serves a turn whose whole group is away: the next group that is there, or nobody of this layer."""

    NEXT = "next"
    NOBODY = "nobody"


class HolidayRule(StrEnum):
    """What a public holiday of somebody whose turn it is means to a schedule."""

    COVER = "cover"
    """The next who works that day steps in; where nobody does, whoever's turn it is serves it all the same."""
    WORK = "work"
    """Nothing: turns are served as on any day."""


class HandoverPage(StrEnum):
    """Who is paged in the first minutes after a handoff."""

    INCOMING = "incoming"
    BOTH = "both"
    UNTIL_ACCEPTED = "until_accepted"
    """Both, until the incoming person has accepted the handoff."""


class OverrideKind(StrEnum):
    """What an override does to its window. ``replaces`` matters to REPLACE only."""

    COVER = "cover"
    """The person is on call alone, whoever the rotation names and even if it names nobody."""
    REPLACE = "replace"
    """The person takes the place of ``replaces`` wherever that one is on call."""
    ADD = "add"
    """The person is on call too."""
    REMOVE = "remove"
    """The person is not on call."""


class AbsenceReason(StrEnum):
    """Why somebody is away."""

    ABSENCE = "absence"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """A weekly window in which a layer is open. Monday is 0.

    Without ``end_weekday`` the window ends at the next time the clock shows ``end``: the same day, or the next day when
    it is not later than ``start``; equal times mean 24 hours. With it, the window may last for days, at most a week.
    """

    weekday: int
    start: time
    end: time
    end_weekday: int | None = None

    def __post_init__(self) -> None:
        for field in ("weekday", "end_weekday"):
            day = getattr(self, field)
            if day is not None and not 0 <= day <= 6:
                raise RotaError("weekdays run from 0 (Monday) to 6", field=field, code="weekday_range")
        _require_wall_clock(start=self.start, end=self.end)

    @property
    def opens(self) -> timedelta:
        """From Monday 00:00 to the opening, on the wall clock."""
        return self.weekday * DAY + _since_midnight(self.start)

    @property
    def length(self) -> timedelta:
        """On the wall clock: above zero, a week at most."""
        length = _since_midnight(self.end) - _since_midnight(self.start)
        if self.end_weekday is None:
            return length if length > timedelta(0) else length + DAY
        length += (self.end_weekday - self.weekday) % 7 * DAY
        return length if length > timedelta(0) else length + WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedShift:
    """One shift of a layer whose shifts are listed: local times, ``end`` excluded."""

    start: datetime
    end: datetime
    group: Group

    def __post_init__(self) -> None:
        _require_local(start=self.start, end=self.end)
        _require_order(self.start, self.end)
        _require_distinct(self.group, field="group")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpec:
    """One rotation of a schedule.

    ``start`` (local) begins the first turn; nobody is on call before it. Turns change at the handoff: ``handoff_time``
    (of the start, unless given), for weekly rotations on ``handoff_weekday``, for monthly ones on ``handoff_day``
    (the last day in shorter months). Where the start is not a handoff itself, the first turn is shorter by less than
    one unit. Hourly turns count from the start. ``participants`` take turns in order, for ever or until ``end``
    (local). Fixed layers list ``fixed_shifts`` instead, in order and apart; ``participants`` then only names who may
    step in. Outside its ``restrictions`` a layer is closed; where ``turns_advance_when_closed`` is false, a turn
    without any open time uses up nobody's turn.
    """

    name: str
    time_zone: str
    start: datetime
    rotation: Every = Every.WEEKLY
    every: int = 1
    participants: tuple[Group, ...] = ()
    end: datetime | None = None
    handoff_time: time | None = None
    handoff_weekday: int | None = None
    handoff_day: int | None = None
    restrictions: tuple[Restriction, ...] = ()
    turns_advance_when_closed: bool = True
    when_absent: WhenAbsent = WhenAbsent.NEXT
    role: str = PRIMARY
    fixed_shifts: tuple[FixedShift, ...] = ()

    def __post_init__(self) -> None:
        zone_named(self.time_zone)
        _require_local(start=self.start)
        if self.end is not None:
            _require_local(end=self.end)
            _require_order(self.start, self.end)
        if not self.role:
            raise RotaError("a layer has a role", field="role", code="role_missing")
        if not 1 <= self.every <= LONGEST_EVERY:
            raise RotaError(f"every runs from 1 to {LONGEST_EVERY}", field="every", code="every_range")
        for group in self.participants:
            _require_distinct(group, field="participants")
        self._require_handoff()
        self._require_fixed_shifts()

    def _require_handoff(self) -> None:
        if self.handoff_time is not None:
            if self.rotation in (Every.HOURLY, Every.FIXED):
                raise RotaError("this rotation has no handoff time", field="handoff_time", code="handoff_kind")
            _require_wall_clock(handoff_time=self.handoff_time)
        if self.handoff_weekday is not None:
            if self.rotation is not Every.WEEKLY:
                raise RotaError("only weekly rotations have one", field="handoff_weekday", code="handoff_kind")
            if not 0 <= self.handoff_weekday <= 6:
                raise RotaError("weekdays run from 0 (Monday) to 6", field="handoff_weekday", code="weekday_range")
        if self.handoff_day is not None:
            if self.rotation is not Every.MONTHLY:
                raise RotaError("only monthly rotations have one", field="handoff_day", code="handoff_kind")
            if not 1 <= self.handoff_day <= 31:
                raise RotaError("days run from 1 to 31", field="handoff_day", code="day_range")

    def _require_fixed_shifts(self) -> None:
        if self.fixed_shifts and self.rotation is not Every.FIXED:
            raise RotaError("only fixed rotations list shifts", field="fixed_shifts", code="fixed_kind")
        for before, after in pairwise(self.fixed_shifts):
            if after.start < before.end:
                raise RotaError("shifts come in order and apart", field="fixed_shifts", code="fixed_order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one person may be asked to bear; None means no limit."""

    pages_per_shift: int | None = None
    consecutive: timedelta | None = None
    """On call without a break."""
    rest: timedelta | None = None
    """Off call between two stretches of duty."""

    def __post_init__(self) -> None:
        if self.pages_per_shift is not None and self.pages_per_shift < 1:
            raise RotaError("a limit is at least one", field="pages_per_shift", code="limit_range")
        for field in ("consecutive", "rest"):
            length = getattr(self, field)
            if length is not None and length <= timedelta(0):
                raise RotaError("a limit lasts some time", field=field, code="limit_range")


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """How long after a handoff who is paged; no time at all: the incoming people alone."""

    window: timedelta = timedelta(0)
    page: HandoverPage = HandoverPage.INCOMING

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.window <= LONGEST_HANDOVER:
            raise RotaError("at most a day", field="minutes", code="handover_range")


NO_HANDOVER = Handover()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """A schedule. Later layers win over earlier ones of the same role; layers of different roles stand side by side.

    ``members`` are the people of an EVERYONE schedule, or those of ``team`` (its id), who change as the team does;
    ``follows`` names the schedule a FOLLOW one follows. ``limits`` and ``handover`` say who is paged, not who is on call.
    """

    time_zone: str
    layers: tuple[LayerSpec, ...] = ()
    kind: ScheduleKind = ScheduleKind.LAYERS
    members: Group = ()
    team: int | None = None
    follows: str = ""
    holidays: HolidayRule = HolidayRule.COVER
    limits: Limits = NO_LIMITS
    handover: Handover = NO_HANDOVER

    def __post_init__(self) -> None:
        zone_named(self.time_zone)
        names = [layer.name for layer in self.layers]
        if len(set(names)) != len(names):
            raise RotaError("two layers have the same name", field="layers", code="layer_names")
        _require_distinct(self.members, field="members")
        if self.layers and self.kind is not ScheduleKind.LAYERS:
            raise RotaError("only a schedule of layers has some", field="layers", code="layers_kind")
        if self.members and self.kind is not ScheduleKind.EVERYONE:
            raise RotaError("only a schedule of everyone has members", field="members", code="members_kind")
        if self.team is not None and self.kind is not ScheduleKind.EVERYONE:
            raise RotaError("only a schedule of everyone has a team", field="team", code="members_kind")
        if (self.kind is ScheduleKind.FOLLOW) != bool(self.follows):
            raise RotaError("a following schedule names the one it follows", field="follows", code="follows")

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles somebody should hold at any time, in the order of the layers."""
        return tuple(dict.fromkeys(layer.role for layer in self.layers)) or (PRIMARY,)


class Version(NamedTuple):
    """What a schedule says from an instant on, until the next version does."""

    effective_from: datetime
    spec: ScheduleSpec


Rota = ScheduleSpec | Sequence[tuple[datetime, ScheduleSpec]]
"""A schedule as it stands, or its versions (Version, or plain pairs) through time. Every question takes either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A window, in instants, in which somebody else is on call. See OverrideKind for what it does.

    Overrides act one after the other, the smallest ``order`` first (equal orders: as given); so where two overlap, the
    later one sees what the earlier one made and has the last word. An override limited to a ``role`` touches that role
    alone; without one, REPLACE and REMOVE act in every role, COVER and ADD in the schedule's first.
    """

    kind: OverrideKind
    user_id: UserId
    start: datetime
    end: datetime
    replaces: UserId | None = None
    role: str = ""
    id: int | None = None
    order: int = 0
    why: Why = Why.OVERRIDE

    def __post_init__(self) -> None:
        _require_aware(self.start, self.end)
        _require_order(self.start, self.end)
        if self.kind is OverrideKind.REPLACE and self.replaces is None:
            raise RotaError("whom does it replace?", field="replaces", code="replaces_missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A window, in instants, in which somebody is away: out of office, or on a public holiday of their region.

    It takes people out of their turns; it does not undo an override, which is somebody's explicit word.
    """

    user_id: UserId
    start: datetime
    end: datetime
    reason: AbsenceReason = AbsenceReason.ABSENCE

    def __post_init__(self) -> None:
        _require_aware(self.start, self.end)
        _require_order(self.start, self.end)


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)


def _require_wall_clock(**times: time) -> None:
    for field, clock in times.items():
        if clock.tzinfo is not None or clock.microsecond or clock.fold:
            raise RotaError("a wall-clock time has no zone, no fold and whole seconds", field=field, code="local_time")


def _require_local(**moments: datetime) -> None:
    for field, moment in moments.items():
        if moment.tzinfo is not None or moment.microsecond or moment.fold:
            raise RotaError("a local time has no zone, no fold and whole seconds", field=field, code="local_time")
        if not EARLIEST.year <= moment.year < LATEST.year:
            raise RotaError("that year is out of range", field=field, code="out_of_range")


def _require_aware(start: datetime, end: datetime) -> None:
    if start.tzinfo is None or end.tzinfo is None:
        raise RotaError("an instant has a zone", field="end" if start.tzinfo else "start", code="naive")


def _require_order(start: datetime, end: datetime) -> None:
    if start >= end:
        raise RotaError("the end comes after the start", field="end", code="end_before_start")


def _require_distinct(group: Group, *, field: str) -> None:
    if len(set(group)) != len(group):
        raise RotaError("somebody is listed twice", field=field, code="listed_twice")
