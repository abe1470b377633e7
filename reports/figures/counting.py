"""Counting columns: medians, shares, groups, hours of the week. Exact, and pure.

A percentile is the nearest rank: the smallest value that at least so many percent do not exceed. It is a value that
really happened, and counts of values add up: nothing is estimated.
"""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import accumulate, compress, pairwise
from operator import mul

from reports.figures.columns import Columns
from reports.figures.definitions import NO, OPEN, SHIFT_MOST, UNCOUNTED, WAITING, YES, Kind, Metric
from reports.figures.times import Times, joined, ranked, times_of

QUARTER = 900
"""Seconds; no time zone is off by a part of a quarter of an hour."""
HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, p90 and mean (None of nothing) of ``done`` values; ``waiting`` have none yet. While there are ``uncounted`` ones these
    three are not known, and None too."""

    median: int | None
    p90: int | None
    mean: float | None
    done: int
    waiting: int
    uncounted: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``; ``waiting`` are not known yet. The percentage is None of an empty whole."""

    part: int
    whole: int
    waiting: int = 0

    @property
    def percent(self) -> float | None:
        return 100 * self.part / self.whole if self.whole else None


Value = Spread | Share


def value_of(columns: Columns, metric: Metric, *, work: bool = False) -> Value:
    """The metric over the columns; with ``work`` in business time, where it has one."""
    if metric.kind == Kind.SHARE:
        return share_of(columns.bytes_of(metric.column))
    column = column_of(metric, work=work)
    if columns.times(column) is not None:
        return spread_of_times(runs_of(columns, column))
    return spread_of(Counter(columns[column]))


def runs_of(columns: Columns, column: str) -> list[Times]:
    """The times in the column, sorted: those that were sorted beforehand day by day, others now and together."""
    sorted_before = columns.times(column)
    return [times_of(columns[column])[0]] if sorted_before is None else [part[0] for part in sorted_before]


def column_of(metric: Metric, *, work: bool) -> str:
    """The column that holds the metric."""
    return metric.work if work and metric.work else metric.column


def share_of(codes: bytes) -> Share:
    part, no = codes.count(YES), codes.count(NO)
    return Share(part, part + no, codes.count(OPEN))


def spread_of(counts: Mapping[int, int]) -> Spread:
    """From how often each value occurs; values below nought are NOT, WAITING and UNCOUNTED."""
    waiting, uncounted = counts.get(WAITING, 0), counts.get(UNCOUNTED, 0)
    values = sorted(counts)
    values = values[bisect_left(values, 0) :]
    numbers = [counts[value] for value in values]
    done = sum(numbers)
    if not done or uncounted:
        return Spread(None, None, None, done, waiting, uncounted)
    upto = list(accumulate(numbers))
    median, p90 = (values[bisect_left(upto, rank)] for rank in _ranks(done))
    return Spread(median, p90, sum(map(mul, values, numbers)) / done, done, waiting)


