"""``make bench``: ingest and lateness on both databases.

    python -m benchmarks [short|long] [sqlite] [postgresql]

PostgreSQL is looked for at BENCH_POSTGRES_URL (postgres://postgres@127.0.0.1/postgres when it is not set) and left out where it does
not answer. The short profile takes about four minutes, the long one about fifteen.
"""

import sys

import psycopg

from benchmarks import ingest, lateness
from benchmarks.site import POSTGRES

PROFILES = ("short", "long")
DATABASES = ("sqlite", "postgresql")


def main(arguments: list[str]) -> int:
    if unknown := set(arguments) - {*PROFILES, *DATABASES}:
        print(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join((*PROFILES, *DATABASES))}")
        return 2
    chosen = [database for database in DATABASES if database in arguments] or list(DATABASES)
    if "postgresql" in chosen and (reason := _unreachable()):
        print(f"PostgreSQL is left out: {reason}")
        chosen.remove("postgresql")
    profile = [name for name in arguments if name in PROFILES]
    for database in chosen:
        for benchmark in (ingest.main, lateness.main):
            benchmark([*profile, database])
    return 0


def _unreachable() -> str:
    try:
        psycopg.connect(POSTGRES, connect_timeout=3).close()
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
