"""Charts drawn on the server: scales, ticks and path strings for the SVG templates. Pure: numbers in, values out.

Heights are pixels; places along the line of time are percentages, so that a chart fills its box at any width while its
words and dots keep their size (only the paths are stretched, in a nested drawing ``STRETCH`` units wide). Each chart
carries a title, a sentence that says what it shows, and the same numbers as a table, so that nobody has to see it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

from escalation_site.ui import durations

STRETCH = 1000
MARGIN = 3.0
"""Percent of the width left free at either end, where half a label hangs over."""
TOP = 10
BOTTOM = 24
DURATION_STEPS = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800)
"""Steps (seconds) at which an axis of durations reads well."""

Writer = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis: pixels from the top on the upright one, percent from the left on the other."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class LinePoint:
    """One period: its label, the median, and optionally p90 and the median of the period before. None: no data."""

    label: str
    median: float | None
    p90: float | None = None
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Dot:
    """A drawn value (percent from the left, pixels from the top) with the words of its tooltip."""

    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True)
class LineChart:
    """A line for the median, a band up to p90, dashes for the period before."""

    title: str
    description: str
    height: int
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    line: str
    band: str
    before: str
    dots: tuple[Dot, ...]
    table_head: tuple[str, ...]
    table_rows: tuple[tuple[str, ...], ...]
    stretch: int = STRETCH
    table_links: tuple[str, ...] = ()
    """What leads to what the first number of each row counts, "" for nothing; none at all where nothing does."""

    @property
    def linked_rows(self) -> list[tuple[tuple[str, ...], str]]:
        return _linked(self.table_rows, self.table_links)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, its share of the longest, the value in words, and a tone ("", "warn", "quiet")."""

    label: str
    percent: str
    words: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class BarChart:
    """Names with a bar and a number each, longest first or as given."""

    title: str
    description: str
    bars: tuple[Bar, ...]
    table_head: tuple[str, ...]
    table_rows: tuple[tuple[str, ...], ...]

    @property
    def linked_rows(self) -> list[tuple[tuple[str, ...], str]]:
        return _linked(self.table_rows, ())


@dataclass(frozen=True, slots=True)
class Column:
    """One upright bar (across in percent, up in pixels), with the words of its tooltip."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Upright bars over time."""

    title: str
    description: str
    height: int
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    columns: tuple[Column, ...]
    table_head: tuple[str, ...]
    table_rows: tuple[tuple[str, ...], ...]
    table_links: tuple[str, ...] = ()

    @property
    def linked_rows(self) -> list[tuple[tuple[str, ...], str]]:
        return _linked(self.table_rows, self.table_links)


