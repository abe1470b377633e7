"""Reading the ledger: the filters of its browser, pages by key, and whether this database still protects it."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Collate, Upper

from audit.immutability import PREFIX
from audit.leaves import tables
from audit.models import USUAL_OBJECTS, USUAL_SOURCES, KeeperSending, LedgerEntry, LedgerSeal

MOST_COUNTED = 1000
LOOKED_THROUGH = 100_000
"""Entries that one page looks at for what no index finds: a tenth of a second. Whoever wants more looks further from there."""
ONE_ACTION = timedelta(minutes=10)
EXPORT_BATCH = 1000


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """What to look for; empty fields mean anything.

    ``actor_ids`` are the ids entries carry ("42", "engine"); None means anybody, an empty tuple nobody. ``text`` is
    looked for in the object's name and its id. It, what most entries are about and the ways by which most come have no index.
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
    def by_way(self) -> bool:
        """Whether an index holds the entries that came this way, because they are few."""
        return bool(self.source and self.source not in USUAL_SOURCES)

    @property
    def by_kind(self) -> bool:
        """Whether an index holds the entries about this kind of object, because they are few."""
        return bool(self.object_type and self.object_type not in USUAL_OBJECTS)

    @property
    def by_person(self) -> bool:
        """Whether it asks for persons alone: their ids are numbers, parts of the system have names."""
        return bool(self.actor_ids) and all(one.isdecimal() for one in self.actor_ids or ())

    @property
    def by_time(self) -> bool:
        """Whether entries come in the order of their instants, and not in that of their numbers."""
        return not self.subject and bool(self.since or self.until or self.action or self.by_way or self.by_kind)

    @property
    def found(self) -> "LedgerFilter":
        """The part of it that one index finds, in order."""
        time = LedgerFilter(since=self.since, until=self.until)
        if not self.by_time:
            return LedgerFilter(actor_ids=self.actor_ids, subject=self.subject)
        if self.by_person:
            return replace(time, actor_ids=self.actor_ids)
        if self.action:
            return replace(time, action=self.action)
        return replace(
            time,
            source=self.source if self.by_way else "",
            object_type=self.object_type if self.by_kind and not self.by_way else "",
        )

    @property
    def sifted(self) -> bool:
        """Whether what an index finds is looked through one by one, however much that is. One incident's entries, and those
        around an action, are few."""
        if self.subject or self.action_id:
            return False
        return replace(self, since=None, until=None) != replace(self.found, since=None, until=None)


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Some entries, newest first. ``older`` and ``newer`` are the keys from which the pages beside it continue, None at
    either end. ``looked`` is how far was looked where so many were looked through that the page ends early.
    """

    entries: Sequence[LedgerEntry]
    older: int | None
    newer: int | None = None
    looked: datetime | None = None


def around(entry: LedgerEntry) -> LedgerFilter:
    """The entries of the same action as ``entry``: all carry its action id, and its instant or nearly so."""
    return LedgerFilter(since=entry.at - ONE_ACTION, until=entry.at + ONE_ACTION, action_id=entry.action_id)


def entries_matching(wanted: LedgerFilter) -> QuerySet[LedgerEntry]:
    """The matching entries, newest first.

    The order follows the index that finds them: entries of one actor or subject by number, of an action or within a time by
    instant and number.
    """
    found = LedgerEntry.objects.all()
    if wanted.since:
        found = found.filter(at__gte=wanted.since)
    if wanted.until:
        found = found.filter(at__lt=wanted.until)
    if wanted.actor_ids is not None:
        found = found.filter(actor_id__in=wanted.actor_ids)
    if wanted.by_person:
        found = found.filter(actor_kind=LedgerEntry.ActorKind.USER)
    if wanted.action:
        found = found.filter(action=wanted.action)
    if wanted.subject:
        # Said twice so that the database sees that the partial index applies.
        found = found.filter(~Q(subject=""), subject=wanted.subject)
    if wanted.object_type:
        found = found.filter(object_type=wanted.object_type)
    if wanted.by_kind:
        found = found.filter(_not_of("object_type", USUAL_OBJECTS))
    if wanted.by_way:
        found = found.filter(_not_of("source", USUAL_SOURCES))
    if wanted.object_id:
        found = found.filter(object_id=wanted.object_id)
    if wanted.source:
        found = found.filter(source=wanted.source)
    if wanted.text:
        found = _named(found, wanted.text)
    if wanted.action_id:
        found = found.filter(action_id=wanted.action_id)
    return found.order_by("-at", "-id") if wanted.by_time else found.order_by("-id")


def _not_of(column: str, usual: Sequence[str]) -> RawSQL:
    """The condition of a partial index by the letter: SQLite does not see that it applies where values come beside the text."""
    values = ", ".join(f"'{one}'" for one in usual)
    # Words of this package.
    return RawSQL(  # noqa: S611  as above
        f"NOT ({LedgerEntry._meta.db_table}.{column} IN ({values}))", (), output_field=BooleanField()
    )


def _named(found: QuerySet[LedgerEntry], text: str) -> QuerySet[LedgerEntry]:
    """Entries about what is called so, large or small letters."""
    if connection.vendor == "postgresql" and text.isascii():
        # The same answer in half the time: PostgreSQL need not ask the locale for each letter of each name.
        label = Upper(Collate("object_label", "C"))
        return found.alias(label=label).filter(Q(label__contains=text.upper()) | Q(object_id=text))
    return found.filter(Q(object_label__icontains=text) | Q(object_id=text))


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

    At most three queries, whatever the page; with several actors, three for each.
    """
    with _by_time(wanted):
        return _page(wanted, before, after, size)


