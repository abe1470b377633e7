"""The times of one day's incidents sorted beforehand, all of them and by group: what a median of a month is found in. Pure.

A percentile of many sorted runs is found by asking each run how many of its values lie below a guess. So the dashboard's
medians cost a few thousand look-ups however many incidents there are, and are the same values that sorting them all would
give.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, compress, pairwise, repeat
from operator import add, sub
from struct import Struct
from typing import NamedTuple, Protocol

from reports.figures.definitions import AT_A_GLANCE, WAITING

TIMED = {"sorted": ("acknowledge", "resolve"), "at_work": AT_A_GLANCE}
"""The columns of incidents that are sorted beforehand, by the kind of day (``reports.models.DayFigures``): those of the overview."""
SORTED = frozenset(chain.from_iterable(TIMED.values()))
TEAM, SEVERITY = "team", "severity"
GROUPINGS = ("", TEAM, SEVERITY)
"""All together, and by these dimensions."""
FORMAT = 2
_HEAD = Struct("<H")
_SIZES = Struct("<III")
_SECTIONS = tuple((place, grouping) for place in range(2) for grouping in GROUPINGS)
_HEADS = "iiiiq"
"""Of each group: its key, its number of incidents, of those without a value, of those among them that wait for one, and the sum of the
values."""
_GROUP = 24
SPARSE = 64
"""Below so many values a run, sorting them all is quicker than asking each run."""
FEW = 256
"""So few values that may be the one are sorted."""


class Times(NamedTuple):
    """The known values of some incidents: those of ``values`` from place ``begin`` on and before ``end``, sorted, with their sum;
    ``waiting`` have none yet, and of ``uncounted`` it is not known."""

    values: "array[int]"
    begin: int
    end: int
    total: int
    waiting: int
    uncounted: int = 0


Grouped = Mapping[int, Times]
"""By the number of the group; without a grouping all are group nought."""


def times_of(values: Iterable[int], keys: Iterable[int] | None = None) -> dict[int, Times]:
    """Of a column, by the column of ``keys`` beside it; those below nought are NOT, WAITING and UNCOUNTED."""
    if keys is None:
        return {0: _times(sorted(values))}
    groups: dict[int, list[int]] = defaultdict(list)
    for key, value in zip(keys, values, strict=True):
        groups[key].append(value)
    return {key: _times(sorted(found)) for key, found in groups.items()}


def _times(ordered: Sequence[int]) -> Times:
    known = array("i", ordered[bisect_left(ordered, 0) :])
    uncounted, waiting = bisect_left(ordered, WAITING), bisect_right(ordered, WAITING)
    return Times(known, 0, len(known), sum(known), waiting - uncounted, uncounted)


@lru_cache(maxsize=64)
def among(codes: frozenset[int]) -> bytes:
    """What makes a 1 of each of the codes and a 0 of every other byte (``bytes.translate``)."""
    return bytes(code in codes for code in range(256))


class Read(Protocol):
    """Columns by name."""

    def __getitem__(self, name: str, /) -> "array[int]": ...


def little(values: "array[int]") -> "array[int]":
    """The same array, its bytes in the order in which they are packed: turned round where this machine's is another."""
    if sys.byteorder == "big":
        values.byteswap()
    return values


