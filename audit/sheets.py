"""Leaves by the thousand. What they are says `audit.leaves`; here the same bytes are come by with less work.

Sealing and verification read every row there is. Entries are read as the texts that the database has of them, no object
is built for a row, and a canonical text is put together around the parts that are the same for all. Wherever a text might
not be what RFC 8785 asks for, `audit.proofs.canonical` writes it by the letter. The tests hold both ways against each
other, and so does every verification of what the other has sealed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, Protocol

import orjson
from django.db import connection
from django.db.models import CharField, Expression, F, Func, Q, TextField
from django.db.models.functions import Cast

from audit.leaves import ENTRIES, FORMAT, Row, Salts, Table
from audit.proofs.canonical import canonical, canonical_of

Raw = tuple[Any, ...]
"""One entry, as `_columns` reads it."""


class Sheet(Protocol):
    """Some rows of one table, in the order of their numbers."""

    @property
    def numbers(self) -> Sequence[int]: ...

    def subjects(self) -> set[str]:
        """Whose salts are needed."""

    def leaves(self, salts: Salts) -> list[bytes | None]:
        """The hash of each row's leaf; None where a salt is not there."""

    def about(self, subjects: Collection[str]) -> list[int]:
        """The numbers of those rows that need the salt of one of these subjects."""


def sheet_read(table: Table, numbers: Q, *, most: int | None = None) -> Sheet:
    """The rows with those numbers; no more than the first ``most``."""
    if table.name != ENTRIES:
        return RowSheet(list(table.rows(numbers, most=most)))
    found = table.model._base_manager.filter(numbers).order_by(table.key).values_list(*_columns())
    return EntrySheet(list(found[:most] if most is not None else found))


