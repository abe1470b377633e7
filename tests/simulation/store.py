"""The database of a story: as it was prepared once, given back in an instant before each story, with ids that begin anew.

SQLite: in memory, copied page by page. PostgreSQL: a database of its own whose rows are put back. While a story is told every constraint
and trigger is in force.
"""

import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction


class Store:
    """See the module. Made by ``store_opened``."""

    def restore(self) -> None:
        """Give back the database as it was prepared."""
        raise NotImplementedError


class _Memory(Store):
    def __init__(self) -> None:
        self._template = sqlite3.connect(":memory:", check_same_thread=False)

    def keep(self) -> None:
        connection.ensure_connection()
        connection.connection.backup(self._template)

    def restore(self) -> None:
        self._template.backup(connection.connection)


class _Rows(Store):
    """The rows as they were, kept in a schema beside them: making a database anew waits for a checkpoint of the whole server."""

    def keep(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
            self._tables = [name for (name,) in cursor.fetchall()]
            cursor.execute("CREATE SCHEMA kept")
            for table in self._tables:
                cursor.execute(f'CREATE TABLE kept."{table}" AS TABLE public."{table}"')
            cursor.execute("SELECT sequencename, COALESCE(last_value, 0) FROM pg_sequences WHERE schemaname = 'public'")
            self._sequences = cursor.fetchall()

    def restore(self) -> None:
        # Set aside here alone, by a superuser as tests are: foreign keys, and the triggers of append-only tables.
        statements = ["SET LOCAL session_replication_role = replica"]
        for table in self._tables:
            # Names come from the database's own catalogue.
            statements.append(f'DELETE FROM public."{table}"')  # noqa: S608  own names, values are parameters
            statements.append(f'INSERT INTO public."{table}" SELECT * FROM kept."{table}"')  # noqa: S608  own names, values are parameters
        for sequence, last in self._sequences:
            statements.append(f"SELECT setval('public.\"{sequence}\"', {max(last, 1)}, {'true' if last else 'false'})")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("; ".join(statements))


@contextmanager
def store_opened(prepare: Callable[[], None], *, name: str = "story") -> Iterator[Store]:
    """Django's connection leads to a copy of its database inside, which ``prepare`` fills once; the original stays untouched.

    ``name`` tells stores apart that are open at once.
    """
    original = connection.settings_dict["NAME"]
    opened = _memory(prepare) if connection.vendor == "sqlite" else _copied(prepare, name)
    gc.collect()
    gc.freeze()  # What is loaded need not be looked through again and again.
    try:
        with opened as store:
            yield store
    finally:
        gc.unfreeze()
        _close()
        connection.settings_dict["NAME"] = original


def _close() -> None:
    if connection.vendor == "sqlite" and connection.connection is not None:
        # Django keeps databases in memory open.
        connection.connection.close()
        connection.connection = None
    else:
        connection.close()


@contextmanager
def _memory(prepare: Callable[[], None]) -> Iterator[Store]:
    store = _Memory()
    store.keep()
    _close()
    connection.settings_dict["NAME"] = ":memory:"
    connection.ensure_connection()
    store.restore()
    prepare()
    store.keep()
    yield store
    store._template.close()


@contextmanager
def _copied(prepare: Callable[[], None], name: str) -> Iterator[Store]:
    original = str(connection.settings_dict["NAME"])
    own = f"{original}_{name}"
    store = _Rows()
    try:
        _database_copy(original, own)
        connection.settings_dict["NAME"] = own
        prepare()
        store.keep()
        yield store
    finally:
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{own}"')


def _database_copy(source: str, target: str) -> None:
    """``target`` as a copy of ``source``; both names are our own."""
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{target}"')
        cursor.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
        # Deaths are told, not real: no commit has to wait for the disk.
        cursor.execute(f'ALTER DATABASE "{target}" SET synchronous_commit TO off')
