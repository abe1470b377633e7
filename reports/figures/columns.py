"""The figures of many incidents (or pages) as columns of plain numbers, packed into bytes and back. Pure.

One day of incidents is one row of the database. Reading a quarter is reading ninety rows, and counting is done on
arrays: that is what makes a dashboard of a million incidents a matter of milliseconds while every figure stays exact,
since nothing is rounded and no incident is forgotten in a sum.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, compress
from struct import Struct
from typing import Self

from reports.figures.definitions import CODES, NONE, NOT, PAGE_CODES, PAGE_TIMES, TIMES, UNCOUNTED
from reports.figures.definitions import SPANS as SPAN_NAMES
from reports.figures.times import GROUPINGS, SEVERITY, SORTED, TEAM, DayTimes, Grouped, among, little, times_of

Row = tuple[int, ...]
Layout = Mapping[str, str]
"""Names of columns and their type codes: q is 64 bits, i 32 bits, B 8 bits without a sign."""

DIMENSIONS = ("team", "service", "policy", "category", "customer", "integration")
SMALL_DIMENSIONS = ("severity", "priority", "source", "detection")
_SCOPE: Layout = {**dict.fromkeys(DIMENSIONS, "i"), **dict.fromkeys(SMALL_DIMENSIONS, "B")}
INCIDENTS: Layout = {
    "at": "q",
    "id": "q",
    **_SCOPE,
    "open": "B",
    **dict.fromkeys(TIMES, "i"),
    **dict.fromkeys(CODES, "B"),
}
PAGES: Layout = {
    "at": "q",
    "id": "q",
    **_SCOPE,
    "incident": "q",
    "person": "i",
    "shift": "i",
    "hours": "B",
    **dict.fromkeys(PAGE_CODES, "B"),
    **dict.fromkeys(PAGE_TIMES, "i"),
}
_GLANCED = {"at", "team", "severity", "open", *SORTED, "escalated", "again", "sla"}
GLANCE: Layout = {name: code for name, code in INCIDENTS.items() if name in _GLANCED}
"""What the overview asks for: a third of the bytes of INCIDENTS, packed a second time."""
SPANS: Layout = dict.fromkeys(SPAN_NAMES, "i")
"""Times in working hours of the incidents in INCIDENTS, in the same order: packed beside them, and read where they are shown."""
WITH_SPANS: Layout = {**INCIDENTS, **SPANS}
FORMAT = 1
"""Raise it when what a column means changes. New columns go to the end of a layout: a day packed before them concerns none of its
rows, until it is packed anew."""
_HEAD = Struct("<HI")
MOST_SECONDS = 2**31 - 1
"""68 years: no span of ours is longer."""


Only = Collection[int] | None
"""Severities that alone are asked for; None means all."""


def instant_of(at: datetime) -> int:
    """Whole seconds since 1970, as the columns hold instants."""
    return int(at.timestamp() // 1)


def packed(rows: Iterable[Row], layout: Layout) -> bytes:
    """The rows, each in the order of ``layout``, as bytes."""
    columns = list(zip(*rows, strict=True)) or [()] * len(layout)
    return _bytes([array(code, column) for code, column in zip(layout.values(), columns, strict=True)])


def _bytes(arrays: "Sequence[array[int]]") -> bytes:
    return _HEAD.pack(FORMAT, len(arrays[0])) + b"".join(little(one[:]).tobytes() for one in arrays)


class Columns:
    """Columns of equal length, in the order of ``at``. Narrowing is done column by column, when one is asked for."""

    def __init__(self, layout: Layout, arrays: "dict[str, array[int]] | None" = None) -> None:
        self.layout = layout
        self._arrays = arrays if arrays is not None else {name: array(code) for name, code in layout.items()}

    @classmethod
    def of_rows(cls, layout: Layout, rows: Iterable[Row]) -> Self:
        """Rows in the order of the layout; they need not be in the order of time."""
        columns = list(zip(*sorted(rows), strict=True)) or [()] * len(layout)
        return cls(
            layout,
            {name: array(code, column) for (name, code), column in zip(layout.items(), columns, strict=True)},
        )

    def __len__(self) -> int:
        return len(self._arrays["at"])

    def __getitem__(self, name: str) -> "array[int]":
        return self._arrays[name]

    def packed(self, layout: Layout) -> bytes:
        """The columns of ``layout`` as bytes."""
        return _bytes([self[name] for name in layout])

    def bytes_of(self, name: str) -> bytes:
        """A column of codes in which codes above nought are counted fast; there may be more noughts than rows."""
        return self[name].tobytes()

    def joined(self, other: "Columns") -> "Columns":
        """Both, in the order of time."""
        return _Joined(self, other) if len(other) else self

    def between(self, since: datetime, until: datetime) -> "Columns":
        """Those from ``since`` on and before ``until``."""
        begin, end = (bisect_left(self["at"], instant_of(moment)) for moment in (since, until))
        return self._part(begin, end)

    def narrowed(self, chosen: Mapping[str, Collection[int]]) -> "Columns":
        """Those whose dimensions are among the chosen; a dimension with nothing chosen is not asked."""
        asked = {name: frozenset(values) for name, values in chosen.items() if values}
        masks = [self._mask(name, values) for name, values in asked.items()]
        if not masks:
            return self
        mask = masks[0] if len(masks) == 1 else bytes(map(all, zip(*masks, strict=True)))
        return _Narrowed(self, mask, asked)

    def masked(self, mask: bytes) -> "Columns":
        """Those for which ``mask``, of a byte for each row, has a 1."""
        return _Narrowed(self, mask, {})

    def _mask(self, name: str, wanted: Collection[int]) -> bytes:
        """A 1 for each row whose dimension is among the wanted, else a 0."""
        if self.layout[name] == "B":
            return self[name].tobytes().translate(among(frozenset(wanted)))
        return bytes(map(wanted.__contains__, self[name]))

    def times(self, column: str, grouping: str = "") -> Sequence[Grouped] | None:
        """The sorted times in the column by day and group; None where they were not sorted beforehand."""
        return self._times(0, len(self), column, grouping) if grouping in GROUPINGS else None

    def _part(self, begin: int, end: int) -> "Columns":
        return _Slice(self, begin, end)

    def _times(self, begin: int, end: int, column: str, grouping: str, only: Only = None) -> Sequence[Grouped] | None:
        """As ``times``, of the rows from ``begin`` on and before ``end``; with ``only`` of these severities, by team."""
        return None

    def _sorted(self, begin: int, end: int, column: str, grouping: str, only: Only = None) -> Grouped:
        """Those rows' times, sorted now."""
        values, keys = self[column][begin:end], self[grouping][begin:end] if grouping else None
        if only is None or keys is None:
            return times_of(values, keys)
        mask = self._mask(SEVERITY, only)[begin:end]
        return times_of(compress(values, mask), compress(keys, mask))


