"""The definitions of the figures managers steer by, each written once. Pure: rows in, figures out.

- **Time to acknowledge** of an incident is `acknowledged_at − started_at`; **time to resolve** is `resolved_at −
  started_at`. MTTA and MTTR are shown as median and p90, never as a mean: one forgotten incident would move a mean
  by hours.
- **Percentiles follow the nearest-rank rule**: p90 is the smallest time within which at least 90 % of the incidents
  were done, the median the smallest within which at least half were. So each figure is the time of an incident that
  really happened.
- An incident belongs to the period, week and severity in which it *started*, with the severity it has now.
- Incidents that are not acknowledged (not resolved) yet have no such time. They are counted beside the figure,
  never dropped in silence.
- **Past level 1**: the share of incidents for which the second level was called, or the ladder was walked again.
  **Escalated again**: of those, the share for which a third level was called too, or which went round again after
  the second.
- Tests (`is_test`) and incidents the reader may not see are no part of any figure: the caller leaves them out.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from math import ceil


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """What the figures need of one incident. Instants are aware; `called` counts the (cycle, level) rungs that were
    called.
    """

    id: int
    severity: int
    team_id: int
    started_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    exhausted: bool = False
    called: int = 0
    # Seconds; None while nobody has acknowledged, while it is open. Worked out once: every group asks again.
    to_acknowledge: float | None = field(init=False)
    to_resolve: float | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "to_acknowledge", _seconds(self.started_at, self.acknowledged_at))
        object.__setattr__(self, "to_resolve", _seconds(self.started_at, self.resolved_at))


def _seconds(start: datetime, end: datetime | None) -> float | None:
    # An alert may carry a start that lies after our own clock's acknowledgement; a time is never below nought.
    return None if end is None else max((end - start).total_seconds(), 0.0)


Measure = Callable[[IncidentRow], float | None]


def time_to_acknowledge(row: IncidentRow) -> float | None:
    return row.to_acknowledge


def time_to_resolve(row: IncidentRow) -> float | None:
    return row.to_resolve


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The smallest of `values` that at least `percent` % of them do not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and p90 in seconds (None of no incident), of how many, and how many have no time yet."""

    median: float | None
    p90: float | None
    done: int
    waiting: int


def spread(rows: Iterable[IncidentRow], measure: Measure) -> Spread:
    times = [measure(row) for row in rows]
    known = [value for value in times if value is not None]
    return Spread(percentile(known, 50), percentile(known, 90), len(known), len(times) - len(known))


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`; the percentage is None of an empty whole."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        return 100 * self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Figures:
    """The five figures of a set of incidents."""

    acknowledge: Spread
    resolve: Spread
    past_first: Share
    again: Share
    total: int
    open: int
    exhausted: int


def figures(rows: Sequence[IncidentRow]) -> Figures:
    past = [row for row in rows if row.called > 1]
    return Figures(
        acknowledge=spread(rows, time_to_acknowledge),
        resolve=spread(rows, time_to_resolve),
        past_first=Share(len(past), len(rows)),
        again=Share(sum(row.called > 2 for row in past), len(past)),
        total=len(rows),
        open=sum(row.resolved_at is None for row in rows),
        exhausted=sum(row.exhausted for row in rows),
    )


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def by_week(rows: Iterable[IncidentRow], *, zone: tzinfo, first: date, last: date) -> dict[date, list[IncidentRow]]:
    """The rows by the Monday of their week on the clock of `zone`: every week from `first` to `last`, empty ones
    too.
    """
    weeks: dict[date, list[IncidentRow]] = {}
    week = monday_of(first)
    while week <= last:
        weeks[week] = []
        week += timedelta(days=7)
    for row in rows:
        weeks.setdefault(monday_of(row.started_at.astimezone(zone).date()), []).append(row)
    return weeks


def by_severity(rows: Iterable[IncidentRow]) -> dict[int, list[IncidentRow]]:
    """The rows by severity, worst first; severities without any are left out."""
    return _grouped(rows, lambda row: row.severity)


def by_team(rows: Iterable[IncidentRow]) -> dict[int, list[IncidentRow]]:
    """The rows by the team's id."""
    return _grouped(rows, lambda row: row.team_id)


def _grouped(rows: Iterable[IncidentRow], key: Callable[[IncidentRow], int]) -> dict[int, list[IncidentRow]]:
    groups: dict[int, list[IncidentRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return dict(sorted(groups.items()))
