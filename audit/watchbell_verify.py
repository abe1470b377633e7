#!/usr/bin/env python3
"""watchbell-verify: check an exported bundle of ledger entries, offline, believing nobody.

    python watchbell_verify.py bundle.zip [--key name+id+key] [--kept FILE] [--witness name+id+key …]

It needs Python 3.11 and `cryptography`, nothing of Watchbell. What it checks, entry by entry:

1. the checkpoint (signed-checkpoint.txt) is signed by the key: the one you give, or one that it has introduced (each key
   names the next, introductions.json), or else the one in the bundle (keys.txt), which only tells that the bundle agrees
   with itself: compare the key's id with one you got another way;
2. each content leads, under its salt, to the digest that stands in the entry's leaf (HMAC-SHA256 of canonical JSON,
   RFC 8785);
3. each leaf leads, by its proof, to the checkpoint's root (RFC 6962): the entry is in the tree, at its place;
4. no number occurs twice, no line says a thing twice or says what no proof holds, and entries.jsonl has as many as the
   manifest says;
5. with --kept, a checkpoint that you kept: its root stands in the bundle's list of earlier ones, which leads to the
   newest root by a consistency proof (consistency.json);
6. with --witness, once for each: that witness has signed a checkpoint (cosigned-checkpoint.txt) which the log has signed too,
   and which is the beginning of this tree (c2sp.org/tlog-cosignature).

An audit pack (signed-manifest.txt) names each of its other files with its SHA-256 in a list that the key has signed: none may
be changed, added or missing.

An archived segment (leaves.jsonl) holds every row of a stretch of the tree: the checkpoint before it and all its leaves must
lead to its own signed checkpoint, so that nothing was changed, left out, put in or reordered. Where they do not, the hashes of
its leaves (leaf-hashes.txt), which must lead there too, tell which row is the first that is not in its place.

Nothing else may be in the ZIP: what neither a proof nor a signed list holds is not believed, so the file is not either.

It ends with 0 where all of that holds, and with 1 at the first thing that does not, naming it.
"""

import base64
import hashlib
import hmac
import json
import sys
import zipfile
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PARTS = (
    "entries.jsonl", "leaves.jsonl", "leaf-hashes.txt", "frontier.json", "checkpoint-before.txt", "signed-checkpoint.txt",
    "cosigned-checkpoint.txt", "consistency.json", "keys.txt", "introductions.json", "manifest.json", "README.txt",
    "watchbell_verify.py",
)  # fmt: skip
"""What a bundle or an archive is made of."""
ENTRY = {"entry", "index", "size", "told", "parts", "proof"}
ROW = {"table", "row", "told", "parts"}
PART = {"digest", "content", "salt"}
"""What a line says, of an entry, of a row and of their parts."""


class NotProved(Exception):
    """What does not hold, in one sentence."""


def main(arguments: list[str]) -> int:
    parser = ArgumentParser(description="Check an exported bundle of a Watchbell ledger, offline.")
    parser.add_argument("bundle")
    parser.add_argument("--key", help="the public key that you trust: name+id+key")
    parser.add_argument("--kept", help="a file with a checkpoint that you kept")
    parser.add_argument(
        "--witness", action="append", default=[], help="the public key of a witness that must have signed"
    )
    options = parser.parse_args(arguments)
    try:
        print(check(options.bundle, options.key, options.kept, options.witness))  # noqa: T201  a program that prints
    except NotProved as error:
        print(f"NOT PROVED: {error}")  # noqa: T201  as above
        return 1
    except Exception as error:
        # Whatever a file that was made up can trip a reader with.
        print(f"NOT PROVED: it cannot be read: {type(error).__name__}: {error}")  # noqa: T201  as above
        return 1
    return 0


def check(bundle: str, trusted: str | None = None, kept: str | None = None, witnesses: Sequence[str] = ()) -> str:
    """What was proved, in words. Raises NotProved for the first thing that does not hold."""
    with zipfile.ZipFile(bundle) as archive:
        note = archive.read("signed-checkpoint.txt").decode()
        keys = trusted_keys(archive, trusted)
        signer = signed_by(note, keys)
        origin, size, root = checkpoint(note)
        if "leaves.jsonl" in archive.namelist():
            proved = segment_checked(archive, keys, origin, size, root)
        else:
            count = entries_checked(archive, size, root)
            stated = json.loads(archive.read("manifest.json"))["entries"]
            if stated != count:
                raise NotProved(f"the manifest speaks of {stated} entries, and {count} are here")
            proved = f"{count} entries of {origin}"
        agreed = kept_checked(archive, kept, keys, size, root) if kept else ""
        agreed += "".join(witness_checked(archive, witness, keys, size, root) for witness in witnesses)
        agreed += files_checked(archive, keys)
    whose = "the key you gave" if trusted else f"the key in the bundle (id {signer}; compare it with one you trust)"
    if trusted and signer != trusted.split("+")[1]:
        whose = f"a key (id {signer}) that the key you gave has introduced"
    return f"PROVED: {proved}, in the tree of {size} leaves with root {root.hex()}, signed by {whose}.{agreed}"


