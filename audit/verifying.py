"""Verification: the tree is built anew from the rows, and every difference is named.

What is found, and by what:
- a row changed, or gone: its leaf is not the one that was sealed (the sealed leaf stands in a tile, and the tiles lead
  to the signed root);
- a row put in later: its number lies below a sealed one, and no seal has it;
- on SQLite, where a number is never lost, a row that was taken away before its seal: no row has its number;
- tiles changed: the rows lead to the signed root, the tiles do not;
- a seal changed, gone or signed by a strange key: its note does not say what the tree says;
- a salt destroyed with no entry that says so: contents could hide behind it;
- a whole log written anew: only a checkpoint kept elsewhere can tell, see ``kept``, or the signature of a witness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from typing import Any

from django.db import connection, connections

from audit import keys
from audit.batches import (
    UNREADABLE,
    Batch,
    Facts,
    batch_read,
    contents_hold,
    facts,
    is_of_a_value,
    seals_together,
)
from audit.beside import rows_beside
from audit.findings import CHANGED, GONE, KEPT, SALT, SEAL, TILES, Finding
from audit.leaves import ENTRIES
from audit.models import Keeper, KeeperSending, LedgerSeal
from audit.proofs.merkle import Frontier
from audit.proofs.notes import BadNote, Checkpoint, Verifier, checkpoint_read, note_read, note_signed_by, verifier_read
from audit.proofs.witness import cosigned_by
from audit.tiles import HEIGHT, Tiles

_NAMED = 20
"""Unbound versions that a verdict names."""
Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at and found. ``beyond`` counts rows whose salts are destroyed, or that are in an archive: their
    leaves stand, their contents cannot be held against them. ``undone`` counts entry numbers that no transaction ever
    committed. ``size`` is how far it came: less than the tree's where it was stopped. ``unbound`` counts versions in
    histories that name an action of which the ledger has no entry, and ``unbound_first`` names some: they were saved past the
    services, or written in before they were sealed. That is nothing changed, and so no finding. ``words`` are the entries by whose
    word a salt is gone or a segment taken out."""

    leaves: int
    seals: int
    beyond: int
    undone: int
    findings: tuple[Finding, ...]
    root: bytes
    size: int
    unbound: int = 0
    unbound_first: tuple[tuple[str, int], ...] = ()
    words: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        return not self.findings


def ledger_verify(
    *,
    since: int = 0,
    kept: Sequence[Checkpoint] = (),
    trusted: Sequence[Verifier] = (),
    progress: Progress | None = None,
    stop: Stop | None = None,
    jobs: int = 1,
) -> Verdict:
    """Hold every row against the tree, from the seal on that begins at ``since`` (0: from the first).

    ``kept`` are checkpoints that somebody else kept: the tree must have had those roots. ``trusted`` are the keys that are believed,
    with those that they introduced; without any, all that the database names. ``progress`` is told leaves done and leaves in all.
    ``stop`` is asked after each few thousand leaves; what is left then is for the next time.
    With ``jobs`` above 1 rows are read and hashed by as many processes, unless a transaction is open.
    """
    known = keys.verifiers(trusted=trusted)
    try:
        return _Verification(since, kept, known, progress or (lambda _done, _all: None)).run(
            stop or (lambda: False), jobs
        )
    except UNREADABLE as error:
        # Without its seals the tree cannot be built at all: they are named, and nothing else is told. A database that is locked or away
        # says nothing of them.
        if not is_of_a_value(error) or not (unreadable := _seals_unreadable()):
            raise
        words = "the seal cannot be read: something stands in it that no program of ours can have written"
        findings = tuple(Finding(SEAL, LedgerSeal._meta.db_table, row, detail=words) for row in unreadable)
        return Verdict(0, 0, 0, 0, findings, b"", since)


def _seals_unreadable() -> list[int]:
    """The numbers of seals that nobody can read, or whose columns hold other things than they are for. SQLite takes them."""
    found = []
    for number in LedgerSeal.objects.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=5_000):
        try:
            seal = LedgerSeal.objects.get(pk=number)
        except UNREADABLE as error:
            if not is_of_a_value(error):
                raise
            found.append(number)
            continue
        held: list[tuple[object, Any]] = [(seal.at, datetime), (seal.note, str), (seal.root, bytes | memoryview)]
        held += [(size or 0, int) for size in (seal.begins, seal.size, seal.lowest, seal.highest)]
        if not all(isinstance(value, kind) for value, kind in held):
            found.append(number)
    return found


