"""Lets Django empty append-only tables between tests that use real transactions, without a back door in the product."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.operations import BaseDatabaseOperations

TRIGGERS = "wb_append_only"
_NAME = re.compile(r'"(\w+)"')

_original = BaseDatabaseOperations.execute_sql_flush


@contextmanager
def flushing_append_only_tables() -> Iterator[None]:
    """While active, a flush sets the triggers aside and puts them back, in one transaction."""
    BaseDatabaseOperations.execute_sql_flush = _execute_sql_flush  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        BaseDatabaseOperations.execute_sql_flush = _original  # type: ignore[method-assign]


def _execute_sql_flush(operations: Any, sql_list: Iterable[str]) -> None:
    connection = operations.connection
    with transaction.atomic(using=connection.alias, savepoint=connection.features.can_rollback_ddl):
        if connection.vendor == "postgresql":
            _empty_on_postgres(connection.alias, list(sql_list))
            return
        with _sqlite_triggers_away(connection.alias):
            _original(operations, list(sql_list))


def _empty_on_postgres(alias: str, sql_list: list[str]) -> None:
    """Delete from the tables that hold rows: TRUNCATE makes new files for all hundred and more, which takes seconds.

    Triggers and foreign keys are set aside by the role of a replica, which a superuser may take on, as tests do.
    """
    assert not any("RESTART IDENTITY" in statement for statement in sql_list), "numbers go on after a flush"
    tables = [name for statement in sql_list for name in _NAME.findall(statement)]
    with connections[alias].cursor() as cursor:
        # The names come from Django's own statements.
        questions = [f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in tables]  # noqa: S608  own names, values are parameters
        cursor.execute(" UNION ALL ".join(questions))
        filled = [name for (name,) in cursor.fetchall()]
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in filled:
            cursor.execute(f'DELETE FROM "{name}"')  # noqa: S608  own names, values are parameters
        cursor.execute("SET LOCAL session_replication_role = origin")


@contextmanager
def _sqlite_triggers_away(alias: str) -> Iterator[None]:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '{TRIGGERS}%'")  # noqa: S608  own names, values are parameters
        triggers = cursor.fetchall()
        for name, _sql in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        yield
        for _name, sql in triggers:
            cursor.execute(sql)
