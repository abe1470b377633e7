"""The list, the board and the incident page on a big database, and what the search index costs intake.

    python -m benchmarks.bench_list [sqlite] [postgresql] [incidents=1000000] [explain]

A house with a long history (``benchmarks.million``): 10,000 of the million open, filters that find 100,000. Each page is asked in process
through the whole stack (session, permissions, template) by a responder, an administrator and somebody who only files: the median of
seven times after two, the processor time of each (the server's included: what the page would take on a machine with nothing else to do,
and what the goal is held against), the number of queries, and the ratio to a bare ordered query for fifty rows over the same connection.
``explain`` prints the longest query of each page that takes too long. Then intake: the processor time of an alert with the index's
triggers and without them.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from benchmarks.figures import heading, judged
from benchmarks.site import ROOT, site

MOST_MS, MOST_QUERIES, MOST_INTAKE = 200.0, 15, 1.10
TIMES = 7
LIST = {
    "open": "",
    "open, my teams'": "whose=team",
    "open, SEV-1 and SEV-2": "severity=1&severity=2",
    "open, P1": "priority=1",
    "by priority": "sort=priority",
    "next step first": "sort=next",
    "SLA time left": "sort=sla",
    "on-call group": "sort=team",
    "oldest first": "sort=oldest",
    "newest first": "sort=newest",
    "page 200": "page=200",
    "triggered": "tab=triggered",
    "resolved": "tab=resolved",
    "resolved, page 200": "tab=resolved&page=200",
    "resolved, oldest first": "tab=resolved&sort=oldest",
    "100,000 of SEV-1": "tab=resolved&severity=1",
    "100,000 of two teams": "tab=resolved&team=team-04&team=team-05",
    "100,000 of ten weeks": "tab=resolved&since={since}",
    "100,000 of one word": "tab=resolved&q=storm",
    "none of these": "tab=resolved&severity=1&service=service-39&q=zanzibar",
    "rare word": "q=zanzibar&tab=resolved",
    "word of all": "q=gateway",
    "word of all, resolved": "q=gateway&tab=resolved",
    "word of all, one service": "q=gateway&severity=1&service=service-39",
    "word of all, SEV-1": "q=gateway&severity=1",
    "word of all, mine": "q=gateway&whose=mine",
    "phrase": "q=%22gateway+trouble+777%22&tab=resolved",
    "open, staging": "environment=staging",
    "open, own field": "custom_region=Baltic",
    "open, rare environment": "environment=recovery+site",
    "open, rare own field": "custom_region=Antarctic",
    "open, late": "sla=late",
    "open, nobody's": "whose=nobody",
    "100,000 of staging": "tab=resolved&environment=staging",
    "100,000 of a customer": "tab=resolved&customer=harbour",
    "100,000 of a category": "tab=resolved&category=network",
    "100,000 of an own field": "tab=resolved&custom_region=Baltic",
    "900,000 of a stage": "tab=resolved&stage=closed",
    "10,000 of an owner": "tab=resolved&owner=person-007",
    "mine, resolved": "tab=resolved&whose=mine",
    "my teams', resolved": "tab=resolved&whose=team",
    "my teams', oldest": "tab=resolved&whose=team&sort=oldest",
    "team, SEV-1, staging": "tab=resolved&team=team-04&severity=1&environment=staging",
    "rare environment": "tab=resolved&environment=recovery+site",
    "rare customer": "tab=resolved&customer=lighthouse",
    "rare category": "tab=resolved&category=sea-cable",
    "rare own field": "tab=resolved&custom_region=Antarctic",
    "rare environment, oldest": "tab=resolved&environment=recovery+site&sort=oldest",
}
BOARD = {
    "by stage": "by=stage",
    "by team": "by=team",
    "by person": "by=person",
    "SEV-1": "by=team&severity=1",
    "my teams'": "whose=team",
    "mine": "whose=mine",
    "staging": "environment=staging",
    "own field": "custom_region=Baltic",
    "a column": "column=investigating",
    "rare word": "q=zanzibar",
    "storm": "q=storm",
    "word of all": "q=gateway",
}
PLANS = {
    "all": "",
    "SEV-2": "severity=2",
    "a team": "team=team-04",
    "my teams'": "whose=team",
    "a service": "service=service-08",
    "staging": "environment=staging",
    "rare word": "q=zanzibar",
    "word of all": "q=gateway",
}
SIMILAR = {
    "common words": "title=Gateway+trouble+again",
    "common words, service": "title=Gateway+trouble+again&service=service-08",
    "storm": "title=Gateway+storm+trouble",
    "rare word": "title=zanzibar+is+down",
    "one word": "title=gateway",
}
API = {
    "open": "tab=open",
    "all": "",
    "page 200": "page=200",
    "resolved": "tab=resolved",
    "SEV-1": "severity=1",
    "word": "q=zanzibar",
    "word of all": "q=gateway",
}
PAGES = {
    "one": {
        **{f"list: {name}": f"/incidents/?{query}" for name, query in LIST.items()},
        **{f"board: {name}": f"/incidents/board/?{query}" for name, query in BOARD.items()},
        "workload": "/incidents/workload/",
        "workload, a team": "/incidents/workload/?team=team-04",
        **{f"plans: {name}": f"/incidents/plan/?{query}" for name, query in PLANS.items()},
        "filters": "/incidents/filters/",
        "calendar": "/oncall/",
        "my duties": "/oncall/mine/",
        "hours": "/oncall/workload/",
        "filing": "/incidents/new/",
        **{f"similar: {name}": f"/incidents/new/similar/?{query}" for name, query in SIMILAR.items()},
        **{f"API: {name}": f"/api/v1/incidents/?{query}" for name, query in API.items()},
        "wall": "/incidents/wall/",
        "services": "/incidents/services/",
        "home": "/",
        "incident": "/incidents/{quiet}/",
        "incident, live part": "/incidents/{quiet}/live/",
        "incident, around": "/incidents/{quiet}/around/",
        "incident, 5,000 lines": "/incidents/{busy}/",
        "incident, its decisions": "/incidents/{busy}/?lines=decisions",
        "incident, resolved": "/incidents/{resolved}/",
        "response": "/incidents/{quiet}/response/",
        "task": "/incidents/{quiet}/tasks/{task}/",
        "action plan": "/incidents/{quiet}/plan/",
        "plan chart": "/incidents/{quiet}/plan-chart/",
        "brief": "/incidents/{quiet}/brief/",
    },
    "admin": {
        **{f"list: {name}": f"/incidents/?{query}" for name, query in LIST.items()},
        **{f"board: {name}": f"/incidents/board/?{query}" for name, query in BOARD.items()},
        "incident": "/incidents/{quiet}/",
    },
    "support": {
        "list: open": "/incidents/",
        "list: resolved": "/incidents/?tab=resolved",
        "list: word of all": "/incidents/?q=gateway",
        "list: resolved, page 200": "/incidents/?tab=resolved&page=200",
        "list: rare word": "/incidents/?q=zanzibar&tab=resolved",
        "board": "/incidents/board/",
        "plans": "/incidents/plan/",
        "wall": "/incidents/wall/",
        "my requests": "/incidents/requests/",
        "request": "/incidents/{own}/request/",
        "home": "/",
        "filing": "/incidents/new/",
        "similar": "/incidents/new/similar/?title=Gateway+trouble+again",
        "API: all": "/api/v1/incidents/",
    },
}


def main() -> None:
    arguments = sys.argv[1:]
    count = next((int(one.partition("=")[2]) for one in arguments if one.startswith("incidents=")), 1_000_000)
    for database in [name for name in ("sqlite", "postgresql") if name in arguments] or ["sqlite", "postgresql"]:
        with site(database) as bench:
            bench.python("manage.py", "migrate", "-v0")
            bench.python("-m", "benchmarks.organisation")
            more = ["explain"] if "explain" in arguments else []
            command = [sys.executable, "-m", "benchmarks.bench_list", "inside", str(count), *more]
            heading(f"pages, {count:,} incidents, {count // 100:,} of them open, {database}")
            sys.stdout.flush()
            subprocess.run(command, cwd=ROOT, env=bench.environment, check=True)


def inside(count: int) -> None:
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
    from benchmarks.million import fill

    begun = time.perf_counter()
    fill(count)
    print(f"  filled in {time.perf_counter() - begun:.0f} s", flush=True)
    missed = [name for username in PAGES for name in pages(username)]
    print(f"  over {MOST_MS:.0f} ms or {MOST_QUERIES} queries: {', '.join(missed) or 'none'}", flush=True)
    intake()


def intake() -> None:
    """What the triggers add to an alert's way, each side measured three times in turn."""
    from django.db import connection

    from benchmarks.bench_routing import wave
    from incidents.search.schema import triggers_switch

    wave("warm", 500)
    with_index, without = [], []
    for turn in range(3):
        with_index.append(wave(f"with {turn}", 2_000))
        with connection.schema_editor() as editor:
            triggers_switch(editor, on=False)
        without.append(wave(f"without {turn}", 2_000))
        with connection.schema_editor() as editor:
            triggers_switch(editor, on=True)
    kept, bare = min(with_index), min(without)
    print(f"  intake: {kept:.3f} ms of CPU an alert with the index, {bare:.3f} ms without, ", end="")
    print(f"ratio {kept / bare:.2f}   {judged(kept / bare, MOST_INTAKE, at_most=True)} (the server's CPU is not in it)")


