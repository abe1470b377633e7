"""A bundle: entries with all that shows to somebody offline that they stand in the signed tree. `watchbell_verify.py` checks it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from audit import keys
from audit.keeping import cosigned
from audit.leaves import instant
from audit.models import LedgerKey, LedgerSeal
from audit.proofs.merkle import consistency_proof
from audit.proofs.notes import checkpoint_read
from audit.proving import entries_proved, newest_seal
from audit.tiles import Tiles

MOST = 50_000
"""Entries in one bundle."""
_TOGETHER = 500
_SEALS = 2_000
_README = """What this is: {count} entries of the ledger {origin}, as they stood in its signed tree at {at}.

    python watchbell_verify.py THIS_FILE.zip --key NAME+ID+KEY

checks them without Watchbell (Python 3.11 and the package `cryptography`). The key is published at /audit/keys of the
installation; ask for it by a way that the installation does not control. entries.jsonl has an entry a line, with its
contents, the salts under which the tree holds them, and the steps that lead to the root in signed-checkpoint.txt.
"""


class NothingSealed(LookupError):
    """There is no tree yet, or none of the entries is in it."""


def bundle_write(target: IO[bytes], numbers: Collection[int], *, at: datetime, kept: Iterable[int] = ()) -> int:
    """Write the bundle of those entries that are sealed; returns how many. Raises NothingSealed where none is.

    ``kept`` are sizes of checkpoints that somebody kept: proofs from them are put in, beside those of the last seals.
    """
    newest = newest_seal()
    if newest is None:
        raise NothingSealed
    tiles = Tiles()
    count = 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("entries.jsonl", "w") as lines:
            for proof in _proofs(sorted(numbers)[:MOST], tiles, newest):
                lines.write(json.dumps(proof, ensure_ascii=False).encode() + b"\n")
                count += 1
        if not count:
            raise NothingSealed
        archive.writestr("signed-checkpoint.txt", newest.note)
        witnessed = cosigned()
        sizes = list(kept)
        if witnessed is not None:
            archive.writestr("cosigned-checkpoint.txt", witnessed.encoded())
            sizes.append(checkpoint_read(witnessed.text).size)
        archive.writestr("consistency.json", json.dumps(_consistency(tiles, newest, sizes)))
        keys_write(archive)
        archive.writestr("manifest.json", json.dumps({"format": 1, "entries": count, "made_at": instant(at)}, indent=1))
        archive.writestr("README.txt", _README.format(count=count, origin=keys.origin(), at=instant(newest.at)))
        verifier_write(archive)
    return count


def keys_write(archive: zipfile.ZipFile) -> None:
    """The public keys, and the notes in which each names the next."""
    found = list(LedgerKey.objects.values_list("public", "introduction"))
    archive.writestr("keys.txt", "".join(f"{key}\n" for key, _introduction in found))
    archive.writestr("introductions.json", json.dumps([introduction for _key, introduction in found if introduction]))


def verifier_write(archive: zipfile.ZipFile) -> None:
    """The one file by which somebody who has nothing else checks the rest."""
    archive.write(Path(__file__).with_name("watchbell_verify.py"), "watchbell_verify.py")


def _proofs(numbers: list[int], tiles: Tiles, newest: LedgerSeal) -> Iterator[dict[str, Any]]:
    for start in range(0, len(numbers), _TOGETHER):
        for proof in entries_proved(numbers[start : start + _TOGETHER], tiles=tiles, newest=newest):
            yield proof.plain()


def _consistency(tiles: Tiles, newest: LedgerSeal, kept: Iterable[int]) -> dict[str, list[str]]:
    last = LedgerSeal.objects.order_by("-begins").values_list("size", flat=True)[:_SEALS]
    sizes = {size for size in (*last, *kept) if 0 < size < newest.size}
    return {str(size): [step.hex() for step in consistency_proof(tiles, size, newest.size)] for size in sorted(sizes)}
