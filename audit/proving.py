"""Where an entry stands in the tree, and what shows it to somebody who believes nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from audit.leaves import ENTRIES, Row, count_in, tables
from audit.models import LedgerDigest, LedgerHorizon, LedgerSeal
from audit.proofs.merkle import inclusion_proof
from audit.sealing import salts_known
from audit.tiles import Tiles

_FEW = 100
"""Entries whose rows are read in one answer."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a leaf: its content in canonical JSON and the salt, or only the digest where the subject was forgotten."""

    digest: str
    content: str | None
    salt: str | None

    def plain(self) -> dict[str, Any]:
        return {"digest": self.digest, "content": self.content, "salt": self.salt}


@dataclass(frozen=True, slots=True)
class EntryProof:
    """That entry ``number`` is leaf ``index`` of the tree of ``size`` leaves, whose signed checkpoint is ``note``."""

    number: int
    index: int
    size: int
    sealed_at: datetime
    leaf: bytes
    told: Mapping[str, Any]
    parts: Mapping[str, Part]
    steps: tuple[bytes, ...]
    note: str

    def plain(self) -> dict[str, Any]:
        """As it is downloaded; audit/watchbell_verify.py reads it."""
        return {
            "entry": self.number,
            "index": self.index,
            "size": self.size,
            "told": dict(self.told),
            "parts": {name: part.plain() for name, part in self.parts.items()},
            "proof": [step.hex() for step in self.steps],
        }


def newest_seal() -> LedgerSeal | None:
    return LedgerSeal.objects.order_by("-begins").first()


def entries_waiting(numbers: Collection[int]) -> set[int]:
    """Those of these entries that the next seal will take: one query."""
    horizon = LedgerHorizon.objects.filter(table=ENTRIES).first()
    if horizon is None:
        return set(numbers)
    return {
        number
        for number in numbers
        if number > horizon.upto or any(int(first) <= number <= int(last) for first, last, _seen in horizon.gaps)
    }


def entry_proof(number: int, *, tiles: Tiles | None = None, newest: LedgerSeal | None = None) -> EntryProof | None:
    """The proof of one entry in the newest tree; None while it waits for its seal. Some eight queries."""
    return next(entries_proved([number], tiles=tiles, newest=newest), None)


def entries_proved(
    numbers: Collection[int], *, tiles: Tiles | None = None, newest: LedgerSeal | None = None
) -> Iterator[EntryProof]:
    """The proofs of those entries that are sealed, in the order of their numbers."""
    newest = newest or newest_seal()
    if newest is None or not numbers:
        return
    tiles = tiles or Tiles()
    rows = list(tables()[ENTRIES].rows(Q(pk__in=list(numbers)), few=len(numbers) < _FEW))
    salts = salts_known({subject for row in rows for subject, _content in row.secret.values()})
    kept = {
        (row, part): digest
        for row, part, digest in LedgerDigest.objects.filter(table=ENTRIES, row__in=list(numbers)).values_list(
            "row", "part", "digest"
        )
    }
    for row, seal in _with_seals(rows, newest):
        index = _index(seal, row.number)
        leaf = row.leaf(salts_left(row, salts, kept), kept)
        if index is None or leaf is None:
            continue
        tiles.load_path(index, newest.size)
        yield EntryProof(
            number=row.number,
            index=index,
            size=newest.size,
            sealed_at=seal.at,
            leaf=leaf,
            told=row.told,
            parts={name: part_of(row, name, salts, kept) for name in row.secret},
            steps=tuple(inclusion_proof(tiles, index, newest.size)),
            note=newest.note,
        )


def salts_left(row: Row, salts: Mapping[str, bytes], kept: Mapping[tuple[int, str], str]) -> dict[str, bytes]:
    """The salts of those parts of which no digest was kept: a subject that was forgotten may have a new salt since."""
    whose = {subject for name, (subject, _content) in row.secret.items() if (row.number, name) not in kept}
    return {subject: salt for subject, salt in salts.items() if subject in whose}


def part_of(row: Row, name: str, salts: Mapping[str, bytes], kept: Mapping[tuple[int, str], str]) -> Part:
    """What can be shown of one part of a row's leaf."""
    subject, content = row.secret[name]
    digest = kept.get((row.number, name))
    if digest is not None:
        return Part(digest, None, None)
    return Part(row.digest(name, salts[subject]), content.decode(), salts[subject].hex())


def _with_seals(rows: Collection[Row], newest: LedgerSeal) -> Iterator[tuple[Row, LedgerSeal]]:
    """Each row with the seal that has it; a few seals serve many rows."""
    seals: list[LedgerSeal] = [newest]
    for row in rows:
        found = next((seal for seal in seals if _index(seal, row.number) is not None), None)
        if found is None:
            asked = LedgerSeal.objects.filter(lowest__lte=row.number, highest__gte=row.number).order_by("begins")
            found = next((seal for seal in asked if _index(seal, row.number) is not None), None)
            if found is None:
                continue
            seals = [found, *seals[:7]]
        yield row, found


def _index(seal: LedgerSeal, number: int) -> int | None:
    """The leaf that an entry became in ``seal``; None where the seal has it not."""
    place = seal.begins
    for table, ranges in seal.contents:
        for first, last in ranges:
            if table == ENTRIES and first <= number <= last:
                return int(place + number - first)
            place += count_in([[first, last]])
    return None