def trusted_keys(archive: zipfile.ZipFile, trusted: str | None) -> list[str]:
    """The key given and those that it, or one that it introduced, has introduced; without one, all that are in the bundle."""
    if not trusted:
        return archive.read("keys.txt").decode().split()
    known = [trusted]
    waiting = json.loads(archive.read("introductions.json")) if "introductions.json" in archive.namelist() else []
    found = True
    while found:
        found = False
        for note in list(waiting):
            head, named = note.split("\n")[:2]
            try:
                signed_by(note, known)
            except NotProved:
                continue
            if head == "watchbell.ledger/next-key/v1":
                known.append(named)
                found = True
            waiting.remove(note)
    return known


def files_checked(archive: zipfile.ZipFile, keys: list[str]) -> str:
    """An audit pack's files against its signed list; says nothing of what is no pack."""
    names = archive.namelist()
    if "signed-manifest.txt" not in names:
        for name in names:
            if name not in PARTS or names.count(name) > 1:
                raise NotProved(
                    f"nothing proves {name}: a pack’s signed list of its files is not here, and a bundle has no such file"
                )
        return ""
    note = archive.read("signed-manifest.txt").decode()
    signed_by(note, keys)
    lines = note.rpartition("\n\n")[0].split("\n")
    if lines[0] != "watchbell audit pack":
        raise NotProved("signed-manifest.txt is no list of a pack's files")
    listed = {name: digest for digest, _blank, name in (line.partition("  ") for line in lines[4:])}
    for name in sorted({*names, *listed} - {"signed-manifest.txt"}):
        if name not in listed or names.count(name) > 1:
            raise NotProved(f"{name} was put into the pack after it was signed")
        if name not in names:
            raise NotProved(f"{name} was taken out of the pack")
        digest = hashlib.sha256()
        with archive.open(name) as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        if digest.hexdigest() != listed[name]:
            raise NotProved(f"{name} was changed after the pack was signed")
    return f" All {len(listed)} files of the pack are as they were signed."


def segment_checked(archive: zipfile.ZipFile, keys: list[str], origin: str, size: int, root: bytes) -> str:
    """Build the tree on from the checkpoint before the segment; it must come to the segment's own."""
    peaks = [bytes.fromhex(peak) for peak in json.loads(archive.read("frontier.json"))]
    before = archive.read("checkpoint-before.txt").decode()
    begins = 0
    if before:
        signed_by(before, keys)
        _origin, begins, earlier = checkpoint(before)
        if len(peaks) != begins.bit_count() or top_of(peaks) != earlier:
            raise NotProved("the tree before the segment is not the one whose checkpoint was signed")
    elif peaks:
        raise NotProved("the segment begins within a tree, and no checkpoint before it is here")
    rows = rows_read(archive)
    grown, count = grown_by((leaf for _named, leaf in rows), peaks, begins)
    if count != size or top_of(grown) != root:
        raise NotProved(first_wrong(archive, peaks, begins, size, root))
    return f"all {count - begins} rows of leaves {begins} to {size - 1} of {origin}"


