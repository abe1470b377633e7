"""The pages behind one number of a report: each with whom it was for, when, on whose clock, and for which incident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reports.figures.counting import heavy_shifts
from reports.figures.definitions import METRICS, NONE, Kind
from reports.figures.reading import days_of, page_columns, restricted_seen
from reports.models import PageFigures
from reports.narrow import CODES, TIMED, part_of
from reports.narrow import TITLES as OF_METRICS
from reports.selectors import Scope, chosen_incidents

ALL, WENT, HEAVY = "pages.all", "pages.went", "pages.heavy"
TITLES: Mapping[str, str | Promise] = {
    ALL: _("All pages"),
    WENT: _("Pages that were not withdrawn"),
    HEAVY: _("Pages of shifts with more than two incidents"),
    **{
        f"{metric.key}.{part}": OF_METRICS[f"{metric.key}.{part}"]
        for metric in METRICS.values()
        if metric.of == "pages"
        for part in (CODES if metric.kind == Kind.SHARE else TIMED)
    },
}


@dataclass(frozen=True, slots=True)
class Asked:
    """``which`` is a key of TITLES; ``people`` narrow it to pages for these, nobody chosen means all."""

    which: str = ALL
    people: Sequence[int] = ()


def of_pages(which: str) -> bool:
    """Whether a number called so counts pages."""
    return which in TITLES


def pages_behind(scope: Scope, asked: Asked) -> QuerySet[PageFigures]:
    """The pages made in the scope's period for incidents of the scope behind that number, the newest first."""
    period = scope.period
    first, last = days_of(period.since, period.until)
    # By the day as well: that is what its index begins with.
    found = PageFigures.objects.filter(
        Exists(chosen_incidents(scope).filter(pk=OuterRef("incident_id")).order_by()),
        incident__counted=True,
        day__gte=first,
        day__lte=last,
        at__gte=period.since,
        at__lt=period.until,
    ).order_by("-at", "-pk")
    if asked.people:
        found = found.filter(person__in=asked.people)
    key, _dot, part = asked.which.partition(".")
    if asked.which == HEAVY:
        return found.exclude(sleep=NONE).filter(_heavy(scope, asked.people))
    if key in METRICS:
        found = found.filter(**part_of(METRICS[key], part))
        return found.order_by("-answer", "-pk") if part == "done" else found
    return found.exclude(sleep=NONE) if asked.which == WENT else found


def _heavy(scope: Scope, people: Sequence[int]) -> Q:
    """The shifts with more than two incidents, by person."""
    period = scope.period
    pages = page_columns(scope, since=period.since, until=period.until, seen=restricted_seen(scope))
    condition = Q(pk__in=())
    for person, shifts in heavy_shifts(pages).items():
        if not people or person in people:
            condition |= Q(person=person, shift__in=sorted(shifts))
    return condition
