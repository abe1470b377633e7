"""Ingest: what accepting an alert costs beside a bare Django view, and how many go all the way to a queued delivery.

    python -m benchmarks.ingest [short|long] [sqlite] [postgresql]

The bare view, which does one INSERT, and Watchbell run in the same run, one after the other, under uvicorn with one process, with
the same client and keep-alive connections. CPU is that of all processes of the site together (web, engine, on PostgreSQL the database
server), the load generator's not counted. On PostgreSQL that is every process of the server: nothing else should use it meanwhile.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from benchmarks.figures import heading, judged
from benchmarks.site import KEY, ROOT, Site, site

COUNTS = {"short": 1000, "long": 3000}
CONNECTIONS = 16
WEBHOOK = f"/integrations/alertmanager/{KEY}/"
# distinct alerts a second from HTTP to incident, page and queued delivery, on two cores
GOAL_PER_SECOND = {"sqlite": 100, "postgresql": 200}
GOAL_CPU = {"distinct": 6.0, "same": 3.0}
GOAL_RATIO = 1.5
WAITING = "processed_at IS NULL"


@dataclass(frozen=True)
class Figures:
    """Of one run. ``per_second`` counts to where the run ends: the answer, or the queued delivery. ``cpu`` is milliseconds each."""

    per_second: float
    p50: float
    p99: float
    cpu: float
    refused: int


def load(bench: Site, path: str, count: int, kind: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.load", str(bench.port), path, str(CONNECTIONS), str(count), kind]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr + bench.logs())
    answered: dict[str, float] = json.loads(done.stdout)
    return answered


def measured(bench: Site, path: str, count: int, kind: str, *, until_queued: bool = False) -> Figures:
    before, begun = bench.cpu(), time.perf_counter()
    answered = load(bench, path, count, kind)
    seconds = answered["seconds"]
    if until_queued:
        while bench.count("incidents_inboxsignal", WAITING):
            time.sleep(0.05)
        seconds = time.perf_counter() - begun
    cpu = (bench.cpu() - before) / count * 1000
    return Figures(answered["accepted"] / seconds, answered["p50"], answered["p99"], cpu, int(answered["refused"]))


def bare(database: str, count: int, *, kept: bool) -> Figures:
    """A view that does one INSERT: under Django's own handler, or under ours with connections kept."""
    with site(database) as bench:
        bench.environment["BARE_KEPT"] = "1" if kept else "0"
        create = (
            "from benchmarks.bare.app import Row; from django.db import connection\n"
            "with connection.schema_editor() as editor: editor.create_model(Row)"
        )
        bench.python("-c", create)
        bench.serve(f"benchmarks.bare.app:{'kept_' if kept else ''}application")
        load(bench, "/insert", 200, "distinct")
        return measured(bench, "/insert", count, "distinct")


def accept(database: str, count: int) -> Figures:
    """Accepting alone: no engine runs."""
    with site(database) as bench:
        bench.prepare()
        bench.web()
        load(bench, WEBHOOK, 200, "distinct")
        return measured(bench, WEBHOOK, count, "distinct")


def through(database: str, count: int, kind: str) -> Figures:
    """From HTTP to incident, page and queued delivery, with web and engine running and sending held back. Fails if one is lost."""
    with site(database) as bench:
        bench.prepare()
        bench.web()
        bench.engine(sending=False)
        load(bench, WEBHOOK, 50, kind)
        while bench.count("incidents_inboxsignal", WAITING):
            time.sleep(0.05)
        known = bench.count("incidents_incident")
        figures = measured(bench, WEBHOOK, count, kind, until_queued=True)
        tables = ("incidents_incident", "incidents_page", "notifications_delivery")
        made = [bench.count(table) - known for table in tables]
        expected = count - figures.refused if kind == "distinct" else 0
        assert made == [expected] * 3, f"lost or doubled: {made}, expected {expected}"
        return figures


def report(database: str, count: int) -> None:
    heading(f"{database}: accepting an alert, {count} requests over {CONNECTIONS} connections")
    base, kept, own = bare(database, count, kept=False), bare(database, count, kept=True), accept(database, count)
    for name, figures in (("bare view", base), ("bare view, our handler", kept), ("Watchbell", own)):
        print(
            f"  {name:<22} {figures.per_second:6.0f}/s   p50 {figures.p50:6.1f} ms   p99 {figures.p99:6.1f} ms   "
            f"CPU {figures.cpu:5.2f} ms   refused {figures.refused}"
        )
    ratio = own.cpu / base.cpu
    print(f"  CPU, Watchbell ÷ bare view {ratio:.2f} ({judged(ratio, GOAL_RATIO, at_most=True)}), ", end="")
    print(f"÷ bare view under our handler {own.cpu / kept.cpu:.2f}")
    heading(f"{database}: from HTTP to incident, page and queued delivery (parsing to audit included, sending not)")
    for kind in ("distinct", "same"):
        figures = through(database, count, kind)
        print(
            f"  {kind:<9} {figures.per_second:6.0f}/s   accepted p99 {figures.p99:6.1f} ms   refused {figures.refused}   "
            f"CPU {figures.cpu:5.2f} ms, {figures.cpu / base.cpu:.1f} × the bare view"
        )
        print(f"            CPU per alert: {judged(figures.cpu, GOAL_CPU[kind], at_most=True)}")
        if kind == "distinct":
            print(f"            per second: {judged(figures.per_second, GOAL_PER_SECOND[database], at_most=False)}")


def main(arguments: list[str]) -> None:
    profile = "long" if "long" in arguments else "short"
    chosen = [database for database in GOAL_PER_SECOND if database in arguments] or list(GOAL_PER_SECOND)
    for database in chosen:
        report(database, COUNTS[profile])


if __name__ == "__main__":
    main(sys.argv[1:])
