"""``make chaos``: round after round of random strikes upon real processes, until one shows something lost or doubled.

    python -m tests.chaos [ROUNDS=10] [SEED=7] [ALERTS=80] [TEST_DATABASE_URL=postgres://…]

Nine rounds of ten are played on PostgreSQL (a throw-away database on the server of TEST_DATABASE_URL) with two of each program, the
tenth on SQLite with one of each, where the disk may be full. SEED tells the same strikes again; what they meet is up to chance. Ends with 1
where something was lost, doubled or not accounted for.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

# Django must be set up before anything below is imported.
from tests.chaos.house import House, house_open  # noqa: E402  Django is set up first
from tests.chaos.round import Round  # noqa: E402  Django is set up first
from tests.chaos.strikes import strikes_by_chance, strikes_of_every_kind  # noqa: E402  Django is set up first
from tests.peers.site import postgres_database, template_make  # noqa: E402  Django is set up first

SERVER = "postgres://postgres@127.0.0.1:5432/postgres"
USAGE = 2


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def asked(arguments: list[str]) -> dict[str, int]:
    """What was asked for, on the command line or in the environment. Raises ValueError."""
    wanted = {"ROUNDS": 10, "SEED": Random().randrange(2**32), "ALERTS": 80}
    given = {name: os.environ[name] for name in wanted if os.environ.get(name)}
    for argument in arguments:
        name, _equals, value = argument.partition("=")
        if name not in wanted:
            raise ValueError(argument)
        given[name] = value
    return wanted | {name: int(value) for name, value in given.items()}


def main(arguments: list[str]) -> int:
    try:
        wanted = asked(arguments)
    except ValueError as error:
        say(f"What is {error}?\n{__doc__}")
        return USAGE
    rounds, seed, alerts = wanted["ROUNDS"], wanted["SEED"], wanted["ALERTS"]
    on_sqlite = rounds // 10
    say(f"seed {seed}: {rounds - on_sqlite} rounds on PostgreSQL, {on_sqlite} on SQLite, {alerts} alerts each")
    try:
        with _house_on_postgres() as house:
            _rounds(house, range(1, rounds - on_sqlite + 1), seed, alerts)
        if on_sqlite:
            with _house_on_sqlite() as house:
                _rounds(house, range(rounds - on_sqlite + 1, rounds + 1), seed, alerts)
    except AssertionError as error:
        say(f"BROKEN: {error}\nagain: make chaos SEED={seed} ROUNDS={rounds} ALERTS={alerts}")
        return 1
    say("nothing lost, nothing doubled, every page accounted for")
    return 0


def _rounds(house: House, numbers: range, seed: int, alerts: int) -> None:
    for number in numbers:
        chance = Random(f"{seed} {number}")
        strikes_of = strikes_of_every_kind if number == numbers.start else strikes_by_chance
        strikes = strikes_of(house, chance, alerts=alerts)
        say(f"round {number}: {', '.join(map(str, strikes))}")
        began = time.monotonic()
        played = Round(house, f"Chaos-{number}-", chance, strikes, alerts)
        say(f"  {played.play()}; {time.monotonic() - began:.0f} s")
        played.recover()
        for death in house.deaths:
            say(f"  {death}")
        house.deaths.clear()


@contextmanager
def _house_on_postgres() -> Iterator[House]:
    server = os.environ.get("TEST_DATABASE_URL") or SERVER
    with (
        _folder() as folder,
        postgres_database(server, f"chaos_{os.getpid()}") as url,
        house_open(template_make(folder, url), folder) as house,
    ):
        yield house


@contextmanager
def _house_on_sqlite() -> Iterator[House]:
    with _folder() as folder:
        template = template_make(folder, f"sqlite:///{folder / 'template.sqlite3'}")
        with house_open(template, folder) as house:
            yield house


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
