"""Who is on call now, of 200 schedules in the database: `python -m benchmarks.bench_on_call [sqlite] [postgresql]`.

Ten people take weekly turns on each, three absences a person; first with five overrides a schedule in the month around now, then with
twenty, four thousand in all. Asked as the pages and the API ask, all queries and parsing included, in a process that has asked
before. Beside it, in the same run: the bare rows of the same five queries, which is the least that any answer from the database
must cost. The limits are those of the project's issue: five queries, 50 ms.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks.figures import heading, judged
from benchmarks.site import ROOT, site

SCHEDULES, PEOPLE, ABSENCES = 200, 10, 3
OVERRIDES = (5, 20)
MOST_QUERIES, MOST_MILLISECONDS = 5, 50.0
AT = datetime(2026, 3, 16, 3, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def main() -> None:
    asked = [name for name in ("sqlite", "postgresql") if name in sys.argv[1:]] or ["sqlite", "postgresql"]
    for database in asked:
        with site(database) as bench:
            bench.python("manage.py", "migrate", "-v0")
            command = [sys.executable, "-m", "benchmarks.bench_on_call", "inside"]
            done = subprocess.run(command, cwd=ROOT, env=bench.environment, check=True, capture_output=True, text=True)
        heading(f"who is on call now, {SCHEDULES} schedules, {database}")
        print(done.stdout.strip())


def inside() -> None:
    """In the environment of a throw-away site."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
    django.setup()
    from escalation_site.kernel.memory import memory_settle

    fill()
    # As a web process does when it is ready.
    memory_settle()
    for each in OVERRIDES:
        override(each)
        print(f"{each} overrides a schedule")
        measure()


def measure() -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from oncall.selectors import on_call_now

    with CaptureQueriesContext(connection) as queries:
        found = on_call_now(AT)
    if sum(len(holders) for _schedule, holders in found) != SCHEDULES:
        raise SystemExit("somebody is missing")
    statements = [query["sql"] for query in queries.captured_queries]

    def bare() -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.replace("%", "%%"))
                cursor.fetchall()

    whole, least = milliseconds(lambda: on_call_now(AT)), milliseconds(bare)
    print(f"queries           {len(statements):8d}      {judged(len(statements), MOST_QUERIES, at_most=True)}")
    print(f"time, best of 20  {whole:8.1f} ms   {judged(whole, MOST_MILLISECONDS, at_most=True)}")
    print(f"bare rows         {least:8.1f} ms   ratio {whole / least:.1f}")


def fill() -> None:
    from oncall.models import Absence, Schedule, User
    from oncall.services import schedule_publish

    users = User.objects.bulk_create(
        User(username=f"person-{number}", email=f"person-{number}@bench.example") for number in range(PEOPLE * 20)
    )
    for number in range(SCHEDULES):
        schedule = Schedule.objects.create(name=f"Schedule {number}", slug=f"schedule-{number}")
        people = [users[(number * 7 + place) % len(users)].pk for place in range(PEOPLE)]
        layer = {"name": "Weekly", "start": f"2024-01-01T09:{number % 60:02d}", "participants": people}
        definition = {"time_zone": "Europe/Rome", "layers": [layer]}
        schedule_publish(schedule=schedule, definition=definition, author=None, at=AT - 1000 * HOUR)
    Absence.objects.bulk_create(
        Absence(
            user=user,
            start=AT + (place * 60 + user.pk % 50) * 24 * HOUR,
            end=AT + (place * 60 + user.pk % 50 + 5) * 24 * HOUR,
            created_at=AT,
        )
        for user in users
        for place in range(ABSENCES)
    )


def override(each: int) -> None:
    """So many windows of seven hours on every schedule, evenly over the month around now, instead of those there are."""
    from oncall.models import Override, Schedule, ScheduleVersion

    apart = 30 * 24 * HOUR / each
    people = dict(ScheduleVersion.objects.values_list("schedule_id", "definition__layers__0__participants"))
    Override.objects.all().delete()
    Override.objects.bulk_create(
        Override(
            schedule_id=pk,
            user_id=people[pk][place % PEOPLE],
            start=AT + (place - each // 2) * apart + HOUR,
            end=AT + (place - each // 2) * apart + 8 * HOUR,
            created_at=AT,
        )
        for pk in Schedule.objects.values_list("pk", flat=True)
        for place in range(each)
    )


def milliseconds(work: Callable[[], object]) -> float:
    """The quickest of twenty runs."""
    work()
    taken = []
    for _ in range(20):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken) * 1000


if __name__ == "__main__":
    inside() if "inside" in sys.argv[1:] else main()
