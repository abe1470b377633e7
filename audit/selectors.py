"""Reading the ledger: the filters of its browser, pages by key, and whether this database still protects it."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
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
    looked for in the object's name and its id; it has no index, so callers give it together with ``since``.
    ``action_id`` is found through the instant of one of its entries (``since`` and ``until`` around it), see
    ``around``.
    """

    since: datetime | None = None
    until: datetime | None = None
    actor_ids: tuple[str, ...] | None = None
    action: str = ""
    subject: str = ""
    object_type: str = ""
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
    """Some entries, newest first. ``older`` is the key from which the next page continues, None at the end."""

    entries: Sequence[LedgerEntry]
    older: int | None


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
    if wanted.text:
        found = found.filter(Q(object_label__icontains=wanted.text) | Q(object_id=wanted.text))
    if wanted.action_id:
        found = found.filter(action_id=wanted.action_id)
    return found.order_by("-at", "-id") if wanted.by_time else found.order_by("-id")


def _older_than(found: QuerySet[LedgerEntry], wanted: LedgerFilter, key: int) -> QuerySet[LedgerEntry]:
    if not wanted.by_time:
        return found.filter(id__lt=key)
    at = LedgerEntry.objects.filter(pk=key).values_list("at", flat=True).first()
    # at <= … first: it bounds the index, what follows only parts entries of one instant.
    return found.filter(at__lte=at).filter(Q(at__lt=at) | Q(id__lt=key)) if at else found.none()


def ledger_page(wanted: LedgerFilter, *, before: int | None = None, size: int = 50) -> LedgerPage:
    """One page; ``before`` is the ``older`` of the page before. At most two queries, whatever the page."""
    found = entries_matching(wanted)
    if before is not None:
        found = _older_than(found, wanted, before)
    entries = list(found[: size + 1])
    more = len(entries) > size
    return LedgerPage(entries[:size], entries[size - 1].pk if more else None)


def ledger_count(wanted: LedgerFilter) -> int:
    """How many match, counted up to MOST_COUNTED + 1: beyond that the exact number would cost more than it tells."""
    return entries_matching(wanted).order_by()[: MOST_COUNTED + 1].count()


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
