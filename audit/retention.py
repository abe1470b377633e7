"""Retention by sealed segments: the oldest stretch of the tree is written into an archive file that proves itself, and may then be
taken out of the database. Its leaves stay in the tree, so that every proof and every checkpoint that was kept still holds.

What the ledger says of itself ("ledger.…": what was forgotten, which keys there were, what was taken out) stays in the database:
verification goes by it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from audit import keys
from audit.batches import OWN_WORDS, contents_hold, count_of, seals_together
from audit.bundles import keys_write, verifier_write
from audit.immutability import passing
from audit.leaves import ENTRIES, Digests, Row, instant, merged, portions, tables, within
from audit.models import LedgerDigest, LedgerSeal, LedgerSegment
from audit.proofs.merkle import Frontier
from audit.proving import Part, part_of, salts_left
from audit.sealing import salts_known
from audit.services import entry_append
from audit.tiles import Tiles
from audit.values import Actor, EntryValue
from escalation_site.kernel.errors import DomainError

FOLDER = "ledger-archive"
_ROWS = 4_000
_README = """What this is: leaves {begins} to {last} of the ledger {origin}, sealed from {first_at} to {last_at}.

    python watchbell_verify.py THIS_FILE.zip --key NAME+ID+KEY

checks without Watchbell that this is all that was in this stretch of the tree, in its order, and that nothing was changed
(Python 3.11 and the package `cryptography`). leaves.jsonl has a row a line, with its contents and the salts under which the
tree holds them; where a subject was forgotten, or the archive was made without contents, only their digests. leaf-hashes.txt has
the hash of each leaf, so that where a row is not what was sealed the verifier can name it.
"""


class NothingToArchive(DomainError):
    """No sealed stretch is old enough."""

    default_code = "nothing_to_archive"


class NotAsSealed(DomainError):
    """What is in the database is not what was sealed, or the file is not what was archived: nothing is taken out then."""

    default_code = "not_as_sealed"


def folder() -> Path:
    """Where archives are kept unless said otherwise."""
    return Path(settings.DATA_DIR) / FOLDER


def segment_archive(*, until: datetime, at: datetime, actor: Actor, to: Path, contents: bool = True) -> LedgerSegment:
    """Write what was sealed before ``until`` and is not archived yet into one file below ``to``.

    Without ``contents`` the file holds digests only: what is then taken out of the database, nobody can read again.
    Raises NothingToArchive, NotAsSealed where a row is not what was sealed, OSError where the file cannot be written.
    """
    last = LedgerSegment.objects.order_by("-begins").first()
    begins = last.size if last else 0
    seals = LedgerSeal.objects.filter(begins__gte=begins, at__lt=until).order_by("begins")
    first, final = seals.first(), seals.last()
    if first is None or final is None or first.begins != begins:
        raise NothingToArchive("Nothing that is not archived yet was sealed before then.")
    to.mkdir(parents=True, exist_ok=True)
    path = to / f"segment-{begins}-{final.size}.zip"
    unfinished = path.with_suffix(".part")
    ranges: dict[str, list[list[int]]] = {}
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        before = LedgerSeal.objects.filter(size=begins).first()
        rows = _leaves_write(archive, begins, final, ranges, contents=contents)
        archive.writestr("signed-checkpoint.txt", final.note)
        archive.writestr("checkpoint-before.txt", before.note if before else "")
        told = {"origin": keys.origin(), "begins": begins, "last": final.size - 1}
        told |= {"first_at": instant(first.at), "last_at": instant(final.at)}
        manifest = {"format": 1, "kind": "segment", "rows": rows, "made_at": instant(at), **told}
        archive.writestr("manifest.json", json.dumps(manifest, indent=1))
        archive.writestr("README.txt", _README.format(**told))
        keys_write(archive)
        verifier_write(archive)
    unfinished.replace(path)
    with transaction.atomic():
        segment = LedgerSegment.objects.create(
            begins=begins,
            size=final.size,
            first_at=first.at,
            last_at=final.at,
            archived_at=at,
            file=path.name,
            sha256=file_digest(path),
            rows=rows,
            # Rows that others hang on are in the file, and stay here.
            contents={name: merged(one) for name, one in ranges.items() if not tables()[name].stands},
        )
        _enter("ledger.archive", segment, actor, at, contents=contents)
    return segment


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _leaves_write(
    archive: zipfile.ZipFile, begins: int, final: LedgerSeal, ranges: dict[str, list[list[int]]], *, contents: bool
) -> int:
    """Write every leaf of the stretch, and hold each against the tile and the whole against the signed root."""
    tiles = Tiles()
    frontier = tiles.frontier(begins) if begins else Frontier()
    archive.writestr("frontier.json", json.dumps([peak.hex() for peak in frontier.peaks]))
    rows = 0
    seals = LedgerSeal.objects.filter(begins__gte=begins, size__lte=final.size).order_by("begins")
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as hashes:
        with archive.open("leaves.jsonl", "w", force_zip64=True) as lines:
            for batch in seals_together(_readable(seals.iterator(chunk_size=500), room=tiles.room())):
                tiles.load(0, batch[0].begins, batch[-1].size)
                found = {(name, row.number): (row, parts) for name, row, parts in _rows(batch)}
                for seal in batch:
                    stored = tiles.leaves(seal.begins, count_of(seal))
                    for line in _lines(seal, stored, found, ranges, contents=contents):
                        lines.write(line)
                        rows += 1
                    hashes.writelines(f"{leaf.hex()}\n" for leaf in stored)
                    frontier.extend(stored)
                    if frontier.root() != bytes(seal.root):
                        raise NotAsSealed(
                            f"The tree of {seal.size} leaves has another root: run manage.py audit_verify."
                        )
        hashes.flush()
        archive.write(hashes.name, "leaf-hashes.txt")
    return rows


def _readable(seals: Iterable[LedgerSeal], *, room: int) -> Iterator[LedgerSeal]:
    """Raises NotAsSealed at one that says it holds what no seal can: reading by it would not end."""
    for seal in seals:
        if not contents_hold(seal.contents, most=room):
            raise NotAsSealed(f"The seal of {seal.size} leaves has other contents: run manage.py audit_verify.")
        yield seal


def _lines(
    seal: LedgerSeal,
    stored: Sequence[bytes],
    found: Mapping[tuple[str, int], tuple[Row, dict[str, Part]]],
    ranges: dict[str, list[list[int]]],
    *,
    contents: bool,
) -> Iterator[bytes]:
    """The rows of one seal in its order, each held against its leaf. Raises NotAsSealed."""
    for at, (name, number) in enumerate(_numbers(seal, ranges)):
        row, parts = found.get((name, number), (None, {}))
        leaf = row.leaf_of({part: one.digest for part, one in parts.items()}) if row else None
        if row is None or leaf != stored[at]:
            raise NotAsSealed(f"{name} {number} is not what was sealed: run manage.py audit_verify.")
        yield _line(name, row, parts, contents=contents)


def _numbers(seal: LedgerSeal, ranges: dict[str, list[list[int]]]) -> Iterator[tuple[str, int]]:
    for name, own in seal.contents:
        ranges.setdefault(name, []).extend(own)
        for first, last in own:
            yield from ((name, number) for number in range(first, last + 1))


def _rows(batch: list[LedgerSeal]) -> Iterator[tuple[str, Row, dict[str, Part]]]:
    wanted: dict[str, list[list[int]]] = {}
    for seal in batch:
        for name, own in seal.contents:
            wanted.setdefault(name, []).extend(own)
    for name, own in wanted.items():
        table = tables()[name]
        for portion in portions(merged(own), most=_ROWS):
            rows = list(table.rows(within(table.key, portion)))
            salts = salts_known({subject for row in rows for subject, _content in row.secret.values()})
            kept = _digests(name, rows)
            for row in rows:
                left = salts_left(row, salts, kept)
                missing = [part for part, (subject, _c) in row.secret.items() if subject not in left]
                if all((row.number, part) in kept for part in missing):
                    yield name, row, {part: part_of(row, part, salts, kept) for part in row.secret}


def _digests(name: str, rows: list[Row]) -> Digests:
    kept = LedgerDigest.objects.filter(table=name, row__in=[row.number for row in rows])
    return {(row, part): digest for row, part, digest in kept.values_list("row", "part", "digest")}


def _line(name: str, row: Row, parts: dict[str, Part], *, contents: bool) -> bytes:
    plain = {part: one.plain() if contents else Part(one.digest, None, None).plain() for part, one in parts.items()}
    line = {"table": name, "row": row.number, "told": dict(row.told), "parts": plain}
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"


@transaction.atomic
def segment_take_out(*, segment: LedgerSegment, file: Path, actor: Actor, at: datetime) -> int:
    """Take the rows of an archived segment out of the database; returns how many. ``file`` must be the archive, unchanged.

    Needs a database role that may delete from these tables: that which runs the application in production may not
    (docs/ledger-proof.md). Raises NotAsSealed.
    """
    segment = LedgerSegment.objects.select_for_update().get(pk=segment.pk)
    if segment.dropped_at is not None:
        raise NotAsSealed("It was taken out before.")
    if not file.is_file() or file_digest(file) != segment.sha256:
        raise NotAsSealed(f"{file.name} is not the file that was archived.")
    taken = 0
    with passing(list(segment.contents), segment=segment.pk):
        for name, ranges in segment.contents.items():
            table = tables().get(name)
            if table is None:
                continue
            stays = OWN_WORDS if name == ENTRIES else Q(pk__in=())
            for portion in portions(ranges, most=2**65):
                found = table.model._base_manager.filter(within(table.key, portion)).exclude(stays)
                taken += found._raw_delete(found.db)
    segment.dropped_at = at
    segment.save(update_fields=["dropped_at"])
    _enter("ledger.take_out", segment, actor, at, taken=taken)
    return taken


def _enter(action: str, segment: LedgerSegment, actor: Actor, at: datetime, **more: Any) -> None:
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="ledger",
            object_id=f"{segment.begins}-{segment.size}",
            object_label=segment.file,
            actor=actor,
            source="command",
            data={"sha256": segment.sha256, "rows": segment.rows, **more},
        )
    )
