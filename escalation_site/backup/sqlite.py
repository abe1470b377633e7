"""SQLite: a consistent copy of the file while everybody works on, and its way back in one transaction."""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from escalation_site.backup.archive import CHUNK, Counted, temporary
from escalation_site.backup.values import BackupError, Facts, Manifest, facts_read

MEMBER = "database.sqlite3"
COMPRESS = True
PATIENCE_SECONDS = 30.0

_RAISE = "UPDATE sqlite_sequence SET seq = MAX(seq, ?) WHERE name = ?"
_FIRST = """
INSERT INTO sqlite_sequence (name, seq)
SELECT name, ? FROM sqlite_master AS one WHERE type = 'table' AND name = ? AND sql LIKE '%AUTOINCREMENT%'
AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = one.name)
"""


def copy_out(sink: Counted, *, path: Path) -> Facts:
    """Write a checked copy of the database into ``sink``, by way of a file beside ``path``. Raises BackupError."""
    with temporary(path, "copy") as copy:
        with _open(Path(_name())) as source, _open(copy) as target:
            # In one step: SQLite reads one state of the database, and in WAL mode nobody waits for it.
            source.backup(target)
            facts = _checked(target)
        with copy.open("rb") as file:
            shutil.copyfileobj(file, sink, CHUNK)
    return facts


def facts_now() -> Facts:
    """Of the database as it stands; none where there is no file yet."""
    if not Path(_name()).exists():
        return Facts({}, (), None)
    with _open(Path(_name())) as database:
        return facts_read(_asker(database), _tables(database))


def put_back(payload: Path, manifest: Manifest, *, replace: bool, numbers: Mapping[str, int]) -> dict[str, list[int]]:
    """Check ``payload`` and make it the database, in one transaction: readers see the old one or the new one.

    Numbers that were given before (``numbers``, from ``sequences``) are not given again. Returns which those are, by table, first and
    last: else SQLite loses none, and the ledger's proof wants to know. Raises BackupError, before anything was changed, where the copy
    is damaged or where somebody keeps writing.
    """
    with _open(payload) as source:
        if _checked(source) != manifest.facts:
            raise BackupError("The rows are not those of the manifest; nothing was changed.")
        own = _given(source)
        with source:
            source.executemany(_RAISE, [(last, name) for name, last in numbers.items()])
            # A table that is still empty has no line there.
            source.executemany(_FIRST, [(last, name) for name, last in numbers.items()])
        if not replace and facts_now().tables:
            raise BackupError("The database got tables meanwhile; nothing was changed.")
        deadline = time.monotonic() + PATIENCE_SECONDS

        def give_up(_status: int, remaining: int, total: int) -> None:
            # SQLite would look for ever whether the other writer has ended.
            if (remaining or not total) and time.monotonic() > deadline:
                raise BackupError("Somebody keeps writing to the database: stop Watchbell first. Nothing was changed.")

        with _open(Path(_name())) as target:
            source.backup(target, progress=give_up)
    return {name: [own.get(name, 0) + 1, last] for name, last in numbers.items() if last > own.get(name, 0)}


def sequences() -> dict[str, int]:
    """The last number given in each table."""
    if not Path(_name()).exists():
        return {}
    with _open(Path(_name())) as database:
        return _given(database)


def _given(database: sqlite3.Connection) -> dict[str, int]:
    ask = _asker(database)
    if not ask("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
        return {}
    return {str(name): int(last) for name, last in ask("SELECT name, seq FROM sqlite_sequence")}


def server() -> str:
    return f"SQLite {sqlite3.sqlite_version}"


def _name() -> str:
    return str(connection.settings_dict["NAME"])


@contextlib.contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS)) as database:
        yield database


def _asker(database: sqlite3.Connection) -> Callable[[str], list[tuple[Any, ...]]]:
    return lambda statement: database.execute(statement).fetchall()


def _tables(database: sqlite3.Connection) -> list[str]:
    found = _asker(database)(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    )
    return [str(name) for (name,) in found]


def _checked(database: sqlite3.Connection) -> Facts:
    """The facts of a copy, once SQLite has found its pages, indexes and constraints in order. Raises BackupError."""
    try:
        # The copy says WAL of itself; as one plain file it needs no others beside it.
        database.execute("PRAGMA journal_mode = DELETE")
        found = [str(line) for (line,) in database.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise BackupError(f"SQLite finds the database damaged: {'; '.join(found)}")
        return facts_read(_asker(database), _tables(database))
    except sqlite3.DatabaseError as error:
        raise BackupError(f"SQLite cannot read the database: {error}") from None
