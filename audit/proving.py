"""Where an entry stands in the tree, and what shows it to somebody who believes nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from audit.leaves import ENTRIES, Digests, Row, Salts, count_in, tables
from audit.models import LedgerDigest, LedgerHorizon, LedgerSeal
from audit.proofs.merkle import BadProof, inclusion_proof, inclusion_root, node_hash
from audit.proofs.notes import BadNote, checkpoint_read, note_read
from audit.sealing import salts_known
from audit.tiles import Tiles
from audit.whereabouts import Sealed, whereabouts

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

    @property
    def root(self) -> bytes:
        """What its checkpoint says; b"" for one that cannot be read."""
        try:
            return checkpoint_read(note_read(self.note).text).root
        except BadNote:
            return b""

    @property
    def parent(self) -> bytes:
        """The hash of the leaf with its first step: what stands above both, for whoever draws the way. b"" where it is the root itself."""
        if not self.steps:
            return b""
        return node_hash(self.steps[0], self.leaf) if self.is_right else node_hash(self.leaf, self.steps[0])

    @property
    def top(self) -> bytes:
        """The last of its steps, just below the root; b"" for none."""
        return self.steps[-1] if self.steps else b""

    @property
    def is_right(self) -> bool:
        """Whether the first step stands to the left of the leaf. The last leaf may have no sister: its first step is a wider subtree."""
        return bool(self.index & 1) or self.index == self.size - 1

    @property
    def holds(self) -> bool:
        """Whether it does lead to the root in its checkpoint: some twenty hashes. Not where the row or a hash was changed."""
        try:
            return inclusion_root(self.leaf, self.index, self.size, self.steps) == self.root
        except BadProof:
            return False

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


def entry_proof(number: int) -> EntryProof | None:
    """The proof of one entry in the newest tree; None while it waits for its seal. Two queries."""
    found = whereabouts(number)
    if found is None:
        return None
    seal: Sealed | LedgerSeal | None = found.seal
    if seal is not None and _index(seal, number) is None:
        # It filled a gap: a later seal has it.
        seal = seal_with(number)
    if seal is None:
        return None
    return _proof(found.row, seal, Tiles(), (found.size, found.note), found.salts, found.kept)


def entries_proved(numbers: Collection[int], *, tiles: Tiles, newest: LedgerSeal) -> Iterator[EntryProof]:
    """The proofs of those entries that are sealed, in the order of their numbers."""
    if not numbers:
        return
    rows = list(tables()[ENTRIES].rows(Q(pk__in=list(numbers)), few=len(numbers) < _FEW))
    salts = salts_known({subject for row in rows for subject, _content in row.secret.values()})
    kept = {
        (row, part): digest
        for row, part, digest in LedgerDigest.objects.filter(table=ENTRIES, row__in=list(numbers)).values_list(
            "row", "part", "digest"
        )
    }
    for row, seal in _with_seals(rows, newest):
        proof = _proof(row, seal, tiles, (newest.size, newest.note), salts, kept)
        if proof is not None:
            yield proof


def _proof(
    row: Row, seal: LedgerSeal | Sealed, tiles: Tiles, tree: tuple[int, str], salts: Salts, kept: Digests
) -> EntryProof | None:
    """The proof of a row that ``seal`` has, in the ``tree`` of that size and checkpoint; None where its leaf cannot be told."""
    size, note = tree
    index = _index(seal, row.number)
    leaf = row.leaf(salts_left(row, salts, kept), kept)
    if index is None or leaf is None:
        return None
    tiles.load_path(index, size)
    return EntryProof(
        number=row.number,
        index=index,
        size=size,
        sealed_at=seal.at,
        leaf=leaf,
        told=row.told,
        parts={name: part_of(row, name, salts, kept) for name in row.secret},
        steps=tuple(inclusion_proof(tiles, index, size)),
        note=note,
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
            found = seal_with(row.number)
            if found is None:
                continue
            seals = [found, *seals[:7]]
        yield row, found


def seal_with(number: int) -> LedgerSeal | None:
    """The seal that has an entry. Mostly the first that reaches it: the index ends there. One that filled a gap is in a later."""
    reaching = LedgerSeal.objects.filter(lowest__lte=number, highest__gte=number).order_by("highest", "lowest")
    first = reaching.first()
    if first is None or _index(first, number) is not None:
        return first
    return next((seal for seal in reaching if _index(seal, number) is not None), None)


def _index(seal: LedgerSeal | Sealed, number: int) -> int | None:
    """The leaf that an entry became in ``seal``; None where the seal has it not."""
    place = seal.begins
    for table, ranges in seal.contents:
        for first, last in ranges:
            if table == ENTRIES and first <= number <= last:
                return int(place + number - first)
            place += count_in([[first, last]])
    return None
