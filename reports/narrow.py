"""The incidents behind one number of a report: each number's link names a metric and which of its incidents are meant."""

from collections.abc import Mapping

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from incidents.models import Incident
from reports.figures.counting import column_of
from reports.figures.definitions import METRICS, NO, OPEN, WAITING, YES, Kind, Metric
from reports.models import PageFigures
from reports.names import STATE, STATES
from reports.selectors import Scope, chosen_incidents, incidents_in

ALL = "all"
ALERTED = "alerts.some"
"""Those that alerts belong to."""
CODES = {"yes": YES, "no": NO, "open": OPEN}
TIMED = ("done", "waiting")
_WORDS: Mapping[str, str | Promise] = {
    "done": _("slowest first"),
    "waiting": _("without one yet"),
    "yes": _("counted"),
    "no": _("not counted"),
    "open": _("not known yet"),
}
OLD = {
    "acknowledged": "acknowledge.done",
    "unacknowledged": "acknowledge.waiting",
    "resolved": "resolve.done",
    "open": "resolve.waiting",
    "past-level-1": "escalated.yes",
    "again": "again.yes",
    "exhausted": "exhausted.yes",
}
"""Addresses that people have kept."""


def _titles() -> dict[str, str | Promise]:
    found: dict[str, str | Promise] = {ALL: _("All incidents")}
    for metric in METRICS.values():
        for part in CODES if metric.kind == Kind.SHARE else TIMED:
            found[f"{metric.key}.{part}"] = format_lazy("{}: {}", metric.title, _WORDS[part])
    named: dict[str, str | Promise] = {
        "acknowledge.done": _("Acknowledged, the slowest first"),
        "acknowledge.waiting": _("Not acknowledged"),
        "resolve.done": _("Resolved, the slowest first"),
        "resolve.waiting": _("Still open"),
        "escalated.yes": _("Went past level 1"),
        "again.yes": _("Escalated again"),
        "exhausted.yes": _("Nobody answered on any level"),
        "sla.yes": _("SLA kept"),
        "sla.no": _("SLA missed"),
        "noise.yes": _("Recovered by itself"),
        "csat.done": _("Judged, the most content first"),
    }
    stands = {f"{STATE}.{state.value}": format_lazy("{}: {}", _("State"), state.label) for state in Incident.State}
    return {
        ALERTED: _("With alerts from monitors"),
        **found,
        **named,
        **stands,
        **{old: named[new] for old, new in OLD.items()},
    }


TITLES = _titles()
ALSO = ","
"""Between two numbers whose incidents are meant where both count them: "csat.done,escalated.yes"."""


def which_of(text: str) -> str:
    """What an address asks for; ALL where it is not understood."""
    return text if text and all(one in TITLES for one in text.split(ALSO)) else ALL


def title_of(which: str) -> str:
    """What it is called; ``which`` is one of ``which_of``."""
    return " · ".join(str(TITLES[one]) for one in which.split(ALSO))


def metric_of(which: str) -> tuple[Metric | None, str]:
    """The metric whose number ``which`` is, and which part of it; None where it is no metric's."""
    first = which.partition(ALSO)[0]
    key, _dot, part = OLD.get(first, first).partition(".")
    return METRICS.get(key), part


def parts_of(which: str) -> list[tuple[str, str | Promise]]:
    """What the same metric counts, leaves out or waits for: each with its name; nothing where ``which`` is no metric's."""
    metric, _part = metric_of(which)
    if metric is None:
        return []
    also = "".join(which.partition(ALSO)[1:])
    parts = CODES if metric.kind == Kind.SHARE else TIMED
    return [(f"{metric.key}.{part}{also}", TITLES[f"{metric.key}.{part}"]) for part in parts]


def behind(scope: Scope, which: str) -> QuerySet[Incident]:
    """The incidents of the scope behind the number called ``which`` (keys of TITLES with ALSO between them; anything else means
    all), in the order to read them: of a time the slowest first, in working hours where the scope asks for these. Of pages: those of the
    incidents that had such a page in the period.
    """
    first, *more = which.split(ALSO)
    found = _behind(scope, first)
    for one in more:
        found = narrowed(found, one, work=scope.work)
    return found


def _behind(scope: Scope, which: str) -> QuerySet[Incident]:
    key, _dot, part = OLD.get(which, which).partition(".")
    metric = METRICS.get(key)
    if metric is not None and metric.of == "pages" and part in (*CODES, *TIMED):
        period = scope.period
        pages = PageFigures.objects.filter(
            incident=OuterRef("pk"), at__gte=period.since, at__lt=period.until, **part_of(metric, part)
        )
        return chosen_incidents(scope).filter(Exists(pages))
    return narrowed(incidents_in(scope), which, work=scope.work)


def part_of(metric: Metric, part: str, prefix: str = "") -> dict[str, int]:
    """What the figures that a number counts hold, as a filter."""
    if part in CODES:
        return {f"{prefix}{metric.column}": CODES[part]}
    return {f"{prefix}{metric.column}": WAITING} if part == "waiting" else {f"{prefix}{metric.column}__gte": 0}


def narrowed(incidents: QuerySet[Incident], which: str, *, work: bool) -> QuerySet[Incident]:
    """Those of ``incidents`` behind the number called ``which``; numbers of pages narrow nothing here."""
    if which == ALERTED:
        return incidents.filter(alert_count__gt=0)
    key, _dot, part = OLD.get(which, which).partition(".")
    metric = METRICS.get(key)
    if key == STATE and part in STATES:
        return incidents.filter(state=part)
    if metric is None or metric.of != "incidents":
        return incidents
    column = f"figures__{metric.column}"
    if metric.kind == Kind.SHARE:
        return incidents.filter(**{column: CODES[part]}) if part in CODES else incidents
    if part == "waiting":
        return incidents.filter(**{column: WAITING})
    if part != "done":
        return incidents
    return incidents.filter(**{f"{column}__gte": 0}).order_by(f"-figures__{column_of(metric, work=work)}", "-id")
