"""Writing many rows at the price the database asks, not at that of building SQL.

``bulk_create`` spends most of its time preparing every value and rendering every placeholder (measured: 0.25 ms of CPU per row on the
intake path, where one alert makes some fourteen rows). Here rows go to PostgreSQL by COPY and to SQLite by one prepared statement, with
ids taken from the sequence beforehand. Constraints and triggers hold as for any INSERT. Figures: docs/decisions/0003-set-based-writes.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, models, transaction

Prepare = Callable[[Any], Any]
_UPDATED_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Table:
    """How rows of one model go into one kind of database."""

    name: str
    key: str
    attributes: tuple[str, ...]
    columns: str
    prepares: tuple[Prepare | None, ...]

    def values(self, row: models.Model) -> list[Any]:
        state = row.__dict__
        return [
            state[attribute] if prepare is None or state[attribute] is None else prepare(state[attribute])
            for attribute, prepare in zip(self.attributes, self.prepares, strict=True)
        ]


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _sqlite_instant(value: datetime) -> str:
    return str(value.astimezone(UTC).replace(tzinfo=None))


_SQLITE: dict[type[models.Field[Any, Any]], Prepare] = {
    models.DateTimeField: _sqlite_instant,
    models.UUIDField: lambda value: value.hex if isinstance(value, uuid.UUID) else value,
    models.JSONField: _json,
}
_POSTGRES: dict[type[models.Field[Any, Any]], Prepare] = {
    models.DateTimeField: lambda value: value.isoformat(),
    models.UUIDField: str,
    models.JSONField: _json,
}


@lru_cache(maxsize=200)
def _table(model: type[models.Model], vendor: str) -> Table:
    known = _SQLITE if vendor == "sqlite" else _POSTGRES
    fields = model._meta.concrete_fields
    key = model._meta.pk
    if not isinstance(key, models.AutoField):
        raise TypeError(f"{model.__name__} has no automatic key")
    quote = connection.ops.quote_name
    return Table(
        name=quote(model._meta.db_table),
        key=key.attname,
        attributes=tuple(field.attname for field in fields),
        columns=", ".join(quote(str(field.column)) for field in fields),
        prepares=tuple(
            next((prepare for kind, prepare in known.items() if isinstance(field, kind)), None) for field in fields
        ),
    )


def rows_insert(rows: Sequence[models.Model]) -> None:
    """Insert ``rows``, all of one model and complete but for their keys, which are set on them.

    Raises django.db.IntegrityError as any INSERT does. Neither ``save`` nor signals nor ``auto_now`` are involved.
    """
    if not rows:
        return
    table = _table(type(rows[0]), connection.vendor)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        for row, key in zip(rows, _keys(cursor, table, len(rows)), strict=True):
            setattr(row, table.key, key)
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(table.attributes))
            # Names come from the models, never from input.
            cursor.executemany(
                f"INSERT INTO {table.name} ({table.columns}) VALUES ({marks})",  # noqa: S608  own names, values are parameters
                [table.values(row) for row in rows],
            )
        else:
            with (
                connection.wrap_database_errors,
                cursor.copy(f"COPY {table.name} ({table.columns}) FROM STDIN") as copy,
            ):
                for row in rows:
                    copy.write_row(table.values(row))
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


def facts_insert(model: type[models.Model], attributes: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows that nobody will name: values of ``attributes`` in their order, no object made and no key asked for. One
    statement, in the order of ``rows``."""
    names, prepares = _columns(model, attributes, connection.vendor)
    quoted = connection.ops.quote_name(model._meta.db_table)
    values = [
        [
            value if prepare is None or value is None else prepare(value)
            for value, prepare in zip(row, prepares, strict=True)
        ]
        for row in rows
    ]
    # Names come from the models, never from input.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(attributes))
            cursor.executemany(f"INSERT INTO {quoted} ({names}) VALUES ({marks})", values)  # noqa: S608  own names, values are parameters
            return
        with connection.wrap_database_errors, cursor.copy(f"COPY {quoted} ({names}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)


@lru_cache(maxsize=20)
def _columns(
    model: type[models.Model], attributes: tuple[str, ...], vendor: str
) -> tuple[str, tuple[Prepare | None, ...]]:
    table = _table(model, vendor)
    prepares = dict(zip(table.attributes, table.prepares, strict=True))
    fields = {field.attname: field for field in model._meta.concrete_fields}
    names = ", ".join(connection.ops.quote_name(str(fields[name].column)) for name in attributes)
    return names, tuple(prepares[name] for name in attributes)


def _keys(cursor: Any, table: Table, count: int) -> Sequence[int]:
    """``count`` keys nobody else gets: from the sequence on PostgreSQL; on SQLite the transaction holds the only pen."""
    if connection.vendor == "sqlite":
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table.name.strip('"')])
        row = cursor.fetchone()
        first = (row[0] if row else 0) + 1
        return range(first, first + count)
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [table.name, table.key, count]
    )
    return [key for (key,) in cursor.fetchall()]


def rows_update(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Write these fields of stored ``rows``, all of one model.

    ``bulk_update`` builds a CASE of expressions for each row and field, which took half the time of an escalation step (measured:
    1.8 of 3.6 s for 200 runs). Here PostgreSQL joins the rows with a list of values, and SQLite runs one prepared statement for each.
    Neither ``save`` nor signals are involved.
    """
    for first in range(0, len(rows), _UPDATED_TOGETHER):
        _update(rows[first : first + _UPDATED_TOGETHER], fields)


def _update(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    model = type(rows[0])
    table = _table(model, connection.vendor)
    by_name = {field.name: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in names]
    prepares = dict(zip(table.attributes, table.prepares, strict=True))
    wanted = [(field.attname, prepares[field.attname]) for field in fields]
    columns = [connection.ops.quote_name(str(field.column)) for field in fields]
    key = connection.ops.quote_name(table.key)
    values = [[*(_prepared(row, attribute, prepare) for attribute, prepare in wanted), row.pk] for row in rows]
    # Names come from the models, never from input.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            assignments = ", ".join(f"{column} = %s" for column in columns)
            cursor.executemany(f"UPDATE {table.name} SET {assignments} WHERE {key} = %s", values)  # noqa: S608  own names, values are parameters
            return
        assignments = ", ".join(
            f"{column} = given.{column}::{field.db_type(connection)}"
            for column, field in zip(columns, fields, strict=True)
        )
        marks = ", ".join([f"({', '.join(['%s'] * (len(columns) + 1))})"] * len(values))
        cursor.execute(
            f"UPDATE {table.name} SET {assignments} FROM (VALUES {marks}) AS given ({', '.join(columns)}, {key}) "  # noqa: S608  own names, values are parameters
            f"WHERE {table.name}.{key} = given.{key}",
            [value for row in values for value in row],
        )


def _prepared(row: models.Model, attribute: str, prepare: Prepare | None) -> Any:
    value = row.__dict__[attribute]
    return value if prepare is None or value is None else prepare(value)