def _page(wanted: LedgerFilter, before: int | None, after: int | None, size: int) -> LedgerPage:
    newer = after is not None
    key = after if newer else before
    several = _one_by_one(wanted)
    edge = _edge(wanted, several, key, newer=newer)
    found = [_reach(entries_matching(one), wanted, key, edge, newer=newer) for one in several]
    entries = _first_of(found, size + 1, wanted, newest=not newer)
    more = len(entries) > size
    entries = entries[:size]
    # Where the page goes on from: its last entry, or where looking ended.
    on = entries[-1].pk if more else edge.pk if edge else None
    # And where it comes from: an empty one has nothing but where looking ended.
    back = entries[0].pk if entries else edge.pk if edge else None
    looked = edge.at if edge and not more else None
    if newer:
        # Somebody came from what is older.
        return LedgerPage(entries[::-1], back, on, looked)
    return LedgerPage(entries, on, back if key is not None else None, looked)


@dataclass(frozen=True, slots=True)
class _Edge:
    """The last entry that a page looks at."""

    pk: int
    at: datetime


def _edge(wanted: LedgerFilter, several: Sequence[LedgerFilter], key: int | None, *, newer: bool) -> _Edge | None:
    """How far a page looks where what an index finds is looked through; None where that is not far. One query by the index
    alone, with several actors one for each."""
    edges = []
    for one in several:
        if one.sifted:
            found = _reach(entries_matching(one.found), wanted, key, None, newer=newer).values_list("pk", "at")
            edges += [_Edge(*last) for last in found[LOOKED_THROUGH - 1 : LOOKED_THROUGH]]
    nearest = min if newer else max
    return nearest(edges, key=lambda edge: (edge.at, edge.pk) if wanted.by_time else edge.pk, default=None)


def _reach(
    found: QuerySet[LedgerEntry], wanted: LedgerFilter, key: int | None, edge: _Edge | None, *, newer: bool
) -> QuerySet[LedgerEntry]:
    """What lies between ``key`` and ``edge``, itself included, in the order in which it is walked."""
    if key is not None:
        found = _beyond(found, wanted, key, newer=newer)
    if edge is not None:
        way = "lt" if newer else "gt"
        if wanted.by_time:
            within = Q(**{f"at__{way}": edge.at}) | Q(**{f"id__{way}e": edge.pk})
            found = found.filter(**{f"at__{way}e": edge.at}).filter(within)
        else:
            found = found.filter(**{f"id__{way}e": edge.pk})
    return found.reverse() if newer else found


def _one_by_one(wanted: LedgerFilter) -> list[LedgerFilter]:
    """The same for each actor by himself. For several at once no index gives an order: PostgreSQL walked back through ten
    million entries for two people who had written none (14 s)."""
    if wanted.actor_ids is None:
        return [wanted]
    several = [replace(wanted, actor_ids=(one,)) for one in dict.fromkeys(wanted.actor_ids)]
    if not wanted.by_time:
        return several
    # Within a time, what parts of the system did is looked through. A name that none of them has is not looked for at all.
    return [
        one for one in several if one.by_person or LedgerEntry.objects.filter(actor_id__in=one.actor_ids or ()).exists()
    ]


def _first_of(
    found: Sequence[QuerySet[LedgerEntry]], most: int, wanted: LedgerFilter, *, newest: bool
) -> list[LedgerEntry]:
    """The first of them all, each in its order."""
    if len(found) == 1:
        return list(found[0][:most])
    entries = [entry for one in found for entry in one[:most]]
    return sorted(entries, key=lambda entry: (entry.at, entry.pk) if wanted.by_time else entry.pk, reverse=newest)[
        :most
    ]


def ledger_count(wanted: LedgerFilter) -> int:
    """How many match, counted up to MOST_COUNTED + 1: beyond that the exact number would cost more than it tells. Where they are
    looked through, those that one page looks at: there may be more."""
    with _by_time(wanted):
        several = _one_by_one(wanted)
        edge = _edge(wanted, several, None, newer=False)
        count = 0
        for one in several:
            # In their order, which an index gives: without one PostgreSQL reads the table from its oldest end.
            found = _reach(entries_matching(one), wanted, None, edge, newer=False)
            count += found[: MOST_COUNTED + 1 - count].count() if count <= MOST_COUNTED else 0
        return count


@contextmanager
def _by_time(wanted: LedgerFilter) -> Iterator[None]:
    """While PostgreSQL looks for a name or a way within a time, it walks the index by time, and stops where it has enough.

    Left to itself it believes such entries to be fewer than they are, and that index to jump about (it discounts the order of
    an index of two columns), and reads the whole table: 2.8 s of ten million for a name that every hundredth entry has.
    """
    by_hand = wanted.sifted or wanted.by_way or wanted.by_kind
    if connection.vendor != "postgresql" or not (wanted.by_time and by_hand):
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


def only_growing() -> list[str]:
    """Every table that has to refuse changes: what is sealed, the seals, and what was sent to keepers."""
    return [*tables(), LedgerSeal._meta.db_table, KeeperSending._meta.db_table]


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
