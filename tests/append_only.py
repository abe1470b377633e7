"""Lets Django empty append-only tables between tests that use real transactions, without a back door in the product."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.operations import BaseDatabaseOperations

TRIGGERS = "wb_append_only"

_original = BaseDatabaseOperations.execute_sql_flush


@contextmanager
def flushing_append_only_tables() -> Iterator[None]:
    """While active, a flush takes the triggers away and puts them back, in one transaction."""
    BaseDatabaseOperations.execute_sql_flush = _execute_sql_flush  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        BaseDatabaseOperations.execute_sql_flush = _original  # type: ignore[method-assign]


def _execute_sql_flush(operations: Any, sql_list: Iterable[str]) -> None:
    connection = operations.connection
    around = _sqlite_triggers_away if connection.vendor == "sqlite" else _postgres_triggers_away
    with (
        transaction.atomic(using=connection.alias, savepoint=connection.features.can_rollback_ddl),
        around(connection.alias),
    ):
        _original(operations, list(sql_list))


@contextmanager
def _sqlite_triggers_away(alias: str) -> Iterator[None]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '{TRIGGERS}%'")  # noqa: S608
        triggers = cursor.fetchall()
        for name, _sql in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        yield
        for _name, sql in triggers:
            cursor.execute(sql)


@contextmanager
def _postgres_triggers_away(alias: str) -> Iterator[None]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE %s",
            [f"{TRIGGERS}%"],
        )
        tables = [table for (table,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
