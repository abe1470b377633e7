"""Databases that begin with this code's tables: the migrations run once, every further database is a copy.

Migrating takes some twenty seconds of a processor, and a run of all tests needs a dozen databases. The one that is copied is made by
``manage.py migrate`` as an installation's is, kept (a file in build/prepared, a database on the server), and named after everything
its tables come from: once a migration has changed, another is made. Where one was only added, the former is carried on. Whoever takes a
copy migrates it too, which then has nothing left to do but what follows every migration (permissions, regular tasks, stages).
"""

import ast
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "prepared"
PREFIX = "watchbell_prepared_"
APPLICATIONS = ("audit", "incidents", "notifications", "oncall", "policies", "reports")
MIGRATE_SECONDS = 590
MOST_KEPT = 8


def begin_with_copy(connection: BaseDatabaseWrapper) -> None:
    """From now on the test database that Django makes for ``connection`` is a copy."""
    creation: Any = connection.creation
    if connection.vendor != "sqlite":
        connection.settings_dict["TEST"]["TEMPLATE"] = postgres_prepared(os.environ["DATABASE_URL"])
        return
    make_room: Callable[..., str] = creation._create_test_db

    def make(verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:
        name = make_room(verbosity, autoclobber, keepdb)
        if not Path(name).exists():
            sqlite_copy(Path(name))
        return name

    creation._create_test_db = make


# --- SQLite: a file


def sqlite_copy(target: Path) -> str:
    """Put a copy at ``target``, in place of whatever was there. Returns its address as DATABASE_URL has it."""
    for rest in ("", "-wal", "-shm"):
        # What a killed run left would be read into the copy.
        Path(f"{target}{rest}").unlink(missing_ok=True)
    with _only_one():
        shutil.copyfile(_sqlite_prepared(), target)
    return f"sqlite:///{target}"


def _sqlite_prepared() -> Path:
    """The file to copy; made if it is not there yet."""
    path = KEPT / f"{digest()}.sqlite3"
    if path.exists():
        return path
    with tempfile.TemporaryDirectory() as folder:
        made, whole = Path(folder) / "made.sqlite3", Path(folder, "whole.sqlite3")
        for former in [*_formers(), ""]:
            made.unlink(missing_ok=True)
            if former and not (KEPT / f"{former}.sqlite3").exists():
                continue
            if former:
                shutil.copyfile(KEPT / f"{former}.sqlite3", made)
            if _migrate(f"sqlite:///{made}", folder, must=not former):
                break
        if _changed():
            return _sqlite_prepared()
        with closing(sqlite3.connect(made)) as lite:
            lite.execute("VACUUM INTO ?", [str(whole)])
        shutil.copyfile(whole, path.with_suffix(".unfinished"))
        path.with_suffix(".unfinished").rename(path)
    _note()
    return path


@contextmanager
def _only_one() -> Iterator[None]:
    """The others of this checkout wait."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- PostgreSQL: a database nobody can connect to


def postgres_prepared(server: str) -> str:
    """The name of the database to copy, on the server that the address ``server`` leads to; made if it is not there yet.

    Other checkouts may use the same server: what has the same name has the same tables.
    """
    name, base = f"{PREFIX}{digest()}", server.rpartition("/")[0]
    unfinished = f"{name}_unfinished"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as administration:
        # Goes with the connection, however this process ends.
        administration.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        if _is_there(administration, name):
            return name
        for former in [*_formers(), ""]:
            if former and not _is_there(administration, f"{PREFIX}{former}"):
                continue
            begun = f' TEMPLATE "{PREFIX}{former}"' if former else ""
            administration.execute(f'DROP DATABASE IF EXISTS "{unfinished}" WITH (FORCE)'.encode())
            administration.execute(f'CREATE DATABASE "{unfinished}"{begun}'.encode())
            with tempfile.TemporaryDirectory() as folder:
                if _migrate(f"{base}/{unfinished}", folder, must=not former):
                    break
        if _changed():
            return postgres_prepared(server)
        administration.execute(f'ALTER DATABASE "{unfinished}" WITH ALLOW_CONNECTIONS false'.encode())
        administration.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"'.encode())
        _note()
        for old in sorted(KEPT.glob("*.json"), key=lambda note: note.stat().st_mtime)[:-MOST_KEPT]:
            administration.execute(f'DROP DATABASE IF EXISTS "{PREFIX}{old.stem}"'.encode())
            old.with_suffix(".sqlite3").unlink(missing_ok=True)
            old.unlink()
    return name


def _is_there(administration: "psycopg.Connection[Any]", name: str) -> bool:
    return bool(administration.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone())


# --- both


def _migrate(database_url: str, folder: str, *, must: bool) -> bool:
    """Whether the migrations ran. With ``must`` they have to: AssertionError if not."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "escalation_site.settings",
        "DATABASE_URL": database_url,
        "DATA_DIR": folder,
        "SECRET_KEY": "only for the tables that tests begin with " * 2,
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=MIGRATE_SECONDS,
        check=False,
    )
    assert done.returncode == 0 or not must, done.stderr
    return done.returncode == 0


def digest() -> str:
    """Stands for everything the tables come from."""
    return hashlib.sha256(json.dumps(sources(), sort_keys=True).encode()).hexdigest()[:16]


@cache
def sources() -> dict[str, str]:
    """Path → digest of everything the tables come from: the migrations, what of ours they use, the releases of the libraries."""
    migrations = [path for label in APPLICATIONS for path in (ROOT / label / "migrations").glob("*.py")]
    used = {source for path in migrations for source in _ours(path)}
    found = (*migrations, *used, *(ROOT / "requirements").glob("*.txt"))
    return {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def _changed() -> bool:
    """Whether somebody edited a migration while they ran: nobody knows what the database holds."""
    before = sources()
    sources.cache_clear()
    return sources() != before


def _note() -> None:
    """Keep what the database of today came from."""
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{digest()}.json").write_text(json.dumps(sources(), sort_keys=True), encoding="utf-8")


def _formers() -> list[str]:
    """The digests of databases made before of which everything is still as it was and some is new, the nearest first."""
    found = []
    for note in KEPT.glob("*.json"):
        known = json.loads(note.read_text(encoding="utf-8"))
        if known.items() < sources().items():
            found.append((len(known), note.stem))
    return [name for _count, name in sorted(found, reverse=True)[:1]]


def _ours(path: Path) -> Iterator[Path]:
    """The modules of this project that a source file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in named:
            source = ROOT / Path(*name.split(".")).with_suffix(".py")
            if source.exists():
                yield source


if __name__ == "__main__":
    # python -m tests.prepared [an address on a PostgreSQL server]: make the database to copy before anybody needs it.
    if sys.argv[1:]:
        postgres_prepared(sys.argv[1])
    else:
        with _only_one():
            _sqlite_prepared()
