"""The auditor's pages on a ledger of ten million entries, PostgreSQL.

    python -m benchmarks.auditing [entries=10000000] [seconds=420] [explain]

A year of a busy house is written by one SQL statement (thirty entries to an incident, 200 people and the engine, sixty
actions of which some are rare). Each page is asked in process through the whole stack (session, permissions, template) by an
auditor: the processor time of each (the server's included, its parallel workers' not), which is what it would take on a machine
with nothing else to do and what the goal is held against; the median of seven on the clock; and the number of queries. Pages by
key stay as quick in the middle as at the ends. Every query that reads the ledger is explained: none may read all of it (a
sequential scan of the table), whatever the time says. Where the entries asked for are not there after so many seconds, it goes
on with those that are, and says how many.
"""

import os
import subprocess
import sys
import time
from functools import partial
from typing import Any

from benchmarks.bench_list import TIMES, _noted, cpu, timed
from benchmarks.figures import heading
from benchmarks.site import ROOT, site

MOST_MS = 200.0
FILL = """
INSERT INTO audit_ledgerentry (at, action_id, action, actor_kind, actor_id, actor_label, source, address, object_type,
    object_id, object_label, subject, before, after, data)
SELECT now() - interval '365 days' + n * (interval '365 days' / {count}), gen_random_uuid(),
    CASE WHEN n % 100003 = 0 THEN 'ledger.key_change' WHEN n % 3 = 0 THEN 'incident.acknowledge'
        WHEN n % 3 = 1 THEN 'page.create' ELSE 'escalation.enter_level' || n % 57 END,
    CASE WHEN n % 3 = 0 THEN 'user' ELSE 'system' END,
    CASE WHEN n % 3 = 0 THEN (1000 + n % 200)::text ELSE 'engine' END,
    CASE WHEN n % 3 = 0 THEN 'Person ' || n % 200 ELSE 'engine' END,
    CASE WHEN n % 50021 = 0 THEN 'scan' WHEN n % 3 = 0 THEN 'web' ELSE 'engine' END, '', 'incident', (n / 30)::text,
    CASE WHEN n % 70001 = 0 THEN 'Zanzibar ' ELSE 'Gateway ' END || 'trouble ' || n % 997, 'incident:' || n / 30,
    CASE WHEN n % 3 = 0 THEN '{{"state": "triggered"}}'::jsonb END,
    CASE WHEN n % 3 = 0 THEN '{{"state": "acknowledged", "owner": 7}}'::jsonb END, NULL
FROM generate_series({first}, {last}) AS n
"""
PIECE = 1_000_000
PAGES = {
    "newest": "/audit/",
    "in the middle": "/audit/?before={middle}",
    "in the middle, forward": "/audit/?after={middle}",
    "the oldest": "/audit/?before={oldest}",
    "by one person": "/audit/?who=person",
    "by the engine": "/audit/?who=engine",
    "a frequent action": "/audit/?action=page.create",
    "a rare action": "/audit/?action=ledger.key_change",
    "one incident": "/audit/?subject=incident:{incident}",
    "a week of the past": "/audit/?since={since}&until={until}",
    "a name, 30 days": "/audit/?text=trouble+77",
    "a rare name, 30 days": "/audit/?text=zanzibar",
    "a rare way, 30 days": "/audit/?source=scan",
    "an action in a week": "/audit/?action=incident.acknowledge&since={since}&until={until}",
    "a name nobody has": "/audit/?text=nonesuch",
    "the engine and a rare name": "/audit/?who=engine&text=zanzibar",
    "one person in a week": "/audit/?who=person&since={since}&until={until}",
    "the engine in a week": "/audit/?who=engine&since={since}&until={until}",
    "one action id": "/audit/?together={middle}",
    "one entry": "/audit/{middle}/",
    "one incident, followed": "/audit/incidents/{quiet}/",
    "an incident at an instant": "/audit/past/?kind=incident&ref={quiet}",
}


def main() -> None:
    count, seconds = _number("entries", 10_000_000), _number("seconds", 420)
    with site("postgresql") as bench:
        bench.python("manage.py", "migrate", "-v0")
        bench.python("-m", "benchmarks.organisation")
        more = ["explain"] if "explain" in sys.argv else []
        heading(f"the auditor's pages, {count:,} entries asked for, postgresql, load {os.getloadavg()[0]:.1f}")
        sys.stdout.flush()
        command = [sys.executable, "-m", "benchmarks.auditing", "inside", str(count), str(seconds), *more]
        subprocess.run(command, cwd=ROOT, env=bench.environment, check=True)


def _number(name: str, usual: int) -> int:
    return next((int(one.partition("=")[2]) for one in sys.argv if one.startswith(f"{name}=")), usual)


