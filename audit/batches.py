"""What verification reads: the leaves that the rows of some seals make now, and those that the tiles hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, models
from django.db.models import Q

from audit.binding import named_from, unbound_in
from audit.leaves import ENTRIES, Digests, Ranges, Row, Table, count_in, merged, portions, ranges_of, tables, within
from audit.models import LedgerDigest, LedgerEntry, LedgerSalt, LedgerSeal, LedgerSegment
from audit.proving import seal_with
from audit.sealing import salts_known
from audit.sheets import Sheet, sheet_read
from audit.tiles import Tiles

_TOGETHER = 4_000
"""Leaves that are read together: what one query brings, and what is held in memory."""
OWN_WORDS = models.Q(action__startswith="ledger.")
"""Entries that stay when their segment is taken out: verification goes by them."""
_SALTS = 100_000
"""Salts that are remembered from one batch to the next."""


@dataclass(frozen=True, slots=True)
class Place:
    """One leaf of a seal that is not as it is stored: the row it was, and the leaf that row makes now.

    ``now`` is None where the row is gone, or where it can make no leaf: its salt is gone, or what stands in it cannot even be read.
    ``here`` tells those apart.
    """

    table: str
    row: int
    now: bytes | None
    here: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Some seals in a row, with what their rows make now and what the tiles hold, seal by seal.

    ``beyond`` counts rows whose salts are destroyed, or that were taken out with an archived segment. ``unbound`` are
    versions in histories that name an action of which the ledger has no entry.
    """

    seals: Sequence[LedgerSeal]
    now: Sequence[Sequence[bytes | None]]
    stored: Sequence[Sequence[bytes]]
    gone: frozenset[tuple[str, int]]
    beyond: int
    unbound: Sequence[tuple[str, int]] = ()

    def places(self, number: int) -> Iterator[tuple[int, Place]]:
        """The leaves of one seal that are not as they are stored, with their place in it."""
        contents = self.seals[number].contents
        rows = ((name, row) for name, ranges in contents for first, last in ranges for row in range(first, last + 1))
        for at, ((table, row), now, stored) in enumerate(zip(rows, self.now[number], self.stored[number], strict=True)):
            if now != stored:
                yield at, Place(table, row, now, (table, row) not in self.gone)


@dataclass(slots=True)
class Facts:
    """What holds for the whole verification: which salts were destroyed, and which segments were taken out, by the word of
    entries (``words`` are their numbers). What has no such entry counts as never said: ``unsaid`` are subjects whose salts are gone
    all the same.

    ``destroyed`` says up to which leaf a subject may be hidden: the place of the seal that has the entry, and None where none has
    it yet. The time of a seal is not signed, its place is.

    ``skipped`` are numbers of a table that a restore left out, so that none is given twice: no row will ever have them.
    """

    destroyed: Mapping[str, int | None]
    dropped: Sequence[LedgerSegment]
    unsaid: Sequence[str] = ()
    words: Sequence[int] = ()
    skipped: Mapping[str, Ranges] = field(default_factory=dict)
    salts: dict[str, bytes] = field(default_factory=dict)
    named: dict[str, int | None] = field(default_factory=dict)

    def is_dropped(self, seal: LedgerSeal) -> bool:
        return any(one.begins <= seal.begins and seal.size <= one.size for one in self.dropped)

    def may_hide(self, subject: str, seal: LedgerSeal) -> bool:
        """Whether what ``seal`` has of the subject was sealed before the subject was forgotten."""
        if subject not in self.destroyed:
            return False
        place = self.destroyed[subject]
        return place is None or seal.begins < place

    def named_from(self, table: Table) -> int | None:
        """From which version on a history names actions."""
        if table.name not in self.named:
            self.named[table.name] = named_from(table)
        return self.named[table.name]


def facts() -> Facts:
    """Five queries, and one for each time that something was forgotten, taken out or restored."""
    forgotten = _readable(LedgerEntry.objects.filter(action="ledger.forget"), "object_id", "at")
    said = {(subject, at): number for number, subject, at in forgotten}
    destroyed: dict[str, int | None] = {}
    unsaid, words = [], []
    for _key, subject, at in _readable(
        LedgerSalt.objects.filter(destroyed_at__isnull=False), "subject", "destroyed_at"
    ):
        number = said.get((subject, at)) if at is not None else None
        if number is None:
            unsaid.append(subject)
            destroyed[subject] = None
            continue
        words.append(number)
        seal = seal_with(number)
        before = destroyed.get(subject, 0)
        destroyed[subject] = None if seal is None or before is None else max(before, seal.begins)
    taken = {(about, str(data.get("sha256"))): number for number, about, data in _said("ledger.take_out")}
    segments = {(f"{one.begins}-{one.size}", one.sha256): one for one in LedgerSegment.objects.exclude(dropped_at=None)}
    dropped = [one for key, one in segments.items() if key in taken]
    words += [number for key, number in taken.items() if key in segments]
    skipped = _skipped(words)
    return Facts(destroyed, dropped, tuple(unsaid), tuple(sorted(set(words))), skipped)


