"""Signed notes and checkpoints as C2SP describes them (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature), with Ed25519.

A note is a text and signatures by names; a checkpoint is a note that says: this log, at this size, had this root.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ED25519 = 0x01
COSIGNATURE = 0x04
_DASH = "\N{EM DASH} "
_MAX_NOTE = 1_000_000


class BadNote(ValueError):
    """A text that is no note, a key that is none, or a note that nobody known has signed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note: whose it is, which key it claims, and the bytes."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """``text`` ends with a line feed; it is what was signed."""

    text: str
    signatures: tuple[Signature, ...]

    def encoded(self) -> str:
        lines = (f"{_DASH}{one.name} {_base64(one.key_id + one.value)}\n" for one in self.signatures)
        return f"{self.text}\n{''.join(lines)}"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name; ``kind`` is how it signs: plain notes, or as a witness."""

    name: str
    key: Ed25519PublicKey
    kind: int = ED25519

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.kind, _raw(self.key))

    def encoded(self) -> str:
        """As it is given to others: "name+id+key"."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(bytes((self.kind,)) + _raw(self.key))}"

    def verified(self, note: Note) -> int | None:
        """The Unix time at which this witness signed ``note``, 0 for a plain signature; None where it did not sign it."""
        for one in note.signatures:
            if one.name == self.name and one.key_id == self.key_id:
                return self._checked(note.text, one.value)
        return None

    def _checked(self, text: str, value: bytes) -> int | None:
        at, message = 0, text.encode()
        if self.kind == COSIGNATURE:
            at, value = int.from_bytes(value[:8], "big"), value[8:]
            message = cosigned(text, at)
        try:
            self.key.verify(value, message)
        except InvalidSignature:
            return None
        return at


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its name."""

    name: str
    key: Ed25519PrivateKey
    kind: int = ED25519

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public_key(), self.kind)

    def signature(self, text: str, *, at: int = 0) -> Signature:
        """Sign a note's text; a witness signs with the Unix time ``at``."""
        if self.kind == COSIGNATURE:
            return Signature(self.name, self.verifier.key_id, at.to_bytes(8, "big") + self.key.sign(cosigned(text, at)))
        return Signature(self.name, self.verifier.key_id, self.key.sign(text.encode()))

    def encoded(self) -> str:
        """As it is kept in secret: "PRIVATE+KEY+name+id+key"."""
        raw = self.key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{_base64(bytes((self.kind,)) + raw)}"


def cosigned(text: str, at: int) -> bytes:
    """What a witness signs of a checkpoint that it saw at Unix time ``at`` (c2sp.org/tlog-cosignature)."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def key_id(name: str, kind: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes((kind,)) + public).digest()[:4]


def signer_make(name: str, *, kind: int = ED25519) -> Signer:
    """A new key under ``name``. Raises BadNote for a name that cannot stand in a note."""
    return Signer(_named(name), Ed25519PrivateKey.generate(), kind)


def signer_read(text: str) -> Signer:
    """Read "PRIVATE+KEY+name+id+key". Raises BadNote, which never repeats the text."""
    parts = text.strip().split("+", 4)
    if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
        raise BadNote("is no private key of the form PRIVATE+KEY+name+id+key")
    kind, raw = _key_bytes(parts[4])
    signer = Signer(_named(parts[2]), Ed25519PrivateKey.from_private_bytes(raw), kind)
    if signer.verifier.key_id.hex() != parts[3]:
        raise BadNote("is a private key whose id does not belong to it")
    return signer


def verifier_read(text: str) -> Verifier:
    """Read "name+id+key". Raises BadNote."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise BadNote("is no public key of the form name+id+key")
    kind, raw = _key_bytes(parts[2])
    verifier = Verifier(_named(parts[0]), Ed25519PublicKey.from_public_bytes(raw), kind)
    if verifier.key_id.hex() != parts[1]:
        raise BadNote("is a public key whose id does not belong to it")
    return verifier


def note_sign(text: str, signers: Iterable[Signer]) -> Note:
    """Sign ``text``, which must end with a line feed. Raises BadNote for a text that no note can hold."""
    if not text.endswith("\n") or any(ord(sign) < 32 and sign != "\n" for sign in text):
        raise BadNote("a note is lines of text, the last one ended too")
    return Note(text, tuple(signer.signature(text) for signer in signers))


_INTRODUCES = "watchbell.ledger/next-key/v1"


def introduction_sign(fresh: Verifier, *, by: Signer) -> Note:
    """A note in which one key of a log names the next: whoever trusts the first may trust the second."""
    return note_sign(f"{_INTRODUCES}\n{fresh.encoded()}\n", [by])


def introduced(trusted: Sequence[Verifier], introductions: Iterable[str]) -> list[Verifier]:
    """``trusted`` and every key that one of them has introduced, or one that was introduced itself."""
    known, waiting = list(trusted), [note_read(text) for text in introductions if text]
    found = True
    while found:
        found = False
        for note in list(waiting):
            head, _end, public = note.text.partition("\n")
            if head == _INTRODUCES and any(one.verified(note) is not None for one in known):
                known.append(verifier_read(public))
                waiting.remove(note)
                found = True
    return known


def note_read(encoded: str) -> Note:
    """Take a note apart without believing it. Raises BadNote."""
    text, parted, below = encoded[:_MAX_NOTE].rpartition("\n\n")
    if not parted or not below.endswith("\n"):
        raise BadNote("a note has an empty line before its signatures")
    return Note(f"{text}\n", tuple(_signature(line) for line in below.splitlines()))


def _signature(line: str) -> Signature:
    name, space, value = line.removeprefix(_DASH).rpartition(" ")
    raw = _unbase64(value)
    if not line.startswith(_DASH) or not space or len(raw) < 5:
        raise BadNote("a line below the note is no signature")
    return Signature(_named(name), raw[:4], raw[4:])


def note_signed_by(note: Note, verifiers: Sequence[Verifier]) -> list[Verifier]:
    """Those of ``verifiers`` who signed ``note``. Raises BadNote where none did."""
    found = [one for one in verifiers if one.verified(note) is not None]
    if not found:
        raise BadNote("no known key has signed it")
    return found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``origin`` names the log; ``extensions`` are lines that others may ignore."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        lines = (self.origin, str(self.size), _base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def checkpoint_read(text: str) -> Checkpoint:
    """Read a checkpoint's text (c2sp.org/tlog-checkpoint). Raises BadNote."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not lines[0] or not all(lines[3:]):
        raise BadNote("is no checkpoint: origin, size and root are its first lines")
    size, root = lines[1], _unbase64(lines[2])
    if not (size.isascii() and size.isdigit()) or (size != "0" and size.startswith("0")) or len(root) != 32:
        raise BadNote("is no checkpoint: its size or its root cannot be read")
    return Checkpoint(lines[0], int(size), root, tuple(lines[3:]))


def _named(name: str) -> str:
    if not name or "+" in name or any(sign.isspace() for sign in name):
        raise BadNote("a key's name has no blanks and no plus sign")
    return name


def _key_bytes(text: str) -> tuple[int, bytes]:
    raw = _unbase64(text)
    if len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
        raise BadNote("is no Ed25519 key")
    return raw[0], raw[1:]


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("holds something that is not base64") from error
