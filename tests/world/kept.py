"""What was made once in a process and is put back by a statement for each table: the rows, and the objects that stand for them.

Making the cast asks the database a hundred times; every test of the world begins with it.
"""

import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

Rows = dict[str, dict[str, str]]
"""Table → key → the row as SQL, "(1, 'Marta')"."""


class Kept:
    """The rows that ``make`` left in the database, and what it returned, to be had again at once."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        before = _rows()
        self.made = make()
        self._objects = pickle.dumps(self.made)
        self._statements = []
        for table, rows in _rows().items():
            known = before[table]
            assert known.items() <= rows.items(), f"{table}: a row was changed that was there before"
            if new := [row for key, row in rows.items() if key not in known]:
                self._statements.append(f"INSERT INTO {table} ({_columns(table)}) VALUES {', '.join(new)}")  # noqa: S608  rows of our own

    def again(self) -> dict[str, Any] | None:
        """Put the rows back, with the keys they had; None, and no row, where one of them is taken."""
        with suppress(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            for statement in self._statements:
                cursor.execute(statement)
            made: dict[str, Any] = pickle.loads(self._objects)  # noqa: S301  written by this very process
            return made
        return None


def _models() -> Iterator[type[models.Model]]:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            yield model


def _columns(table: str) -> str:
    return ", ".join(next(names for name, names in _tables() if name == table))


def _tables() -> Iterator[tuple[str, list[str]]]:
    """Every table and its columns, the key first; quoted."""
    quote = connection.ops.quote_name
    for model in _models():
        fields = sorted(model._meta.concrete_fields, key=lambda field: not field.primary_key)
        yield quote(model._meta.db_table), [quote(str(field.column)) for field in fields if not field.generated]


def _rows() -> Rows:
    literal = "quote({})" if connection.vendor == "sqlite" else "quote_nullable({}::text)"
    found: Rows = {}
    with connection.cursor() as cursor:
        for table, columns in _tables():
            cursor.execute(f"SELECT {', '.join(literal.format(column) for column in columns)} FROM {table}")  # noqa: S608  our own tables
            found[table] = {row[0]: f"({', '.join(row)})" for row in cursor.fetchall()}
    return found
