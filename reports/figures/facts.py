"""What one incident, and one page, adds to the figures. Pure: the rules of ``reports.figures.definitions`` in code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from reports.figures.definitions import (
    BUSINESS,
    METRICS,
    NO,
    NONE,
    NOT,
    OFF,
    OPEN,
    REFIRE_HOURS,
    SHIFT_HOURS,
    SLEEP,
    WAITING,
    YES,
)

Worked = Callable[[datetime, datetime], int]
"""Whole seconds of working time from one instant to another."""
NIGHT_BEGINS, NIGHT_ENDS = 22, 6
WORK_BEGINS, WORK_ENDS = 9, 18
SATURDAY = 5
SHIFT_BEGINS = 8


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one incident. Instants are aware.

    ``known_at`` is when Watchbell first knew of it, ``rungs`` the first page of each rung (cycle, level) of its ladder
    in order, ``taken`` every acknowledgement and handing to a person, ``handed`` handings to a person, ``moved`` handings to a
    team, ``passed_on`` whether one of these went from somebody to somebody else, ``whole`` what the receivers said of
    having the full context, ``read`` readings of the brief, ``before_at`` the resolution of the one before
    it with the same key, ``marks`` the answers of surveys.
    """

    started_at: datetime
    known_at: datetime
    severity: int
    first_severity: int
    monitored: bool = False
    keyed: bool = False
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    by_person: bool = False
    exhausted: bool = False
    sla_due_at: datetime | None = None
    before_at: datetime | None = None
    rungs: Sequence[datetime] = ()
    taken: Sequence[datetime] = ()
    handed: Sequence[datetime] = ()
    passed_on: bool = False
    whole: Sequence[bool] = ()
    moved: Sequence[datetime] = ()
    read: Sequence[datetime] = ()
    reopened: int = 0
    marks: Sequence[int] = field(default_factory=tuple)

    @property
    def escalated_at(self) -> datetime | None:
        return self.rungs[1] if len(self.rungs) > 1 else None

    @property
    def passed_at(self) -> datetime | None:
        """When it first went on to somebody else: the second rung, or another team."""
        return min((at for at in (self.escalated_at, *self.moved) if at is not None), default=None)

    @property
    def recovered_at(self) -> datetime | None:
        return self.mitigated_at or self.resolved_at


def facts_of(record: Record, *, at: datetime, worked: Worked) -> dict[str, int]:
    """The value of every column of incidents, by name, as it is at ``at``."""
    return {**_times(record, worked), **_codes(record, at), "csat": _mark(record.marks)}


