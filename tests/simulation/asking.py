"""Asking the rows, on either database, and what is said when the answer is wrong."""

import json
from datetime import UTC, datetime
from typing import Any

from django.db import connection


class Broken(BaseException):
    """An invariant does not hold. ``number`` is that of DESIGN.md §5; 0 is an error nobody answered for."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(number, what)
        self.number, self.what = number, what

    def __str__(self) -> str:
        return f"invariant {self.number}: {self.what}"


def rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def instant(value: Any) -> datetime | None:
    """An instant as either database gives it."""
    if value is None:
        return None
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    assert isinstance(found, datetime)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def document(value: Any) -> Any:
    """A JSON document as either database gives it."""
    return json.loads(value) if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """As the ledger writes it."""
    return value.isoformat() if isinstance(value, datetime) else value


def difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """In which fields the two differ, and how."""
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return "; ".join(f"{name} is {one.get(name)!r}, elsewhere {other.get(name)!r}" for name in names)
