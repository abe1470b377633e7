"""What stands on a dashboard: cards, lines, bars, rings, tables and hours of the week, each made of the same columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils import dateformat
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.ui import charts
from reports.figures import counting
from reports.figures.columns import Columns
from reports.figures.counting import Share, Spread, Value
from reports.figures.definitions import METRICS, Kind, Metric
from reports.figures.reading import Days, Seen, days_read, incident_columns, page_columns, restricted_seen
from reports.groupings import GROUP_TITLES, grouped
from reports.names import STATE, Name, Names
from reports.pages_behind import ALL as ALL_PAGES
from reports.pages_behind import of_pages
from reports.period import Period
from reports.pie import MOST, Ring, ring
from reports.selectors import Scope
from reports.wording import Card, count_card, mark_text, metric_card, share_text, time_text, waiting_words

MOST_BARS = 12
INCIDENTS, PAGES = "incidents", "pages"
COUNTS: dict[str, str | Promise] = {INCIDENTS: gettext_lazy("Incidents"), PAGES: gettext_lazy("Pages")}
SHADES = 4


class Links:
    """Addresses of the incidents, or pages, behind a number, with the filters of the report."""

    def __init__(self, query: QueryDict) -> None:
        self._query = query

    def __call__(self, which: str, dimension: str = "", slug: str = "") -> str:
        query = self._query.copy()
        for name in ("page", "which", "person", "csrfmiddlewaretoken"):
            query.pop(name, None)
        query["which"] = which
        if dimension:
            query[dimension] = slug
        return f"{reverse('reports:pages' if of_pages(which) else 'reports:incidents')}?{query.urlencode()}"


@dataclass
class Data:
    """What a report is about, read when it is first asked for: at most three queries for incidents and two more for pages,
    four for both where ``kinds`` says that both will be asked for. With "times" among the kinds, medians are found in times
    that were sorted beforehand.
    """

    scope: Scope
    names: Names
    link: Links
    kinds: tuple[str, ...] = ()

    @cached_property
    def before(self) -> Period:
        return self.scope.period.before()

    @cached_property
    def _days(self) -> Days | None:
        if not self.kinds or self.scope.where:
            return None
        return days_read(self.kinds, **self._both)

    @cached_property
    def _both(self) -> dict[str, datetime]:
        return {"since": self.before.since, "until": self.scope.period.until}

    @cached_property
    def _seen(self) -> Seen:
        return () if self.scope.where else restricted_seen(self.scope)

    @cached_property
    def _incidents(self) -> Columns:
        return incident_columns(self.scope, days=self._days, seen=self._seen, **self._both)

    @cached_property
    def _pages(self) -> Columns:
        return page_columns(self.scope, days=self._days, seen=self._seen, **self._both)

    def of(self, what: str, period: Period) -> Columns:
        """The incidents or pages of one of the two periods."""
        known = self._known
        key = (what, period.first)
        if key not in known:
            both = self._pages if what == PAGES else self._incidents
            known[key] = both.between(period.since, period.until)
        return known[key]

    @cached_property
    def _known(self) -> dict[tuple[str, Any], Columns]:
        return {}

    def now(self, what: str = INCIDENTS) -> Columns:
        return self.of(what, self.scope.period)

    def old(self, what: str = INCIDENTS) -> Columns:
        return self.of(what, self.before)

    def value(self, metric: Metric, columns: Columns) -> Value:
        return counting.value_of(columns, metric, work=self.scope.work)


@dataclass(frozen=True, slots=True)
class Row:
    """One group: what it is called, its number, its bar (percent of the longest), what leads to its incidents."""

    number: int
    label: str
    words: str
    percent: str
    link: str
    cells: tuple[str, ...] = ()
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


@dataclass(frozen=True, slots=True)
class Hour:
    count: int
    shade: int


@dataclass(frozen=True, slots=True)
class Week:
    """How many in each hour of each day of the week: a line for each day, named."""

    title: str
    lines: tuple[tuple[str, tuple[Hour, ...], int], ...]
    note: str


def day_text(day: Any) -> str:
    return str(dateformat.format(day, "j M"))


def title_of(key: str) -> str:
    """What a metric, or the number of incidents or pages, is called."""
    return str(METRICS[key].title) if key in METRICS else str(COUNTS[key])


def words_of(metric: Metric, value: Value) -> str:
    """The one number that stands for a metric: the percentage, the median, the mean mark."""
    if isinstance(value, Share):
        return share_text(value)
    return mark_text(value.mean) if metric.kind == Kind.MARK else time_text(value.median)


def amount_of(metric: Metric, value: Value) -> float | None:
    """As ``words_of``, as a number to draw."""
    if isinstance(value, Share):
        return value.percent
    return value.mean if metric.kind == Kind.MARK else value.median


def number_card(data: Data, key: str) -> Card:
    """A metric, or the number of incidents or pages, with its change and the ways to what is behind it."""
    card = _number(data, key)
    return replace(card, link=data.link(card.which), aside_link=data.link(card.aside_which) if card.aside else "")


def _number(data: Data, key: str) -> Card:
    if key in METRICS:
        metric = METRICS[key]
        now, old = data.now(metric.of), data.old(metric.of)
        return metric_card(metric, data.value(metric, now), data.value(metric, old))
    now, old = data.now(key), data.old(key)
    if key == PAGES:
        return count_card(key, _("Pages"), _("Pages made in the period."), len(now), len(old), ALL_PAGES)
    title, definition = _("Incidents"), _("Incidents that started in the period, tests left out.")
    still = now.bytes_of("open").count(1)
    card = count_card(key, title, definition, len(now), len(old))
    return replace(card, aside=waiting_words("resolve", still), aside_which="resolve.waiting")


def line(data: Data, key: str) -> charts.LineChart | charts.ColumnChart:
    """By week: the median up to p90, or the percentage; a number of things as columns."""
    period, before = data.scope.period, data.before
    labels = [day_text(day) for day in period.weeks()]
    if key not in METRICS:
        weeks = counting.stretches(data.now(key), period.week_bounds())
        return _columns(key, list(zip(labels, map(len, weeks), strict=True)))
    metric = METRICS[key]
    weeks = counting.stretches(data.now(metric.of), period.week_bounds())
    earlier = counting.stretches(data.old(metric.of), before.week_bounds())
    values = [data.value(metric, week) for week in weeks]
    was = [amount_of(metric, data.value(metric, week)) for week in earlier]
    points = [
        charts.LinePoint(
            label,
            amount_of(metric, value),
            value.p90 if isinstance(value, Spread) and metric.kind == Kind.TIME else None,
            was[index] if index < len(was) else None,
        )
        for index, (label, value) in enumerate(zip(labels, values, strict=True))
    ]
    return _drawn(metric, points)


def _drawn(metric: Metric, points: Sequence[charts.LinePoint]) -> charts.LineChart:
    title = _("%(metric)s, by week") % {"metric": metric.title}
    description = _description(metric, [point for point in points if point.median is not None])
    if metric.kind == Kind.TIME:
        heads = (_("Week of"), _("median"), _("to p90"), _("median before"))
        return charts.line_chart(points, title=title, description=description, heads=heads)
    name = _("mean") if metric.kind == Kind.MARK else _("percent")
    return charts.line_chart(
        points,
        title=title,
        description=description,
        heads=(_("Week of"), name, "", _("before")),
        words=mark_text if metric.kind == Kind.MARK else _percent_words,
        step=charts.number_step,
    )


def _percent_words(value: float) -> str:
    return f"{value:.3g}%"


def _description(metric: Metric, known: Sequence[charts.LinePoint]) -> str:
    if not known:
        return _("There is no value in this period.")

    def words(value: float | None) -> str:
        if metric.kind == Kind.TIME:
            return time_text(value)
        return mark_text(value) if metric.kind == Kind.MARK else _percent_words(value or 0.0)

    return _("It went from %(first)s in the week of %(week)s to %(last)s in the week of %(until)s.") % {
        "first": words(known[0].median),
        "week": known[0].label,
        "last": words(known[-1].median),
        "until": known[-1].label,
    }


def _columns(key: str, bars: Sequence[tuple[str, int]]) -> charts.ColumnChart:
    total = sum(number for _label, number in bars)
    pages = key == PAGES
    return charts.column_chart(
        [(label, float(number)) for label, number in bars],
        title=_("Pages by week") if pages else _("Incidents by week"),
        description=(
            _("%(number)d pages were made in the period.")
            if pages
            else _("%(number)d incidents started in the period.")
        )
        % {"number": total},
        heads=(_("Week of"), _("pages") if pages else _("incidents")),
    )


def groups(data: Data, key: str, dimension: str, *, most: int = MOST_BARS, known: bool = False) -> Groups:
    """One value for each group: the longest first; with its number of incidents. ``known`` leaves out groups without a value,
    where any has one."""
    metric = METRICS.get(key)
    what = metric.of if metric else key
    columns = grouped(data.now(what), dimension)
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
        words = words_of(metric, values[number]) if metric else str(sizes[number])
        rows.append(
            Row(
                number,
                name.label,
                words,
                f"{amount(number) / longest * 100:.4g}%",
                _link(data, metric, dimension, name, ALL_PAGES if key == PAGES else "all"),
                (str(sizes[number]), *_cells(metric, values.get(number))),
                number if dimension == "severity" else None,
            )
        )
    title = _("%(metric)s by %(dimension)s") % {
        "metric": title_of(key),
        "dimension": str(GROUP_TITLES[dimension]).lower(),
    }
    heads = (
        _("pages") if what == PAGES else _("incidents"),
        *_heads(metric),
    )
    return Groups(title, dimension, heads, tuple(rows), max(len(order) - most, 0))


def _link(data: Data, metric: Metric | None, dimension: str, name: Name, every: str) -> str:
    """What leads to what a group's number counts; ``every`` is the number of things themselves."""
    if not name.slug:
        return ""
    if dimension == STATE:
        return data.link(f"{STATE}.{name.slug}") if metric is None else ""
    which = every if metric is None else f"{metric.key}.{'yes' if metric.kind == Kind.SHARE else 'done'}"
    return data.link(which, dimension, name.slug)


