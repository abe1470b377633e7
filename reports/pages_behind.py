"""The pages behind one number of a report: each with whom it was for, when, on whose clock, and for which incident."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reports.figures.counting import heavy_shifts
from reports.figures.definitions import BUSINESS, METRICS, NONE, OFF, SLEEP, Kind
from reports.figures.reading import page_columns, restricted_seen
from reports.models import PageFigures
from reports.narrow import ALSO, CODES, TIMED, part_of
from reports.narrow import TITLES as OF_METRICS
from reports.period import days_of
from reports.selectors import Scope, chosen_incidents, within

ALL, WENT, HEAVY = "pages.all", "pages.went", "pages.heavy"
ASLEEP = "hours.sleep"
BY_HOURS = {"hours.business": BUSINESS, "hours.off": OFF, "hours.sleep": SLEEP}
"""Interruptions by when they came, on the clock of whoever they were for."""
TITLES: Mapping[str, str | Promise] = {
    ALL: _("All pages"),
    WENT: _("Pages that were not withdrawn"),
    HEAVY: _("Pages of shifts with more than two incidents"),
    "hours.business": _("Pages in working hours"),
    "hours.off": _("Pages outside working hours, but not in sleeping hours"),
    "hours.sleep": _("Pages in sleeping hours"),
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
    """Whether a number called so (or several with ALSO between them) counts pages."""
    return all(one in TITLES for one in which.split(ALSO))


def title_of(which: str) -> str:
    """What it is called."""
    return " · ".join(str(TITLES[one]) for one in which.split(ALSO))


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
    ).order_by("-at", "-pk")
    found = found.filter(within(scope, "at"))
    if asked.people:
        found = found.filter(person__in=asked.people)
    for one in asked.which.split(ALSO):
        found = _narrowed(found, one, scope, asked.people)
    return found


def _narrowed(found: QuerySet[PageFigures], which: str, scope: Scope, people: Sequence[int]) -> QuerySet[PageFigures]:
    key, _dot, part = which.partition(".")
    if key in METRICS:
        found = found.filter(**part_of(METRICS[key], part))
        return found.order_by("-answer", "-pk") if part == "done" else found
    if which == ALL:
        return found
    found = found.exclude(sleep=NONE)
    if which == HEAVY:
        return found.filter(_heavy(scope, people))
    return found.filter(hours=BY_HOURS[which]) if which in BY_HOURS else found


def _heavy(scope: Scope, people: Sequence[int]) -> Q:
    """The shifts with more than two incidents, by person."""
    period = scope.period
    pages = page_columns(scope, since=period.since, until=period.until, seen=restricted_seen(scope))
    condition = Q(pk__in=())
    for person, shifts in heavy_shifts(pages).items():
        if not people or person in people:
            condition |= Q(person=person, shift__in=sorted(shifts))
    return condition