def _ranks(done: int) -> tuple[int, int]:
    """Which of so many values, in order from 1, are median and p90."""
    return -(-done * 50 // 100), -(-done * 90 // 100)


def spread_of_times(parts: Sequence[Times]) -> Spread:
    """As ``spread_of``, of times that were sorted part by part."""
    runs = [part for part in parts if part.begin < part.end]
    done, waiting = sum(run.end - run.begin for run in runs), sum(part.waiting for part in parts)
    uncounted = sum(part.uncounted for part in parts)
    if not done or uncounted:
        return Spread(None, None, None, done, waiting, uncounted)
    median, p90 = ranked(runs, *_ranks(done))
    return Spread(median, p90, sum(run.total for run in runs) / done, done, waiting)


def values_by(columns: Columns, dimension: str, metric: Metric, *, work: bool = False) -> dict[int, Value]:
    """The metric of each group, by the dimension's number."""
    keys = columns[dimension]
    if metric.kind == Kind.SHARE:
        codes: dict[int, bytearray] = defaultdict(bytearray)
        for (key, code), number in Counter(zip(keys, columns[metric.column], strict=True)).items():
            codes[key] += bytes((code,)) * number
        return {key: share_of(bytes(found)) for key, found in codes.items()}
    column = column_of(metric, work=work)
    sorted_before = columns.times(column, dimension)
    if sorted_before is not None:
        return {key: spread_of_times(parts) for key, parts in joined(sorted_before).items()}
    # Sorting each group's values is a third of what counting pairs of group and value costs.
    return {key: spread_of_times([found]) for key, found in times_of(columns[column], keys).items()}


def counts_by(columns: Columns, dimension: str) -> dict[int, int]:
    """How many of each group."""
    return dict(Counter(columns[dimension]))


def stretches(columns: Columns, bounds: Sequence[datetime]) -> list[Columns]:
    """The columns cut at ``bounds``: from each to the next."""
    return [columns.between(since, until) for since, until in pairwise(bounds)]


def hours_of_week(instants: "array[int]", zone: tzinfo) -> list[list[int]]:
    """How many of the instants, which are in order, fell into each hour (0 to 23) of each day of the week (Monday first),
    on the clock of ``zone``."""
    found = [[0] * 24 for _day in range(7)]
    begin = 0
    while begin < len(instants):
        first = instants[begin] // DAY * DAY
        span = HOUR if _hourly(first, zone) else QUARTER
        local = _shown(first, zone)
        place = local.weekday() * 24 + local.hour
        for start in range(first, first + DAY, span):
            end = bisect_left(instants, start + span, begin)
            if end > begin:
                if span == QUARTER:
                    local = _shown(start, zone)
                    place = local.weekday() * 24 + local.hour
                found[place // 24 % 7][place % 24] += end - begin
                begin = end
            place += span == HOUR
    return found


def _hourly(first: int, zone: tzinfo) -> bool:
    """Whether the clock of ``zone`` shows 24 whole hours, one after the other, in the day (UTC) from that instant on."""
    begins, ends = _shown(first, zone), _shown(first + DAY, zone)
    return begins.minute == 0 and begins.utcoffset() == ends.utcoffset()


def _shown(instant: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(instant, zone)


@dataclass(frozen=True, slots=True)
class Load:
    """What one person bore: pages, those outside work and asleep, and shifts of twelve hours with any or too many
    incidents."""

    person: int
    pages: int
    off: int
    sleep: int
    shifts: int
    heavy: int


def loads_of(pages: Columns, *, shifts: bool = True) -> list[Load]:
    """The people who were paged, the most loaded first. A shift is heavy beyond two incidents; without ``shifts`` none is
    looked at."""
    totals: Counter[int] = Counter()
    off: Counter[int] = Counter()
    sleep: Counter[int] = Counter()
    for (person, outside, asleep), number in Counter(_went(pages, "person", "off_hours", "sleep")).items():
        totals[person] += number
        off[person] += number * (outside == YES)
        sleep[person] += number * (asleep == YES)
    with_page, heavy = _shifts(pages) if shifts else (Counter[int](), Counter[int]())
    found = [
        Load(person, number, off[person], sleep[person], with_page[person], heavy[person])
        for person, number in totals.items()
    ]
    return sorted(found, key=lambda load: (-load.pages, load.person))


def _went(pages: Columns, *names: str) -> "compress[tuple[int, ...]]":
    """These columns of the pages that were not withdrawn: their codes are nought."""
    return compress(zip(*(pages[name] for name in names), strict=True), pages["sleep"])


def _shifts(pages: Columns) -> tuple[Counter[int], Counter[int]]:
    """Shifts with a page, and those with more than two incidents, by person."""
    by_shift = _incidents_by_shift(pages)
    shifts = Counter(person for person, _shift in by_shift)
    return shifts, Counter({person: len(heavy) for person, heavy in _heavy(by_shift).items()})


def heavy_shifts(pages: Columns) -> dict[int, set[int]]:
    """By person, the shifts with more than two incidents."""
    return _heavy(_incidents_by_shift(pages))


def _incidents_by_shift(pages: Columns) -> Counter[tuple[int, int]]:
    """How many incidents each person had in each shift."""
    distinct = set(_went(pages, "person", "shift", "incident"))
    return Counter((person, shift) for person, shift, _incident in distinct)


def _heavy(by_shift: Mapping[tuple[int, int], int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for (person, shift), number in by_shift.items():
        if number > SHIFT_MOST:
            found[person].add(shift)
    return found
