"""What stands on a dashboard: cards, lines and hours of the week, each made of the same columns (groups: reports.group_panels)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.utils import dateformat
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from escalation_site.ui import charts
from reports.cards import OWN
from reports.figures import counting
from reports.figures.columns import Columns
from reports.figures.counted import OTHERS
from reports.figures.counting import Share, Spread, Value
from reports.figures.definitions import METRICS, Kind, Metric
from reports.figures.reading import Days, Seen, days_read, incident_columns, page_columns, restricted_seen
from reports.figures.times import Times
from reports.groupings import GROUP_TITLES, answered, grouped
from reports.links import Links, days_of_weeks
from reports.models import DayFigures
from reports.names import Names
from reports.own_answers import Answers, answers_read
from reports.pages_behind import ALL as ALL_PAGES
from reports.period import Period
from reports.selectors import Scope
from reports.wording import Card, called, count_card, mark_text, metric_card, share_text, time_text, waiting_words

INCIDENTS, GLANCE, TIMES, SPANS, PAGES = "incidents", "glance", "times", "spans", "pages"
SHADES = 4


@dataclass
class Data:
    """What a report is about, read when it is first asked for: at most three queries for incidents and two more for pages,
    four for both where ``kinds`` says that both will be asked for. With "times" among the kinds, medians are found in times
    that were sorted beforehand; with "glance" instead of "incidents" there is only what the overview asks for. With "spans" there are
    all times in working hours, where these are asked for, and not only those of the overview.
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
        timed = DayFigures.Kind.AT_WORK if self.scope.work else DayFigures.Kind.SORTED
        # At a glance there are teams and severities, and none of the other dimensions.
        glance = DayFigures.Kind.INCIDENTS if self.scope.more else DayFigures.Kind.GLANCE
        instead = {TIMES: timed.value, GLANCE: glance.value}
        kinds = [kind for kind in self.kinds if kind != SPANS or self.scope.work]
        return days_read([instead.get(kind, kind) for kind in kinds], **self._both)

    @cached_property
    def _both(self) -> dict[str, datetime]:
        return {"since": self.before.since, "until": self.scope.period.until}

    @cached_property
    def _seen(self) -> Seen:
        return () if self.scope.unpacked else restricted_seen(self.scope)

    @cached_property
    def _incidents(self) -> Columns:
        # Who does not say what will be asked for may ask for everything.
        spans = self.scope.work and (not self.kinds or SPANS in self.kinds)
        return incident_columns(self.scope, days=self._days, seen=self._seen, spans=spans, **self._both)

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

    def grouped(self, what: str, dimension: str) -> Columns:
        """Those of the period with a column of ``dimension``; a question of the house's own is asked for in three queries more."""
        found = self.now(what)
        if not dimension.startswith(OWN):
            return grouped(found, dimension)
        return answered(found, dimension, self._answers(dimension).numbers)

    def title_of(self, dimension: str) -> str:
        """What a dimension is called."""
        return self._answers(dimension).title if dimension.startswith(OWN) else str(GROUP_TITLES[dimension])

    def _answers(self, dimension: str) -> Answers:
        if dimension not in self._asked:
            period = self.scope.period
            seen = restricted_seen(self.scope) if self.scope.unpacked else self._seen
            found = answers_read(dimension.removeprefix(OWN), period.since, period.until, seen=seen)
            self._asked[dimension] = found
            self.names.learn(dimension, found.values)
        return self._asked[dimension]

    @cached_property
    def _asked(self) -> dict[str, Answers]:
        return {}

    def now(self, what: str = INCIDENTS) -> Columns:
        return self.of(what, self.scope.period)

    def old(self, what: str = INCIDENTS) -> Columns:
        return self.of(what, self.before)

    def value(self, metric: Metric, columns: Columns) -> Value:
        return counting.value_of(columns, metric, work=self.scope.work)

    def whole(self, metric: Metric, period: Period) -> Value:
        """The metric over one of the two periods."""
        if metric.kind != Kind.TIME:
            return self.value(metric, self.of(metric.of, period))
        return counting.spread_of_times([run for runs in self._runs(metric, period) for run in runs])

    def by_week(self, metric: Metric, period: Period) -> list[Value]:
        """The metric over each week of one of the two periods."""
        if metric.kind != Kind.TIME:
            return [self.value(metric, week) for week in self.weeks(metric.of, period)]
        return [counting.spread_of_times(runs) for runs in self._runs(metric, period)]

    def weeks(self, what: str, period: Period) -> list[Columns]:
        """The incidents or pages of each week of one of the two periods."""
        return counting.stretches(self.of(what, period), period.week_bounds())

    def _runs(self, metric: Metric, period: Period) -> list[list[Times]]:
        """Times, sorted once, week by week: what is looked for in all of them is found in these too."""
        column = counting.column_of(metric, work=self.scope.work)
        key = (column, period.first)
        if key not in self._sorted:
            self._sorted[key] = [counting.runs_of(week, column) for week in self.weeks(metric.of, period)]
        return self._sorted[key]

    @cached_property
    def _sorted(self) -> dict[tuple[str, date], list[list[Times]]]:
        return {}


