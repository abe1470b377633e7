"""The manager's dashboard, the incidents behind its numbers, and their export."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.ui import durations
from incidents.models import Incident
from oncall.access import role_required
from oncall.models import User
from reports.dashboard import TABS, board, comparison, glossary
from reports.figures.counting import column_of
from reports.figures.definitions import LEFT_OUT_OF_ALL, METRICS, PERCENTILE_RULE, Kind, Metric
from reports.figures.keeping import Known, figures_ready
from reports.forms import ReportFilters
from reports.links import Links
from reports.listed import incidents_listed, pages_listed
from reports.names import PERSON, Names
from reports.names import TITLES as TITLES_OF_DIMENSIONS
from reports.narrow import behind, metric_of, parts_of, title_of, which_of
from reports.pages_behind import ALL as ALL_PAGES
from reports.pages_behind import Asked as PagesAsked
from reports.pages_behind import of_pages, pages_behind
from reports.pages_behind import title_of as title_of_pages
from reports.panels import Data, weekday_text
from reports.period import DEFAULT
from reports.selectors import Scope
from reports.wording import called, mark_text, time_text

READERS = (User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
PAGE_SIZE = 50
SHOWN = ("acknowledge", "resolve")
"""Metrics that the list of incidents shows anyway, by the clock."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asked for, and as of when the figures are."""

    at: datetime
    known: Known
    form: ReportFilters
    data: Data

    @property
    def scope(self) -> Scope:
        return self.data.scope

    @property
    def context(self) -> dict[str, Any]:
        late = self.known.at if self.known.at < self.at else None
        return {
            "at": self.at,
            "late": late,
            "counting": not self.known.whole,
            "anew": self.known.anew and self.scope.work,
            "form": self.form,
            "scope": self.scope,
            "data": self.data,
        }


def asked(request: HttpRequest, query: QueryDict | None = None) -> Asked:
    """The filters of the address, or of ``query``, with the figures brought up to date."""
    at, user = now(), cast(User, request.user)
    known, names = figures_ready(at=at), Names()
    query = request.GET if query is None else query
    form = ReportFilters(query or {"period": DEFAULT}, names=names)
    form.is_valid()
    scope = form.scope(user, at=at, zone=ZoneInfo(user.time_zone))
    return Asked(at, known, form, Data(scope, names, Links(query)))


@require_safe
@role_required(*READERS)
def overview(request: HttpRequest, tab: str = "overview") -> HttpResponse:
    """One tab of figures with their change, trends, spreads and load for a range of days, and whatever it is narrowed to.

    A nudge asks for the figures alone (``HX-Request``).
    """
    if tab not in TABS:
        raise Http404
    found = asked(request)
    context = {
        **found.context,
        "board": board(found.data, tab),
        "tab": tab,
        "tab_title": TABS[tab],
        "tabs": TABS.items(),
    }
    template = "reports/partials/_board.html" if request.headers.get("HX-Request") else "reports/overview.html"
    return render(request, template, context)


@require_safe
@role_required(*READERS)
def by_dimension(request: HttpRequest, dimension: str) -> HttpResponse:
    """Every team, service, policy … with its figures, side by side."""
    if dimension not in TITLES_OF_DIMENSIONS:
        raise Http404
    found = asked(request)
    context = {
        **found.context,
        "comparison": comparison(found.data, dimension),
        "dimension": dimension,
        "dimensions": TITLES_OF_DIMENSIONS.items(),
        "tabs": TABS.items(),
    }
    return render(request, "reports/by_dimension.html", context)


@require_safe
@role_required(*READERS)
def definitions(request: HttpRequest) -> HttpResponse:
    """What every metric means."""
    context = {
        "glossary": glossary(),
        "left_out": LEFT_OUT_OF_ALL,
        "percentiles": PERCENTILE_RULE,
        "tabs": TABS.items(),
    }
    return render(request, "reports/definitions.html", context)


