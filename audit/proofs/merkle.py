"""Merkle trees as RFC 6962 (Certificate Transparency) hashes them, with proofs of inclusion and of consistency.

A tree grows at its end only. `Frontier` is what must be kept to go on: one hash for each set bit of the size. Proofs
are read through `Nodes`, whatever keeps the hashes of complete subtrees: a list here, tiles in the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, section 2.1)."""


class BadProof(ValueError):
    """A proof that does not show what it claims."""


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two below ``size`` (2 or more): the width of the left subtree."""
    return 1 << ((size - 1).bit_length() - 1)


@dataclass(slots=True)
class Frontier:
    """A tree's right edge. ``peaks`` are the roots of its complete subtrees, the widest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Add a leaf's hash; gives each subtree that it completes as (level, index, hash), the leaf itself first."""
        index, size = self.size, self.size
        level, value = 0, leaf
        yield level, index, value
        while size & 1:
            value = node_hash(self.peaks.pop(), value)
            size >>= 1
            level, index = level + 1, index >> 1
            yield level, index, value
        self.peaks.append(value)
        self.size += 1

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[int, int, list[bytes]]]:
        """Add many, level by level; gives for each level the subtrees that became complete: (level, index of the first, hashes)."""
        sha256 = hashlib.sha256
        levels = [level for level in range(self.size.bit_length()) if self.size >> level & 1]
        alone = dict(zip(levels, reversed(self.peaks), strict=True))
        grown: list[tuple[int, int, list[bytes]]] = []
        level, index, hashes = 0, self.size, list(leaves)
        while hashes:
            grown.append((level, index, hashes))
            # A subtree at an odd place is the right one of two: its sister stood alone until now.
            pairs = [alone.pop(level), *hashes] if index & 1 else hashes
            if len(pairs) & 1:
                alone[level] = pairs[-1]
            hashes = [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(pairs[::2], pairs[1::2], strict=False)  # the last one may be alone
            ]
            level, index = level + 1, index >> 1
        self.size += len(leaves)
        self.peaks = [alone[level] for level in sorted(alone, reverse=True)]
        return grown

    def copy(self) -> Frontier:
        return Frontier(self.size, list(self.peaks))

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        value = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            value = node_hash(peak, value)
        return value


class Nodes(Protocol):
    """Hashes of complete subtrees: ``level`` 0 are the leaves, ``index`` counts within the level."""

    def node(self, level: int, index: int) -> bytes: ...


class Kept:
    """Every complete subtree of a tree, in memory: for tests, bundles and the verifier."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._frontier = Frontier()
        for leaf in leaves:
            self.add(leaf)

    def add(self, leaf: bytes) -> None:
        for level, index, value in self._frontier.add(leaf):
            self._nodes[level, index] = value

    @property
    def size(self) -> int:
        return self._frontier.size

    def root(self) -> bytes:
        return self._frontier.root()

    def node(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]


def subtree_root(nodes: Nodes, start: int, end: int) -> bytes:
    """The hash of the leaves from ``start`` to before ``end``, a range that the tree's shape knows (RFC 6962's D[start:end])."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return nodes.node(level, start >> level)
    middle = start + split(width)
    return node_hash(subtree_root(nodes, start, middle), subtree_root(nodes, middle, end))


def root_at(nodes: Nodes, size: int) -> bytes:
    """The root that the tree had when it had ``size`` leaves."""
    return subtree_root(nodes, 0, size) if size else EMPTY


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """What shows that leaf ``index`` is in the tree of ``size`` leaves (RFC 6962, section 2.1.1). Raises IndexError for no leaf."""
    if not 0 <= index < size:
        raise IndexError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(subtree_root(nodes, middle, end))
            end = middle
        else:
            path.append(subtree_root(nodes, start, middle))
            start = middle
    return path[::-1]


def inclusion_root(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that follows from a leaf's hash and its proof (RFC 9162, section 2.1.3.2). Raises BadProof for one of the wrong length."""
    if not 0 <= index < size:
        raise BadProof("there is no such leaf")
    value, here, last = leaf, index, size - 1
    for step in proof:
        if last == 0:
            raise BadProof("the proof is too long")
        if here & 1 or here == last:
            value = node_hash(step, value)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            value = node_hash(value, step)
        here, last = here >> 1, last >> 1
    if last:
        raise BadProof("the proof is too short")
    return value


def consistency_proof(nodes: Nodes, before: int, size: int) -> list[bytes]:
    """What shows that the tree of ``before`` leaves is the beginning of that of ``size`` (RFC 6962, section 2.1.2)."""
    if not 0 <= before <= size:
        raise IndexError(f"a tree of {size} leaves never had {before}")
    if before in (0, size):
        return []
    path: list[bytes] = []
    start, end, whole = 0, size, True
    while before != end:
        middle = start + split(end - start)
        if before <= middle:
            path.append(subtree_root(nodes, middle, end))
            end = middle
        else:
            path.append(subtree_root(nodes, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(subtree_root(nodes, start, end))
    return path[::-1]


def consistency_check(before: int, root_before: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Raise BadProof unless the tree of ``before`` leaves is the beginning of that of ``size`` (RFC 9162, section 2.1.4.2)."""
    if before == size:
        _require(not proof and root_before == root, "two roots for one size")
        return
    if before == 0:
        _require(not proof and root_before == EMPTY, "an empty tree has the empty root")
        return
    _require(0 < before < size, "a log never shrinks")
    steps = list(proof)
    if before & (before - 1) == 0:
        steps.insert(0, root_before)
    _require(bool(steps), "the proof is empty")
    here, last = before - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        _require(last != 0, "the proof is too long")
        if here & 1 or here == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = node_hash(new, step)
        here, last = here >> 1, last >> 1
    _require(last == 0, "the proof is too short")
    _require(old == root_before, "the earlier root does not follow from the proof")
    _require(new == root, "the later root does not follow from the proof")


def _require(holds: bool, why: str) -> None:
    if not holds:
        raise BadProof(why)