@dataclass(frozen=True, slots=True)
class Hour:
    count: int
    shade: int


@dataclass(frozen=True, slots=True)
class Week:
    """How many in each hour of each day of the week: a line for each day, named. ``link`` leads to all of them; with an hour
    ("&hour=0-14": Monday from 14:00) to those of it."""

    title: str
    lines: tuple[tuple[str, tuple[Hour, ...], int], ...]
    note: str
    link: str


def day_text(day: Any) -> str:
    return str(dateformat.format(day, "j M"))


def title_of(key: str, *, work: bool = False) -> str:
    """What a metric, or the number of incidents or pages, is called."""
    return called(METRICS.get(key) or OTHERS[key], work=work)


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
        metric, period = METRICS[key], data.scope.period
        return metric_card(metric, data.whole(metric, period), data.whole(metric, data.before), work=data.scope.work)
    now, old = data.now(key), data.old(key)
    rule = OTHERS[key]
    which = ALL_PAGES if key == PAGES else "all"
    card = replace(count_card(key, str(rule.title), str(rule.rule), len(now), len(old), which), metric=rule)
    if key == PAGES:
        return card
    still = now.bytes_of("open").count(1)
    return replace(card, aside=waiting_words("resolve", still), aside_which="resolve.waiting")


def line(data: Data, key: str) -> charts.LineChart | charts.ColumnChart:
    """By week: the median up to p90, or the percentage; a number of things as columns."""
    period, before = data.scope.period, data.before
    labels = [day_text(day) for day in period.weeks()]
    days = days_of_weeks(period)
    if key not in METRICS:
        weeks = data.weeks(key, period)
        which = ALL_PAGES if key == PAGES else "all"
        links = tuple(data.link(which, days=one) if len(week) else "" for one, week in zip(days, weeks, strict=True))
        return replace(_columns(key, list(zip(labels, map(len, weeks), strict=True))), table_links=links)
    metric = METRICS[key]
    values = data.by_week(metric, period)
    was = [amount_of(metric, value) for value in data.by_week(metric, before)]
    points = [
        charts.LinePoint(
            label,
            amount_of(metric, value),
            value.p90 if isinstance(value, Spread) and metric.kind == Kind.TIME else None,
            was[index] if index < len(was) else None,
        )
        for index, (label, value) in enumerate(zip(labels, values, strict=True))
    ]
    which = f"{key}.{'yes' if metric.kind == Kind.SHARE else 'done'}"
    links = tuple(
        data.link(which, days=one) if point.median is not None else "" for one, point in zip(days, points, strict=True)
    )
    return replace(_drawn(metric, points, work=data.scope.work), table_links=links)


def _drawn(metric: Metric, points: Sequence[charts.LinePoint], *, work: bool) -> charts.LineChart:
    title = _("%(metric)s, by week") % {"metric": called(metric, work=work)}
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


def week(data: Data, key: str) -> Week:
    """Hours by days of the week, on the reader's clock."""
    what = METRICS[key].of if key in METRICS else key
    found = counting.hours_of_week(data.now(what)["at"], data.scope.period.zone)
    most = max(map(max, found))
    lines = tuple(
        (
            weekday_text(number),
            tuple(Hour(count, -(-count * SHADES // most) if count else 0) for count in hours),
            sum(hours),
        )
        for number, hours in enumerate(found)
    )
    title = _("Pages by hour and day of the week") if what == PAGES else _("Incidents by hour and day of the week")
    return Week(title, lines, _busiest(found, most), data.link(ALL_PAGES if what == PAGES else "all"))


def weekday_text(number: int) -> str:
    """The name of a day of the week, in short; 0 is Monday."""
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
        "day": weekday_text(day),
        "hour": hour,
        "until": (hour + 1) % 24,
    }