class _Verification:
    def __init__(self, since: int, kept: Sequence[Checkpoint], known: Sequence[Verifier], progress: Progress) -> None:
        self.known = known
        self.facts = facts()
        self.progress = progress
        self.tiles = Tiles()
        self.kept: dict[int, set[bytes]] = {}
        for one in kept:
            self.kept.setdefault(one.size, set()).add(one.root)
        self.findings: list[Finding] = []
        self.unbound: list[tuple[str, int]] = []
        self.beyond = self.leaves = self.seals = 0
        before = LedgerSeal.objects.filter(begins__lte=since).order_by("-begins").first() if since else None
        self.begin: int = before.begins if before and before.size > since else since
        self.frontier = self._begun()

    def _begun(self) -> Frontier:
        """The tree as it was where verification begins, held against the seal before."""
        if not self.begin:
            return Frontier()
        earlier = LedgerSeal.objects.filter(size=self.begin).first()
        frontier = self._by_tiles(self.begin)
        if earlier is None or bytes(earlier.root) != frontier.root():
            self._find(TILES, leaf=0, detail="the tiles before do not lead to the root that was sealed then")
        return frontier

    def _by_tiles(self, size: int) -> Frontier:
        """The tree of that size by what the tiles say; by nothing where they lack something."""
        try:
            return self.tiles.frontier(size)
        except LookupError:
            self._find(TILES, leaf=size, detail="tiles are gone")
            return Frontier(size, [b"\x00" * 32] * size.bit_count())

    def run(self, stop: Stop, jobs: int) -> Verdict:
        last = LedgerSeal.objects.order_by("-begins").first()
        total = (last.size if last else 0) - self.begin
        seals = self._told(
            LedgerSeal.objects.filter(begins__gte=self.begin).order_by("begins").iterator(chunk_size=500)
        )
        with _reader(self.facts, jobs) as read:
            for batch in read(seals_together(seals)):
                for number in range(len(batch.seals)):
                    self._seal(batch, number)
                self.beyond += batch.beyond
                self.unbound += batch.unbound
                self.progress(self.leaves, total)
                if stop():
                    break
        if last is None or self.frontier.size >= last.size:
            self._ends(last.size if last else 0)
        undone = self._beside() if not self.begin and self.frontier.size >= (last.size if last else 0) else 0
        return Verdict(
            self.leaves,
            self.seals,
            self.beyond,
            undone,
            tuple(self.findings),
            self.frontier.root(),
            self.frontier.size,
            len(self.unbound),
            tuple(self.unbound[:_NAMED]),
            tuple(self.facts.words),
        )

    def _told(self, seals: Iterable[LedgerSeal]) -> Iterator[LedgerSeal]:
        """The seals; one whose contents cannot be any seal's comes without them."""
        room = self.tiles.room()
        for seal in seals:
            if not contents_hold(seal.contents, most=room):
                self._find(SEAL, seal=seal.at, leaf=seal.begins, detail="its contents are none that a seal can have")
                seal.contents = []
            yield seal

    def _ends(self, size: int) -> None:
        """What can only be told where the tree ends."""
        if self._lacks_a_seal(size):
            self._find(SEAL, leaf=size, detail="there are leaves beyond the last seal: a seal is gone")
        for subject in self.facts.unsaid:
            self._find(SALT, detail=f"the salt of {subject} was destroyed, and no entry says so")
        wanted = [one for one in self.kept if self.begin < one]
        pieces = (wanted[start : start + 500] for start in range(0, len(wanted), 500))
        sizes = {
            size for some in pieces for size in LedgerSeal.objects.filter(size__in=some).values_list("size", flat=True)
        }
        for kept_size in wanted:
            if kept_size > self.frontier.size:
                self._find(
                    KEPT,
                    detail=f"a checkpoint of size {kept_size} was kept, the log has {self.frontier.size}: it was cut",
                )
            elif kept_size not in sizes:
                self._find(KEPT, detail=f"no seal has the size {kept_size} of a checkpoint that was kept")

    def _lacks_a_seal(self, size: int) -> bool:
        """Whether there are leaves that no seal reaches. What is sealed meanwhile comes with its leaves: then the newer seal is asked."""
        while self.tiles.reach_beyond(size):
            newest = LedgerSeal.objects.order_by("-begins").first()
            if newest is None or newest.size <= size:
                return True
            size = newest.size
        return False

    def _beside(self) -> int:
        beside = rows_beside(self.facts)
        self.findings += beside.findings
        return beside.undone

    def _find(self, kind: str, **more: Any) -> None:
        self.findings.append(Finding(kind, **more))

    def _seal(self, batch: Batch, number: int) -> None:
        """Hold the rows and the tiles of one seal against its root, and the root against its note."""
        seal, stored = batch.seals[number], list(batch.stored[number])
        self.seals += 1
        if seal.begins != self.frontier.size:
            self._find(SEAL, seal=seal.at, leaf=seal.begins, detail="a seal before it is gone, or was changed")
            self.frontier = self._by_tiles(seal.begins)
        if batch.now[number] == stored:
            self._stands_on(seal, self.frontier.extend(stored))
            if self.frontier.root() != bytes(seal.root):
                self._find(
                    SEAL, seal=seal.at, leaf=seal.begins, detail=f"rows and tiles lead to another root: {_held(seal)}"
                )
        else:
            self._judge(batch, number)
        self.leaves += len(stored)
        self._stated(seal)

    def _stands_on(self, seal: LedgerSeal, grown: Sequence[tuple[int, int, list[bytes]]]) -> None:
        """Hold the tiles above the leaves against what was built: proofs stand on them, and the next seal does."""
        for level, first, hashes in grown:
            if level and level % HEIGHT == 0 and not self.tiles.has(level // HEIGHT, first, hashes):
                detail = f"the tiles of level {level // HEIGHT} do not stand on the leaves below"
                self._find(TILES, seal=seal.at, leaf=first << level, detail=detail)

    def _judge(self, batch: Batch, number: int) -> None:
        """Rows and tiles differ: which of them is right says the signed root."""
        seal, stored, before = batch.seals[number], list(batch.stored[number]), self.frontier.size
        by_tiles, by_rows = self.frontier.copy(), self.frontier.copy()
        rows, findings = list(stored), []
        for at, place in batch.places(number):
            rows[at] = place.now or b""
            kind = CHANGED if place.here else GONE
            findings.append(Finding(kind, place.table, place.row, before + at, seal.at))
        by_tiles.extend(stored)
        by_rows.extend(rows)
        if by_tiles.root() == bytes(seal.root):
            self.findings += findings
            self.frontier = by_tiles
        elif by_rows.root() == bytes(seal.root):
            self._find(
                TILES, seal=seal.at, leaf=seal.begins, detail="the rows are as they were sealed; tiles were changed"
            )
            self.frontier = by_rows
        else:
            self.findings += findings
            detail = f"neither rows nor tiles lead to the sealed root: {_held(seal)}"
            self._find(SEAL, seal=seal.at, leaf=seal.begins, detail=detail)
            self.frontier = by_tiles

    def _stated(self, seal: LedgerSeal) -> None:
        """What its note, its numbers and what was kept elsewhere say of a seal."""
        place = {"seal": seal.at, "leaf": seal.begins}
        entries = [number for name, ranges in seal.contents if name == ENTRIES for pair in ranges for number in pair]
        if (seal.lowest, seal.highest) != (min(entries, default=None), max(entries, default=None)):
            self._find(SEAL, **place, detail="its lowest or highest entry is not that of its contents")
        if self.frontier.size != seal.size:
            self._find(SEAL, **place, detail="its contents are not as many as its size says")
        try:
            note = note_read(seal.note)
            note_signed_by(note, self.known)
            stated = checkpoint_read(note.text)
        except BadNote as error:
            self._find(SEAL, **place, detail=str(error))
        else:
            if (stated.size, stated.root) != (seal.size, bytes(seal.root)):
                self._find(SEAL, **place, detail="its signed note says another size or root")
        if self.kept.get(seal.size, set()) - {bytes(seal.root)}:
            self._find(KEPT, **place, detail=f"the checkpoint kept of size {seal.size} has another root")


def _held(seal: LedgerSeal) -> str:
    """Which rows it has, to say where to look."""
    runs = [f"{name} {first}–{last}" for name, ranges in seal.contents for first, last in ranges]
    return ", ".join(runs[:5]) + (f" and {len(runs) - 5} runs more" if len(runs) > 5 else "")


@contextmanager
def _reader(known: Facts, jobs: int) -> Iterator[Callable[[Iterable[list[LedgerSeal]]], Iterable[Batch]]]:
    """How batches are read: here, or by ``jobs`` processes, in their order either way."""
    if jobs <= 1 or connection.in_atomic_block:
        yield lambda batches: (batch_read(seals, known) for seals in batches)
        return
    # A connection is no thing to share with children.
    connections.close_all()
    with get_context("fork").Pool(jobs, _begin_child, (known,)) as pool:
        yield lambda batches: pool.imap(_child_read, list(batches))


_child_facts: list[Facts] = []


def _begin_child(known: Facts) -> None:
    _child_facts[:] = [known]


def _child_read(seals: list[LedgerSeal]) -> Batch:
    return batch_read(seals, _child_facts[0])


def sent_kept() -> list[Checkpoint]:
    """The checkpoints that keepers were sent, as this database remembers them: whoever cuts or rewrites the log has to think of them
    too. What the keepers have says more."""
    sent = KeeperSending.objects.filter(outcome=KeeperSending.Outcome.SENT).order_by("pk").values_list("size", "root")
    return [Checkpoint(keys.origin(), size, root) for size, root in {(size, bytes(root)) for size, root in sent}]


def cosigned_kept(witnesses: Sequence[Verifier] = ()) -> list[Checkpoint]:
    """The checkpoints that witnesses have signed, to hold the tree against; by the keys given, or else by those on record.

    Raises BadNote where a line on record is no such signature: somebody changed it.
    """
    found: list[Checkpoint] = []
    notes = KeeperSending.objects.exclude(cosigned="").order_by("pk").values_list("keeper_id", "size", "cosigned")
    on_record = {
        keeper.pk: verifier_read(keeper.public_key) for keeper in Keeper.objects.filter(kind=Keeper.Kind.WITNESS)
    }
    for keeper, size, encoded in notes.iterator():
        note = note_read(encoded)
        if cosigned_by(note, witnesses or [on_record[keeper]]):
            found.append(checkpoint_read(note.text))
        elif not witnesses:
            raise BadNote(f"the witness’s signature of the checkpoint of size {size} was changed")
    return found
