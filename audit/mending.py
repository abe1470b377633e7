"""Tiles that do not lead to the signed roots are written anew: a disk lost them, or somebody changed them.

Sealing signs nothing on top of such tiles. They are made of leaves, so that nothing is lost with them as long as for each seal the rows, or
the leaves in the tiles, still lead to the root that was signed.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import transaction

from audit import keys
from audit.batches import Batch, batch_read, contents_hold, facts, seals_together
from audit.models import LedgerSeal
from audit.proofs.merkle import Frontier
from audit.proofs.notes import BadNote, Verifier, checkpoint_read, note_read, note_signed_by
from audit.sealing import sealing_held
from audit.services import entries_append
from audit.tiles import HEIGHT, Tiles
from audit.values import Actor, EntryValue


def tiles_mend(*, actor: Actor, at: datetime) -> int:
    """Write anew what the tiles hold wrongly or not at all, and say so in the ledger; returns how many tiles that were.

    Nobody waits while the whole is looked through, which takes as long as verifying it. Raises LookupError naming the first seal to whose
    signed root neither rows nor leaves lead; then nothing is written.
    """
    wrong = list(_wrong(keys.verifiers()))
    if not wrong:
        return 0
    with transaction.atomic():
        sealing_held()
        tiles = Tiles()
        mended = sorted(set().union(*(tiles.put(level, first, hashes) for level, first, hashes in wrong)))
        data = {"tiles": [f"{level}/{index}" for level, index in mended[:100]], "count": len(mended)}
        entry = EntryValue(at, "ledger.mend", "ledger", "tiles", actor=actor, source="command", data=data)
        entries_append([entry])
    return len(mended)


def _wrong(known: Iterable[Verifier]) -> Iterator[tuple[int, int, list[bytes]]]:
    """Level, place and hashes of what belongs into the tiles and is not there."""
    told, tiles, frontier = facts(), Tiles(), Frontier()
    seals = _signed(LedgerSeal.objects.order_by("begins").iterator(chunk_size=500), list(known))
    for together in seals_together(seals):
        batch = batch_read(together, told)
        for number in range(len(batch.seals)):
            for level, first, hashes in frontier.extend(_leaves(batch, number, frontier)):
                if level % HEIGHT == 0 and not tiles.has(level // HEIGHT, first, hashes):
                    yield level // HEIGHT, first, hashes


def _signed(seals: Iterable[LedgerSeal], known: list[Verifier]) -> Iterator[LedgerSeal]:
    """The seals, each held against its signed note: tiles are made to fit what was signed, and nothing else."""
    for seal in seals:
        try:
            note = note_read(seal.note)
            note_signed_by(note, known)
            stated = checkpoint_read(note.text)
        except BadNote as error:
            raise LookupError(f"the seal of {seal.at.isoformat()}: {error}") from error
        if (stated.size, stated.root) != (seal.size, bytes(seal.root)):
            raise LookupError(f"the seal of {seal.at.isoformat()}: its signed note says another size or root")
        if not contents_hold(seal.contents, most=seal.size):
            raise LookupError(f"the seal of {seal.at.isoformat()}: its contents are none that a seal can have")
        yield seal


def _leaves(batch: Batch, number: int, frontier: Frontier) -> list[bytes]:
    """The leaves of one seal, from the tiles or the rows, whichever lead from ``frontier`` to its root."""
    seal, stored = batch.seals[number], list(batch.stored[number])
    rows = list(stored)
    for at, place in batch.places(number):
        rows[at] = place.now or b""
    for leaves in (stored, rows):
        grown = frontier.copy()
        grown.extend(leaves)
        if (grown.size, grown.root()) == (seal.size, bytes(seal.root)):
            return leaves
    raise LookupError(f"the seal of {seal.at.isoformat()}: neither rows nor tiles lead to its root")