@require_safe
@role_required(*READERS)
def incident_list(request: HttpRequest) -> HttpResponse:
    """The incidents behind one number (`which`), with the same filters."""
    found, which = asked(request), which_of(request.GET.get("which", ""))
    metric, part = metric_of(which)
    shown = SHOWN if not found.scope.work else ()
    own = metric is not None and metric.of == "incidents" and part == "done" and metric.key not in shown
    value = metric if own else None
    related = ("service", "team", "owner", *(("figures",) if value else ()))
    listed, number = incidents_listed(found.scope, which), request.GET.get("page")
    page: Page[Any]
    if listed is None:
        page = Paginator(behind(found.scope, which).select_related(*related), PAGE_SIZE).get_page(number)
    else:
        page = Paginator(listed.numbers, PAGE_SIZE).get_page(number)
        page.object_list = listed.incidents(list(page), *related)
    rows = [
        {
            "incident": incident,
            "acknowledged": _took(incident.started_at, incident.acknowledged_at),
            "resolved": _took(incident.started_at, incident.resolved_at),
            "value": _value(incident, value, work=found.scope.work) if value else "",
        }
        for incident in page.object_list
    ]
    context = {
        "which": which,
        "title": title_of(which),
        "metric": metric,
        "parts": parts_of(which),
        "value": called(value, work=found.scope.work) if value else "",
        "page": page,
        "rows": rows,
        "tabs": TABS.items(),
    }
    return render(request, "reports/incidents.html", {**found.context, **context, **_hour_words(found.scope)})


@require_safe
@role_required(*READERS)
def page_list(request: HttpRequest) -> HttpResponse:
    """The pages behind one number (`which`), for everybody or for `person`, with the same filters."""
    found, which, person = asked(request), request.GET.get("which", ""), request.GET.get("person", "")
    which = which if of_pages(which) else ALL_PAGES
    people = found.data.names.numbers(PERSON, [person])
    # An unknown person has no page, and is not everybody.
    wanted, related = PagesAsked(which, people or ([0] if person else ())), ("page__incident", "person")
    listed, number = pages_listed(found.scope, wanted), request.GET.get("page")
    page: Page[Any]
    if listed is None:
        page = Paginator(pages_behind(found.scope, wanted).select_related(*related), PAGE_SIZE).get_page(number)
    else:
        page = Paginator(listed.numbers, PAGE_SIZE).get_page(number)
        page.object_list = listed.pages(list(page), *related)
    context = {
        "which": which,
        "title": title_of_pages(which),
        "person": person,
        "person_name": found.data.names.name(PERSON, people[0]).label if people else person,
        "metric": METRICS.get(which.partition(".")[0]),
        "page": page,
        "rows": [{"one": one, "answer": time_text(max(one.answer, 0))} for one in page.object_list],
        "tabs": TABS.items(),
    }
    return render(request, "reports/pages.html", {**found.context, **context, **_hour_words(found.scope)})


def _hour_words(scope: Scope) -> dict[str, str]:
    """The hour of the week that a list is about, in words."""
    if scope.hour is None:
        return {}
    day, hour = scope.hour
    return {"hour_day": weekday_text(day), "hour_from": f"{hour:02d}:00", "hour_until": f"{(hour + 1) % 24:02d}:00"}


def _value(incident: Incident, metric: Metric, *, work: bool) -> str:
    """What the incident adds to the metric: the list is in its order."""
    number = getattr(incident.figures, column_of(metric, work=work))
    # In working hours it may not be counted yet.
    number = None if number < 0 else number
    return mark_text(number) if metric.kind == Kind.MARK else time_text(number)


def _took(start: datetime, end: datetime | None) -> str:
    return durations.in_two_units(max((end - start).total_seconds(), 0.0)) if end else ""


@require_safe
@role_required(*READERS)
def incident_export(request: HttpRequest) -> HttpResponse:
    """Where the incidents of the filters were taken out at once; it is done on a page of its own now, which puts it on record."""
    query = request.GET.copy()
    query["of"] = "report"
    return redirect(f"{reverse('exports:take')}?{query.urlencode()}", permanent=True)
