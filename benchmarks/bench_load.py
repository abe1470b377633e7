"""Figures of the workload and clashes pages, in one run: `python -m benchmarks.bench_load`.

Pure computation, no database: two hundred schedules of ten people, each person on two of them, with limits, public
holidays and overrides, over a year.
"""

import os
import time
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

# Django must be set up before anything below is imported.
from oncall.load.capacity import capacity_warnings  # noqa: E402  Django is set up first
from oncall.load.clashing import clashes_between  # noqa: E402  Django is set up first
from oncall.load.export import paid_shifts  # noqa: E402  Django is set up first
from oncall.load.fairness import fairnesses  # noqa: E402  Django is set up first
from oncall.load.heat import heat  # noqa: E402  Django is set up first
from oncall.load.measure import Days  # noqa: E402  Django is set up first
from oncall.load.page import rows  # noqa: E402  Django is set up first
from oncall.load.reading import Reading, reading_of  # noqa: E402  Django is set up first
from oncall.models import Schedule, User  # noqa: E402  Django is set up first
from oncall.rota import LayerSpec, Override, OverrideKind, ScheduleSpec, Version  # noqa: E402  Django is set up first
from oncall.selectors import Loaded  # noqa: E402  Django is set up first

SCHEDULES, PEOPLE_EACH, OVERRIDES_EACH = 200, 10, 50
PEOPLE = SCHEDULES * PEOPLE_EACH // 2
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
YEAR, MONTH = Days(date(2026, 3, 2), date(2027, 2, 28)), Days(date(2026, 3, 2), date(2026, 3, 29))
ZONES = ("Europe/Rome", "Europe/London", "America/New_York", "Asia/Kolkata")
CALENDARS = ("IT", "GB-ENG", "US", "")


def person(pk: int) -> User:
    return User(
        pk=pk,
        username=f"person{pk}",
        time_zone=ZONES[pk % len(ZONES)],
        holiday_calendar=CALENDARS[pk % len(CALENDARS)],
        capacity_hours=200,
    )


def schedule(number: int) -> Loaded:
    """A weekly schedule and the windows somebody took; its people are half those of the one before, half its own."""
    people = [(number * PEOPLE_EACH // 2 + place) % PEOPLE + 1 for place in range(PEOPLE_EACH)]
    layer = LayerSpec(
        name="week",
        time_zone="Europe/Rome",
        start=datetime(2024, 1, 1, 9, number % 60),  # noqa: DTZ001 (a local time)
        participants=tuple((pk,) for pk in people),
    )
    starts = [AT + place * timedelta(days=7) for place in range(OVERRIDES_EACH)]
    taken = tuple(
        Override(
            kind=OverrideKind.COVER,
            user_id=people[place % PEOPLE_EACH],
            start=start,
            end=start + timedelta(hours=6),
            id=place,
            order=place,
        )
        for place, start in enumerate(starts)
    )
    named = Schedule(pk=number, name=f"Schedule {number}", slug=f"schedule-{number}")
    spec = ScheduleSpec(time_zone="Europe/Rome", layers=(layer,))
    return Loaded(named, (Version(datetime(2024, 1, 1, tzinfo=UTC), spec),), taken)


def seconds(work: Callable[[], object]) -> float:
    """The quicker of two runs, in processor time: what slows the other is the machine and its neighbours."""
    taken = []
    for _ in range(2):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def main() -> None:
    """Measure and print; exit with 1 when a limit is broken."""
    people = {pk: person(pk) for pk in range(1, PEOPLE + 1)}
    loaded = {pk: schedule(pk) for pk in range(1, SCHEDULES + 1)}

    def users(ids: Collection[int]) -> dict[int, User]:
        return {pk: people[pk] for pk in ids}

    def read(days: Days) -> Reading:
        return reading_of(loaded, loaded.keys(), days=days, users=users)

    def rows_of(found: Reading) -> object:
        # The reader stands before the range: pages, which are asked of the database, are left out.
        return rows(found, at=AT, zone=ZoneInfo("Europe/Rome"))

    year, month, eight_weeks = read(YEAR), read(MONTH), AT + timedelta(weeks=8)
    figures = [
        ("shifts and duty, a year", seconds(lambda: read(YEAR)), 1.5),
        ("shifts and duty, four weeks", seconds(lambda: read(MONTH)), 0.3),
        ("figures and limits, a year", seconds(lambda: rows_of(year)), 1.5),
        ("figures and limits, four weeks", seconds(lambda: rows_of(month)), 0.5),
        ("fairness, a year", seconds(lambda: fairnesses(year)), 2.0),
        ("weeks of fifty people, a year", seconds(lambda: heat(year, list(people.values())[:50])), 0.2),
        ("lines of the export, a year", seconds(lambda: list(paid_shifts(year))), 2.0),
        (
            "limits, sixteen weeks ahead",
            seconds(lambda: capacity_warnings(after=list(loaded.values()), people=people, at=AT)),
            2.0,
        ),
        (
            "clashes, eight weeks ahead",
            seconds(lambda: clashes_between(loaded.values(), since=AT, until=eight_weeks)),
            1.0,
        ),
    ]
    print(f"{SCHEDULES} schedules, {PEOPLE} people, {OVERRIDES_EACH} overrides on each schedule")
    for title, figure, limit in figures:
        print(f"{title:<32} {figure:7.3f} s   limit {limit:4.1f} s   {'ok' if figure <= limit else 'BROKEN'}")
    if any(figure > limit for _, figure, limit in figures):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
