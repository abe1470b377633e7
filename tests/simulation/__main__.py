"""``make simulate``: many stories, or one of them again.

    python -m tests.simulation [SEEDS=200] [FROM=1] [SEED=7] [KEEP=0,3,9] [JOBS=2]

SEEDS stories are told, those of the seeds from FROM on (by default a different place each day), JOBS at a time (by default as many as
there are processors). SEED tells one story and every step of it; KEEP leaves out all but these of its happenings. DATABASE_URL chooses
the database as everywhere; it is never written to: stories happen in a database of their own. Ends with 1 where an invariant broke,
naming the seeds.

An incident-day is one incident open for one day of the story's clock: each counts from its beginning to its resolution.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from typing import Any

USAGE = 2
SAY_EVERY = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Result:
    """What one story gave: ``told`` where an invariant broke in it; ``worked`` are seconds of processor time."""

    seed: int
    told: list[str]
    incident_days: float
    worked: float
    counts: Counter[str]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def seed_of_the_day(at: datetime) -> int:
    """Where today's stories begin, so that each day's are others."""
    return at.toordinal() * 100_000


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def settings_read(arguments: list[str]) -> dict[str, str]:
    """What was asked for, on the command line or in the environment. Raises ValueError."""
    names = ("SEEDS", "FROM", "SEED", "KEEP", "JOBS")
    asked = {name: os.environ[name] for name in names if os.environ.get(name)}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals or name not in names:
            raise ValueError(argument)
        asked[name] = value
    return asked


def main(arguments: list[str]) -> int:
    try:
        asked = settings_read(arguments)
    except ValueError as error:
        say(f"What is {error}?\n{__doc__}")
        return USAGE
    _prepare()
    if seed := asked.get("SEED"):
        return tell_one(int(seed), [int(number) for number in asked.get("KEEP", "").split(",") if number])
    first = int(asked.get("FROM") or seed_of_the_day(datetime.now(UTC)))
    return tell_many(range(first, first + int(asked.get("SEEDS", "200"))), jobs=int(asked.get("JOBS") or cores()))


def _prepare() -> None:
    """Django with the tests' settings, and a migrated test database, kept from one run to the next."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from tests.prepared import begin_with_copy

    begin_with_copy(connection)
    # The first link of a page would load them, in each process anew and for as long as half a story takes.
    import_module(settings.ROOT_URLCONF)
    connection.creation.create_test_db(verbosity=0, autoclobber=True, keepdb=True)
    connection.close()


def tell_one(seed: int, keep: list[int]) -> int:
    from tests.simulation.organisation import organisation_make
    from tests.simulation.store import store_opened
    from tests.simulation.story import story_of
    from tests.simulation.telling import told

    story = story_of(seed)
    with store_opened(organisation_make) as store:
        outcome = told(story.keeping(keep) if keep else story, store)
    for number, happening in enumerate(story.happenings):
        if not keep or number in keep:
            say(f"{number:>3} {happening}")
    for line in outcome.lines:
        say(line)
    say(f"seed {seed}: digest {outcome.digest}, {outcome.incident_days:.1f} incident-days, {figures(outcome.counts)}")
    say(str(outcome.broken or "every invariant holds"))
    return 1 if outcome.broken else 0


def tell_many(seeds: range, *, jobs: int) -> int:
    began = said = time.monotonic()
    counts: Counter[str] = Counter()
    done, days, worked, failed = 0, 0.0, 0.0, []
    say(f"seeds {seeds.start} to {seeds.stop - 1}, {jobs} at a time")
    for one in _results(seeds, jobs):
        done, days, worked, counts = done + 1, days + one.incident_days, worked + one.worked, counts + one.counts
        if one.told:
            failed.append(one.seed)
            say("\n".join(one.told))
        if time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            say(f"{done} stories, {len(failed)} broken; {pace(days, said - began, worked)}")
    lasted = time.monotonic() - began
    say(
        f"{done} stories in {lasted / 60:.1f} minutes: {days:.0f} incident-days, {pace(days, lasted, worked)}; {figures(counts)}"
    )
    say(f"broken: {', '.join(map(str, failed))}" if failed else "every invariant held in all of them")
    return 1 if failed else 0


def pace(days: float, lasted: float, worked: float) -> str:
    """Incident-days by the clock and by the processor: another's work on the machine makes only the first fewer."""
    return f"{days / lasted * 60:.0f} a minute, {days / worked * 60:.0f} a minute of one core"


def figures(counts: Counter[str]) -> str:
    names = ("units", "statements", "pages", "messages", "killed", "database away", "intrusions", "refused")
    return ", ".join(f"{name} {counts[name]}" for name in names)


def _results(seeds: range, jobs: int) -> Iterator[Result]:
    with get_context("fork").Pool(jobs, initializer=_begin) as pool:
        yield from pool.imap_unordered(_tell, seeds)
        pool.close()
        pool.join()


_telling: Any = None


def _begin() -> None:
    """In a process of its own: the store is opened here, and closed when the process ends."""
    global _telling
    from multiprocessing.util import Finalize

    from tests.simulation.organisation import organisation_make
    from tests.simulation.store import store_opened
    from tests.simulation.telling import told

    opened = store_opened(organisation_make, name=str(os.getpid()))
    store = opened.__enter__()
    Finalize(None, opened.__exit__, (None, None, None), exitpriority=1)
    _telling = partial(told, store=store)


def _tell(seed: int) -> Result:
    from tests.simulation.shrink import shortened
    from tests.simulation.story import story_of

    before = time.process_time()
    outcome = _telling(story_of(seed))
    worked = time.process_time() - before
    if outcome.broken is None:
        return Result(seed, [], outcome.incident_days, worked, outcome.counts)
    best, kept = shortened(outcome, _telling)
    numbers = ",".join(map(str, kept))
    lines = [
        f"seed {seed} breaks {outcome.broken}",
        f"  shortened: {best.broken}",
        *(f"    {happening}" for happening in best.story.happenings),
        *(f"  {line}" for line in best.lines[-30:]),
        f"  again: make simulate SEED={seed} · shortened: make simulate SEED={seed} KEEP={numbers}",
    ]
    return Result(seed, lines, outcome.incident_days, worked, outcome.counts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
