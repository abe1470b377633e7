"""Triggers that make a table append-only, on SQLite and PostgreSQL.

Refused for every role the application uses: UPDATE, DELETE, TRUNCATE (PostgreSQL) and, on SQLite, INSERT OR REPLACE, which would
otherwise delete the old row without firing a DELETE trigger unless ``recursive_triggers`` is on.

There is one way past them, ``passing``, for rows of a segment that was archived (audit/retention.py). On PostgreSQL the trigger itself
lets a DELETE through where the session names such a segment, the row lies in it, and the segment is not yet marked as taken out: no
row outside it can go that way. SQLite's triggers know no session, so that there the DELETE trigger of the table is away within the
transaction, which holds the only pen.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from escalation_site.kernel.migrating import TablesRun

PREFIX = "wb_append_only"

_SQLITE_REFUSE = "SELECT RAISE(ABORT, 'append-only: {table} rows are never changed or deleted');"


def _sqlite(table: str, key: str) -> list[str]:
    refuse = _SQLITE_REFUSE.format(table=table)
    return [
        f'CREATE TRIGGER {PREFIX}_{table}_update BEFORE UPDATE ON "{table}" BEGIN {refuse} END;',
        f'CREATE TRIGGER {PREFIX}_{table}_delete BEFORE DELETE ON "{table}" BEGIN {refuse} END;',
        # Table and key are names of our own migrations.
        f'CREATE TRIGGER {PREFIX}_{table}_replace BEFORE INSERT ON "{table}" '  # noqa: S608  own names, values are parameters
        f'WHEN NEW."{key}" IS NOT NULL AND EXISTS (SELECT 1 FROM "{table}" WHERE "{key}" = NEW."{key}") BEGIN {refuse} END;',
    ]


_SESSION = "watchbell.segment"
"""The setting by which a PostgreSQL session names the segment whose rows it takes out."""

_POSTGRES_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {PREFIX}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    segment text := current_setting('{_SESSION}', true);
    number bigint;
BEGIN
    IF TG_OP = 'DELETE' AND segment IS NOT NULL AND segment <> '' THEN
        number := COALESCE(to_jsonb(OLD) ->> 'history_id', to_jsonb(OLD) ->> 'id')::bigint;
        IF EXISTS (
            SELECT 1 FROM audit_ledgersegment s, jsonb_array_elements(s.contents -> TG_TABLE_NAME) one
            WHERE s.id = segment::bigint AND s.dropped_at IS NULL
              AND number BETWEEN (one ->> 0)::bigint AND (one ->> 1)::bigint
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'append-only: % rows are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""  # noqa: S608  names of our own


def _postgres(table: str) -> list[str]:
    return [
        _POSTGRES_FUNCTION,
        f'CREATE TRIGGER {PREFIX}_{table}_row BEFORE UPDATE OR DELETE ON "{table}" FOR EACH ROW EXECUTE FUNCTION {PREFIX}_refuse();',
        f'CREATE TRIGGER {PREFIX}_{table}_truncate BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT EXECUTE FUNCTION {PREFIX}_refuse();',
    ]


def _protect(tables: Sequence[tuple[str, str]]) -> Callable[[Any, BaseDatabaseSchemaEditor], None]:
    def forwards(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        sqlite = schema_editor.connection.vendor == "sqlite"
        for table, key in tables:
            # A later migration may ask again: SQLite loses the triggers of a table it copies to alter it.
            _drop(table, schema_editor)
            for statement in _sqlite(table, key) if sqlite else _postgres(table):
                # params=None: with an empty tuple psycopg would read the % of RAISE as a placeholder.
                schema_editor.execute(statement, params=None)

    return forwards


def _release(tables: Sequence[tuple[str, str]]) -> Callable[[Any, BaseDatabaseSchemaEditor], None]:
    def backwards(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        for table, _key in tables:
            _drop(table, schema_editor)

    return backwards


def _drop(table: str, schema_editor: BaseDatabaseSchemaEditor) -> None:
    sqlite = schema_editor.connection.vendor == "sqlite"
    on = "" if sqlite else f' ON "{table}"'
    for name in ("update", "delete", "replace") if sqlite else ("row", "truncate"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {PREFIX}_{table}_{name}{on};", params=None)


@contextmanager
def passing(tables: Sequence[str], *, segment: int) -> Iterator[None]:
    """Within a transaction: rows of the archived ``segment`` may be deleted from ``tables``, and nothing else."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT set_config(%s, %s, true)", [_SESSION, str(segment)])
            yield
            cursor.execute("SELECT set_config(%s, '', true)", [_SESSION])
            return
        names = [f"{PREFIX}_{table}_delete" for table in tables]
        statements: list[str] = []
        for name in names:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = %s", [name])
            statements += [str(statement) for (statement,) in cursor.fetchall()]
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        yield
        for statement in statements:
            cursor.execute(statement)


def function_renew(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """A migration step: PostgreSQL's triggers of all tables follow the function as it reads now."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_POSTGRES_FUNCTION, params=None)


def append_only(*tables: str | tuple[str, str]) -> TablesRun:
    """A migration operation that protects ``tables``; each a table name (key column "id") or (name, key column)."""
    pairs = [(table, "id") if isinstance(table, str) else table for table in tables]
    return TablesRun(_protect(pairs), _release(pairs))
