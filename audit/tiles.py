"""The tree's hashes in the database, 256 to a row (c2sp.org/tlog-tiles)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.db import connection

from audit.models import LedgerTile
from audit.proofs.merkle import Frontier
from escalation_site.kernel.rows import facts_insert

HEIGHT = 8
WIDTH = 1 << HEIGHT
_HASH = 32
Place = tuple[int, int]


class Tiles:
    """Reads nodes from tiles, each tile once; collects new ones until ``write``."""

    def __init__(self) -> None:
        self._read: dict[Place, bytes] = {}
        self._fresh: dict[Place, tuple[int, list[bytes]]] = {}

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete subtree. Raises LookupError where the tiles do not have it."""
        height = level % HEIGHT
        first = index << height
        # What a node between two stored levels stands on is side by side in one tile.
        held = self._tile(level // HEIGHT, first // WIDTH)
        start, end = first % WIDTH * _HASH, (first % WIDTH + (1 << height)) * _HASH
        if len(held) < end:
            raise LookupError(f"no hash {first} to {first + (1 << height) - 1} at level {level // HEIGHT}")
        return _root(held[start:end])

    def _tile(self, level: int, index: int) -> bytes:
        place = (level, index)
        if place not in self._read:
            row = LedgerTile.objects.filter(level=level, index=index).values_list("hashes", flat=True).first()
            self._read[place] = bytes(row or b"")
        return self._read[place]

    def load(self, level: int, begin: int, end: int) -> None:
        """Read the tiles that hold the hashes from ``begin`` to before ``end``, in one query."""
        reach = (begin // WIDTH, max(end - 1, begin) // WIDTH)
        found = LedgerTile.objects.filter(level=level, index__range=reach).values_list("index", "hashes")
        self._read.update(((level, index), b"") for index in range(reach[0], reach[1] + 1))
        self._read.update(((level, index), bytes(hashes)) for index, hashes in found)

    def load_path(self, index: int, size: int) -> None:
        """Read the tiles that the proof of leaf ``index`` stands on in the tree of ``size`` leaves, in one query: those above
        the leaf, and those above the tree's right edge."""
        wanted, level = set(), 0
        while size >> HEIGHT * level:
            for place in (index, size - 1):
                wanted.add((level, (place >> HEIGHT * level) // WIDTH))
            level += 1
        wanted -= self._read.keys()
        if len(wanted) < 2:
            return
        with connection.cursor() as cursor:
            # Built as a query of models it took as long as all else of a proof. Names of our own model.
            cursor.execute(
                f'SELECT level, "index", hashes FROM {LedgerTile._meta.db_table} '  # noqa: S608  own names, values are parameters
                f'WHERE (level, "index") IN (VALUES {", ".join(["(%s, %s)"] * len(wanted))})',
                [number for place in wanted for number in place],
            )
            for level, tile, hashes in cursor.fetchall():
                self._read[level, tile] = bytes(hashes)

    def leaves(self, first: int, count: int) -> list[bytes]:
        """The stored hashes of leaves; b"" for those that are not there. ``load`` them before."""
        found: list[bytes] = []
        while count:
            start = first % WIDTH
            here = min(count, WIDTH - start)
            tile = self._read.get((0, first // WIDTH), b"")
            found += [tile[at * _HASH : (at + 1) * _HASH] for at in range(start, start + here)]
            first, count = first + here, count - here
        return found

    def has(self, level: int, first: int, hashes: Sequence[bytes]) -> bool:
        """Whether the tiles of that level hold these hashes, from the place ``first`` on, as they are stored now."""
        self.load(level, first, first + len(hashes))
        reach = range(first // WIDTH, (first + len(hashes) - 1) // WIDTH + 1)
        held = b"".join(self._read.pop((level, index)) for index in reach)
        start = first % WIDTH * _HASH
        return held[start : start + len(hashes) * _HASH] == b"".join(hashes)

    def put(self, level: int, first: int, hashes: Sequence[bytes]) -> set[Place]:
        """See to it that the tiles of that level hold these hashes, from the place ``first`` on. Returns the tiles that did not."""
        written, done = set(), 0
        while done < len(hashes):
            index, start = divmod(first + done, WIDTH)
            piece = b"".join(hashes[done : done + WIDTH - start])
            done += len(piece) // _HASH
            self._read.pop((level, index), None)
            held, begin = self._tile(level, index), start * _HASH
            if held[begin : begin + len(piece)] != piece:
                whole = held[:begin] + piece + held[begin + len(piece) :]
                LedgerTile.objects.update_or_create(level=level, index=index, defaults={"hashes": whole})
                written.add((level, index))
            del self._read[level, index]
        return written

    def room(self) -> int:
        """How many leaves the tiles can hold, as many as they are."""
        return LedgerTile.objects.filter(level=0).count() * WIDTH

    def reach_beyond(self, size: int) -> bool:
        """Whether there are leaves beyond ``size``."""
        last = LedgerTile.objects.filter(level=0).order_by("-index").first()
        return last is not None and last.index * WIDTH + len(bytes(last.hashes)) // _HASH > size

    def frontier(self, size: int) -> Frontier:
        """The right edge of the tree of ``size`` leaves."""
        peaks, start = [], 0
        self.load_path(size - 1, size)
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                peaks.append(self.node(level, start >> level))
                start += 1 << level
        return Frontier(size, peaks)

    def grow(self, frontier: Frontier, leaves: Sequence[bytes]) -> None:
        """Add leaves to the tree and keep what belongs into tiles."""
        for level, first, hashes in frontier.extend(leaves):
            done = 0
            while level % HEIGHT == 0 and done < len(hashes):
                index, start = divmod(first + done, WIDTH)
                piece = hashes[done : done + WIDTH - start]
                self._fresh.setdefault((level // HEIGHT, index), (start, []))[1].extend(piece)
                done += len(piece)

    def write(self) -> None:
        """Store what was collected: new tiles at once, and each tile that was begun before. Raises LookupError where such a tile does
        not hold what it did."""
        rows = [(level, index, b"".join(added)) for (level, index), (start, added) in self._fresh.items() if not start]
        if rows:
            facts_insert(LedgerTile, ("level", "index", "hashes"), rows)
        for (level, index), (start, added) in self._fresh.items():
            if start:
                held = self._tile(level, index)[: start * _HASH]
                if len(held) < start * _HASH:
                    raise LookupError(f"the tile {level}/{index} is gone, or was cut")
                LedgerTile.objects.filter(level=level, index=index).update(hashes=held + b"".join(added))
        self._read.clear()
        self._fresh.clear()


def _root(hashes: bytes) -> bytes:
    """The hash of the subtree over hashes that stand side by side, as many as a power of two."""
    sha256, pair = hashlib.sha256, 2 * _HASH
    while len(hashes) > _HASH:
        hashes = b"".join([sha256(b"\x01" + hashes[at : at + pair]).digest() for at in range(0, len(hashes), pair)])
    return hashes
