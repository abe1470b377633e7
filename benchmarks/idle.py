"""What an installation costs in an hour in which nothing happens.

    python -m benchmarks.idle [short|long|SECONDS] [sqlite] [postgresql]

``manage.py up`` as administrators start it, with a few incidents open: the supervisor, web, engine, cluster, their children, and on
PostgreSQL the server's processes for this database. Figures are processor time, so that a busy machine changes little.
"""

import sys
import time

import psutil

from benchmarks.figures import heading, judged
from benchmarks.lateness import ENGINES
from benchmarks.site import Site, site, wait_for_port

SECONDS = {"short": 60.0, "long": 240.0}  # everything that runs each minute at least once
GOAL_SHARE = 0.01
OPEN_INCIDENTS = 20
BEGUN_SECONDS = 240.0  # at most, until the cluster beats: it forks its workers and does all that was due
SETTLING_SECONDS = (
    150.0  # until each of the cluster's workers has run each minute's tasks once and has loaded what they need
)
OWN = "up"  # the supervisor and the watcher of what it leaves behind


def begin(bench: Site) -> None:
    """Start everything and wait until it has done what a start brings."""
    bench.environment["PORT"] = str(bench.port)
    bench.start(sys.executable, "manage.py", "up")
    wait_for_port(bench.port, BEGUN_SECONDS)
    deadline = time.monotonic() + BEGUN_SECONDS
    while len(bench.rows("SELECT DISTINCT name FROM incidents_processbeat WHERE name IN ('cluster', 'engine')")) < 2:
        if time.monotonic() > deadline:
            raise RuntimeError("cluster or engine does not begin")
        time.sleep(0.5)
    time.sleep(SETTLING_SECONDS)


def used(bench: Site) -> dict[str, float]:
    """Seconds of processor time so far, by what runs. What ended meanwhile counts with whoever waited for it."""
    found: dict[str, float] = {}
    for process in bench.processes:
        own = psutil.Process(process.pid)
        for one in [own, *own.children(recursive=True)]:
            try:
                name = one.environ().get("WATCHBELL_PROCESS", OWN)
                times = one.cpu_times()
            except psutil.Error:
                continue
            found[name] = found.get(name, 0.0) + times.user + times.system
    if bench.database == "postgresql":
        found["server"] = bench.cpu_each()["server"]
    return found


def shares(bench: Site, seconds: float) -> dict[str, float]:
    """The part of one core that each uses while nothing happens."""
    before, begun = used(bench), time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begun
    return {name: (spent - before.get(name, 0.0)) / lasted for name, spent in used(bench).items()}


def report(bench: Site, seconds: float) -> None:
    begin(bench)
    found = shares(bench, seconds)
    total = sum(found.values())
    heading(f"{bench.database}: nothing to do, {seconds:.0f} s")
    print("  " + "   ".join(f"{name} {share * 100:.2f} %" for name, share in found.items()))
    print(f"  {total * 100:.2f} % of a core ({judged(total, GOAL_SHARE, at_most=True)})", flush=True)


def main(arguments: list[str]) -> None:
    profile = next((name for name in arguments if name in SECONDS), "short")
    seconds = next((float(given) for given in arguments if given.isdigit()), SECONDS[profile])
    for database in [name for name in ENGINES if name in arguments] or list(ENGINES):
        with site(database) as bench:
            bench.prepare()
            bench.python("-m", "benchmarks.overdue", str(OPEN_INCIDENTS), "60", str(time.time() + 3600))
            report(bench, seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
