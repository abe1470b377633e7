"""A backlog: many steps due at once, through page, message and delivery to a channel that does nothing.

    python -m benchmarks.backlog [short|long|DUE/OPEN …] [sqlite] [postgresql]

First with few other incidents open, then with many: the figures should not fall. One engine on SQLite, two on PostgreSQL. Beside it, in
the same run, a loop that claims as many rows of one table and marks them. Fails when a step or a delivery is lost or doubled.

A million open incidents are filled in within minutes: they are copies, and on PostgreSQL nothing that they point to is looked up.
"""

import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

from benchmarks.figures import heading, judged
from benchmarks.lateness import CLAIM, ENGINES, connection_to
from benchmarks.site import Site, site

# steps due at once, open incidents
PROFILES = {
    "short": ((1_000, 2_000), (1_000, 50_000)),
    "long": ((10_000, 10_000), (10_000, 1_000_000), (100_000, 100_000)),
}
GOAL_PER_CORE = 300.0
PATIENCE_SECONDS = 120.0
PATIENCE_EACH = 0.1  # Seconds for each step: thirty times what it takes of a core.
LOOK_SECONDS = 0.25
LOOK_SHARE = 50  # A look reads every page there is: it may take a fiftieth of the time, and the figures err by as much.
FLAT = 1.15  # How many times as much processor time a step may take with more incidents open.
SETTLING_SECONDS = 2.0  # until the engines have nothing left of their start
ACK = "50m"  # The copied incident began an hour ago. In a longer run second levels are called, and rightly.
SETTLED = "level = 1 AND state = 'delivered'"


def make_due(bench: Site, due: int) -> None:
    """Let the step of so many of the clones have been due an hour ago."""
    at = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%d %H:%M:%S.%f}" + (
        "" if bench.database == "sqlite" else "+00"
    )
    mark = "?" if bench.database == "sqlite" else "%s"
    last = bench.rows("SELECT MIN(id) FROM incidents_escalationrun")[0][0] + due
    with closing(connection_to(bench)) as connection:
        connection.execute(
            f"UPDATE incidents_escalationrun SET next_due_at = {mark} WHERE id <= {mark} AND next_due_at IS NOT NULL",  # noqa: S608  marks, not values
            (at, last),
        )


def worked_off(bench: Site, due: int) -> tuple[float, float]:
    """Seconds until every step is delivered, and seconds of CPU that all processes spent on them."""
    for _engine in range(ENGINES[bench.database]):
        bench.engine(null=bench.folder / "calls")
    time.sleep(SETTLING_SECONDS)
    before = bench.cpu()
    make_due(bench, due)
    begun = time.perf_counter()
    deadline = begun + PATIENCE_SECONDS + due * PATIENCE_EACH
    while bench.count("incidents_page", SETTLED) < due and time.perf_counter() < deadline:
        time.sleep(max(LOOK_SECONDS, (time.perf_counter() - begun) / LOOK_SHARE))
    seconds, cpu = time.perf_counter() - begun, bench.cpu() - before
    pages, delivered = bench.count("incidents_page", "level = 1"), bench.count("incidents_page", SETTLED)
    calls = len((bench.folder / "calls").read_text().splitlines())
    assert (pages, delivered, calls) == (due, due, due), f"{pages} pages, {delivered} delivered, {calls} calls of {due}"
    return seconds, cpu


def bare(bench: Site, due: int) -> float:
    """Seconds that claiming and marking as many bare rows takes."""
    with closing(connection_to(bench)) as connection:
        connection.execute("CREATE TABLE bare_timer (id integer PRIMARY KEY, due float8, fired integer DEFAULT 0)")
        connection.execute("CREATE INDEX bare_timer_due ON bare_timer (due) WHERE fired = 0")
        mark = "?" if bench.database == "sqlite" else "%s"
        with closing(connection.cursor()) as cursor:
            cursor.execute("BEGIN")
            cursor.executemany(
                f"INSERT INTO bare_timer (id, due) VALUES ({mark}, 0)",  # noqa: S608  a mark, not a value
                [(number,) for number in range(due)],
            )
            cursor.execute("COMMIT")
        begun = time.perf_counter()
        while connection.execute(CLAIM[bench.database], (1.0,)).fetchall():
            pass
        return time.perf_counter() - begun


def report(database: str, due: int, open_count: int) -> float:
    """Prints the figures; returns the seconds of CPU that a step took."""
    with site(database) as bench:
        bench.prepare(ack=ACK)
        begun = time.perf_counter()
        bench.python("-m", "benchmarks.clones", str(open_count), "0")
        filled = time.perf_counter() - begun
        heading(f"{database}: {due:,} steps due at once, {open_count:,} incidents open (made in {filled:.0f} s)")
        seconds, cpu = worked_off(bench, due)
        bench.stop()
        least = bare(bench, due)
        print(f"  {due / seconds:6.0f} steps/s to the delivered message, engines: {ENGINES[database]}")
        print(f"  CPU {cpu / due * 1000:.2f} ms per step, all processes: {due / cpu:.0f} per core and second ", end="")
        print(f"({judged(due / cpu, GOAL_PER_CORE, at_most=False)})")
        print(f"  bare claim-and-update loop {due / least:6.0f}/s: {seconds / least:.0f} × as long", flush=True)
        return cpu / due


def main(arguments: list[str]) -> None:
    asked = [tuple(map(int, argument.split("/"))) for argument in arguments if "/" in argument]
    for database in [name for name in ENGINES if name in arguments] or list(ENGINES):
        costs: dict[int, float] = {}
        for due, open_count in asked or PROFILES["long" if "long" in arguments else "short"]:
            cost = report(database, due, open_count)
            least = costs.setdefault(due, cost)  # With as many due, the first asked for.
            if cost is not least:
                print(
                    f"  CPU per step {cost / least:.2f} × that of the fewest open ({judged(cost / least, FLAT, at_most=True)})"
                )


if __name__ == "__main__":
    main(sys.argv[1:])
