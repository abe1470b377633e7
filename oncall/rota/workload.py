"""What being on call costs each person: hours, nights, weekends; and whether the burden is shared fairly."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from oncall.rota.choice import stretches
from oncall.rota.clock import zone_named
from oncall.rota.results import Shift, UserId
from oncall.rota.values import Restriction
from oncall.rota.windows import WeekWindow, open_spans, week_windows

NOTHING = timedelta(0)
NIGHT = week_windows([Restriction(weekday=day, start=time(22), end=time(6)) for day in range(7)])
WEEKEND = week_windows([Restriction(weekday=5, start=time(0), end=time(0), end_weekday=0)])


@dataclass(frozen=True, slots=True)
class Workload:
    """One person's time on call in a range. Time in two roles at once counts once."""

    user_id: UserId
    total: timedelta
    nights: timedelta
    """Between 22:00 and 06:00 on the person's own clock."""
    weekends: timedelta
    """On Saturdays and Sundays of the person's own clock."""
    stretches: int
    longest: timedelta


def workloads(shifts: Sequence[Shift], *, zone_of: Callable[[UserId], str]) -> tuple[Workload, ...]:
    """The load of everybody in ``shifts``, heaviest total first. ``zone_of`` names each person's time zone."""
    people = dict.fromkeys(shift.user_id for shift in shifts)
    found = (_workload(user_id, stretches(shifts, user_id=user_id), zone_of(user_id)) for user_id in people)
    return tuple(sorted(found, key=lambda load: (-load.total, load.user_id)))


def fairness(burdens: Mapping[UserId, timedelta]) -> float:
    """How evenly a burden is shared: 1 when all bear the same, towards 0 when one bears all (one minus the Gini index).

    Give everybody who could have borne it, with zero for those who did not. 1 for fewer than two people or no burden.
    """
    ordered = sorted(burdens.values())
    whole = sum(ordered, NOTHING)
    if len(ordered) < 2 or not whole:
        return 1.0
    ranked = sum((rank * burden for rank, burden in enumerate(ordered, start=1)), NOTHING)
    count = len(ordered)
    return 1.0 - (2 * (ranked / whole) / count - (count + 1) / count) * count / (count - 1)


def _workload(user_id: UserId, duties: Sequence[tuple[datetime, datetime]], zone: str) -> Workload:
    lengths = [end - start for start, end in duties]
    return Workload(
        user_id=user_id,
        total=sum(lengths, NOTHING),
        nights=_within(duties, NIGHT, zone),
        weekends=_within(duties, WEEKEND, zone),
        stretches=len(lengths),
        longest=max(lengths),
    )


def _within(duties: Iterable[tuple[datetime, datetime]], windows: Sequence[WeekWindow], zone: str) -> timedelta:
    return sum(
        (
            min(end, span.end) - max(start, span.start)
            for start, end in duties
            for span in open_spans(windows, zone_named(zone), since=start, until=end)
        ),
        NOTHING,
    )
