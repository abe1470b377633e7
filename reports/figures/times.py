"""The times of one day's incidents sorted beforehand, all of them and by group: what a median of a month is found in. Pure.

A percentile of many sorted runs is found by asking each run how many of its values lie below a guess. So the dashboard's
medians cost a few thousand look-ups however many incidents there are, and are the same values that sorting them all would
give.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain, pairwise, repeat
from operator import sub
from struct import Struct
from typing import NamedTuple, Protocol

from reports.figures.definitions import WAITING

TIMED = ("acknowledge", "resolve", "acknowledge_work", "resolve_work")
"""The columns of incidents that are sorted beforehand: those of the overview."""
GROUPINGS = ("", "team", "severity")
"""All together, and by these dimensions."""
FORMAT = 1
_HEAD = Struct("<H")
_SIZES = Struct("<II")
_SECTIONS = tuple((column, grouping) for column in TIMED for grouping in GROUPINGS)
_GROUP = 20
"""Bytes of one group's key, number waiting, number of values (4 each) and their sum (8)."""
SPARSE = 64
"""Below so many values a run, sorting them all is quicker than asking each run."""
FEW = 256
"""So few values that may be the one are sorted."""


class Times(NamedTuple):
    """The known values of some incidents: those of ``values`` from place ``begin`` on and before ``end``, sorted, with their sum;
    ``waiting`` have none yet."""

    values: "array[int]"
    begin: int
    end: int
    total: int
    waiting: int


Grouped = Mapping[int, Times]
"""By the number of the group; without a grouping all are group nought."""


def times_of(values: Iterable[int], keys: Iterable[int] | None = None) -> dict[int, Times]:
    """Of a column, by the column of ``keys`` beside it; those below nought are NOT and WAITING."""
    if keys is None:
        return {0: _times(sorted(values))}
    groups: dict[int, list[int]] = defaultdict(list)
    for key, value in zip(keys, values, strict=True):
        groups[key].append(value)
    return {key: _times(sorted(found)) for key, found in groups.items()}


def _times(ordered: Sequence[int]) -> Times:
    known = array("i", ordered[bisect_left(ordered, 0) :])
    waiting = bisect_right(ordered, WAITING) - bisect_left(ordered, WAITING)
    return Times(known, 0, len(known), sum(known), waiting)


class Read(Protocol):
    """Columns by name."""

    def __getitem__(self, name: str, /) -> "array[int]": ...


def little(values: "array[int]") -> "array[int]":
    """The same array, its bytes in the order in which they are packed: turned round where this machine's is another."""
    if sys.byteorder == "big":
        values.byteswap()
    return values


def times_packed(columns: Read) -> bytes:
    """The times of the incidents in ``columns`` (TIMED and the dimensions of GROUPINGS), as bytes."""
    sizes, bodies = [], []
    for column, grouping in _SECTIONS:
        found = sorted(times_of(columns[column], columns[grouping] if grouping else None).items())
        heads = (
            array("i", [key for key, _one in found]),
            array("i", [one.waiting for _key, one in found]),
            array("i", [one.end for _key, one in found]),
            array("q", [one.total for _key, one in found]),
        )
        values = array("i", chain.from_iterable(one.values for _key, one in found))
        sizes.append(_SIZES.pack(len(found), len(values)))
        bodies.append(b"".join(little(part).tobytes() for part in (*heads, values)))
    return b"".join((_HEAD.pack(FORMAT), *sizes, *bodies))


class DayTimes:
    """What ``times_packed`` made of a day, each section read when it is first asked for."""

    __slots__ = ("_data", "_places", "_read")

    def __init__(self, data: bytes) -> None:
        """Raises ValueError for bytes of another format."""
        (form,) = _HEAD.unpack_from(data)
        if form != FORMAT:
            raise ValueError(f"packed times of format {form}")
        self._data = memoryview(data)
        self._read: dict[tuple[str, str], Grouped] = {}
        begin = _HEAD.size + _SIZES.size * len(_SECTIONS)
        self._places: dict[tuple[str, str], tuple[int, int, int]] = {}
        for section, (groups, values) in zip(
            _SECTIONS, _SIZES.iter_unpack(self._data[_HEAD.size : begin]), strict=True
        ):
            self._places[section] = (begin, groups, values)
            begin += groups * _GROUP + values * 4

    def of(self, column: str, grouping: str) -> Grouped:
        found = self._read.get((column, grouping))
        if found is None:
            found = self._read[column, grouping] = self._section(column, grouping)
        return found

    def _section(self, column: str, grouping: str) -> Grouped:
        begin, groups, number = self._places[column, grouping]
        cuts = [begin, *(begin + groups * width for width in (4, 8, 12, _GROUP))]
        cuts.append(cuts[-1] + number * 4)
        keys, waiting, sizes, totals, values = (
            _array(code, self._data[start:end]) for code, (start, end) in zip("iiiqi", pairwise(cuts), strict=True)
        )
        ends = [0, *accumulate(sizes)]
        return dict(zip(keys, map(Times, repeat(values), ends, ends[1:], totals, waiting), strict=True))


def _array(code: str, data: memoryview) -> "array[int]":
    found: array[int] = array(code)
    found.frombytes(data)
    return little(found)


def joined(parts: Iterable[Grouped]) -> dict[int, list[Times]]:
    """By group, the times of all parts."""
    found: dict[int, list[Times]] = defaultdict(list)
    for part in parts:
        for key, one in part.items():
            found[key].append(one)
    return found


def ranked(runs: Sequence[Times], *ranks: int) -> list[int]:
    """The values of these ranks (from 1, ascending) among all values of the sorted runs, none of which is empty."""
    arrays, begins, ends = [run.values for run in runs], [run.begin for run in runs], [run.end for run in runs]
    sizes = list(map(sub, ends, begins))
    total = sum(sizes)
    if total < SPARSE * len(runs):
        whole = sorted(_between(arrays, begins, ends))
        return [whole[rank - 1] for rank in ranks]
    return [_ranked(arrays, begins, ends, sizes, rank, total) for rank in ranks]


def _ranked(
    arrays: Sequence["array[int]"],
    begins: Sequence[int],
    ends: Sequence[int],
    sizes: Sequence[int],
    rank: int,
    total: int,
) -> int:
    # Each run's own value of about this rank: the one that is looked for lies between the least and the greatest of them.
    own = [
        values[begin + -(-rank * size // total) - 1] for values, begin, size in zip(arrays, begins, sizes, strict=True)
    ]
    low, high, below = min(own), max(own), sum(begins) + rank
    begins = list(map(bisect_left, arrays, repeat(low), begins, ends))
    ends = list(map(bisect_right, arrays, repeat(high), begins, ends))
    while low < high and sum(ends) - sum(begins) > FEW:
        guess = (low + high) // 2
        places = list(map(bisect_right, arrays, repeat(guess), begins, ends))
        if sum(places) >= below:
            high, ends = guess, places
        else:
            low, begins = guess + 1, places
    return low if low == high else sorted(_between(arrays, begins, ends))[below - sum(begins) - 1]


def _between(arrays: Iterable["array[int]"], begins: Iterable[int], ends: Iterable[int]) -> Iterable[int]:
    """The values of each from its begin on and before its end."""
    return chain.from_iterable([values[begin:end] for values, begin, end in zip(arrays, begins, ends, strict=True)])