def times_packed(columns: Read, kind: str) -> bytes:
    """The times of the incidents in ``columns`` (TIMED and the dimensions of GROUPINGS), as bytes."""
    sizes, bodies = [], []
    for place, grouping in _SECTIONS:
        groups: dict[int, list[tuple[int, int]]] = defaultdict(list)
        keys = columns[grouping] if grouping else repeat(0)
        for key, row in zip(keys, zip(columns[TIMED[kind][place]], columns[SEVERITY], strict=True), strict=False):
            groups[key].append(row)
        for rows in groups.values():
            rows.sort()
        values = array("i", [value for key in sorted(groups) for value, _severity in groups[key]])
        # In a team's times each one's severity stands beside it: so those of some severities are picked out, and still sorted.
        codes = bytes(code for key in sorted(groups) for _value, code in groups[key]) if grouping == TEAM else b""
        heads = [array(code) for code in _HEADS]
        for key in sorted(groups):
            known = [value for value, _severity in groups[key] if value >= 0]
            waiting = sum(value == WAITING for value, _severity in groups[key])
            row_heads = (key, len(groups[key]), len(groups[key]) - len(known), waiting, sum(known))
            for head, number in zip(heads, row_heads, strict=True):
                head.append(number)
        sizes.append(_SIZES.pack(len(groups), len(values), len(codes)))
        bodies.append(b"".join((*(little(part).tobytes() for part in (*heads, values)), codes)))
    return b"".join((_HEAD.pack(FORMAT), *sizes, *bodies))


class _Section(NamedTuple):
    """Groups: their keys, where each begins, where its values begin, how many wait, where it ends, the sum of its values; and all values
    with their severities."""

    keys: "array[int]"
    begins: Sequence[int]
    known: Sequence[int]
    waiting: "array[int]"
    ends: Sequence[int]
    totals: "array[int]"
    values: "array[int]"
    codes: bytes


class DayTimes:
    """What ``times_packed`` made of a day, each section read when it is first asked for."""

    __slots__ = ("_columns", "_data", "_places", "_read")

    def __init__(self, data: bytes, kind: str) -> None:
        """Raises ValueError for bytes of another format."""
        (form,) = _HEAD.unpack_from(data)
        if form != FORMAT:
            raise ValueError(f"packed times of format {form}")
        self._columns = TIMED[kind]
        self._data = memoryview(data)
        self._read: dict[tuple[int, str], _Section] = {}
        begin = _HEAD.size + _SIZES.size * len(_SECTIONS)
        self._places: dict[tuple[int, str], tuple[int, int, int, int]] = {}
        sizes = _SIZES.iter_unpack(self._data[_HEAD.size : begin])
        for section, (groups, values, codes) in zip(_SECTIONS, sizes, strict=True):
            self._places[section] = (begin, groups, values, codes)
            begin += groups * _GROUP + values * 4 + codes

    def has(self, column: str) -> bool:
        """Whether the column was sorted."""
        return column in self._columns

    def of(self, column: str, grouping: str) -> Grouped:
        """By group."""
        one = self._section(column, grouping)
        times = map(Times, repeat(one.values), one.known, one.ends, one.totals, one.waiting)
        return dict(zip(one.keys, times, strict=True))

    def of_severities(self, column: str, severities: Collection[int]) -> Grouped:
        """By team, of incidents of these severities alone."""
        one = self._section(column, TEAM)
        mask = one.codes.translate(among(frozenset(severities)))
        values, begin, found = array("i", compress(one.values, mask)), 0, {}
        for key, first, known, waits, last in zip(one.keys, one.begins, one.known, one.waiting, one.ends, strict=True):
            end = begin + mask.count(1, first, last)
            if end > begin:
                start = begin + mask.count(1, first, known)
                found[key] = Times(values, start, end, sum(values[start:end]), mask.count(1, first, first + waits))
            begin = end
        return found

    def _section(self, column: str, grouping: str) -> _Section:
        section = (self._columns.index(column), grouping)
        found = self._read.get(section)
        if found is None:
            begin, groups, number, codes = self._places[section]
            cuts = list(accumulate((begin, *(groups * width for width in (4, 4, 4, 4, 8)), number * 4, codes)))
            parts = [self._data[start:end] for start, end in pairwise(cuts)]
            keys, sizes, below, waiting, totals, values = map(_array, _HEADS + "i", parts[:-1])
            ends = list(accumulate(sizes, initial=0))
            known = list(map(add, ends, below))
            found = _Section(keys, ends[:-1], known, waiting, ends[1:], totals, values, bytes(parts[-1]))
            self._read[section] = found
        return found


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