class Packed(Columns):
    """The packed ``parts``, one after the other, a column read when it is asked for.

    ``times`` are what was sorted beforehand of each part, None where nothing was; ``spans`` what was packed beside it by the layout
    SPANS, None where nothing is known. Raises ValueError for bytes of another format.
    """

    def __init__(
        self,
        layout: Layout,
        parts: Sequence[bytes],
        times: Sequence[DayTimes | None] = (),
        spans: Sequence[bytes | None] | None = None,
    ) -> None:
        super().__init__(layout if spans is None else {**layout, **SPANS}, {})
        self._parts = [memoryview(part) for part in parts]
        self._beside = [memoryview(part or b"") for part in spans or ()]
        self._places = {name: (self._parts, place) for name, place in _places(layout).items()}
        if spans is not None:
            self._places |= {name: (self._beside, place) for name, place in _places(SPANS).items()}
        heads = [_HEAD.unpack_from(part) for part in (*self._parts, *filter(None, self._beside))]
        if wrong := {form for form, _count in heads} - {FORMAT}:
            raise ValueError(f"packed figures of format {min(wrong)}")
        self._counts: list[int] = [count for _form, count in heads[: len(self._parts)]]
        self._ends: list[int] = [0, *accumulate(self._counts)]
        self._sorted_before = times if any(times) else ()

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, name: str) -> "array[int]":
        found = self._arrays.get(name)
        if found is None:
            found = self._arrays[name] = array(self.layout[name])
            parts, before = self._places[name]
            for part, count in zip(parts, self._counts, strict=True):
                begin = _HEAD.size + count * before
                data = part[begin : begin + count * found.itemsize]
                if count and not data:
                    found.extend((_UNCOUNTED if name in SPANS else _MISSING[found.typecode]) * count)
                found.frombytes(data)
            little(found)
        return found

    def _times(self, begin: int, end: int, column: str, grouping: str, only: Only = None) -> Sequence[Grouped] | None:
        if not any(times is not None and times.has(column) for times in self._sorted_before):
            return None
        found: list[Grouped] = []
        # From the day that ``begin`` lies in to the one before which ``end`` does.
        days = range(max(bisect_right(self._ends, begin) - 1, 0), bisect_left(self._ends, end))
        for times, first, last in ((self._sorted_before[day], self._ends[day], self._ends[day + 1]) for day in days):
            if begin <= first and last <= end and times is not None and times.has(column):
                found.append(times.of(column, grouping) if only is None else times.of_severities(column, only))
            elif max(begin, first) < min(end, last):
                found.append(self._sorted(max(begin, first), min(end, last), column, grouping, only))
        return found


