"""Triggers that make a table append-only, on SQLite and PostgreSQL.

Refused for every role the application uses: UPDATE, DELETE, TRUNCATE (PostgreSQL) and, on SQLite, INSERT OR REPLACE, which would
otherwise delete the old row without firing a DELETE trigger unless ``recursive_triggers`` is on.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

PREFIX = "wb_append_only"

_SQLITE_REFUSE = "SELECT RAISE(ABORT, 'append-only: {table} rows are never changed or deleted');"


def _sqlite(table: str, key: str) -> list[str]:
    refuse = _SQLITE_REFUSE.format(table=table)
    return [
        f'CREATE TRIGGER {PREFIX}_{table}_update BEFORE UPDATE ON "{table}" BEGIN {refuse} END;',
        f'CREATE TRIGGER {PREFIX}_{table}_delete BEFORE DELETE ON "{table}" BEGIN {refuse} END;',
        # Table and key are names of our own migrations.
        f'CREATE TRIGGER {PREFIX}_{table}_replace BEFORE INSERT ON "{table}" '  # noqa: S608
        f'WHEN NEW."{key}" IS NOT NULL AND EXISTS (SELECT 1 FROM "{table}" WHERE "{key}" = NEW."{key}") BEGIN {refuse} END;',
    ]


_POSTGRES_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {PREFIX}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: % rows are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


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


def append_only(*tables: str | tuple[str, str]) -> RunPython:
    """A migration operation that protects ``tables``; each a table name (key column "id") or (name, key column)."""
    pairs = [(table, "id") if isinstance(table, str) else table for table in tables]
    return RunPython(_protect(pairs), _release(pairs))
