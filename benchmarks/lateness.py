"""Lateness: how long after its instant an escalation step is done and can be seen by others.

    python -m benchmarks.lateness [short|long] [sqlite] [postgresql]

Many runs fall due over some seconds; one engine on SQLite, two on PostgreSQL, step them: the next level's page is made, queued and
audited. Sending is held back. A step counts as done when another connection sees its page; it is looked for every 20 ms, so that the
figures err by that much to the worse. Beside it, in the same run: a loop that claims rows of one table and marks them, which is the
least that any timer on a database must do.
"""

import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg

from benchmarks.figures import heading, percentile
from benchmarks.site import Site, site

# runs, seconds over which they fall due, seconds that making them may take
PROFILES = {"short": (500, 10.0, 40.0), "long": (5000, 60.0, 240.0)}
ENGINES = {"sqlite": 1, "postgresql": 2}
ACK_SECONDS = 600.0
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
CLAIM = {
    "sqlite": "UPDATE bare_timer SET fired = 1 WHERE id IN "
    "(SELECT id FROM bare_timer WHERE fired = 0 AND due <= ? ORDER BY due LIMIT 50) RETURNING due",
    "postgresql": "UPDATE bare_timer SET fired = 1 WHERE id IN "
    "(SELECT id FROM bare_timer WHERE fired = 0 AND due <= %s ORDER BY due LIMIT 50 FOR UPDATE SKIP LOCKED) RETURNING due",
}


def connection_to(bench: Site) -> Any:
    """A connection that commits each statement by itself."""
    if bench.database == "sqlite":
        lite = sqlite3.connect(bench.folder / "watchbell.sqlite3", timeout=20, isolation_level=None)
        lite.execute("PRAGMA synchronous = FULL")
        return lite
    return psycopg.connect(bench.environment["DATABASE_URL"], autocommit=True)


def seconds_of(instant: Any) -> float:
    """A database's instant as seconds of the Unix epoch."""
    found = instant if isinstance(instant, datetime) else datetime.fromisoformat(instant)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def steps_late(bench: Site, count: int, seconds: float, making: float) -> tuple[list[float], float]:
    """Lateness of each step in seconds, negative where one came too early; and milliseconds of CPU per step."""
    begin = time.time() + making
    bench.python("-m", "benchmarks.overdue", str(count), str(seconds), str(begin))
    for _engine in range(ENGINES[bench.database]):
        bench.engine(sending=False)
    if time.time() > begin:
        raise RuntimeError(f"making the runs took longer than {making:.0f} s: this machine is too busy to measure")
    with closing(connection_to(bench)) as connection:
        started = connection.execute("SELECT id, started_at FROM incidents_escalationrun").fetchall()
        due = {run: seconds_of(at) + ACK_SECONDS for run, at in started}
        late: list[float] = []
        last = 0
        deadline = begin + seconds + PATIENCE_SECONDS
        time.sleep(max(begin - time.time() - LOOK_SECONDS, 0))
        before = bench.cpu()
        while len(late) < count and time.time() < deadline:
            query = f"SELECT id, run_id FROM incidents_page WHERE level = 1 AND id > {last - 500} ORDER BY id"  # noqa: S608  own names, values are parameters
            seen_at = time.time()
            for page, run in connection.execute(query).fetchall():
                if run in due:
                    late.append(seen_at - due.pop(run))
                last = max(last, page)
            time.sleep(LOOK_SECONDS)
    made = bench.count("incidents_page", "level = 1")
    assert (len(late), made) == (count, count), f"{len(late)} of {count} steps seen, {made} pages: lost or doubled"
    return late, (bench.cpu() - before) / count * 1000


def bare_late(bench: Site, count: int, seconds: float) -> list[float]:
    """The same of rows that are only claimed and marked."""
    marks = "?, ?" if bench.database == "sqlite" else "%s, %s"
    begin = time.time() + 2
    rows = [(number, begin + seconds * number / count) for number in range(count)]
    late: list[float] = []
    with closing(connection_to(bench)) as connection:
        connection.execute(
            "CREATE TABLE bare_timer (id integer PRIMARY KEY, due float8 NOT NULL, fired integer DEFAULT 0)"
        )
        connection.execute("CREATE INDEX bare_timer_due ON bare_timer (due) WHERE fired = 0")
        with closing(connection.cursor()) as cursor:
            insert = f"INSERT INTO bare_timer (id, due) VALUES ({marks})"  # noqa: S608  marks, not values
            cursor.execute("BEGIN")
            cursor.executemany(insert, rows)
            cursor.execute("COMMIT")
        while len(late) < count:
            fired = connection.execute(CLAIM[bench.database], (time.time(),)).fetchall()
            late += [time.time() - due for (due,) in fired]
            if not fired:
                time.sleep(0.005)
    return late


def line(name: str, late: list[float]) -> str:
    shares = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    figures = "   ".join(f"{label} {percentile(late, share) * 1000:6.0f} ms" for label, share in shares)
    return f"  {name:<28} {figures}   early {sum(value < 0 for value in late)}   doubled 0"


def report(database: str, count: int, seconds: float, making: float) -> None:
    with site(database) as bench:
        bench.prepare(ack="10m")
        late, cpu = steps_late(bench, count, seconds, making)
        heading(f"{database}: {count} escalation steps due over {seconds:.0f} s, sending held back")
        print(line(f"Watchbell, engines: {ENGINES[database]}", late))
        print(f"  CPU per step {cpu:.1f} ms")
        bench.stop()
        print(line("bare claim-and-update loop", bare_late(bench, count, seconds)))


def main(arguments: list[str]) -> None:
    profile = PROFILES["long" if "long" in arguments else "short"]
    for database in [name for name in ENGINES if name in arguments] or list(ENGINES):
        report(database, *profile)


if __name__ == "__main__":
    main(sys.argv[1:])