_WIDTHS = {code: array(code).itemsize for code in "qiB"}


def _places(layout: Layout) -> Mapping[str, int]:
    """How many bytes of a row stand before each column."""
    return dict(zip(layout, accumulate((_WIDTHS[code] for code in layout.values()), initial=0), strict=False))


_FULL = bytes(255 if code else 0 for code in range(256))
_MISSING = {"i": array("i", (NOT,)), "B": array("B", (NONE,))}
_UNCOUNTED = array("i", (UNCOUNTED,))


class _Derived(Columns):
    """Made of other columns, each when it is first asked for."""

    def __init__(self, base: Columns, make: "Callable[[array[int]], Iterable[int]]") -> None:
        super().__init__(base.layout, {})
        self._base, self._make = base, make

    def __len__(self) -> int:
        return len(self["at"])

    def __getitem__(self, name: str) -> "array[int]":
        found = self._arrays.get(name)
        if found is None:
            found = self._arrays[name] = array(self.layout[name], self._make(self._base[name]))
        return found


class _Slice(_Derived):
    """A stretch of other columns; copying memory, not numbers."""

    def __init__(self, base: Columns, begin: int, end: int) -> None:
        super().__init__(base, lambda values: values[begin:end])
        self._begin, self._end = begin, end

    def __len__(self) -> int:
        return self._end - self._begin

    def _part(self, begin: int, end: int) -> Columns:
        return _Slice(self._base, self._begin + begin, self._begin + end)

    def _times(self, begin: int, end: int, column: str, grouping: str, only: Only = None) -> Sequence[Grouped] | None:
        return self._base._times(self._begin + begin, self._begin + end, column, grouping, only)


class _Narrowed(_Derived):
    """The rows of other columns that a mask has a 1 for: those of the chosen dimensions."""

    def __init__(self, base: Columns, mask: bytes, chosen: Mapping[str, Collection[int]]) -> None:
        super().__init__(base, lambda values: compress(values, mask))
        self._mask_of, self._chosen = mask, chosen

    def __len__(self) -> int:
        return self._mask_of.count(1)

    def bytes_of(self, name: str) -> bytes:
        """All rows, with nought where a row is not chosen: two numbers of as many digits, and the machine compares them at once."""
        codes, mask = self._base.bytes_of(name), self._mask_of.translate(_FULL)
        return (int.from_bytes(codes, "little") & int.from_bytes(mask, "little")).to_bytes(len(codes), "little")

    def between(self, since: datetime, until: datetime) -> Columns:
        begin, end = (bisect_left(self._base["at"], instant_of(moment)) for moment in (since, until))
        return _Narrowed(self._base._part(begin, end), self._mask_of[begin:end], self._chosen)

    def _times(self, begin: int, end: int, column: str, grouping: str, only: Only = None) -> Sequence[Grouped] | None:
        """Groups of the one dimension by which it is narrowed, whole or together; or teams, of some severities."""
        if (begin, end) != (0, len(self)) or len(self._chosen) != 1 or only is not None:
            return None
        ((dimension, wanted),) = self._chosen.items()
        if (dimension, grouping) == (SEVERITY, TEAM):
            return self._base._times(0, len(self._base), column, TEAM, wanted)
        if dimension not in GROUPINGS or grouping not in ("", dimension):
            return None
        found = self._base._times(0, len(self._base), column, dimension)
        if found is None:
            return None
        kept = [{key: times for key, times in part.items() if key in wanted} for part in found]
        return kept if grouping else [{0: times} for part in kept for times in part.values()]


class _Joined(_Derived):
    """Many, with a few others put in where their time is."""

    def __init__(self, base: Columns, other: Columns) -> None:
        places = [bisect_right(base["at"], at) for at in other["at"]]
        super().__init__(base, lambda values: values)
        self._other, self._places = other, places

    def __len__(self) -> int:
        return len(self._base) + len(self._other)

    def __getitem__(self, name: str) -> "array[int]":
        found = self._arrays.get(name)
        if found is None:
            found = self._arrays[name] = array(self.layout[name])
            base, done = self._base[name], 0
            for place, value in zip(self._places, self._other[name], strict=True):
                found.extend(base[done:place])
                found.append(value)
                done = place
            found.extend(base[done:])
        return found

    def between(self, since: datetime, until: datetime) -> Columns:
        return self._base.between(since, until).joined(self._other.between(since, until))

    def _times(self, begin: int, end: int, column: str, grouping: str, only: Only = None) -> Sequence[Grouped] | None:
        if (begin, end) != (0, len(self)):
            return None
        found = self._base._times(0, len(self._base), column, grouping, only)
        return None if found is None else [*found, self._other._sorted(0, len(self._other), column, grouping, only)]
