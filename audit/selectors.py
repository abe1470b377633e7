"""Reading the ledger: the filters of its browser, pages by key, and whether this database still protects it."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from audit.immutability import PREFIX
from audit.models import LedgerEntry

MOST_COUNTED = 1000
ONE_ACTION = timedelta(minutes=10)
EXPORT_BATCH = 1000


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What to look for; empty fields mean anything.

    ``actor_ids`` are the ids entries carry ("42", "engine"); None means anybody, an empty tuple nobody. ``text`` is
    looked for in the object's name and its id. It, ``source`` and the object have no index, so callers give them
    together with ``since``.
    ``action_id`` is found through the instant of one of its entries (``since`` and ``until`` around it), see
    ``around``.
    """

    since: datetime | None = None
    until: datetime | None = None
    actor_ids: tuple[str, ...] | None = None
    action: str = ""
    subject: str = ""
    object_type: str = ""
    object_id: str = ""
    source: str = ""
    text: str = ""
    action_id: uuid.UUID | None = None

    @property
    def by_time(self) -> bool:
        """Whether the range of time alone has to find the entries: no equality with an index of its own narrows
        them.
        """
        return bool((self.since or self.until) and not (self.actor_ids or self.action or self.subject))


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Some entries, newest first. ``older`` and ``newer`` are the keys from which the pages beside it continue, None at
    either end.
    """

    entries: Sequence[LedgerEntry]
    older: int | None
    newer: int | None = None


def around(entry: LedgerEntry) -> LedgerFilter:
    """The entries of the same action as ``entry``: all carry its action id, and its instant or nearly so."""
    return LedgerFilter(since=entry.at - ONE_ACTION, until=entry.at + ONE_ACTION, action_id=entry.action_id)


def entries_matching(wanted: LedgerFilter) -> QuerySet[LedgerEntry]:
    """The matching entries, newest first.

    The order follows the index that finds them: entries of one actor, action or subject by number, entries of a
    range of time by instant and number.
    """
    found = LedgerEntry.objects.all()
    if wanted.since:
        found = found.filter(at__gte=wanted.since)
    if wanted.until:
        found = found.filter(at__lt=wanted.until)
    if wanted.actor_ids is not None:
        found = found.filter(actor_id__in=wanted.actor_ids)
    if wanted.action:
        found = found.filter(action=wanted.action)
    if wanted.subject:
        # Said twice so that the database sees that the partial index applies.
        found = found.filter(~Q(subject=""), subject=wanted.subject)
    if wanted.object_type:
        found = found.filter(object_type=wanted.object_type)
    if wanted.object_id:
        found = found.filter(object_id=wanted.object_id)
    if wanted.source:
        found = found.filter(source=wanted.source)
    if wanted.text:
        found = found.filter(Q(object_label__icontains=wanted.text) | Q(object_id=wanted.text))
    if wanted.action_id:
        found = found.filter(action_id=wanted.action_id)
    return found.order_by("-at", "-id") if wanted.by_time else found.order_by("-id")


def _beyond(found: QuerySet[LedgerEntry], wanted: LedgerFilter, key: int, *, newer: bool) -> QuerySet[LedgerEntry]:
    """What comes after ``key`` on the way back in time, or, for ``newer``, on the way forward."""
    way = "gt" if newer else "lt"
    if not wanted.by_time:
        return found.filter(**{f"id__{way}": key})
    at = LedgerEntry.objects.filter(pk=key).values_list("at", flat=True).first()
    # The closed bound first: it bounds the index, what follows only parts entries of one instant.
    beyond = Q(**{f"at__{way}": at}) | Q(**{f"id__{way}": key})
    return found.filter(**{f"at__{way}e": at}).filter(beyond) if at else found.none()


def ledger_page(
    wanted: LedgerFilter, *, before: int | None = None, after: int | None = None, size: int = 50
) -> LedgerPage:
    """One page: the newest entries, those ``before`` a key (the ``older`` of a page), or those ``after`` one (its ``newer``).

    At most two queries, whatever the page; with several actors, two for each.
    """
    with _by_time(wanted):
        return _page(wanted, before, after, size)


def _page(wanted: LedgerFilter, before: int | None, after: int | None, size: int) -> LedgerPage:
    found = [entries_matching(one) for one in _one_by_one(wanted)]
    if after is not None:
        beyond = [_beyond(one, wanted, after, newer=True).reverse() for one in found]
        return _page_after(_first_of(beyond, size + 1, newest=False), size)
    if before is not None:
        found = [_beyond(one, wanted, before, newer=False) for one in found]
    entries = _first_of(found, size + 1, newest=True)
    more = len(entries) > size
    first = entries[0].pk if entries and before is not None else None
    return LedgerPage(entries[:size], entries[size - 1].pk if more else None, first)


def _one_by_one(wanted: LedgerFilter) -> list[LedgerFilter]:
    """The same for each actor by himself, where actors have to find the entries. For several at once the index gives no order:
    PostgreSQL walked back through ten million entries for two people who had written none (14 s)."""
    if wanted.by_time or len(wanted.actor_ids or ()) < 2:
        return [wanted]
    return [replace(wanted, actor_ids=(one,)) for one in dict.fromkeys(wanted.actor_ids or ())]


def _first_of(found: Sequence[QuerySet[LedgerEntry]], most: int, *, newest: bool) -> list[LedgerEntry]:
    """The first of them all, each in its order."""
    if len(found) == 1:
        return list(found[0][:most])
    entries = [entry for one in found for entry in one[:most]]
    return sorted(entries, key=lambda entry: entry.pk, reverse=newest)[:most]


def _page_after(ascending: list[LedgerEntry], size: int) -> LedgerPage:
    entries = ascending
    more = len(entries) > size
    entries = entries[:size][::-1]
    # Somebody came from what is older.
    return LedgerPage(entries, entries[-1].pk if entries else None, entries[0].pk if more else None)


def ledger_count(wanted: LedgerFilter) -> int:
    """How many match, counted up to MOST_COUNTED + 1: beyond that the exact number would cost more than it tells."""
    if len(_one_by_one(wanted)) > 1:
        # Several actors' entries have no order by an index, and an index finds them without.
        return entries_matching(wanted).order_by()[: MOST_COUNTED + 1].count()
    # In their order, which an index gives: without one PostgreSQL reads the table from its oldest end until it has so many.
    with _by_time(wanted):
        return entries_matching(wanted)[: MOST_COUNTED + 1].count()


@contextmanager
def _by_time(wanted: LedgerFilter) -> Iterator[None]:
    """While PostgreSQL looks for a name or a way within a time, it walks the index by time, and stops where it has enough.

    Left to itself it believes such entries to be fewer than they are, and that index to jump about (it discounts the order of
    an index of two columns), and reads the whole table: 2.8 s of ten million for a name that every hundredth entry has.
    """
    if connection.vendor != "postgresql" or not (
        wanted.by_time and (wanted.text or wanted.source or wanted.object_type)
    ):
        yield
        return
    ways = ("enable_seqscan", "enable_bitmapscan")
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL {way} = off" for way in ways))
        yield
        cursor.execute("; ".join(f"SET LOCAL {way} TO DEFAULT" for way in ways))


def ledger_export(wanted: LedgerFilter) -> Iterator[LedgerEntry]:
    """All that match, newest first, a batch per query: a long export holds no transaction open."""
    before: int | None = None
    while True:
        page = ledger_page(wanted, before=before, size=EXPORT_BATCH)
        yield from page.entries
        if page.older is None:
            return
        before = page.older


def actions_known() -> list[str]:
    """Every action the ledger has, in order: one jump through the index per action, not a pass over all entries."""
    table, name = connection.ops.quote_name(LedgerEntry._meta.db_table), connection.ops.quote_name("action")
    # A loose index scan: each step asks for the smallest value above the last one.
    statement = (
        f"WITH RECURSIVE steps(value) AS (SELECT MIN({name}) FROM {table} UNION ALL "  # noqa: S608  own names
        f"SELECT (SELECT MIN({name}) FROM {table} WHERE {name} > steps.value) FROM steps "
        "WHERE steps.value IS NOT NULL) SELECT value FROM steps WHERE value IS NOT NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [str(value) for (value,) in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Protection:
    """What refuses changes on this database now: the ledger's own triggers, and how many other tables have all of
    theirs.
    """

    ledger: bool
    tables: int
    broken: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return self.ledger and not self.broken


def protection(*, expected: Collection[str] = ()) -> Protection:
    """Asks the database itself, in one query, which append-only triggers exist and are switched on.

    ``expected`` are tables beside the ledger that should have theirs; one without any counts as broken.
    """
    kinds = ("update", "delete", "replace") if connection.vendor == "sqlite" else ("row", "truncate")
    present: dict[str, set[str]] = {}
    for name, table in _triggers():
        kind = name.removeprefix(f"{PREFIX}_{table}_")
        present.setdefault(table, set()).add(kind)
    ledger = LedgerEntry._meta.db_table
    wanted = {ledger, *expected, *present}
    broken = tuple(sorted(table for table in wanted if not set(kinds) <= present.get(table, set())))
    return Protection(ledger not in broken, len(wanted), broken)


def tables_protected() -> list[str]:
    """Every table that this database lets only grow, by name."""
    return sorted({table for _name, table in _triggers()} | {LedgerEntry._meta.db_table})


def _triggers() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
                [f"{PREFIX}%"],
            )
        else:
            cursor.execute(
                "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND pg_table_is_visible(c.oid) "
                "AND t.tgname LIKE %s",
                [f"{PREFIX}%"],
            )
        return [(str(name), str(table)) for name, table in cursor.fetchall()]