def pages(username: str) -> list[str]:
    """Ask and print each page; the names of those that miss a goal."""
    from django.db import connection
    from django.test import Client

    from benchmarks import million
    from escalation_site.kernel.instants import now
    from incidents.models import Incident, Task
    from oncall.models import User

    quiet, resolved = million.quiet(), Incident.objects.filter(state="resolved").earliest("pk")
    places = {
        "quiet": quiet.pk,
        "busy": million.busy().pk,
        "resolved": resolved.pk,
        "own": Incident.objects.filter(team__memberships__user__username="support").earliest("pk").pk,
        "task": Task.objects.filter(incident=quiet).earliest("pk").pk,
        "since": (now() - timedelta(days=70)).date(),
    }
    client = Client()
    client.force_login(User.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend")
    bare = timed(lambda: list(Incident.objects.filter(state="triggered").order_by("severity", "started_at")[:50]))
    print(f"  {username}: a bare ordered query for fifty rows takes {bare:.1f} ms")
    missed = []
    for name, path in PAGES[username].items():
        address = path.format(**places)
        began = time.perf_counter()
        response = client.get(address)
        first = (time.perf_counter() - began) * 1000
        if response.status_code != 200:
            raise SystemExit(f"{address}: {response.status_code} {response.headers.get('Location', '')}")
        queries: list[tuple[float, str]] = []
        with connection.execute_wrapper(partial(_noted, queries)):
            client.get(address)
        before = cpu()
        took = timed(partial(client.get, address), times=TIMES)
        used = (cpu() - before) / TIMES
        met = used <= MOST_MS and len(queries) <= MOST_QUERIES
        missed += [] if met else [f"{username}'s {name}"]
        print(
            f"    {name:<30} {used:7.1f} ms CPU, {took:7.1f} ms (first {first:6.0f}), {len(queries):3d} queries, ratio {took / bare:6.1f}"
            f"{'' if met else '  MISSED'}",
            flush=True,
        )
        if "explain" in sys.argv and used > MOST_MS:
            print("      {:.0f} ms: {}".format(*max(queries)))
    return missed


def cpu() -> float:
    """Milliseconds of processor time so far: of this process, and on PostgreSQL of the server's that works for it."""
    import psutil
    from django.db import connection

    total = time.process_time()
    if connection.vendor == "postgresql":
        server = psutil.Process(connection.connection.info.backend_pid).cpu_times()
        total += server.user + server.system
    return total * 1000


def _noted(queries: list[tuple[float, str]], execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Run a query and note how long it took."""
    begun = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        queries.append(((time.perf_counter() - begun) * 1000, sql))


def timed(action: Callable[[], Any], *, times: int = 10) -> float:
    """Milliseconds, the median."""
    taken = []
    for _time in range(times):
        begun = time.perf_counter()
        action()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    inside(int(sys.argv[2])) if "inside" in sys.argv[1:] else main()
