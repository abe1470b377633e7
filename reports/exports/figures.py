"""The reports' figures as a table: every team, service, policy … or person with the metrics, as numbers and not as words."""

from collections.abc import Iterator, Sequence

from django.utils.dateformat import format as date_text
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reports.exports.asking import Asked, filters_text
from reports.exports.table import Column, Row, Table
from reports.exports.table import Kind as Held
from reports.figures import counting
from reports.figures.counting import Share, Value
from reports.figures.definitions import METRICS, NO, NONE, OPEN, YES, Kind, Metric
from reports.figures.keeping import figures_ready
from reports.forms import ReportFilters
from reports.links import Links
from reports.names import NOBODY, PERSON, TITLES, Name, Names
from reports.panels import PAGES, Data
from reports.wording import called

USUAL = "team"
BY = "by"
"""What the address calls the dimension."""
SHARES = tuple(metric.key for metric in METRICS.values() if metric.kind == Kind.SHARE and metric.of != PAGES)
"""Metrics by whose answer the others may be told apart: CSAT of what was escalated, and of what was not."""


def figures_table(asked: Asked) -> Table:
    """One row for each value of the dimension ``by`` that has anything in the period: team unless said, ``person`` for pages, or a
    share of SHARES."""
    known, names = figures_ready(at=asked.at), Names()
    by = asked.query.get(BY, USUAL)
    by = by if by in TITLES or by in (PERSON, *SHARES) else USUAL
    form = ReportFilters(asked.query or {"period": "28d"}, names=names)
    form.is_valid()
    scope = form.scope(asked.user, at=asked.at, zone=asked.zone)
    data = Data(scope, names, Links(asked.query))
    of_pages = by == PERSON
    metrics = [metric for metric in METRICS.values() if (metric.of == PAGES) == of_pages]
    columns = data.now(PAGES) if of_pages else data.now()
    sizes = counting.counts_by(columns, by)
    values = [counting.values_by(columns, by, metric, work=scope.work) for metric in metrics]
    called = {number: _name(names, by, number) for number in sizes}
    order = sorted(sizes, key=lambda number: (-sizes[number], called[number].label))

    def rows() -> Iterator[Row]:
        for number in order:
            name = called[number]
            found = [
                cell for metric, known in zip(metrics, values, strict=True) for cell in _cells(metric, known[number])
            ]
            # What has none has an empty cell for machines.
            yield [name.label if asked.words else name.slug if number != NOBODY else "", sizes[number], *found]

    days = {"first": date_text(scope.period.first, "j M Y"), "last": date_text(scope.period.last, "j M Y")}
    return Table(
        name=f"figures-by-{by}-{scope.period.first}-{scope.period.last}",
        title=_("Figures by %(dimension)s") % {"dimension": _label(by).lower()},
        columns=[
            Column(by, _label(by), Held.TEXT, True),
            Column("pages" if of_pages else "incidents", _("Pages") if of_pages else _("Incidents"), Held.NUMBER, True),
            *(column for metric in metrics for column in _columns(metric, work=scope.work)),
        ],
        rows=rows(),
        count=len(order),
        about=[
            (_("Period"), _("%(first)s to %(last)s") % days),
            (_("Filters"), filters_text(asked)),
            (_("Left out"), _("Tests, incidents merged into others, and what the reader may not see.")),
            *([(_("Not counted yet"), str(NOT_YET))] if scope.work and known.anew else ()),
        ],
    )


def _name(names: Names, by: str, number: int) -> Name:
    if by not in SHARES:
        return names.name(by, number)
    slug = {YES: "yes", NO: "no", OPEN: "open", NONE: ""}[number]
    label = {YES: _("yes"), NO: _("no"), OPEN: _("not known yet"), NONE: _("not concerned")}[number]
    return Name(number, slug, label)


def _label(by: str) -> str:
    if by in SHARES:
        return str(METRICS[by].title)
    return str(TITLES.get(by, _("Person")))


NOT_YET = gettext_lazy(
    "Since an upgrade, earlier incidents are being counted in working hours: a time that is not known for all of them is empty until then."
)
PRINTED = ("acknowledge", "resolve", "escalated", "sla", "sleep", "delivered", "answered", "answer")
"""What a page of paper has room for."""


def _columns(metric: Metric, *, work: bool) -> Sequence[Column]:
    key, title, printed = metric.key, called(metric, work=work), metric.key in PRINTED
    waiting = Column(f"{key}_waiting", f"{title}: {_('without one yet')}", Held.NUMBER)
    if metric.kind == Kind.SHARE:
        return (
            Column(f"{key}_percent", f"{title} (%)", Held.NUMBER, printed),
            Column(f"{key}_counted", f"{title}: {_('counted')}", Held.NUMBER),
            Column(f"{key}_of", f"{title}: {_('of')}", Held.NUMBER),
            waiting,
        )
    held = Held.SECONDS if metric.kind == Kind.TIME else Held.NUMBER
    return (
        Column(f"{key}_median", f"{title}: {_('median')}", held, printed),
        Column(f"{key}_p90", f"{title}: {_('p90')}", held),
        Column(f"{key}_mean", f"{title}: {_('mean')}", held),
        Column(f"{key}_counted", f"{title}: {_('counted')}", Held.NUMBER),
        waiting,
    )


HUNDREDTHS = 100


def _cells(metric: Metric, value: Value) -> Sequence[float | None]:
    if isinstance(value, Share):
        percent = value.percent
        return (None if percent is None else round(percent, 1), value.part, value.whole, value.waiting)
    spread = (value.median, value.p90, value.mean)
    if metric.kind == Kind.MARK:
        return (*(None if one is None else round(one / HUNDREDTHS, 2) for one in spread), value.done, value.waiting)
    return (*(None if one is None else round(one) for one in spread), value.done, value.waiting)