def rows_read(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """What each row of a segment is called, and the hash of its leaf."""
    with archive.open("leaves.jsonl") as lines:
        for line in lines:
            row = line_read(line, ROW)
            named = f"{row['table']} {row['row']}"
            own = row["told"].get("entry") if "entry" in row["told"] else row["told"].get("row")
            if own != row["row"] or row["told"].get("table", row["table"]) != row["table"]:
                raise NotProved(f"{named}: its leaf names another row")
            yield named, leaf_of({"entry": named, **row})


def grown_by(leaves: Iterable[bytes], before: list[bytes], begins: int) -> tuple[list[bytes], int]:
    """The complete subtrees of a tree that had those ``before``, and its size, after these leaves."""
    peaks, count = list(before), begins
    for leaf in leaves:
        value, left = leaf, count
        while left & 1:
            value, left = node(peaks.pop(), value), left >> 1
        peaks.append(value)
        count += 1
    return peaks, count


def first_wrong(archive: zipfile.ZipFile, peaks: list[bytes], begins: int, size: int, root: bytes) -> str:
    """Why the rows of a segment do not lead to its root: the first that is not in its place, where the hashes of the leaves tell."""
    names = archive.namelist()
    text = archive.read("leaf-hashes.txt").decode() if "leaf-hashes.txt" in names else ""
    hashes = [bytes.fromhex(line) for line in text.split()]
    grown, count = grown_by(hashes, peaks, begins)
    if count != size or top_of(grown) != root:
        return "the rows do not lead to the signed root: one was changed, left out, put in or moved"
    place = begins
    for named, leaf in rows_read(archive):
        if place == size:
            return f"{named} was put in behind the last row of the segment"
        if leaf != hashes[place - begins]:
            return f"{named} is not what was sealed as leaf {place}: it was changed, or others before it were taken out, put in or moved"
        place += 1
    return f"the rows end before leaf {place}: from there to leaf {size - 1} they were taken out"


def top_of(peaks: list[bytes]) -> bytes:
    """The root of a tree whose complete subtrees have these hashes, the widest first."""
    value = peaks[-1]
    for peak in reversed(peaks[:-1]):
        value = node(peak, value)
    return value


def witness_checked(archive: zipfile.ZipFile, witness: str, keys: list[str], size: int, root: bytes) -> str:
    """The witness has signed a checkpoint of the log's that is the beginning of this tree."""
    if "cosigned-checkpoint.txt" not in archive.namelist():
        raise NotProved("no witness has signed a checkpoint that is here")
    note = archive.read("cosigned-checkpoint.txt").decode()
    signed_by(note, keys)
    name, identity, raw = key_parts(witness, kind=4)
    text, _parted, signatures = note.rpartition("\n\n")
    for whose, key_id, value in signature_lines(signatures):
        if whose == name and key_id == identity:
            at = int.from_bytes(value[:8], "big")
            message = f"cosignature/v1\ntime {at}\n{text}\n".encode()
            try:
                Ed25519PublicKey.from_public_bytes(raw).verify(value[8:], message)
            except InvalidSignature:
                raise NotProved(f"the signature of the witness {name} does not hold") from None
            _origin, before, earlier = checkpoint(note)
            agrees(archive, before, earlier, size, root, f"that {name} has signed")
            return f" {name} has signed the tree of {before} leaves at Unix time {at}."
    raise NotProved(f"the witness {name} has not signed the checkpoint that is here")


def entries_checked(archive: zipfile.ZipFile, size: int, root: bytes) -> int:
    seen: set[int] = set()
    with archive.open("entries.jsonl") as lines:
        for line in lines:
            entry = line_read(line, ENTRY)
            number = entry["entry"]
            if (entry["size"], type(number), type(entry["index"])) != (size, int, int):
                raise NotProved(f"entry {number}: it speaks of another tree, or not in whole numbers")
            if number in seen or entry["told"].get("entry") != number:
                raise NotProved(f"entry {number} occurs twice, or its leaf names another")
            seen.add(number)
            if (
                root_from(leaf_of(entry), entry["index"], size, [bytes.fromhex(step) for step in entry["proof"]])
                != root
            ):
                raise NotProved(
                    f"entry {number} is not leaf {entry['index']} of the tree: it was changed, or it never was there"
                )
    return len(seen)


def line_read(line: bytes, members: set[str]) -> dict[str, Any]:
    """An entry or a row. A reader who takes the first of two members with one name, or believes one that nothing proves, must not be
    told anything else than what is checked."""
    found: dict[str, Any] = json.loads(line, object_pairs_hook=once)
    if found.keys() != members or any(part.keys() != PART for part in found["parts"].values()):
        raise NotProved("a line says more than its proof holds, or less")
    return found


def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise NotProved("a line says one thing twice")
    return found


def leaf_of(entry: dict[str, Any]) -> bytes:
    told = dict(entry["told"])
    for name, part in entry["parts"].items():
        if name in told:
            raise NotProved(f"entry {entry['entry']}: “{name}” stands in it twice")
        if part["salt"] is not None:
            digest = hmac.digest(bytes.fromhex(part["salt"]), part["content"].encode(), "sha256").hex()
            if digest != part["digest"]:
                raise NotProved(f"entry {entry['entry']}: its part “{name}” is not what was sealed")
        elif part["content"] is not None:
            raise NotProved(f"entry {entry['entry']}: its part “{name}” has contents, and no salt that proves them")
        told[name] = part["digest"]
    return hashlib.sha256(b"\x00" + canonical(told)).digest()


def canonical(told: dict[str, Any]) -> bytes:
    """RFC 8785 for what stands openly in a leaf: texts and whole numbers under plain names."""
    if not all(isinstance(value, str | int) for value in told.values()):
        raise NotProved("a leaf holds something other than texts and whole numbers")
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        raise NotProved(f"a tree of {size} leaves has no leaf {index}")
    value, here, last = leaf, index, size - 1
    for step in proof:
        if last == 0:
            raise NotProved(f"the proof of leaf {index} is too long")
        if here & 1 or here == last:
            value = node(step, value)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            value = node(value, step)
        here, last = here >> 1, last >> 1
    if last:
        raise NotProved(f"the proof of leaf {index} is too short")
    return value


def signed_by(note: str, keys: list[str]) -> str:
    """The id of the first of ``keys`` that has signed the note."""
    text, _parted, signatures = note.rpartition("\n\n")
    for key in keys:
        name, identity, raw = key_parts(key, kind=1)
        for whose, key_id, value in signature_lines(signatures):
            if whose == name and key_id == identity:
                try:
                    Ed25519PublicKey.from_public_bytes(raw).verify(value, f"{text}\n".encode())
                except InvalidSignature:
                    raise NotProved("the checkpoint was changed after it was signed") from None
                return identity
    raise NotProved("the checkpoint is not signed by that key")


def key_parts(key: str, *, kind: int) -> tuple[str, str, bytes]:
    """Name, id and bytes of a public key; ``kind`` is how it signs: 1 plain, 4 as a witness."""
    name, identity, encoded = key.split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    if raw[:1] != bytes((kind,)) or hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != identity:
        raise NotProved(f"the key {name}+{identity} is none")
    return name, identity, raw[1:]


def signature_lines(signatures: str) -> Iterator[tuple[str, str, bytes]]:
    """Whose, by which key, and the bytes."""
    for line in signatures.splitlines():
        whose, _space, value = line.removeprefix("\N{EM DASH} ").rpartition(" ")
        signature = base64.b64decode(value, validate=True)
        yield whose, signature[:4].hex(), signature[4:]


def checkpoint(note: str) -> tuple[str, int, bytes]:
    origin, size, root = note.split("\n")[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


def kept_checked(archive: zipfile.ZipFile, path: str, keys: list[str], size: int, root: bytes) -> str:
    """Hold a kept checkpoint against the tree."""
    with open(path, encoding="utf-8") as file:
        note = file.read()
    signed_by(note, keys)
    _origin, before, earlier = checkpoint(note)
    if before > size:
        raise NotProved(
            f"you kept a checkpoint of {before} leaves; this one has {size}: the log was cut, or the bundle is older"
        )
    if before == size:
        if earlier != root:
            raise NotProved(f"the checkpoint you kept of size {before} has another root: the log was written anew")
        return f" The checkpoint you kept, of size {before}, is this one."
    agrees(archive, before, earlier, size, root, "that you kept")
    return f" The checkpoint you kept, of size {before}, is its beginning."


def agrees(archive: zipfile.ZipFile, before: int, earlier: bytes, size: int, root: bytes, which: str) -> None:
    """The tree of ``before`` leaves is the beginning of this one."""
    if before == size and earlier == root:
        return
    proofs = json.loads(archive.read("consistency.json")) if "consistency.json" in archive.namelist() else {}
    if before > size or str(before) not in proofs:
        raise NotProved(f"the bundle has no proof for the size {before} {which}; ask for one with it")
    if not consistent(before, earlier, size, root, [bytes.fromhex(step) for step in proofs[str(before)]]):
        raise NotProved(
            f"the checkpoint {which} of size {before} is no beginning of this tree: the log was written anew"
        )


def consistent(before: int, earlier: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2."""
    steps = [earlier, *proof] if before & (before - 1) == 0 else list(proof)
    if not steps or before < 1:
        return False
    here, last = before - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = node(step, old), node(step, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = node(new, step)
        here, last = here >> 1, last >> 1
    return last == 0 and old == earlier and new == root


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
