"""What verification reads: the leaves that the rows of some seals make now, and those that the tiles hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models
from django.db.models import Q

from audit.binding import unbound_in
from audit.leaves import ENTRIES, Digests, Row, count_in, merged, portions, ranges_of, tables, within
from audit.models import LedgerDigest, LedgerEntry, LedgerSalt, LedgerSeal, LedgerSegment
from audit.sealing import salts_known
from audit.sheets import sheet_read
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

    ``now`` is None where the row is gone, or where it can make no leaf because its salt is; ``here`` tells those apart.
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
    entries. What has no such entry counts as never said: ``unsaid`` are subjects whose salts are gone all the same."""

    destroyed: Mapping[str, Sequence[datetime]]
    dropped: Sequence[LedgerSegment]
    unsaid: Sequence[str] = ()
    salts: dict[str, bytes] = field(default_factory=dict)

    def is_dropped(self, seal: LedgerSeal) -> bool:
        return any(one.begins <= seal.begins and seal.size <= one.size for one in self.dropped)


def facts() -> Facts:
    """Four queries; each bounded by how often something was forgotten or archived."""
    said = set(LedgerEntry.objects.filter(action="ledger.forget").values_list("object_id", "at"))
    destroyed: dict[str, list[datetime]] = {}
    unsaid = []
    for subject, at in LedgerSalt.objects.filter(destroyed_at__isnull=False).values_list("subject", "destroyed_at"):
        if at is not None:
            destroyed.setdefault(subject, []).append(at)
        if (subject, at) not in said:
            unsaid.append(subject)
    entries = LedgerEntry.objects.filter(action="ledger.take_out").values_list("object_id", "data")
    taken = {(object_id, str((data or {}).get("sha256"))) for object_id, data in entries}
    segments = LedgerSegment.objects.filter(dropped_at__isnull=False)
    dropped = [one for one in segments if (f"{one.begins}-{one.size}", one.sha256) in taken]
    return Facts(destroyed, dropped, tuple(unsaid))


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


def batch_read(seals: Sequence[LedgerSeal], known: Facts) -> Batch:
    """Read rows and tiles for these seals: a few queries, however many seals they are."""
    standing = [seal for seal in seals if not known.is_dropped(seal)]
    leaves, gone, beyond = _leaves(standing, known)
    unbound = [(name, number) for name in leaves for number in _unbound(name, leaves[name])]
    tiles = Tiles()
    tiles.load(0, min(seal.begins for seal in seals), max(seal.begins + count_of(seal) for seal in seals))
    now: list[Sequence[bytes | None]] = []
    stored: list[list[bytes]] = []
    for seal in seals:
        count = count_of(seal)
        held = tiles.leaves(seal.begins, count)
        stored.append(held)
        if known.is_dropped(seal):
            # Its rows are in the archive; that none came back is looked for beside the seals.
            own = _own_words(seal, known)
            now.append([own.get(at, leaf) for at, leaf in enumerate(held)])
            beyond += count - len(own)
            continue
        found: list[bytes | None] = []
        for name, ranges in seal.contents:
            by_row = leaves.get(name, {})
            for first, last in ranges:
                found += map(by_row.get, range(first, last + 1))
        # One list where both say the same, which is nearly always: it goes from one process to another.
        now.append(held if found == held else found)
    return Batch(seals, now, stored, frozenset(gone), beyond, unbound)


def _unbound(name: str, rows: Collection[int]) -> list[int]:
    if name == ENTRIES or name not in tables() or not rows:
        return []
    table = tables()[name]
    return [
        number
        for part in portions(ranges_of(sorted(rows)), most=_TOGETHER)
        for number in unbound_in(table, within(table.key, part))
    ]


def _own_words(seal: LedgerSeal, known: Facts) -> dict[int, bytes | None]:
    """What the ledger says of itself stays when its segment is taken out: those leaves, by their place in the seal."""
    found: dict[int, bytes | None] = {}
    place = 0
    for name, ranges in seal.contents:
        for first, last in ranges:
            if name == ENTRIES:
                rows = list(tables()[ENTRIES].rows(within("id", [[first, last]]) & OWN_WORDS))
                salts = _salts({subject for row in rows for subject, _content in row.secret.values()}, known)
                by_row: dict[int, bytes | None] = {row.number: row.leaf(salts) for row in rows}
                _hidden_leaves(name, [row for row in rows if _touched(row, known)], [seal], known, by_row)
                found |= {place + row - first: leaf for row, leaf in by_row.items()}
            place += last - first + 1
    return found


def _leaves(
    seals: Sequence[LedgerSeal], known: Facts
) -> tuple[dict[str, dict[int, bytes | None]], set[tuple[str, int]], int]:
    """The leaves by table and row, the rows that are gone, and how many are beyond telling."""
    wanted: dict[str, list[Sequence[int]]] = {}
    for seal in seals:
        for name, ranges in seal.contents:
            wanted.setdefault(name, []).extend(ranges)
    leaves: dict[str, dict[int, bytes | None]] = {}
    gone: set[tuple[str, int]] = set()
    beyond = 0
    for name, ranges in wanted.items():
        table = tables().get(name)
        by_row = leaves.setdefault(name, {})
        for part in portions(merged(ranges), most=_TOGETHER):
            count = 0
            if table is not None:
                sheet = sheet_read(table, within(table.key, part))
                by_row.update(zip(sheet.numbers, sheet.leaves(_salts(sheet.subjects(), known)), strict=True))
                touched = sheet.about(known.destroyed) if known.destroyed else []
                hidden = list(table.rows(Q(pk__in=touched))) if touched else []
                beyond += _hidden_leaves(name, hidden, seals, known, by_row)
                count = len(sheet.numbers)
            if count < count_in(part):
                gone.update(
                    (name, number) for first, last in part for number in range(first, last + 1) if number not in by_row
                )
    return leaves, gone, beyond


def _salts(wanted: set[str], known: Facts) -> Mapping[str, bytes]:
    if len(known.salts) > _SALTS:
        known.salts.clear()
    known.salts |= salts_known(wanted - known.salts.keys())
    return known.salts


def _touched(row: Row, known: Facts) -> bool:
    return bool(known.destroyed) and any(subject in known.destroyed for subject, _content in row.secret.values())


def _hidden_leaves(
    table: str, rows: Sequence[Row], seals: Sequence[LedgerSeal], known: Facts, by_row: dict[int, bytes | None]
) -> int:
    """The leaves of rows about subjects that were forgotten at some time: by kept digests where it was after their seal."""
    if not rows:
        return 0
    sealed_at = _instants(table, {row.number for row in rows}, seals)
    kept = _digests(table, [row.number for row in rows])
    count = 0
    for row in rows:
        at = sealed_at[row.number]
        subjects = {subject for subject, _content in row.secret.values()}
        hidden = {subject for subject in subjects if any(gone >= at for gone in known.destroyed.get(subject, ()))}
        salts = {one: known.salts[one] for one in subjects - hidden if one in known.salts}
        by_row[row.number] = row.leaf(salts, kept)
        count += bool(hidden)
    return count


def _instants(table: str, numbers: Collection[int], seals: Sequence[LedgerSeal]) -> dict[int, datetime]:
    return {
        number: seal.at
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
