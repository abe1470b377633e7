"""Each version in a history names the action that made it, as the entries of the ledger do: in its reason of change, the
action's id. So an entry leads to the versions it made, and a version that no entry knows is found.

Mostly the action is that of the request. Where nobody named one (the engine, a task, a command), versions that are saved
one by one share an id with the entries that follow in the same transaction, and `incidents.changes` gives one id to all it
writes together.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from audit.context import ActionContext, current_action
from audit.leaves import Table, tables
from audit.models import LedgerEntry

NEAR = timedelta(minutes=10)
"""Within so long of each other an action writes its entries and its versions, which mostly carry the very same instant."""
_TOGETHER = 500
MOST_MADE = 50


class _Loose:
    """An action that nobody named: it lasts as long as the transaction, which calls it at its end or forgets it."""

    def __init__(self, block: str) -> None:
        self.context = ActionContext(uuid.uuid4())
        self.block = block
        self.ended = False

    def __call__(self) -> None:
        self.ended = True


_loose: ContextVar[_Loose | None] = ContextVar("audit_loose", default=None)


def acting() -> ActionContext:
    """The action that is being written for: the one under way, that of versions saved before in this transaction, or a new one."""
    current = current_action()
    if current is not None:
        return current
    loose = _loose_here()
    return loose.context if loose is not None else ActionContext(uuid.uuid4())


def reason_now() -> str | None:
    """What a version that is saved now has to name; None outside any action and any transaction, where no entry could
    belong to it."""
    current = current_action()
    if current is not None:
        return str(current.action_id)
    loose, block = _loose_here(), _block()
    if loose is None:
        if not block:
            return None
        loose = _Loose(block)
        _loose.set(loose)
        transaction.on_commit(loose)
    return str(loose.context.action_id)


def _block() -> str:
    """The transaction under way, "" for none. One that a test case holds open around everything is none, as it is none for
    Django's durable blocks: there the outermost savepoint is what the transaction would be."""
    open_now = transaction.get_connection()
    if not open_now.in_atomic_block:
        return ""
    if getattr(open_now.atomic_blocks[0], "_from_testcase", False):
        return str(open_now.savepoint_ids[0] or "") if open_now.savepoint_ids else ""
    return "outermost"


def _loose_here() -> _Loose | None:
    """The unnamed action of this very transaction: one that was rolled back has forgotten what it was to call."""
    loose = _loose.get()
    if loose is None or loose.ended or loose.block != _block():
        return None
    waiting = transaction.get_connection().run_on_commit
    return loose if any(call[1] is loose for call in waiting) else None


def history_bound(*, history_instance: Any, **_more: Any) -> None:
    """django-simple-history is about to save a version."""
    history_instance.history_change_reason = reason_now()


@dataclass(frozen=True, slots=True)
class Made:
    """A version that an action made: of which table, its number, the row it is about, and "+", "~" or "-"."""

    table: Table
    number: int
    about: str
    kind: str


def versions_made(entry: LedgerEntry) -> list[Made]:
    """The versions that the action of ``entry`` made, at most MOST_MADE: one query, by each history's index on its date."""
    histories = [table for table in tables().values() if table.is_history]
    quote = connection.ops.quote_name
    asked = " UNION ALL ".join(
        # Names of our own models.
        f"SELECT {place}, history_id, CAST({quote(_about(table))} AS text), history_type FROM {quote(table.name)} "  # noqa: S608  own names, values are parameters
        "WHERE history_date BETWEEN %s AND %s AND history_change_reason = %s"
        for place, table in enumerate(histories)
    )
    when = [connection.ops.adapt_datetimefield_value(at) for at in (entry.at - NEAR, entry.at + NEAR)]
    with connection.cursor() as cursor:
        cursor.execute(f"{asked} ORDER BY 1, 2 LIMIT {MOST_MADE}", [*when, str(entry.action_id)] * len(histories))
        return [Made(histories[place], number, about, kind) for place, number, about, kind in cursor.fetchall()]


def _about(table: Table) -> str:
    """The column of a history that holds the key of the row it is about."""
    instance: Any = table.model
    return str(instance.instance_type._meta.pk.column)


def named_from(table: Table) -> int | None:
    """The first version of a history that names an action, None where none does. Those below are from before versions did."""
    found = table.model._base_manager.filter(history_change_reason__isnull=False).order_by(table.key)
    return found.values_list(table.key, flat=True).first()


def unbound_in(table: Table, numbers: Q, *, since: int | None = None) -> list[int]:
    """The versions among these that name an action of which the ledger has no entry; from number ``since`` on also those that
    name none, which no service writes."""
    wanted = Q(history_change_reason__isnull=False)
    if since is not None:
        wanted |= Q(**{f"{table.key}__gte": since})
    found = table.model._base_manager.filter(numbers).filter(wanted).order_by(table.key)
    rows = iter(found.values_list(table.key, "history_date", "history_change_reason"))
    return [number for some in _pieces(rows) for number in _unknown(some)]


_Version = tuple[int, datetime, str | None]


def _pieces(rows: Iterator[_Version]) -> Iterable[list[_Version]]:
    while some := list(islice(rows, _TOGETHER)):
        yield some


def _unknown(rows: list[_Version]) -> Iterator[int]:
    """By the index on the entries' instant: first at the very instants of the versions, then near those that are left."""
    known = LedgerEntry.objects.filter(at__in={at for _number, at, _reason in rows}).values_list("action_id", flat=True)
    actions = {str(action_id) for action_id in known}
    left = [row for row in rows if row[2] not in actions]
    yield from sorted(number for some in _neighbours(left) for number in _not_near(some))


def _neighbours(rows: list[_Version]) -> Iterator[list[_Version]]:
    """Those whose neighbourhoods overlap, so that no entry is read for more than one question."""
    some: list[_Version] = []
    for row in sorted(rows, key=lambda row: row[1]):
        if some and row[1] - some[-1][1] > NEAR:
            yield some
            some = []
        some.append(row)
    if some:
        yield some


def _not_near(rows: list[_Version]) -> Iterator[int]:
    """The numbers of those of which no entry within NEAR names the action; ``rows`` are ordered by their instants."""
    named = {number: _action(reason) for number, _at, reason in rows}
    entries = LedgerEntry.objects.filter(
        at__range=(rows[0][1] - NEAR, rows[-1][1] + NEAR), action_id__in={one for one in named.values() if one}
    )
    instants: dict[uuid.UUID | None, list[datetime]] = {}
    for action_id, at in entries.values_list("action_id", "at"):
        instants.setdefault(action_id, []).append(at)
    for number, at, _reason in rows:
        if not any(abs(at - one) <= NEAR for one in instants.get(named[number], ())):
            yield number


def _action(reason: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(reason or "")
    except ValueError:
        return None
