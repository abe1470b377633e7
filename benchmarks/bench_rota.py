"""Figures of the rota core, in one run: `python -m benchmarks.bench_rota`.

Pure computation, no database. The limits are those of the project's issue.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from functools import partial

from oncall.rota import LayerSpec, Override, OverrideKind, Restriction, ScheduleSpec, on_call_at, shifts

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
YEAR = timedelta(days=365)
HOURS = tuple(Restriction(weekday=day, start=clock(9), end=clock(18)) for day in range(5))


def weekly(number: int = 0, *, began: int = 2024, restrictions: tuple[Restriction, ...] = ()) -> ScheduleSpec:
    """Ten people, one weekly layer."""
    layer = LayerSpec(
        name="week",
        time_zone="Europe/Rome",
        start=datetime(began, 1, 1, 9, number % 60),  # noqa: DTZ001 (a local time)
        participants=tuple((person,) for person in range(10)),
        restrictions=restrictions,
    )
    return ScheduleSpec(time_zone="Europe/Rome", layers=(layer,))


def overrides(count: int, *, over: timedelta) -> tuple[Override, ...]:
    """``count`` windows of six hours spread over the range, each taken by somebody else."""
    starts = [SINCE + number * over / count for number in range(count)]
    return tuple(
        Override(
            kind=OverrideKind.COVER,
            user_id=100 + number,
            start=start,
            end=start + timedelta(hours=6),
            id=number,
            order=number,
        )
        for number, start in enumerate(starts)
    )


def milliseconds(work: Callable[[], object], *, runs: int) -> float:
    """The quickest run of ``work``, in processor time: what slows the others is the machine and its neighbours."""
    work()
    taken = []
    for _ in range(runs):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken) * 1000


def main() -> None:
    """Measure and print; exit with 1 when a limit is broken."""
    twenty = overrides(20, over=MONTH)
    many = [weekly(number) for number in range(200)]
    year_of_overrides = overrides(240, over=YEAR)
    at = SINCE + timedelta(days=28, hours=3)
    old, young = weekly(began=1950), weekly(began=2026)
    figures = [
        (
            "30 days, 10 people, weekly layer, 20 overrides",
            milliseconds(lambda: shifts(weekly(), since=SINCE, until=SINCE + MONTH, overrides=twenty), runs=200),
            1.0,
        ),
        (
            "a year of 200 schedules, 240 overrides each",
            milliseconds(
                lambda: [shifts(one, since=SINCE, until=SINCE + YEAR, overrides=year_of_overrides) for one in many],
                runs=3,
            ),
            2000.0,
        ),
        (
            "a year of 200 schedules in office hours",
            milliseconds(
                lambda: [
                    shifts(weekly(number, restrictions=HOURS), since=SINCE, until=SINCE + YEAR) for number in range(200)
                ],
                runs=3,
            ),
            2000.0,
        ),
        (
            "on call now, 200 schedules, 20 overrides each",
            milliseconds(lambda: [on_call_at(one, at=at, overrides=twenty) for one in many], runs=10),
            50.0,
        ),
        (
            "30 days of a rotation begun in 1950",
            milliseconds(lambda: shifts(old, since=SINCE, until=SINCE + MONTH), runs=200),
            1.0,
        ),
        (
            "30 days of a rotation begun in 2026",
            milliseconds(lambda: shifts(young, since=SINCE, until=SINCE + MONTH), runs=200),
            1.0,
        ),
    ]
    for title, figure, limit in figures:
        print(f"{title:<50} {figure:9.3f} ms   limit {limit:6.0f} ms   {'ok' if figure <= limit else 'BROKEN'}")
    lengths = [
        milliseconds(partial(shifts, old, since=SINCE, until=SINCE + years * YEAR), runs=20) for years in (1, 2, 4, 8)
    ]
    print("1, 2, 4, 8 years:", ", ".join(f"{length:.2f} ms" for length in lengths))
    if any(figure > limit for _, figure, limit in figures):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