def _linked(rows: Sequence[tuple[str, ...]], links: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
    """Each row with what its first number leads to."""
    return list(zip(rows, links or [""] * len(rows), strict=True))


def number_step(top: float, ticks: int = 4) -> float:
    """A step of 1, 2 or 5 times a power of ten that reaches ``top`` in at most ``ticks`` steps. At least 1e-9."""
    if top <= 0:
        return 1.0
    raw = top / ticks
    power = 10.0 ** floor(log10(raw))
    return float(next(power * factor for factor in (1, 2, 5, 10) if power * factor * ticks >= top * (1 - 1e-9)))


def duration_step(top: float, ticks: int = 4) -> float:
    """A step (seconds) that reads well as a span of time and reaches ``top`` in at most ``ticks`` steps."""
    fitting = (step for step in DURATION_STEPS if step * ticks >= top)
    return float(next(fitting, number_step(top / durations.DAY, ticks) * durations.DAY))


def count_step(top: float, ticks: int = 4) -> float:
    """Like ``number_step``, for things that come whole."""
    return max(number_step(top, ticks), 1.0)


def span_words(seconds: float) -> str:
    """A span on an axis, in one word: "10 min"; nought is "0"."""
    return durations.in_two_units(seconds, smallest=1) if seconds else "0"


def number_words(value: float) -> str:
    """A number as short as it is exact to three digits."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _scale(top: float, step: float, height: int) -> tuple[Callable[[float], float], list[float]]:
    steps = max(int(-(-top // step)), 1)
    ceiling = steps * step
    usable = height - TOP - BOTTOM

    def place(value: float) -> float:
        return round(TOP + usable * (1 - value / ceiling), 1)

    return place, [step * index for index in range(steps + 1)]


def _x_ticks(labels: Sequence[str], x: Callable[[int], float], most: int = 8) -> tuple[Tick, ...]:
    every = max(-(-len(labels) // most), 1)
    return tuple(Tick(x(index), label) for index, label in enumerate(labels) if index % every == 0)


def _stretches(values: Sequence[float | None]) -> list[list[int]]:
    """Runs of neighbouring periods that have data; a line is never drawn across a gap."""
    runs: list[list[int]] = []
    for index, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places)


def _stretched(percent: float) -> float:
    return round(percent * STRETCH / 100, 1)


def _lines(values: Sequence[float | None], x: Callable[[int], float], y: Callable[[float], float]) -> str:
    runs = [run for run in _stretches(values) if len(run) > 1]
    return "".join(_path([(_stretched(x(index)), y(values[index] or 0.0)) for index in run]) for run in runs)


def _band(points: Sequence[LinePoint], x: Callable[[int], float], y: Callable[[float], float]) -> str:
    both = [point.p90 if point.median is not None else None for point in points]
    shapes = []
    for run in _stretches(both):
        if len(run) < 2:
            continue
        upper = [(_stretched(x(index)), y(points[index].p90 or 0.0)) for index in run]
        lower = [(_stretched(x(index)), y(points[index].median or 0.0)) for index in reversed(run)]
        shapes.append(_path(upper + lower) + "Z")
    return "".join(shapes)


def line_chart(
    points: Sequence[LinePoint],
    *,
    title: str,
    description: str,
    heads: tuple[str, str, str, str],
    words: Writer = span_words,
    step: Callable[[float], float] = duration_step,
    height: int = 220,
) -> LineChart:
    """A chart of medians (and p90, and the period before) over ``points``, oldest first.

    ``heads`` names the period, the median, p90 and the period before, for the table; ``words`` writes a value, ``step``
    chooses the axis' step. With no data at all the axis runs to one step and nothing is drawn.
    """
    drawn = [value for point in points for value in (point.median, point.p90, point.before) if value is not None]
    top = max(drawn, default=0.0)
    y, levels = _scale(top, step(top), height)
    gap = (100 - 2 * MARGIN) / max(len(points) - 1, 1)

    def x(index: int) -> float:
        return round(MARGIN + gap * index, 2)

    shown = (True, True, any(p.p90 is not None for p in points), any(p.before is not None for p in points))
    dots = tuple(
        Dot(x(index), y(point.median), f"{point.label}: {words(point.median)}")
        for index, point in enumerate(points)
        if point.median is not None
    )
    rows = [(p.label, *("–" if v is None else words(v) for v in (p.median, p.p90, p.before))) for p in points]
    return LineChart(
        title=title,
        description=description,
        height=height,
        y_ticks=tuple(Tick(y(level), words(level)) for level in levels),
        x_ticks=_x_ticks([point.label for point in points], x),
        line=_lines([point.median for point in points], x, y),
        band=_band(points, x, y),
        before=_lines([point.before for point in points], x, y),
        dots=dots,
        table_head=tuple(head for head, show in zip(heads, shown, strict=True) if show),
        table_rows=tuple(tuple(cell for cell, show in zip(row, shown, strict=True) if show) for row in rows),
    )


def bar_chart(
    items: Sequence[tuple[str, float]],
    *,
    title: str,
    description: str,
    heads: tuple[str, str],
    words: Writer = number_words,
    tone: Callable[[float], str] = lambda value: "",
) -> BarChart:
    """Horizontal bars in the order given; the longest fills its line."""
    longest = max((value for _, value in items), default=0.0) or 1.0
    bars = tuple(
        Bar(label, f"{max(value, 0.0) / longest * 100:.4g}%", words(value), tone(value)) for label, value in items
    )
    return BarChart(title, description, bars, heads, tuple((label, words(value)) for label, value in items))


def column_chart(
    items: Sequence[tuple[str, float]],
    *,
    title: str,
    description: str,
    heads: tuple[str, str],
    words: Writer = number_words,
    step: Callable[[float], float] = count_step,
    height: int = 180,
) -> ColumnChart:
    """Upright bars over time, oldest first."""
    top = max((value for _, value in items), default=0.0)
    y, levels = _scale(top, step(top), height)
    room = 100 / max(len(items), 1)
    wide = round(min(room * 0.62, 8.0), 2)

    def centre(index: int) -> float:
        return round(room * (index + 0.5), 2)

    columns = tuple(
        Column(
            round(centre(index) - wide / 2, 2), y(value), wide, round(y(0.0) - y(value), 1), f"{label}: {words(value)}"
        )
        for index, (label, value) in enumerate(items)
    )
    return ColumnChart(
        title=title,
        description=description,
        height=height,
        y_ticks=tuple(Tick(y(level), words(level)) for level in levels),
        x_ticks=_x_ticks([label for label, _ in items], centre),
        columns=columns,
        table_head=heads,
        table_rows=tuple((label, words(value)) for label, value in items),
    )


def change(now: float | None, before: float | None) -> float | None:
    """Relative change from ``before`` to ``now`` (-0.12 is twelve percent less); None where it cannot be said."""
    if now is None or not before:
        return None
    return now / before - 1


def sparkline(values: Sequence[float], *, width: int = 96, height: int = 24) -> str:
    """Path of a tiny line over ``values``; "" for fewer than two."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    reach = (high - low) or 1.0
    gap = width / (len(values) - 1)
    places = [(round(gap * i, 1), round(1 + (height - 2) * (1 - (v - low) / reach), 1)) for i, v in enumerate(values)]
    return _path(places)
