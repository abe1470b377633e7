"""The figures of the operations page, and when each of them is trouble."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incidents.models import Alarm, EscalationRun, InboxSignal, ProcessBeat

LATE = timedelta(seconds=10)
"""Work that an engine should have done this long ago is late: a turn takes well under a second."""
TASK_LATE = timedelta(minutes=2)
"""The cluster looks for scheduled tasks each half minute, and one task may take a minute."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Rows that wait for one kind of work: ``depth`` of them are due, the oldest since ``oldest_due_at``."""

    code: str
    depth: int
    oldest_due_at: datetime | None
    age: timedelta
    most: timedelta

    @property
    def late(self) -> bool:
        return self.age > self.most


def queue(code: str, depth: int, oldest_due_at: datetime | None, *, at: datetime, most: timedelta = LATE) -> Queue:
    """``age`` is how long the oldest has been due at ``at``, nought where none is."""
    age = max(at - oldest_due_at, timedelta()) if oldest_due_at else timedelta()
    return Queue(code, depth, oldest_due_at, age, most)


@dataclass(frozen=True, slots=True)
class Spread:
    """How late the work of a time was done: the smallest lateness within which half, and 99 of 100, were."""

    count: int
    p50: timedelta | None
    p99: timedelta | None

    @property
    def late(self) -> bool:
        return self.p99 is not None and self.p99 > LATE


@dataclass(frozen=True, slots=True)
class Lateness:
    """One kind of work in the last hour and day. ``capped`` says that the day had more than was looked at."""

    code: str
    hour: Spread
    day: Spread
    capped: bool


def spread(waits: Collection[timedelta]) -> Spread:
    """Real waits, not interpolated; a clock that ran ahead counts as nought."""
    ordered = sorted(max(wait, timedelta()) for wait in waits)
    if not ordered:
        return Spread(0, None, None)
    return Spread(len(ordered), ordered[(len(ordered) - 1) // 2], ordered[(99 * len(ordered) + 99) // 100 - 1])


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """One channel: its queue, and its attempts of the last day by outcome ("" is one still under way).

    ``failed`` are deliveries among those attempts that ended in vain.
    """

    channel: str
    due: int
    waiting: int
    sending: int
    oldest_due_at: datetime | None
    late: bool
    outcomes: Mapping[str, int]
    failed: int

    @property
    def attempts(self) -> int:
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Part:
    """One process. ``skew`` is how many seconds its host's clock is ahead of the database's, None where it never
    said."""

    beat: ProcessBeat
    silent: bool
    skew: float | None
    skewed: bool


@dataclass(frozen=True, slots=True)
class Operations:
    """Everything on the page, as of ``at``."""

    at: datetime
    queues: Sequence[Queue]
    lateness: Sequence[Lateness]
    channels: Sequence[ChannelFigures]
    attempts_capped: bool
    parts: Sequence[Part]
    missing: Sequence[str]
    signals: Sequence[InboxSignal]
    signals_aside: int
    runs: Sequence[EscalationRun]
    runs_aside: int
    tasks_failed: int
    alarms: Sequence[Alarm]

    @property
    def well(self) -> bool:
        """Nothing on the page needs anybody."""
        return not (
            self.missing
            or self.signals_aside
            or self.runs_aside
            or self.tasks_failed
            or self.alarms
            or any(one.late for one in self.queues)
            or any(part.silent or part.skewed for part in self.parts)
        )
