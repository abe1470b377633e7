"""What the checks read and what they say: plain values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

Weight = Literal["act", "look"]
"""``act``: more than the check's bound. ``look``: the largest there is, still within it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``said`` in one sentence, ``why`` with the figures. ``incidents`` are exactly those it counts; ``link`` is where it is mended.

    ``key`` names it within its check, the same as long as it is about the same thing.
    """

    key: str
    said: str
    why: str
    weight: Weight = "act"
    incidents: Sequence[int] = ()
    link: str = ""
    link_words: str = ""
    problem: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, whether it is a finding or not: a table, the first cell of a row its name."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Check:
    """``how`` says what is counted and from where a finding is one. ``asked`` is of how many incidents (people, schedules)."""

    key: str
    title: str
    how: str
    findings: Sequence[Finding]
    asked: int
    empty: str
    measured: Measured | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One incident. ``cause`` is the first line of what people wrote as its cause, in the review or when they resolved it."""

    pk: int
    title: str
    service: int
    team: int
    severity: int
    source: str
    key: str
    alerts: int
    started: datetime
    acknowledged: datetime | None
    resolved: datetime | None
    reviewed: bool
    cause: str = ""

    @property
    def to_acknowledge(self) -> float | None:
        return None if self.acknowledged is None else max((self.acknowledged - self.started).total_seconds(), 0.0)

    @property
    def to_resolve(self) -> float | None:
        return None if self.resolved is None else max((self.resolved - self.started).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Called:
    """One page: who, for which incident, on which level (from 0) of which policy, when; answered or declined or neither."""

    incident: int
    person: int
    policy: int
    level: int
    cycle: int
    at: datetime
    answered: bool
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A line of a timeline that says what was before and what is after."""

    incident: int
    kind: str
    at: datetime
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of the period. ``people`` are (name, zone) by id; ``services`` (name, slug); ``whole`` is False where there were
    more incidents than are read. ``left`` are incidents that are not among the cases because another team has them now; ``teams``
    are all teams by id, ``chosen`` the names of those that are looked at (empty: all). ``working`` measures working time, by
    service."""

    cases: Mapping[int, Case]
    called: Sequence[Called]
    changes: Sequence[Change]
    people: Mapping[int, tuple[str, str]]
    services: Mapping[int, tuple[str, str]]
    days: int
    at: datetime
    whole: bool = True
    left: Mapping[int, Case] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)
    chosen: frozenset[str] = frozenset()
    working: Mapping[int, Callable[[datetime, datetime], int]] = field(default_factory=dict)
    _noise: list[frozenset[int]] = field(default_factory=list)

    @property
    def weeks(self) -> float:
        return max(self.days / 7, 1 / 7)

    def span(self, case: Case, since: datetime, until: datetime, *, business: bool) -> float:
        """Seconds from one instant to a later one; with ``business`` in working hours of the incident's service."""
        measure = self.working.get(case.service) if business else None
        return (until - since).total_seconds() if measure is None else float(measure(since, until))

    @property
    def every(self) -> Mapping[int, Case]:
        """The cases, and those that another team has now."""
        return {**self.cases, **self.left}

    def noise(self) -> frozenset[int]:
        """Incidents that ended without anybody, or that came again within a day of their end."""
        if not self._noise:
            self._noise.append(_noise_of(self.cases))
        return self._noise[0]


AGAIN = timedelta(hours=24)


def _noise_of(cases: Mapping[int, Case]) -> frozenset[int]:
    found = {pk for pk, case in cases.items() if case.resolved is not None and case.acknowledged is None}
    last: dict[str, Case] = {}
    for case in sorted(cases.values(), key=lambda one: (one.started, one.pk)):
        before = last.get(case.key) if case.key else None
        if before is not None and before.resolved is not None and case.started - before.resolved <= AGAIN:
            found.add(case.pk)
        if case.key:
            last[case.key] = case
    return frozenset(found)