class RowSheet:
    """Rows of a history: each has its own columns."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.numbers = [row.number for row in rows]

    def subjects(self) -> set[str]:
        return {subject for row in self.rows for subject, _content in row.secret.values()}

    def leaves(self, salts: Salts) -> list[bytes | None]:
        return [row.leaf(salts) for row in self.rows]

    def about(self, subjects: Collection[str]) -> list[int]:
        return [row.number for row in self.rows if any(one in subjects for one, _content in row.secret.values())]


class EntrySheet:
    """Entries of the ledger."""

    def __init__(self, rows: Sequence[Raw]) -> None:
        self.rows = rows
        self.numbers: list[int] = [row[0] for row in rows]
        # The order of `_columns`: who did it, and what it is about.
        self._who = [f"{row[6]}:{row[7]}" for row in rows]
        self._what = [row[12] or f"{row[4]}:{row[10]}" for row in rows]

    def subjects(self) -> set[str]:
        return {*self._who, *self._what}

    def about(self, subjects: Collection[str]) -> list[int]:
        asked = zip(self.numbers, self._who, self._what, strict=True)
        return [number for number, who, what in asked if who in subjects or what in subjects]

    def leaves(self, salts: Salts) -> list[bytes | None]:
        instant_of, uuid_of = _READERS[connection.vendor == "sqlite"]
        sha256, pads, persons, frames, values = hashlib.sha256, _Pads(salts), _Persons(salts), _Frames(), _Values()
        found: list[bytes | None] = []
        for row, subject in zip(self.rows, self._what, strict=True):
            pair, who = pads[subject], persons[row[6:10]]
            if pair is None or who is None:
                found.append(None)
                continue
            inner, outer = pair
            begin, middle, end = frames[row[3:7]]
            before, after, data = row[13:]
            done = b'{"after":%b,"before":%b,"data":%b,%b' % (
                values[after],
                values[before],
                values[data],
                _named(row)[1:],
            )
            what = sha256(outer + sha256(inner + done).digest()).hexdigest()
            text = f'{begin}{uuid_of(row[2])}{middle}{instant_of(row[1])},"entry":{row[0]}{end}{what}","who":"{who}"}}'
            found.append(sha256(text.encode()).digest())
        return found


class _Frames(dict[Raw, tuple[str, str, str]]):
    """What stands around the numbers, ids and instants of a leaf (its first byte is that of RFC 6962), by action, object type, source
    and kind of actor: some dozens."""

    def __missing__(self, key: Raw) -> tuple[str, str, str]:
        action, object_type, source, kind = (canonical(text).decode() for text in key)
        self[key] = found = (
            f'\0{{"action":{action},"action_id":',
            f',"actor_kind":{kind},"at":',
            f',"object_type":{object_type},"source":{source},"v":{FORMAT},"what":"',
        )
        return found


class _Pads(dict[str, tuple[bytes, bytes] | None]):
    """The two keys that HMAC makes of a subject's salt (RFC 2104), made once for all entries of the subject: what is left of an
    HMAC are two plain hashes, at half the price of asking OpenSSL for one. None where there is no salt."""

    def __init__(self, salts: Salts) -> None:
        super().__init__()
        self._salts = salts

    def __missing__(self, subject: str) -> tuple[bytes, bytes] | None:
        salt = self._salts.get(subject)
        if salt and len(salt) > _BLOCK:
            # No salt of ours; RFC 2104 hashes such a key.
            salt = hashlib.sha256(salt).digest()
        key = salt.ljust(_BLOCK, b"\0") if salt else b""
        self[subject] = found = (key.translate(_INNER), key.translate(_OUTER)) if key else None
        return found


class _Persons(dict[Raw, str | None]):
    """Who did it, by kind, id, label and address: a few persons and parts of the system do nearly everything, each mostly from one
    place. None where there is no salt."""

    def __init__(self, salts: Salts) -> None:
        super().__init__()
        self._salts = salts

    def __missing__(self, key: Raw) -> str | None:
        kind, actor_id, label, address = key
        salt = self._salts.get(f"{kind}:{actor_id}")
        content = canonical({"actor_id": actor_id, "actor_label": label, "address": address})
        self[key] = found = hmac.digest(salt, content, "sha256").hex() if salt else None
        return found


_BLOCK = 64
_INNER, _OUTER = (bytes(one ^ pad for one in range(256)) for pad in (0x36, 0x5C))


class _Values(dict[str | None, bytes]):
    """The canonical text of what stands in a column of JSON, by the database's own text of it: in half of all columns that hold any, the
    same was said a little before."""

    def __missing__(self, stored: str | None) -> bytes:
        self[stored] = found = canonical_of(stored) if stored is not None else b"null"
        return found


def _named(row: Raw) -> bytes:
    """The rest of what was done, which in canonical order stands behind the columns of JSON: what it was done to."""
    named = {"object_id": row[10], "object_label": row[11], "subject": row[12]}
    try:
        return orjson.dumps(named)
    except TypeError:
        return canonical(named)


def _quoted(text: str) -> str:
    """What is in none of the usual forms."""
    return canonical(text).decode()


def _columns() -> tuple[str | Expression, ...]:
    """All that is sealed of an entry, as the database writes it: the open parts together, and who did it together."""
    at: Expression = Cast("at", TextField())
    if connection.vendor == "postgresql":
        at = Func(
            F("at"),
            template="to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            output_field=CharField(),
        )
    texts = (Cast(name, TextField()) for name in ("before", "after", "data"))
    return (
        "id", at, Cast("action_id", TextField()), "action", "object_type", "source", "actor_kind", "actor_id", "actor_label",
        "address", "object_id", "object_label", "subject", *texts,
    )  # fmt: skip


@lru_cache(maxsize=256)
def _sqlite_instant(text: str) -> str:
    """SQLite keeps what Django wrote: UTC, with microseconds where there are any. What is written together has one instant."""
    if text[10:11] == " " and len(text) == 26:
        return f'"{text[:10]}T{text[11:]}Z"'
    if text[10:11] == " " and len(text) == 19:
        return f'"{text[:10]}T{text[11:]}.000000Z"'
    return _quoted(text)


def _sqlite_uuid(text: str) -> str:
    if len(text) == 32:
        return f'"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"'
    return _quoted(text)


def _plain(text: str) -> str:
    return f'"{text}"'


_READERS = ((_plain, _plain), (_sqlite_instant, _sqlite_uuid))
"""How an instant and an id are written: PostgreSQL, SQLite."""
