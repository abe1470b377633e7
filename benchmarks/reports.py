"""The manager's dashboards on a big database, what keeping the figures costs, and a column store beside them.

    python -m benchmarks.reports [sqlite] [postgresql] [incidents=1000000] [days=365]

The incidents are spread evenly over the days, over 20 teams' numbers, five severities and 100 services' numbers; one in twenty
is open, one in a hundred restricted, half were escalated; each fifth made a page. Rows are copied and their figures written in SQL,
days are packed by the product. Each page is asked in process through the whole stack (session, permissions, template): the
median of ten, the best of ten in processor time, and the first. Then what following costs: the time of counting 200 changed
incidents anew, and of packing the days they are part of; a change's own transaction asks nothing. DuckDB answers the same questions
as the overview (median, p90 and mean of two times, three shares, by severity, team and week, hours of the week, of both periods) from
a table of its own, in the same run.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.figures import heading, judged
from benchmarks.site import ROOT, site

MOST_MS, MOST_QUERIES, MOST_OTHER_MS = 150.0, 12, 1000.0
PAGES = {
    "overview": "/reports/",
    "escalation": "/reports/tabs/escalation/",
    "quality": "/reports/tabs/quality/",
    "load": "/reports/tabs/load/",
    "one team": "/reports/?team=payments",
    "SEV-1 and SEV-2": "/reports/?severity=1&severity=2",
    "working hours": "/reports/?clock=work",
    "speed": "/reports/tabs/speed/",
    "speed at work": "/reports/tabs/speed/?clock=work",
    "escalation at work": "/reports/tabs/escalation/?clock=work",
    "side by side": "/reports/by/service/",
    "90 days": "/reports/?period=90d",
    "12 months": "/reports/?period=12m",
    "behind a number": "/reports/incidents/?which=acknowledge.done",
    "behind, at work": "/reports/incidents/?which=respond.done&clock=work",
    "behind, 12 months": "/reports/incidents/?which=acknowledge.done&period=12m",
    "at work, 12 months": "/reports/tabs/speed/?clock=work&period=12m",
    "pages, 12 months": "/reports/pages/?which=sleep.yes&period=12m",
}
DASHBOARDS = ("overview", "one team", "SEV-1 and SEV-2", "working hours")


def main() -> None:
    arguments = sys.argv[1:]
    given = dict(one.split("=") for one in arguments if "=" in one)
    count, days = int(given.get("incidents", 1_000_000)), int(given.get("days", 365))
    for database in [name for name in ("sqlite", "postgresql") if name in arguments] or ["sqlite", "postgresql"]:
        with site(database) as bench:
            bench.python("manage.py", "migrate", "-v0")
            bench.python("-m", "benchmarks.organisation")
            command = [sys.executable, "-m", "benchmarks.reports", "inside", str(count), str(days)]
            done = subprocess.run(command, cwd=ROOT, env=bench.environment, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr[-3000:])
        heading(f"dashboards, {count} incidents in {days} days, {database}")
        print(done.stdout.strip())


def inside(count: int, days: int) -> None:
    """In the environment of a throw-away site."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
    django.setup()
    import logging

    from django.conf import settings

    logging.disable(logging.ERROR)
    # Pages are drawn without files that were collected before.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    from benchmarks.overdue import main as overdue
    from escalation_site.kernel.instants import now

    overdue(1, 0, now() - timedelta(hours=1))
    fill(count, days)
    pages()
    beside_duckdb()
    changes()


