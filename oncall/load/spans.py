"""Sets of time, made to be asked many times how much of them lies within a range. Pure."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import accumulate

NOTHING = timedelta(0)
Pair = tuple[datetime, datetime]


class Spans:
    """Stretches of time in order and apart, whatever was given. Each question costs two look-ups, however many stretches."""

    __slots__ = ("_sums", "pairs", "starts")

    def __init__(self, pairs: Iterable[Pair]) -> None:
        merged: list[Pair] = []
        for start, end in sorted(pairs):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        self.pairs = tuple(merged)
        self.starts = [start for start, _ in merged]
        self._sums = [NOTHING, *accumulate(end - start for start, end in merged)]

    @property
    def total(self) -> timedelta:
        return self._sums[-1]

    def within(self, start: datetime, end: datetime) -> timedelta:
        """How much of the set lies between ``start`` and ``end``; nothing where the range is empty."""
        return self._before(end) - self._before(start) if start < end else NOTHING

    def cut(self, since: datetime, until: datetime) -> "Spans":
        """The part of the set between ``since`` and ``until``."""
        return Spans((max(start, since), min(end, until)) for start, end in self.pairs if start < until and end > since)

    def _before(self, moment: datetime) -> timedelta:
        number = bisect_right(self.starts, moment)
        if not number:
            return NOTHING
        start, end = self.pairs[number - 1]
        return self._sums[number - 1] + min(moment, end) - start


def heaviest(spans: Spans, length: timedelta, *, since: datetime, until: datetime) -> tuple[datetime, timedelta]:
    """Where between ``since`` and ``until`` a window of ``length`` holds most of the set, and how much: the earliest such.

    A range shorter than ``length`` is its own window.
    """
    last = max(since, until - length)
    # As the window slides, what it holds grows until it begins with a stretch or ends with one.
    edges = [edge for start, end in spans.pairs for edge in (start, end - length) if since <= edge <= last]
    held = ((spans.within(edge, min(edge + length, until)), edge) for edge in sorted({since, last, *edges}))
    most, begun = max(held, key=lambda one: one[0])
    return begun, most
