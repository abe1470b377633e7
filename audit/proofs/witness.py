"""What a log and a witness say to each other (c2sp.org/tlog-witness): ``add-checkpoint`` and its answer. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from audit.proofs.notes import BadNote, Note, Verifier, note_read

MOST_STEPS = 63
"""A witness reads no longer proof."""
SIZE_TYPE = "text/x.tlog.size"
"""Content type of a conflict's answer: the size that the witness has."""
_HASH = 32


@dataclass(frozen=True, slots=True)
class Addition:
    """A request: the tree grew from ``old`` to what ``note`` says, and ``steps`` prove that it continues."""

    old: int
    steps: tuple[bytes, ...]
    note: str

    def encoded(self) -> bytes:
        """The body of the request. Raises BadNote for a proof that no witness reads."""
        if len(self.steps) > MOST_STEPS:
            raise BadNote("is a proof of more than 63 steps")
        lines = [f"old {self.old}", *(base64.b64encode(step).decode() for step in self.steps)]
        return ("".join(f"{line}\n" for line in lines) + "\n" + self.note).encode()


def addition_read(body: bytes) -> Addition:
    """Read a request's body, believing nothing of it. Raises BadNote."""
    try:
        head, parted, note = body.decode().partition("\n\n")
    except UnicodeDecodeError as error:
        raise BadNote("is no text") from error
    first, *steps = head.split("\n")
    word, _blank, size = first.partition(" ")
    if not parted or word != "old":
        raise BadNote("begins with no old size")
    if len(steps) > MOST_STEPS:
        raise BadNote("is a proof of more than 63 steps")
    return Addition(size_read(size), tuple(_step(step) for step in steps), note)


def size_read(text: str) -> int:
    """A size as it is written: decimal, without leading noughts. Raises BadNote."""
    text = text.removesuffix("\n")
    if not (text.isascii() and text.isdigit()) or (text != "0" and text.startswith("0")) or len(text) > 19:
        raise BadNote("is no size of a tree")
    return int(text)


def _step(text: str) -> bytes:
    try:
        step = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("holds a step that is not base64") from error
    if len(step) != _HASH:
        raise BadNote("holds a step that is no hash")
    return step


def cosignature_read(answer: bytes, note: Note, witness: Verifier) -> tuple[str, int]:
    """The line by which ``witness`` has signed ``note``, and the Unix time at which it did, out of its answer: one line
    for each of its keys. Raises BadNote where none of them is its signature of this note."""
    try:
        lines = answer.decode()
    except UnicodeDecodeError as error:
        raise BadNote("is no text") from error
    if not lines.endswith("\n"):
        raise BadNote("has no signature in it")
    for line in lines.splitlines():
        alone = note_read(f"{note.text}\n{line}\n")
        at = witness.verified(alone)
        if at:
            return f"{line}\n", at
    raise BadNote("does not hold the witness’s signature of this checkpoint")


def cosigned_by(note: Note, witnesses: Sequence[Verifier]) -> dict[str, int]:
    """The names of those of ``witnesses`` who signed ``note``, with the Unix time of each."""
    found = ((one.name, one.verified(note)) for one in witnesses)
    return {name: at for name, at in found if at}
