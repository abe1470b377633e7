"""Changing what must not be changed, as the owner of the database can: the triggers are off while it happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from audit.immutability import PREFIX


@contextmanager
def triggers_off(table: str) -> Iterator[None]:
    """While active, rows of ``table`` may be changed and deleted."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            yield
            cursor.execute("SET session_replication_role = DEFAULT")
            return
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s AND name LIKE %s",
            [table, f"{PREFIX}%"],
        )
        found = cursor.fetchall()
        for name, _statement in found:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _name, statement in found:
            cursor.execute(statement)


def tamper(table: str, statement: str, *values: str | int | bytes) -> None:
    """Run ``statement`` on ``table`` with its triggers off."""
    with triggers_off(table), connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1, "the tampering changed nothing"