def fill(count: int, days: int) -> None:
    from django.db import connection

    from benchmarks.clones import copies
    from escalation_site.kernel.instants import now
    from incidents.models import EscalationRun, Incident, Page
    from incidents.search.schema import triggers_switch
    from oncall.models import User
    from reports.figures.keeping import days_pack, figures_rebuild
    from reports.models import DayFigures, IncidentFigures, PageFigures

    User.objects.create(username="manager", email="manager@bench.example", role="manager")
    at = now()
    figures_rebuild(at=at)
    first, base = Incident.objects.earliest("pk"), Incident.objects.latest("pk").pk
    page = Page.objects.earliest("pk")
    lite = connection.vendor == "sqlite"
    step = days * 86_400 / count
    newest = at - timedelta(minutes=5)
    text = newest.strftime("%Y-%m-%d %H:%M:%S")

    def ago(more: str = "0") -> str:
        seconds = f"(n * {step:.6f} - ({more}))"
        if lite:
            return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', '{text}', (-{seconds}) || ' seconds')"
        return f"timestamptz '{text}+00' - {seconds} * interval '1 second'"

    day = f"date({ago()})" if lite else f"(({ago()}) AT TIME ZONE 'UTC')::date"
    # Times as they come: many short, some long; of a million, thousands of different ones. No product leaves 31 bits.
    took, solved = "20 + (n %% 1700 * 7919) %% 1700 + ((n * 31) %% 97) * 13", "600 + (n %% 20000 * 104729) %% 20000"
    started, open_, secret = ago(), "n %% 20 = 0", "n %% 100 = 1"

    def flag(condition: str) -> str:
        return f"CASE WHEN {condition} THEN 1 ELSE 0 END" if lite else f"({condition})"

    changes = {
        "id": f"{base} + n",
        "dedup_key": "t.dedup_key || '-' || n",
        "severity": "1 + n %% 5",
        "restricted": flag(secret),
        "started_at": started,
        "state": f"CASE WHEN {open_} THEN 'triggered' ELSE 'resolved' END",
        "acknowledged_at": f"CASE WHEN {open_} THEN NULL ELSE {ago(took)} END",
        "resolved_at": f"CASE WHEN {open_} THEN NULL ELSE {ago(solved)} END",
    }
    # What finds incidents by their words is not asked here, and keeping it would be most of the time.
    with connection.schema_editor() as editor:
        triggers_switch(editor, on=False)
    copies(Incident, first.pk, count, changes)
    values = dict.fromkeys(("acknowledge", "respond", "acknowledge_work"), f"CASE WHEN {open_} THEN -2 ELSE {took} END")
    values |= dict.fromkeys(("resolve", "recover", "resolve_work"), f"CASE WHEN {open_} THEN -2 ELSE {solved} END")
    values |= {
        "repair": f"CASE WHEN {open_} THEN -1 ELSE ({solved}) / 2 END",
        "detect": "n %% 90",
        "escalate": "CASE WHEN n %% 2 = 0 THEN 300 + n %% 600 ELSE -1 END",
        "handoff": "CASE WHEN n %% 2 = 0 THEN 60 + n %% 500 ELSE -1 END",
        "resolve_escalated": "CASE WHEN n %% 2 = 0 THEN 900 + n %% 9000 ELSE -1 END",
        "csat": "CASE WHEN n %% 30 = 0 THEN 100 * (n %% 6) ELSE -1 END",
        "escalated": "1 + n %% 2",
        "again": "CASE WHEN n %% 2 = 0 THEN 1 + n %% 4 / 2 ELSE 0 END",
        "sla": "n %% 4",
        "noise": "n %% 3",
        "incident_id": f"{base} + n",
        "started_at": started,
        "day": day,
        "team": "CASE WHEN n %% 20 = 0 THEN t.team ELSE 100 + n %% 20 END",
        "service": "1 + n %% 100",
        "severity": "1 + n %% 5",
        "restricted": flag(secret),
        "open": flag(open_),
        "key": "NULL",
    }
    # In working hours a third of it; what concerns none of them, or has no value yet, does so there too.
    values |= {
        f"{name}_work": f"CASE WHEN ({values[name]}) < 0 THEN ({values[name]}) ELSE ({values[name]}) / 3 END"
        for name in ("respond", "repair", "recover", "escalate", "handoff", "resolve_escalated")
    }
    clone(IncidentFigures, first.pk, count, values)
    rang = started.replace("(n *", "(5 * n *")
    rang_on = day.replace("(n *", "(5 * n *")
    run = EscalationRun.objects.get(incident=first)
    EscalationRun.objects.filter(pk=run.pk).update(next_due_at=None)
    run_base, page_base = EscalationRun.objects.latest("pk").pk, Page.objects.latest("pk").pk
    copies(EscalationRun, run.pk, count // 5, {"id": f"{run_base} + n", "incident_id": f"{base} + 5 * n"})
    copies(
        Page,
        page.pk,
        count // 5,
        {
            "id": f"{page_base} + n",
            "run_id": f"{run_base} + n",
            "incident_id": f"{base} + 5 * n",
            "message_id": "NULL",
            "state": "'delivered'",
            "created_at": rang,
            "link_nonce": "'n' || n",
        },
    )
    people = list(User.objects.order_by("pk").values_list("pk", flat=True))[:3]
    clone(
        PageFigures,
        page.pk,
        count // 5,
        {
            "page_id": f"{page_base} + n",
            "incident_id": f"{base} + 5 * n",
            "person_id": f"CASE n %% 3 WHEN 0 THEN {people[0]} WHEN 1 THEN {people[1]} ELSE {people[2]} END",
            "at": rang,
            "day": rang_on,
            "hours": "1 + n %% 3",
            "shift": "1479000 - n / 700",
            "sleep": "1 + n %% 2",
            "off_hours": "1 + n %% 2",
            "delivered": "1",
        },
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if lite else "VACUUM ANALYZE")
    begun = time.perf_counter()
    all_days = [(newest - timedelta(days=back)).date() for back in range(days + 2)]
    for one in all_days:
        days_pack([("incidents", one), ("pages", one)])
    took_seconds = time.perf_counter() - begun
    weight = sum(len(bytes(data)) for data in DayFigures.objects.values_list("data", flat=True).iterator(chunk_size=20))
    print(f"  packing {len(all_days)} days: {took_seconds:.1f} s, {weight / 1e6:.0f} MB in all")


def clone(model: Any, original: int, count: int, changes: dict[str, str]) -> None:
    """As benchmarks.clones.copies, for a table whose key is another table's."""
    from django.db import connection

    from benchmarks.clones import NUMBERS

    columns = [str(field.column) for field in model._meta.concrete_fields]
    values = [changes.get(column, f't."{column}"') for column in columns]
    names, table = ", ".join(f'"{column}"' for column in columns), model._meta.db_table
    key = model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({names}) SELECT {", ".join(values)} '  # noqa: S608  our own names
            f'FROM "{table}" t, ({NUMBERS[str(connection.vendor)]}) c WHERE t."{key}" = %s',
            [count, original],
        )