def inside(count: int, seconds: int) -> None:
    """In the environment of a throw-away site."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
    django.setup()
    import logging

    from django.conf import settings

    logging.disable(logging.ERROR)
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    begun = time.perf_counter()
    count = fill(count, seconds)
    size = _asked("SELECT pg_size_pretty(pg_total_relation_size('audit_ledgerentry'))")
    print(f"  {count:,} entries, {size} with their indexes, in {time.perf_counter() - begun:.0f} s", flush=True)
    missed, scanned = ask(count)
    print(
        f"  over {MOST_MS:.0f} ms: {', '.join(missed) or 'none'}; that read all entries: {', '.join(scanned) or 'none'}"
    )
    print(f"  load at the end {os.getloadavg()[0]:.1f}", flush=True)


def _asked(statement: str) -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])


def fill(count: int, seconds: int) -> int:
    """The entries, with the indexes made anew afterwards, as they were. Returns how many there was time for."""
    from django.db import connection

    until = time.perf_counter() + seconds
    made = 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_ledgerentry' AND indexname NOT LIKE '%pkey'"
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        for first in range(0, count, PIECE):
            if time.perf_counter() > until:
                break
            # Figures of this module alone.
            made = min(first + PIECE, count)
            cursor.execute(FILL.format(count=count, first=first, last=made - 1))
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE audit_ledgerentry")
    return made


def ask(count: int) -> tuple[list[str], list[str]]:
    """Ask and print each page; the names of those that are too slow, and of those that read the whole ledger."""
    from django.test import Client

    from audit.models import LedgerEntry
    from escalation_site.kernel.instants import now
    from incidents.models import Incident
    from incidents.services.lifecycle import incident_open
    from oncall.models import User

    auditor = User.objects.create_user("auditor", first_name="Amara", last_name="Auditor", role="auditor")
    person = User.objects.create_user("person", first_name="Per", last_name="Person", role="responder")
    service_of: Any = Incident._meta.get_field("service").related_model
    quiet = incident_open(
        title="Quiet", summary="", severity=3, service=service_of.objects.earliest("pk"), reporter=person, at=now()
    )
    numbers = LedgerEntry.objects.order_by("pk").values_list("pk", flat=True)
    at = LedgerEntry.objects.get(pk=numbers[0] + count // 2).at
    places = {
        "middle": numbers[0] + count // 2,
        "oldest": numbers[0] + 60,
        "incident": count // 60,
        "since": f"{at:%Y-%m-%dT%H:%M}",
        "until": f"{at.replace(day=min(at.day + 7, 28)):%Y-%m-%dT%H:%M}" if at.day < 21 else f"{now():%Y-%m-%dT%H:%M}",
        "quiet": quiet.pk,
    }
    client = Client()
    client.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    bare = timed(lambda: list(LedgerEntry.objects.order_by("-id")[:50]))
    print(f"  a bare ordered query for fifty entries takes {bare:.1f} ms")
    missed: list[str] = []
    scanned: list[str] = []
    for name, path in PAGES.items():
        address = path.format(**places)
        began = time.perf_counter()
        response = client.get(address)
        first = (time.perf_counter() - began) * 1000
        if response.status_code != 200:
            raise SystemExit(f"{address}: {response.status_code} {response.headers.get('Location', '')}")
        queries: list[tuple[float, str]] = []
        from django.db import connection

        with connection.execute_wrapper(partial(_noted, queries)):
            client.get(address)
        found: list[str] = []
        with connection.execute_wrapper(partial(_scanned, found)):
            client.get(address)
        scanned += [name] if found else []
        before = cpu()
        clock = timed(partial(client.get, address), times=TIMES)
        took = (cpu() - before) / TIMES
        missed += [name] if took > MOST_MS else []
        print(
            f"    {name:<28} {took:7.1f} ms of processors, clock {clock:7.1f} (first {first:6.0f})  {len(queries):3d} queries"
            f"{'' if took <= MOST_MS else '  MISSED'}{'  READS ALL' if found else ''}",
            flush=True,
        )
        if "explain" in sys.argv and took > MOST_MS:
            print("      {:.0f} ms: {}".format(*max(queries)))
        for plan in found:
            print(f"      {plan}")
    return missed, scanned


def _scanned(found: list[str], execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Explain a query of the ledger before it runs, and keep it where the plan reads the table from end to end."""
    if "audit_ledgerentry" in sql and sql.lstrip("( ").startswith(("SELECT", "WITH")):
        with context["connection"].connection.cursor() as cursor:
            plan = "\n".join(str(line[0]) for line in cursor.execute(f"EXPLAIN {sql}", params).fetchall())
        if "Seq Scan on audit_ledgerentry" in plan:
            found.append(f"{sql[:300]}\n{plan}")
    return execute(sql, params, many, context)


if __name__ == "__main__":
    if "inside" in sys.argv:
        inside(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
