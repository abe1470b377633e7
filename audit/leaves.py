"""What one row says in the tree, as canonical text. The format is written down in docs/ledger-proof.md and must not change.

A leaf names the row in the open and holds the rest as two HMACs, one of who did it and one of what was done, each under
the salt of a subject. Without a subject's salt its leaves tell nothing, and every proof still holds.

Sealed are the ledger, every history, and every other table whose model says so: ``SEALED_AS`` names the field by which its rows
belong to a subject ("incident": that of `incident_id`).
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from django.apps import apps
from django.db import connection, models

from audit.models import LedgerEntry
from audit.proofs.canonical import canonical
from audit.proofs.merkle import leaf_hash

ENTRIES = LedgerEntry._meta.db_table
FORMAT = 1
ENTRY_COLUMNS = (
    "id", "at", "action_id", "action", "actor_kind", "object_type", "source", "actor_id", "actor_label", "address",
    "object_id", "object_label", "subject", "before", "after", "data",
)  # fmt: skip
"""What of an entry is sealed: all of it."""
Salts = Mapping[str, bytes]
Digests = Mapping[tuple[int, str], str]
"""By number of the row and name of the part."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, ready to be hashed: its number, what is told openly, and its secret parts with the subjects of their salts."""

    number: int
    told: Mapping[str, Any]
    secret: Mapping[str, tuple[str, bytes]]

    def digest(self, part: str, salt: bytes) -> str:
        """What stands in the leaf for one of the secret parts."""
        return hmac.digest(salt, self.secret[part][1], "sha256").hex()

    def leaf(self, salts: Salts, digests: Digests = MappingProxyType({})) -> bytes | None:
        """The hash of its leaf. ``digests`` stand for parts whose salt is destroyed; None where a part has neither."""
        parts = {}
        for name, (subject, _content) in self.secret.items():
            salt = salts.get(subject)
            digest = self.digest(name, salt) if salt else digests.get((self.number, name))
            if digest is None:
                return None
            parts[name] = digest
        return self.leaf_of(parts)

    def leaf_of(self, parts: Mapping[str, str]) -> bytes:
        """The hash of its leaf, of which these are the digests."""
        return leaf_hash(canonical({**self.told, **parts}))


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows are sealed: the ledger's own, a history's, or one of facts that other rows hang on."""

    model: type[models.Model]
    key: str

    @property
    def is_history(self) -> bool:
        return hasattr(self.model, "instance_type")

    @property
    def stands(self) -> bool:
        """Whether its rows stay when their segment is taken out: others lead to them."""
        return hasattr(self.model, "SEALED_AS")

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def noun(self) -> str:
        """What its rows are about, as subjects name it: "incident"."""
        return str(getattr(self.model, "SEALED_AS", "")) or self.name.partition("_historical")[2]

    @property
    def about(self) -> str:
        """The column that holds the key of what a row is about."""
        return self.model._meta.get_field(self.noun).attname if self.stands else "id"  # type: ignore[union-attr]  # a column of its own

    def rows(self, numbers: models.Q, *, most: int | None = None, few: bool = False) -> Iterator[Row]:
        """The rows with those numbers, in their order; no more than the first ``most``. ``few`` come in one answer."""
        found = self.model._base_manager.filter(numbers).order_by(self.key).values_list(*self._columns())
        found = found[:most] if most is not None else found
        return map(self._reader(), found if few else found.iterator(chunk_size=2000))

    def _columns(self) -> tuple[str, ...]:
        return (
            ENTRY_COLUMNS
            if self.name == ENTRIES
            else tuple(field.attname for field in self.model._meta.concrete_fields)
        )

    @property
    def later(self) -> Mapping[str, Any]:
        """Columns that came after the first release, and what rows hold in them that were sealed before: the model's ``SEALED_LATER``.

        A leaf leaves such a column out while it holds just that, so that a release may add a column and every old leaf keeps its bytes.
        """
        found: Mapping[str, Any] = getattr(getattr(self.model, "instance_type", self.model), "SEALED_LATER", {})
        return found

    def _reader(self) -> Callable[[tuple[Any, ...]], Row]:
        if self.name == ENTRIES:
            return entry_row
        columns, later, about = self._columns(), self.later, self.about
        return lambda values: self._row(dict(zip(columns, values, strict=True)), later, about)

    def _row(self, values: dict[str, Any], later: Mapping[str, Any], about: str) -> Row:
        for name, before in later.items():
            if values[name] == before:
                del values[name]
        number = values.pop(self.key)
        told = {"v": FORMAT, "table": self.name, "row": number, "type": values.get("history_type", "+")}
        own = f"{self.noun}:{values.get(about)}"
        return Row(number, told, {"what": (own, canonical({name: _plain(value) for name, value in values.items()}))})


def entry_row(values: tuple[Any, ...]) -> Row:
    """An entry from its columns, by place and not by name: a million of them are read where the whole ledger is verified."""
    number, at, action_id, action, actor_kind, object_type, source, actor_id, actor_label, address = values[:10]
    object_id, object_label, subject, before, after, data = values[10:]
    who = {"actor_id": actor_id, "actor_label": actor_label, "address": address}
    what = {
        "object_id": object_id,
        "object_label": object_label,
        "subject": subject,
        "before": before,
        "after": after,
        "data": data,
    }
    return Row(
        number,
        {
            "v": FORMAT,
            "entry": number,
            "at": instant(at),
            "action_id": str(action_id),
            "action": action,
            "actor_kind": actor_kind,
            "object_type": object_type,
            "source": source,
        },
        {
            "who": (f"{actor_kind}:{actor_id}", canonical(who)),
            "what": (subject or f"{object_type}:{object_id}", canonical(what)),
        },
    )


def instant(at: datetime) -> str:
    """In UTC to the microsecond, always with as many digits."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _plain(value: Any) -> Any:
    """A column's value as JSON. Which text stands for which type is part of the format."""
    match value:
        case datetime():
            return instant(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value / timedelta(microseconds=1)
        case uuid.UUID() | Decimal():
            return str(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case _:
            return value


@lru_cache(maxsize=1)
def tables() -> Mapping[str, Table]:
    """Every table that is sealed, the ledger first, then the histories by name, then the others by name."""
    known = sorted(apps.get_models(), key=lambda model: model._meta.db_table)
    histories = [model for model in known if hasattr(model, "instance_type") and hasattr(model, "history_type")]
    facts = [model for model in known if hasattr(model, "SEALED_AS")]
    found = [
        Table(LedgerEntry, "id"),
        *(Table(model, "history_id") for model in histories),
        *(Table(model, "id") for model in facts),
    ]
    return {table.name: table for table in found}


def edges(which: Literal["MIN", "MAX"]) -> dict[str, int]:
    """The lowest or highest number of each table that has rows: one query for all."""
    quote = connection.ops.quote_name
    ask = " UNION ALL ".join(
        f"SELECT {place}, (SELECT {which}({quote(table.key)}) FROM {quote(table.name)})"  # noqa: S608  own names
        for place, table in enumerate(tables().values())
    )
    names = list(tables())
    with connection.cursor() as cursor:
        cursor.execute(ask)
        return {names[place]: number for place, number in cursor.fetchall() if number is not None}


Ranges = Sequence[Sequence[int]]
"""First and last number of each run of rows, ascending."""


def ranges_of(numbers: Iterable[int]) -> list[list[int]]:
    """Ascending numbers as ranges."""
    numbers = list(numbers)
    if numbers and numbers[-1] - numbers[0] + 1 == len(numbers):
        return [[numbers[0], numbers[-1]]]
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def missing_in(numbers: Iterable[int], first: int, last: int) -> list[list[int]]:
    """The ranges from ``first`` to ``last`` that none of the ascending ``numbers`` is in."""
    numbers = list(numbers)
    if numbers and numbers[-1] - numbers[0] + 1 == len(numbers):
        # The usual case: they follow each other, and only before and behind them something can be missing.
        around = [[first, numbers[0] - 1], [numbers[-1] + 1, last]]
        return [[low, high] for low, high in around if low <= high]
    found, begin = [], first
    for number in numbers:
        if number > begin:
            found.append([begin, number - 1])
        begin = number + 1
    return [*found, [begin, last]] if begin <= last else found


def within(key: str, ranges: Ranges) -> models.Q:
    """The condition that a row's number lies in one of ``ranges``."""
    condition = models.Q(pk__in=())
    for first, last in ranges:
        condition |= models.Q(**{f"{key}__gte": first, f"{key}__lte": last})
    return condition


def merged(ranges: Iterable[Sequence[int]]) -> list[list[int]]:
    """The same numbers in as few ascending ranges as will hold them."""
    found: list[list[int]] = []
    for first, last in sorted((int(first), int(last)) for first, last in ranges):
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found


def portions(ranges: Ranges, *, most: int, many: int = 100) -> Iterator[list[list[int]]]:
    """The ranges in portions of at most ``most`` numbers and ``many`` ranges each: what one query reads."""
    portion: list[list[int]] = []
    room = most
    for first, last in ranges:
        while first <= last:
            end = min(last, first + room - 1)
            portion.append([first, end])
            room -= end - first + 1
            first = end + 1
            if not room or len(portion) == many:
                yield portion
                portion, room = [], most
    if portion:
        yield portion


def count_in(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)