def _said(action: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Number, object and data of the entries of an action."""
    for number, about, data in _readable(LedgerEntry.objects.filter(action=action), "object_id", "data"):
        yield number, about, data if isinstance(data, dict) else {}


def _readable(found: models.QuerySet[Any], *columns: str) -> Iterator[tuple[Any, ...]]:
    """Key and columns of rows. Where nobody can read one, each is read alone and the others count: that its leaf is another, or cannot
    be told, is found where its seal is."""
    try:
        yield from list(found.order_by("pk").values_list("pk", *columns))
        return
    except UNREADABLE as error:
        if not is_of_a_value(error):
            raise
    for key in found.order_by("pk").values_list("pk", flat=True):
        try:
            yield found.values_list("pk", *columns).get(pk=key)
        except UNREADABLE:
            continue


def _skipped(words: list[int]) -> dict[str, list[list[int]]]:
    """By table, and adds the entries that say so to ``words``. An entry of a restore cannot speak of entries to come."""
    found: dict[str, list[list[int]]] = {}
    for number, _about, data in _said("backup.restore"):
        own = data.get("skipped")
        for name, pair in own.items() if isinstance(own, dict) else ():
            if name in tables() and is_range(pair) and (name != ENTRIES or pair[1] < number):
                found.setdefault(name, []).append(pair)
                words.append(number)
    return found


def is_range(value: object) -> bool:
    """Whether it is a first and a last number of rows, as a sequence gives them."""
    return isinstance(value, list) and [type(one) for one in value] == [int, int] and 0 < value[0] <= value[1] < 2**63


def seals_together(seals: Iterator[LedgerSeal]) -> Iterator[list[LedgerSeal]]:
    """Seals in batches of some thousand leaves."""
    batch: list[LedgerSeal] = []
    leaves = 0
    for seal in seals:
        batch.append(seal)
        leaves += count_of(seal)
        if leaves >= _TOGETHER:
            yield batch
            batch, leaves = [], 0
    if batch:
        yield batch


def count_of(seal: LedgerSeal) -> int:
    """How many rows it names."""
    return sum(last - first + 1 for _table, ranges in seal.contents for first, last in ranges)


def contents_hold(contents: object, *, most: int) -> bool:
    """Whether this can be what a seal says it holds: runs of numbers by table, no more of them than ``most``. Reading a run that somebody
    made a thousand million long would not end."""
    if not isinstance(contents, list):
        return False
    count = 0
    for part in contents:
        match part:
            case [str(), [*ranges]] if all(map(is_range, ranges)):
                count += count_in(ranges)
            case _:
                return False
    return count <= most


def batch_read(seals: Sequence[LedgerSeal], known: Facts) -> Batch:
    """Read rows and tiles for these seals: a few queries, however many seals they are."""
    dropped = {seal.pk for seal in seals if known.is_dropped(seal)}
    wanted: dict[str, list[Sequence[int]]] = {}
    for seal in seals:
        for name, ranges in seal.contents:
            if seal.pk not in dropped or _stands(name):
                wanted.setdefault(name, []).extend(ranges)
    leaves, gone, beyond = _leaves(wanted, seals, known)
    unbound = [(name, number) for name in leaves for number in _unbound(name, leaves[name], known)]
    tiles = Tiles()
    tiles.load(0, min(seal.begins for seal in seals), max(seal.begins + count_of(seal) for seal in seals))
    now: list[Sequence[bytes | None]] = []
    stored: list[list[bytes]] = []
    for seal in seals:
        held = tiles.leaves(seal.begins, count_of(seal))
        stored.append(held)
        if seal.pk in dropped:
            # Its rows are in the archive; that none came back is looked for beside the seals.
            left = _left(seal, leaves, known)
            found = [left.get(at, leaf) for at, leaf in enumerate(held)]
            beyond += len(held) - len(left)
        else:
            found = _now(seal, leaves)
        # One list where both say the same, which is nearly always: it goes from one process to another.
        now.append(held if found == held else found)
    return Batch(seals, now, stored, frozenset(gone), beyond, unbound)


_Leaves = Mapping[str, Mapping[int, bytes | None]]


def _stands(name: str) -> bool:
    return name in tables() and tables()[name].stands


def _now(seal: LedgerSeal, leaves: _Leaves) -> list[bytes | None]:
    """The leaves that the rows of one seal make now, in its order."""
    found: list[bytes | None] = []
    for name, ranges in seal.contents:
        by_row = leaves.get(name, {})
        for first, last in ranges:
            found += map(by_row.get, range(first, last + 1))
    return found


def _unbound(name: str, rows: Collection[int], known: Facts) -> list[int]:
    table = tables().get(name)
    if table is None or not table.is_history or not rows:
        return []
    since = known.named_from(table)
    return [
        number
        for part in portions(ranges_of(sorted(rows)), most=_TOGETHER)
        for number in unbound_in(table, within(table.key, part), since=since)
    ]


def _left(seal: LedgerSeal, leaves: _Leaves, known: Facts) -> dict[int, bytes | None]:
    """The leaves of what stayed when a seal's segment was taken out, by their place in it: what the ledger says of itself, and rows
    that others hang on."""
    found: dict[int, bytes | None] = {}
    place = 0
    for name, ranges in seal.contents:
        for first, last in ranges:
            if _stands(name):
                found |= {place + row - first: leaves[name].get(row) for row in range(first, last + 1)}
            elif name == ENTRIES:
                own, _beyond = _portion(tables()[name], within("id", [[first, last]]) & OWN_WORDS, [seal], known)
                found |= {place + row - first: leaf for row, leaf in own.items()}
            place += last - first + 1
    return found


def _leaves(
    wanted: Mapping[str, Ranges], seals: Sequence[LedgerSeal], known: Facts
) -> tuple[dict[str, dict[int, bytes | None]], set[tuple[str, int]], int]:
    """The leaves by table and row, the rows that are gone, and how many are beyond telling."""
    leaves: dict[str, dict[int, bytes | None]] = {}
    gone: set[tuple[str, int]] = set()
    beyond = 0
    for name, ranges in wanted.items():
        table = tables().get(name)
        by_row = leaves.setdefault(name, {})
        for part in portions(merged(ranges), most=_TOGETHER):
            here: dict[int, bytes | None] = {}
            if table is not None:
                here, hidden = _portion(table, within(table.key, part), seals, known)
                by_row.update(here)
                beyond += hidden
            if len(here) < count_in(part):
                gone.update(
                    (name, number) for first, last in part for number in range(first, last + 1) if number not in by_row
                )
    return leaves, gone, beyond


def _portion(
    table: Table, numbers: Q, seals: Sequence[LedgerSeal], known: Facts
) -> tuple[dict[int, bytes | None], int]:
    """The leaves of these rows, and how many are beyond telling. Where something stands in one of them that no program of ours can
    have written, that row alone has no leaf."""
    try:
        sheet = sheet_read(table, numbers)
        leaves = sheet.leaves(_salts(sheet.subjects(), known))
        by_row = dict(zip(sheet.numbers, leaves, strict=True))
        return by_row, _hidden_leaves(table, _touched(sheet, table, known), seals, known, by_row)
    except UNREADABLE as error:
        if not is_of_a_value(error):
            raise
    rows = list(table.model._base_manager.filter(numbers).order_by(table.key).values_list(table.key, flat=True))
    if len(rows) == 1:
        return {rows[0]: None}, 0
    found: dict[int, bytes | None] = {}
    beyond = 0
    for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        more, hidden = _portion(table, numbers & within(table.key, [[half[0], half[-1]]]), seals, known)
        found |= more
        beyond += hidden
    return found, beyond


UNREADABLE = (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError, DatabaseError)
"""What reading a row raises that was written past Django: broken JSON, infinity, bytes in a text, a word for a date. SQLite takes
them; its own complaint is of bytes that are no UTF-8."""


def is_of_a_value(error: Exception) -> bool:
    """Whether the database, if it was the one to complain, complained of what stands in a row."""
    return not isinstance(error, DatabaseError) or "decode" in str(error).lower()


def _salts(wanted: set[str], known: Facts) -> Mapping[str, bytes]:
    if len(known.salts) > _SALTS:
        known.salts.clear()
    known.salts |= salts_known(wanted - known.salts.keys())
    return known.salts


def _touched(sheet: Sheet, table: Table, known: Facts) -> list[Row]:
    """The rows about subjects that were forgotten at some time."""
    touched = sheet.about(known.destroyed) if known.destroyed else []
    return list(table.rows(Q(pk__in=touched))) if touched else []


def _hidden_leaves(
    table: Table, rows: Sequence[Row], seals: Sequence[LedgerSeal], known: Facts, by_row: dict[int, bytes | None]
) -> int:
    """Put in the leaves of rows about subjects that were forgotten: by kept digests where it was after their seal. Returns how many
    that are."""
    if not rows:
        return 0
    numbers = [row.number for row in rows]
    sealed_in, kept = _seals_of(table.name, set(numbers), seals), _digests(table.name, numbers)
    count = 0
    for row in rows:
        seal = sealed_in[row.number]
        parts, hidden = {}, 0
        for part, (subject, _content) in row.secret.items():
            salt = known.salts.get(subject)
            if (row.number, part) in kept and known.may_hide(subject, seal):
                parts[part] = kept[row.number, part]
                hidden = 1
            elif salt:
                parts[part] = row.digest(part, salt)
        by_row[row.number] = row.leaf_of(parts) if len(parts) == len(row.secret) else None
        count += hidden
    return count


def _seals_of(table: str, numbers: Collection[int], seals: Sequence[LedgerSeal]) -> dict[int, LedgerSeal]:
    return {
        number: seal
        for seal in seals
        for name, ranges in seal.contents
        if name == table
        for first, last in ranges
        for number in numbers
        if first <= number <= last
    }


def _digests(table: str, numbers: Sequence[int]) -> Digests:
    kept = LedgerDigest.objects.filter(table=table, row__in=numbers).values_list("row", "part", "digest")
    return {(row, part): digest for row, part, digest in kept}
