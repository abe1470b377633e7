"""Taking a million incidents out: rows a second, and how much memory it needs at its peak.

    python -m benchmarks.exports [sqlite] [postgresql] [incidents=1000000] [times=1] [formats=bare,csv,json]

A house with a long history (``benchmarks.million``). Each format is made by a process of its own, as an administrator who sees every
incident, by the same code as the page: the peak is that process's, its memory before the first row beside it. PDF has room for 5,000
rows and is measured with those. ``bare`` writes the same columns of the same table with the csv module straight from the database's
driver: what the language and the database cost without us. Ratios are of this process's processor time a row, the best of
``times``; PostgreSQL's own is not in it, SQLite's is. On SQLite up to 128 MB of every peak are the database's file, mapped.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from benchmarks.figures import heading, judged
from benchmarks.site import ROOT, Site, site

FORMATS = ("bare", "csv", "json", "xlsx", "report.csv", "pdf")
QUERIES = {"pdf": "tab=triggered", "report.csv": "period=custom&first=2022-06-01&last=2026-12-31"}
"""Of those that do not take every resolved incident of the list."""
MOST_MB = 300.0
"""A goal of ours: a million rows may not need more than this above what Django needs."""


def main() -> None:
    arguments = sys.argv[1:]
    count, times = int(_option("incidents", "1000000")), int(_option("times", "1"))
    formats = _option("formats", ",".join(FORMATS)).split(",")
    for database in [name for name in ("sqlite", "postgresql") if name in arguments] or ["sqlite", "postgresql"]:
        with site(database) as bench:
            bench.python("manage.py", "migrate", "-v0")
            bench.python("-m", "benchmarks.organisation")
            bench.python("-m", "benchmarks.exports", "fill", str(count))
            heading(f"exports, {count:,} incidents, {database}")
            bare: dict[str, float] = {}
            for format in formats:
                found = min((_taken(bench, format) for _time in range(times)), key=lambda one: one["cpu"])
                bare = found if format == "bare" else bare
                print(_line(format, found, bare), flush=True)


def _option(name: str, default: str) -> str:
    return next((one.partition("=")[2] for one in sys.argv[1:] if one.startswith(f"{name}=")), default)


def _taken(bench: Site, format: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.exports", "take", format]
    done = subprocess.run(command, cwd=ROOT, env=bench.environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _line(format: str, found: dict[str, float], bare: dict[str, float]) -> str:
    rows, above = found["rows"], found["peak"] - found["before"]
    beside = ""
    if bare and rows and format != "bare":
        times = (found["cpu"] / rows) / (bare["cpu"] / bare["rows"])
        beside = f"{times:.1f} times bare, {found['peak'] - bare['peak']:+.0f} MB; "
    return (
        f"  {format:<11} {rows:>9,.0f} rows, {found['size'] / 1e6:6.1f} MB; processor {found['cpu']:6.1f} s "
        f"({rows / found['cpu']:>8,.0f} rows/s), clock {found['took']:6.1f} s; {beside}peak {found['peak']:.0f} MB, "
        f"{above:.0f} above the start; load {os.getloadavg()[0]:.1f}; {judged(above, MOST_MB, at_most=True)}"
    )


def _django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
    django.setup()


def fill(count: int) -> None:
    """In the environment of a throw-away site."""
    _django()
    from benchmarks.million import fill as fill_house

    fill_house(count)


def take(format: str) -> None:
    """Make one file, and print what it cost, as JSON."""
    _django()
    import_module("reports.exports.making")  # What the code itself needs is no cost of the rows.
    before, began, used = _peak(), time.perf_counter(), time.process_time()
    rows, size = _bare() if format == "bare" else _made(format)
    took, cpu = time.perf_counter() - began, time.process_time() - used
    print(json.dumps({"rows": rows, "size": size, "took": took, "cpu": cpu, "before": before, "peak": _peak()}))


def _peak() -> float:
    """Megabytes of this process at its peak."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _made(name: str) -> tuple[int, int]:
    from escalation_site.kernel.instants import now
    from oncall.models import User
    from reports.exports.making import file_made

    source, _dot, format = name.rpartition(".")
    query = QUERIES.get(name, "tab=resolved")
    admin = User.objects.get(username="admin")
    with file_made(user=admin, source=source or "incidents", query=query, format=format, at=now()) as made:
        return made.rows, made.path.stat().st_size


def _bare() -> tuple[int, int]:
    from django.db import connection

    from reports.exports.incidents import _RAW

    columns = ", ".join(_RAW)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "bare.csv").open("w", newline="") as target:
        writer, rows = csv.writer(target), 0
        with connection.chunked_cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM incidents_incident WHERE state = 'resolved'")  # noqa: S608  own names
            while batch := cursor.fetchmany(1_000):
                writer.writerows(batch)
                rows += len(batch)
        return rows, target.tell()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["fill", count]:
            fill(int(count))
        case ["take", format]:
            take(format)
        case _:
            main()