def pages() -> None:
    from django.db import connection
    from django.test import Client

    from oncall.models import User

    client = Client()
    client.force_login(User.objects.get(username="manager"), backend="django.contrib.auth.backends.ModelBackend")
    client.get("/reports/definitions/")
    for name, address in PAGES.items():
        queries: list[float] = []
        begun = time.perf_counter()
        with connection.execute_wrapper(partial(_noted, queries)):
            response = client.get(address)
        once = (time.perf_counter() - begun) * 1000
        if response.status_code != 200:
            raise SystemExit(f"{address}: {response.status_code}")
        took, cpu = timed(partial(client.get, address))
        goal = MOST_MS if name in DASHBOARDS else MOST_OTHER_MS
        print(
            f"    {name:<18} {took:7.1f} ms, CPU {cpu:6.1f} ms at best  {len(queries):3d} queries ({sum(queries):.0f} ms), "
            f"first {once:.0f} ms  "
            f"{judged(took, goal, at_most=True)}{'' if len(queries) <= MOST_QUERIES else '  QUERIES'}"
        )


def _noted(queries: list[float], execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Run a query and note how long it took."""
    begun = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        queries.append((time.perf_counter() - begun) * 1000)


def timed(action: Callable[[], Any], *, times: int = 10) -> tuple[float, float]:
    """Milliseconds: by the clock on the wall, the median; of this process's own CPU, the best (a PostgreSQL server's is not in it)."""
    taken, worked = [], []
    for _time in range(times):
        begun, cpu = time.perf_counter(), time.process_time()
        action()
        taken.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
    return statistics.median(taken), min(worked)


def beside_duckdb() -> None:
    """The numbers of the overview from a column store's own table, and from ours; they must be the same."""
    from django.http import QueryDict

    from escalation_site.kernel.instants import now
    from oncall.models import User
    from reports.dashboard import board
    from reports.figures.counting import value_of
    from reports.figures.definitions import METRICS
    from reports.links import Links
    from reports.names import Names
    from reports.panels import Data
    from reports.period import period_of
    from reports.selectors import Scope

    user, at = User.objects.get(username="manager"), now()

    scope, names = Scope(user, period_of("28d", at=at, zone=UTC)), Names()

    def ours() -> Data:
        data = Data(scope, names, Links(QueryDict()))  # Read anew each time: nothing is kept from one page to the next.
        board(data, "overview")
        return data

    ours_ms, ours_cpu = timed(ours)
    store = filled_store()
    theirs_ms, theirs_cpu = timed(lambda: asked_store(store, scope.period.since, scope.period.until))
    data = ours()
    found: Any = value_of(data.now(), METRICS["acknowledge"])
    median, p90 = store.execute(
        "SELECT quantile_disc(acknowledge, 0.5), quantile_disc(acknowledge, 0.9) FROM f "
        "WHERE acknowledge >= 0 AND started_at >= ? AND started_at < ?",
        [plain(scope.period.since), plain(scope.period.until)],
    ).fetchone()
    same = (found.median, found.p90) == (median, p90)
    print(
        f"    the overview's numbers, 28 days and the 28 before: ours {ours_ms:.1f} ms (CPU {ours_cpu:.1f}), "
        f"DuckDB {theirs_ms:.1f} ms (CPU {theirs_cpu:.1f}), ratio {ours_ms / theirs_ms:.2f}, "
        f"of CPU {ours_cpu / theirs_cpu:.2f}; the same median and p90: {same}"
    )