def _heads(metric: Metric | None) -> tuple[str, ...]:
    if metric is None:
        return ()
    if metric.kind == Kind.SHARE:
        return (_("percent"), _("counted"), _("of"), _("not known yet"))
    mean = (_("median"), _("p90"), _("mean"), _("without one yet"))
    return mean if metric.kind == Kind.TIME else (_("mean"), _("median"))


def _cells(metric: Metric | None, value: Value | None) -> tuple[str, ...]:
    if metric is None or value is None:
        return ()
    if isinstance(value, Share):
        return (share_text(value), str(value.part), str(value.whole), str(value.waiting))
    if metric.kind == Kind.MARK:
        return (mark_text(value.mean), mark_text(value.median))
    return (time_text(value.median), time_text(value.p90), time_text(value.mean), str(value.waiting))


def pie(data: Data, key: str, dimension: str) -> Groups:
    """The parts of a whole: how many incidents of each group, the biggest first; what is beyond six is one part."""
    metric = METRICS.get(key)
    if metric is not None and metric.kind == Kind.SHARE:
        return _parts(data, metric)
    what = metric.of if metric else key
    found = groups(data, what, dimension, most=MOST)
    sizes = counting.counts_by(grouped(data.now(what), dimension), dimension)
    rest = sum(sizes.values()) - sum(sizes[row.number] for row in found.rows)
    rows = found.rows
    if rest:
        rows = (*rows, Row(0, _("%(number)d others") % {"number": found.others}, str(rest), "", ""))
    drawn = ring([float(row.words) for row in rows])
    return Groups(found.title, dimension, found.heads, rows, 0, drawn)


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


def week(data: Data, key: str) -> Week:
    """Hours by days of the week, on the reader's clock."""
    what = METRICS[key].of if key in METRICS else key
    found = counting.hours_of_week(data.now(what)["at"], data.scope.period.zone)
    most = max(map(max, found))
    lines = tuple(
        (
            _weekday(number),
            tuple(Hour(count, -(-count * SHADES // most) if count else 0) for count in hours),
            sum(hours),
        )
        for number, hours in enumerate(found)
    )
    title = _("Pages by hour and day of the week") if what == PAGES else _("Incidents by hour and day of the week")
    return Week(title, lines, _busiest(found, most))


def _weekday(number: int) -> str:
    # 4 January 2021 was a Monday.
    return str(date_format(date(2021, 1, 4 + number), "D"))


def _busiest(found: Sequence[Sequence[int]], most: int) -> str:
    if not most:
        return ""
    day, hour = next(
        (day, hour) for day, hours in enumerate(found) for hour, count in enumerate(hours) if count == most
    )
    return _("Most, %(number)d, came on %(day)s from %(hour)02d:00 to %(until)02d:00.") % {
        "number": most,
        "day": _weekday(day),
        "hour": hour,
        "until": (hour + 1) % 24,
    }
