"""Ingest: what accepting an alert costs beside a bare Django view, and how many go all the way to a queued delivery.

Both servers run in the same run, one after the other, under uvicorn with one process, with the same client. CPU is that of all
processes together (web, engine, database server), the load generator's not counted.
"""

import json
import subprocess
import sys
import time

from benchmarks.site import KEY, ROOT, Site, site

COUNT = 3000
CONNECTIONS = 16
WEBHOOK = f"/integrations/alertmanager/{KEY}/"


def load(port: int, path: str, count: int, kind: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", str(port), path, str(CONNECTIONS), str(count), kind],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measured(bench: Site, path: str, count: int, kind: str) -> tuple[dict[str, float], float]:
    """Figures of the client, and CPU milliseconds per request of the site."""
    before = bench.cpu()
    figures = load(bench.port, path, count, kind)
    return figures, (bench.cpu() - before) / count * 1000


def bare(database: str) -> tuple[dict[str, float], float]:
    with site(database) as bench:
        create_bare(bench)
        bench.serve("benchmarks.bare.app:application", "/insert")
        load(bench.port, "/insert", 200, "distinct")
        return measured(bench, "/insert", COUNT, "distinct")


def create_bare(bench: Site) -> None:
    """The one table of the baseline."""
    code = (
        "from benchmarks.bare.app import Row; from django.db import connection\n"
        "with connection.schema_editor() as editor: editor.create_model(Row)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=bench.environment, check=True)


def accept(database: str) -> tuple[dict[str, float], float]:
    """Accepting alone: no engine runs."""
    with site(database) as bench:
        prepared(bench)
        bench.web()
        load(bench.port, WEBHOOK, 200, "distinct")
        return measured(bench, WEBHOOK, COUNT, "distinct")


def prepared(bench: Site) -> None:
    bench.manage("migrate", "-v0")
    bench.python("from benchmarks.organisation import make; make()")


COUNTS = (
    "from incidents.models import *; from notifications.models import Delivery;"
    "print(InboxSignal.objects.filter(processed_at=None).count(), Incident.objects.count(), Page.objects.count(), Delivery.objects.count())"
)


def through(database: str, kind: str, count: int) -> dict[str, float]:
    """From HTTP to incident, page and queued delivery with web and engine running; sending is held back to be left out."""
    with site(database) as bench:
        prepared(bench)
        bench.environment["ENGINE_SENDERS"] = "1"
        bench.web()
        bench.engine()
        time.sleep(3)
        before, begun = bench.cpu(), time.perf_counter()
        figures = load(bench.port, WEBHOOK, count, kind)
        while int(bench.python(COUNTS).split()[0]):
            time.sleep(0.2)
        figures["through"] = count / (time.perf_counter() - begun)
        figures["cpu"] = (bench.cpu() - before) / count * 1000
        _waiting, incidents, pages, deliveries = map(int, bench.python(COUNTS).split())
        expected = count if kind == "distinct" else 1
        assert (incidents, pages, deliveries) == (expected,) * 3, (incidents, pages, deliveries)
        return figures


def main(databases: tuple[str, ...] = ("sqlite", "postgresql")) -> None:
    for database in databases:
        base, base_cpu = bare(database)
        own, own_cpu = accept(database)
        print(f"\n{database}: accepting one alert, {COUNT} requests, {CONNECTIONS} connections")
        print(
            f"  bare view, one INSERT  {base['accepted'] / base['seconds']:7.0f}/s  p99 {base['p99']:6.1f} ms  CPU {base_cpu:5.2f} ms"
        )
        print(
            f"  Watchbell              {own['accepted'] / own['seconds']:7.0f}/s  p99 {own['p99']:6.1f} ms  CPU {own_cpu:5.2f} ms"
        )
        print(
            f"  ratio of CPU to the bare view {own_cpu / base_cpu:.2f}, of throughput {own['accepted'] / own['seconds'] / (base['accepted'] / base['seconds']):.2f}"
        )
        for kind in ("distinct", "same"):
            figures = through(database, kind, COUNT)
            print(
                f"  {kind:9s} alerts, HTTP to queued delivery: {figures['through']:6.0f}/s sustained, "
                f"CPU {figures['cpu']:5.2f} ms per alert over all processes, ratio to the bare view {figures['cpu'] / base_cpu:.2f}"
            )


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or ("sqlite", "postgresql"))