COLUMNS = ("started_at", "team", "severity", "open", "acknowledge", "resolve", "escalated", "again", "sla")


def plain(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


def filled_store() -> Any:
    """Every incident that may be counted, in DuckDB's own table."""
    import csv
    import tempfile

    import duckdb
    from django.db.models import Q

    from incidents.querysets import restricted_concerns
    from oncall.models import User
    from reports.models import IncidentFigures

    store = duckdb.connect()
    concerns = restricted_concerns(User.objects.get(username="manager"))
    # As numbers: a condition that leaves out what a query finds is asked of each row on PostgreSQL, and took minutes.
    seen = [number for row in concerns for number in row.values()]
    rows = IncidentFigures.objects.filter(Q(restricted=False) | Q(pk__in=seen), counted=True).values_list(*COLUMNS)
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for started, *rest in rows.iterator(chunk_size=5_000):
            writer.writerow([started.astimezone(UTC).replace(tzinfo=None).isoformat(), *map(int, rest)])
        file.flush()
        store.execute("CREATE TABLE f AS SELECT * FROM read_csv(?) ORDER BY started_at", [file.name])
    return store


def asked_store(store: Any, since: datetime, until: datetime) -> None:
    # As literals: not each question asks for each of them.
    begin, before, end = (f"TIMESTAMP '{plain(at)}'" for at in (since, since - (until - since), until))
    known = "FILTER ({0} >= 0)"
    spread = f"quantile_disc({{0}}, 0.5) {known}, quantile_disc({{0}}, 0.9) {known}, avg({{0}}) {known}, count(*) FILTER ({{0}} = -2)"
    times = ", ".join(spread.format(name) for name in ("acknowledge", "resolve"))
    shares = ", ".join(
        f"count(*) FILTER ({name} = {code})" for name in ("escalated", "again", "sla") for code in (1, 2)
    )
    within = f"FROM f WHERE started_at >= {before} AND started_at < {end} GROUP BY"
    now = f"started_at >= {begin}"
    for group in (now, f"severity, {now}", f"team, {now}", "date_trunc('week', started_at)"):
        store.execute(f"SELECT {group}, {times}, {shares}, count(*), sum(open) {within} {group}").fetchall()
    hour = "dayofweek(started_at), hour(started_at)"
    weeks = f"SELECT {hour}, count(*) FROM f WHERE started_at >= {begin} AND started_at < {end} GROUP BY {hour}"  # noqa: S608  our own names
    store.execute(weeks).fetchall()


def changes() -> None:
    """Following happens behind the changes, and each step of it is a short transaction: how long it holds a writer up."""
    from django.db import connection, transaction

    from escalation_site.kernel.instants import now
    from incidents.models import Incident
    from reports.figures.keeping import TOGETHER, days_pack, figures_count

    at = now()
    for order, which, number in (("-started_at", "newest", TOGETHER), ("pk", "first", TOGETHER), ("pk", "first", 1)):
        ids = list(Incident.objects.order_by(order).values_list("pk", flat=True)[:number])
        queries: list[float] = []
        begun = time.perf_counter()
        with transaction.atomic(), connection.execute_wrapper(partial(_noted, queries)):
            days = figures_count(ids, at=at)
        counted = (time.perf_counter() - begun) * 1000
        packed = []
        for day in sorted(days):
            begun = time.perf_counter()
            with transaction.atomic():
                days_pack([day])
            packed.append((time.perf_counter() - begun) * 1000)
        print(
            f"    counting the {which} {len(ids)} anew: {counted:.0f} ms in one transaction, {len(queries)} queries; "
            f"packing {len(days)} days: {max(packed):.0f} ms the longest  "
            f"{judged(len(queries) / len(ids), 1.0, at_most=True) if len(ids) > 1 else ''}"
        )


if __name__ == "__main__":
    if "inside" in sys.argv[1:]:
        inside(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
