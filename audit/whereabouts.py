"""All that the proof of one entry stands on, but for the tree's hashes: one statement, of text.

A proof is asked for with every page of the ledger. As queries of their own the entry, its salts, its digests, its seal and the
newest one took most of the time that a proof takes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from audit.leaves import ENTRIES, ENTRY_COLUMNS, Row, entry_row
from audit.models import LedgerDigest, LedgerSalt, LedgerSeal

_PARTS = ("who", "what")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is asked of a seal: the place of its first leaf, when it was made, and what is in it."""

    begins: int
    at: datetime
    contents: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """An entry, the salts and the kept digests of its parts, a seal that may have it (None: no seal reaches it), and the newest
    tree: its size and its signed checkpoint."""

    row: Row
    salts: Mapping[str, bytes]
    kept: Mapping[tuple[int, str], str]
    seal: Sealed | None
    size: int
    note: str


def whereabouts(number: int) -> Whereabouts | None:
    """Of the entry with that number; None where there is none, or nothing was ever sealed. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [number, number, number])
        found = cursor.fetchone()
    if found is None or found[0] is None:
        return None
    size, note, begins, sealed_at, contents, who, what, *digests = found[:9]
    row = entry_row(_values(found[9:]))
    salts = zip((row.secret[part][0] for part in _PARTS), (who, what), strict=True)
    return Whereabouts(
        row,
        {subject: bytes(salt) for subject, salt in salts if salt is not None},
        {(number, part): digest for part, digest in zip(_PARTS, digests, strict=True) if digest is not None},
        None if begins is None else Sealed(begins, _instant(sealed_at), json.loads(contents)),
        size,
        note,
    )


@lru_cache(maxsize=1)
def _statement() -> str:
    """The seal that has an entry is mostly the first that reaches it, by an index that ends there; see `audit.proving`."""
    seals, salts, digests = (model._meta.db_table for model in (LedgerSeal, LedgerSalt, LedgerDigest))

    def salt(subject: str) -> str:
        # Names of our own models, here and below.
        return f"(SELECT salt FROM {salts} WHERE subject = {subject} AND destroyed_at IS NULL)"  # noqa: S608  own names, values are parameters

    def digest(part: str) -> str:
        return f"(SELECT digest FROM {digests} WHERE \"table\" = '{ENTRIES}' AND \"row\" = e.id AND part = '{part}')"  # noqa: S608  own names, values are parameters

    who = "e.actor_kind || ':' || e.actor_id"
    what = "CASE WHEN e.subject <> '' THEN e.subject ELSE e.object_type || ':' || e.object_id END"
    columns = ", ".join(f"e.{name}" for name in ENTRY_COLUMNS)
    return (
        f"SELECT newest.size, newest.note, own.begins, own.at, own.contents, {salt(who)}, {salt(what)}, "  # noqa: S608  own names, values are parameters
        f"{', '.join(digest(part) for part in _PARTS)}, {columns} FROM {ENTRIES} e "
        f"LEFT JOIN {seals} newest ON newest.id = (SELECT id FROM {seals} ORDER BY begins DESC LIMIT 1) "
        f"LEFT JOIN {seals} own ON own.id = "
        f"(SELECT id FROM {seals} WHERE highest >= %s AND lowest <= %s ORDER BY highest LIMIT 1) "
        "WHERE e.id = %s"
    )


def _values(raw: Sequence[Any]) -> tuple[Any, ...]:
    """A row as the models would give it."""
    return tuple(
        value if value is None or name not in _READ else _READ[name](value)
        for name, value in zip(ENTRY_COLUMNS, raw, strict=True)
    )


def _instant(value: datetime | str) -> datetime:
    """SQLite keeps UTC and does not say so."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _uuid(value: uuid.UUID | str) -> uuid.UUID:
    return uuid.UUID(value) if isinstance(value, str) else value


_READ: Mapping[str, Callable[[Any], Any]] = {
    "at": _instant,
    "action_id": _uuid,
    "before": json.loads,
    "after": json.loads,
    "data": json.loads,
}
