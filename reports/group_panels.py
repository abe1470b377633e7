"""What is counted by groups: bars, rings and tables, each number with what leads to it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from reports.figures import counting
from reports.figures.counting import Share, Value
from reports.figures.definitions import METRICS, Kind, Metric
from reports.names import ESCALATED, HOURS, STATE, Name
from reports.narrow import ALSO
from reports.pages_behind import ALL as ALL_PAGES
from reports.panels import PAGES, Data, amount_of, title_of, words_of
from reports.pie import MOST, Ring, ring
from reports.wording import mark_text, share_text, time_text

MOST_BARS = 12
SPLITS = (STATE, ESCALATED, HOURS)
"""Groups that no filter chooses: what leads to them is a part of the number itself."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of a group, and what leads to what it counts; "" where nothing does."""

    words: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One group: what it is called, its number, its bar (percent of the longest), what leads to its incidents."""

    number: int
    label: str
    words: str
    percent: str
    link: str
    cells: tuple[Cell, ...] = ()
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows by one dimension; ``heads`` name the columns of the cells, ``others`` counts groups that are not shown."""

    title: str
    dimension: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    others: int = 0
    ring: Ring | None = None


Linker = Callable[[str], str]
"""What leads to a part of a group: "all", or a metric and its part."""


def groups(data: Data, key: str, dimension: str, *, most: int = MOST_BARS, known: bool = False) -> Groups:
    """One value for each group: the longest first; with its number of incidents. ``known`` leaves out groups without a value,
    where any has one."""
    metric = METRICS.get(key)
    what = metric.of if metric else key
    every = ALL_PAGES if what == PAGES else "all"
    columns = data.grouped(what, dimension)
    sizes = counting.counts_by(columns, dimension)
    values = counting.values_by(columns, dimension, metric, work=data.scope.work) if metric else {}

    def amount(number: int) -> float:
        return (amount_of(metric, values[number]) or 0.0) if metric else float(sizes[number])

    order = sorted(sizes, key=lambda number: (-amount(number), data.names.name(dimension, number).label))
    if known and metric:
        order = [number for number in order if amount_of(metric, values[number]) is not None] or order
    longest = max(map(amount, sizes), default=0.0) or 1.0
    rows = []
    for number in order[:most]:
        name = data.names.name(dimension, number)
        link = _linker(data, dimension, name)
        words = words_of(metric, values[number]) if metric else str(sizes[number])
        which = every if metric is None else f"{metric.key}.{'yes' if metric.kind == Kind.SHARE else 'done'}"
        cells = (Cell(str(sizes[number]), link(every)), *_cells(metric, values.get(number), link))
        rank = number if dimension == "severity" else None
        percent = f"{amount(number) / longest * 100:.4g}%"
        rows.append(Row(number, name.label, words, percent, link(which), cells, rank))
    title = _("%(metric)s by %(dimension)s") % {
        "metric": title_of(key, work=data.scope.work),
        "dimension": data.title_of(dimension).lower(),
    }
    heads = (_("pages") if what == PAGES else _("incidents"), *_heads(metric))
    return Groups(title, dimension, heads, tuple(rows), max(len(order) - most, 0))


def _linker(data: Data, dimension: str, name: Name) -> Linker:
    def link(which: str) -> str:
        if not name.slug:
            return ""
        if dimension in SPLITS:
            part = f"{dimension}.{name.slug}"
            return data.link(part if which in ("all", ALL_PAGES) else f"{which}{ALSO}{part}")
        return data.link(which, dimension, name.slug)

    return link


def _heads(metric: Metric | None) -> tuple[str, ...]:
    if metric is None:
        return ()
    if metric.kind == Kind.SHARE:
        return (_("percent"), _("counted"), _("of"), _("not known yet"))
    mean = (_("median"), _("p90"), _("mean"), _("without one yet"))
    return mean if metric.kind == Kind.TIME else (_("mean"), _("median"), _("p90"))


def _cells(metric: Metric | None, value: Value | None, link: Linker) -> tuple[Cell, ...]:
    if metric is None or value is None:
        return ()
    key = metric.key
    if isinstance(value, Share):
        return (
            Cell(share_text(value)),
            Cell(str(value.part), link(f"{key}.yes")),
            Cell(str(value.whole)),
            Cell(str(value.waiting), link(f"{key}.open") if value.waiting else ""),
        )
    done = link(f"{key}.done")
    if metric.kind == Kind.MARK:
        return (Cell(mark_text(value.mean), done), Cell(mark_text(value.median)), Cell(mark_text(value.p90)))
    waiting = Cell(str(value.waiting), link(f"{key}.waiting") if value.waiting else "")
    return (
        Cell(time_text(value.median), done),
        Cell(time_text(value.p90)),
        Cell(time_text(value.mean)),
        waiting,
    )


def pie(data: Data, key: str, dimension: str) -> Groups:
    """The parts of a whole: how many incidents of each group, the biggest first; what is beyond six is one part."""
    metric = METRICS.get(key)
    if metric is not None and metric.kind == Kind.SHARE:
        return _parts(data, metric)
    what = metric.of if metric else key
    found = groups(data, what, dimension, most=MOST)
    return ringed(found, sum(counting.counts_by(data.grouped(what, dimension), dimension).values()))


def ringed(found: Groups, whole: int) -> Groups:
    """The same groups, of which each row's words are a number, as a ring; ``whole`` is all of them with those that are not shown."""
    rest = whole - sum(int(row.words) for row in found.rows)
    rows = found.rows
    if rest:
        rows = (*rows, Row(0, _("%(number)d others") % {"number": found.others}, str(rest), "", ""))
    drawn = ring([float(row.words) for row in rows])
    return Groups(found.title, found.dimension, found.heads, rows, 0, drawn)


def _parts(data: Data, metric: Metric) -> Groups:
    """A share as a ring: what counts, what does not, what is not known yet."""
    value = data.value(metric, data.now(metric.of))
    if not isinstance(value, Share):
        raise TypeError(f"{metric.key} is no share")
    parts = (
        (_("yes"), value.part, "yes"),
        (_("no"), value.whole - value.part, "no"),
        (_("not known yet"), value.waiting, "open"),
    )
    rows = tuple(
        Row(number, label, str(count), "", data.link(f"{metric.key}.{which}"))
        for number, (label, count, which) in enumerate(parts)
        if count
    )
    return Groups(str(metric.title), "", (), rows, 0, ring([float(row.words) for row in rows]))
