"""The times of one day's incidents sorted beforehand, all of them and by group: what a median of a month is found in. Pure.

A percentile of many sorted runs is found by asking each run how many of its values lie below a guess. So the dashboard's
medians cost a few thousand look-ups however many incidents there are, and are the same values that sorting them all would
give.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise, repeat
from operator import lshift, or_
from struct import Struct
from typing import Protocol

from reports.figures.definitions import WAITING

TIMED = ("acknowledge", "resolve", "acknowledge_work", "resolve_work")
"""The columns of incidents that are sorted beforehand: those of the overview."""
GROUPINGS = ("", "team", "severity")
"""All together, and by these dimensions."""
PAIR = "team, severity"
"""By both dimensions at once: what one of them groups where the other is narrowed. What was packed before it was kept has none."""
_PAIRED, _SEVERITIES = 8, 255
_MOST_TEAM = 2 ** (31 - _PAIRED) - 1
FORMAT = 1
_HEAD = Struct("<H")
_SIZES = Struct("<II")
_SECTIONS = tuple((column, grouping) for column in TIMED for grouping in GROUPINGS)
_PAIR_SECTIONS = tuple((column, PAIR) for column in TIMED)
_GROUP = 20
"""Bytes of one group's key, number waiting, number of values (4 each) and their sum (8)."""
SPARSE = 64
"""Below so many values a run, sorting them all is quicker than asking each run."""


@dataclass(frozen=True, slots=True)
class Times:
    """The known values of some incidents, sorted, with their sum; ``waiting`` have none yet."""

    values: "array[int]"
    total: int
    waiting: int


Grouped = Mapping[int, Times]
"""By the number of the group; without a grouping all are group nought."""


def keys_of(columns: "Read", grouping: str) -> Iterable[int] | None:
    """The column by which it is grouped; of both dimensions one number for each two (``pair_of``); None where nothing is grouped."""
    if grouping == PAIR:
        return map(or_, map(lshift, columns["team"], repeat(_PAIRED)), columns["severity"])
    return columns[grouping] if grouping else None


def pair_of(key: int) -> dict[str, int]:
    """Team and severity of a group by both."""
    return {"team": key >> _PAIRED, "severity": key & _SEVERITIES}


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
    return Times(known, sum(known), bisect_right(ordered, WAITING) - bisect_left(ordered, WAITING))


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
    head = _HEAD.pack(FORMAT)
    if max(columns["team"], default=0) > _MOST_TEAM:
        return head + _sections(columns, _SECTIONS)
    # Behind all that was there before: an earlier version reads this too, and leaves it alone.
    return head + _sections(columns, _SECTIONS) + _sections(columns, _PAIR_SECTIONS)


def _sections(columns: Read, sections: Sequence[tuple[str, str]]) -> bytes:
    sizes, bodies = [], []
    for column, grouping in sections:
        found = sorted(times_of(columns[column], keys_of(columns, grouping)).items())
        heads = (
            array("i", [key for key, _one in found]),
            array("i", [one.waiting for _key, one in found]),
            array("i", [len(one.values) for _key, one in found]),
            array("q", [one.total for _key, one in found]),
        )
        values = array("i", chain.from_iterable(one.values for _key, one in found))
        sizes.append(_SIZES.pack(len(found), len(values)))
        bodies.append(b"".join(little(part).tobytes() for part in (*heads, values)))
    return b"".join((*sizes, *bodies))


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
        self._places: dict[tuple[str, str], tuple[int, int, int]] = {}
        end = self._placed(_SECTIONS, _HEAD.size)
        if end < len(data):
            self._placed(_PAIR_SECTIONS, end)

    def _placed(self, sections: Sequence[tuple[str, str]], start: int) -> int:
        """Note where each of these begins; returns where they end."""
        begin = start + _SIZES.size * len(sections)
        for section, (groups, values) in zip(sections, _SIZES.iter_unpack(self._data[start:begin]), strict=True):
            self._places[section] = (begin, groups, values)
            begin += groups * _GROUP + values * 4
        return begin

    def of(self, column: str, grouping: str) -> Grouped | None:
        """None where it was packed before there was such a grouping."""
        if (column, grouping) not in self._places:
            return None
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
        return _Section(keys, waiting, sizes, totals, values)


class _Section(Grouped):
    """The groups of a section, each cut out when it is asked for: of many groups few may be."""

    __slots__ = ("_of", "_values")

    def __init__(
        self,
        keys: Iterable[int],
        waiting: Iterable[int],
        sizes: "array[int]",
        totals: Iterable[int],
        values: "array[int]",
    ) -> None:
        self._values = values
        self._of = dict(zip(keys, zip(waiting, sizes, totals, accumulate(sizes), strict=True), strict=True))

    def __getitem__(self, key: int) -> Times:
        waiting, size, total, end = self._of[key]
        return Times(self._values[end - size : end], total, waiting)

    def __iter__(self) -> Iterator[int]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


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


def ranked(runs: Sequence["array[int]"], *ranks: int) -> list[int]:
    """The values of these ranks (from 1, ascending) among all values of the sorted runs."""
    if sum(map(len, runs)) < SPARSE * len(runs):
        whole = sorted(chain.from_iterable(runs))
        return [whole[rank - 1] for rank in ranks]
    found, low, most = [], min(run[0] for run in runs if run), max(run[-1] for run in runs if run)
    for rank in ranks:
        high = most
        while low < high:
            guess = (low + high) // 2
            if sum(map(bisect_right, runs, repeat(guess))) >= rank:
                high = guess
            else:
                low = guess + 1
        found.append(low)
    return found