def seconds(start: datetime, end: datetime) -> int:
    """Whole seconds; an alert may carry a start that lies after our own clock, and a time is never below nought."""
    return max(int((end - start) // timedelta(seconds=1)), 0)


def _span(start: datetime | None, end: datetime | None) -> int:
    if start is None:
        return NOT
    return WAITING if end is None else seconds(start, end)


Ends = tuple[datetime | None, datetime | None]
"""From when until when a time runs: without a beginning it does not concern the incident, without an end it has no value yet."""


def _ends(record: Record) -> dict[str, Ends]:
    """Of every time but detection, by the name of its column."""
    started, known, escalated = record.started_at, record.known_at, record.escalated_at
    taken, done = record.acknowledged_at, record.resolved_at
    return {
        "acknowledge": (started, taken),
        "respond": (known, taken),
        "repair": (taken, record.recovered_at),
        "recover": (started, record.recovered_at),
        "resolve": (started, done),
        "escalate": (known if escalated else None, escalated),
        "handoff": _handoff(record),
        "resolve_escalated": (escalated, done),
    }


def _times(record: Record, worked: Worked) -> dict[str, int]:
    ends = _ends(record)
    return {
        "detect": _span(record.started_at, record.known_at),
        **{name: _span(*one) for name, one in ends.items()},
        **{METRICS[name].work: _worked(worked, *one) for name, one in ends.items()},
    }


def _worked(worked: Worked, start: datetime | None, end: datetime | None) -> int:
    if start is None or end is None:
        return _span(start, end)
    return worked(start, end) if end > start else 0


def _handoff(record: Record) -> Ends:
    passed = record.passed_at
    if passed is None:
        return None, None
    took = min((moment for moment in record.taken if moment >= passed), default=None)
    return (None, None) if took is None and record.resolved_at else (passed, took)


def _codes(record: Record, at: datetime) -> dict[str, int]:
    called = len(record.rungs)
    return {
        "escalated": _yes(called > 1),
        "again": _yes(called > 2) if called > 1 else NONE,
        "exhausted": _yes(record.exhausted),
        "context": _context(record),
        "sla": _sla(record, at),
        "first_contact": _first_contact(record),
        "severity_kept": _yes(record.severity == record.first_severity) if record.resolved_at else OPEN,
        "refired": _refired(record),
        "noise": _noise(record),
        "full_context": _yes(all(record.whole)) if record.whole else OPEN if record.passed_on else NONE,
    }


def _yes(held: bool) -> int:
    return YES if held else NO


def _context(record: Record) -> int:
    passed = record.passed_at
    if passed is None:
        return NONE
    if any(moment >= passed for moment in record.read):
        return YES
    return NO if record.resolved_at or any(moment >= passed for moment in record.taken) else OPEN


def _sla(record: Record, at: datetime) -> int:
    due = record.sla_due_at
    if due is None:
        return NONE
    if record.resolved_at is not None:
        return _yes(record.resolved_at <= due)
    return NO if due < at else OPEN


def _first_contact(record: Record) -> int:
    if record.passed_at or record.handed or record.reopened:
        return NO
    return YES if record.resolved_at else OPEN


def _refired(record: Record) -> int:
    if not record.keyed:
        return NONE
    before = record.before_at
    soon = before is not None and record.started_at - before <= timedelta(hours=REFIRE_HOURS)
    return _yes(soon or record.reopened > 0)


def _noise(record: Record) -> int:
    if not record.monitored:
        return NONE
    if record.acknowledged_at is not None:
        return NO
    return OPEN if record.resolved_at is None else _yes(not record.by_person)


def _mark(marks: Sequence[int]) -> int:
    return 100 * sum(marks) // len(marks) if marks else NOT


def hours_of(at: datetime, zone: tzinfo) -> int:
    """BUSINESS, OFF or SLEEP, on the clock of ``zone``."""
    local = at.astimezone(zone)
    if local.hour >= NIGHT_BEGINS or local.hour < NIGHT_ENDS:
        return SLEEP
    return BUSINESS if local.weekday() < SATURDAY and WORK_BEGINS <= local.hour < WORK_ENDS else OFF


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of one page: when it was made and how its message ended; ``answered_at`` and ``declined`` are its own
    person's doing. ``passed`` says that the next rung was called after it, ``rings`` that nobody has answered yet.
    """

    at: datetime
    state: str
    answered_at: datetime | None = None
    declined: bool = False
    passed: bool = False
    rings: bool = True


def page_facts(call: Call, hours: int) -> dict[str, int]:
    """The columns of one page that came in ``hours``; a withdrawn one interrupted nobody and asked nobody."""
    if call.state == "cancelled":
        return {"sleep": NONE, "off_hours": NONE, "delivered": NONE, "answered": NONE, "answer": NOT}
    delivered = {"delivered": YES, "failed": NO}.get(call.state, OPEN)
    answered = _answered(call)
    return {
        "sleep": _yes(hours == SLEEP),
        "off_hours": _yes(hours != BUSINESS),
        "delivered": delivered,
        "answered": answered,
        "answer": WAITING if answered == OPEN else _span(call.at, call.answered_at) if answered == YES else NOT,
    }


def _answered(call: Call) -> int:
    if call.answered_at is not None:
        return YES
    if call.declined or call.passed:
        return NO
    return OPEN if call.rings else NONE


def shift_of(at: datetime, zone: tzinfo) -> int:
    """The number of the half-day a page fell into: from 08:00 or from 20:00, on the clock of ``zone``."""
    local = at.astimezone(zone)
    early = local.hour < SHIFT_BEGINS
    evening = early or local.hour >= SHIFT_BEGINS + SHIFT_HOURS
    return 2 * (local.date().toordinal() - early) + evening
