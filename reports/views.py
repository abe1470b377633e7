"""The manager's dashboard, the incidents behind its numbers, and their export."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.kernel.streams import csv_pieces, streamed
from escalation_site.ui import durations
from incidents.custom_fields import answers_of
from incidents.models import CustomField, Incident
from oncall.access import role_required
from oncall.models import User
from policies.severity import Severity
from reports.dashboard import TABS, board, comparison, glossary
from reports.figures.definitions import LEFT_OUT_OF_ALL, METRICS, PERCENTILE_RULE
from reports.figures.keeping import Known, figures_ready
from reports.forms import ReportFilters
from reports.names import PERSON, Names
from reports.names import TITLES as TITLES_OF_DIMENSIONS
from reports.narrow import OLD, TITLES, behind
from reports.pages_behind import ALL as ALL_PAGES
from reports.pages_behind import TITLES as PAGE_TITLES
from reports.pages_behind import Asked as PagesAsked
from reports.pages_behind import of_pages, pages_behind
from reports.panels import Data, Links
from reports.period import DEFAULT
from reports.selectors import Scope, with_called

READERS = (User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
PAGE_SIZE = 50
CSV_HEAD = (
    "reference",
    "title",
    "severity",
    "state",
    "team",
    "service",
    "started_at",
    "acknowledged_at",
    "resolved_at",
    "seconds_to_acknowledge",
    "seconds_to_resolve",
    "levels_called",
    "unanswered_on_every_level",
)


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
    found, which = asked(request), request.GET.get("which", "all")
    which = which if which in TITLES else "all"
    incidents = behind(found.scope, which).select_related("service", "team", "owner")
    page = Paginator(incidents, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [
        {
            "incident": incident,
            "acknowledged": _took(incident.started_at, incident.acknowledged_at),
            "resolved": _took(incident.started_at, incident.resolved_at),
        }
        for incident in page.object_list
    ]
    metric = METRICS.get(OLD.get(which, which).partition(".")[0])
    context = {
        "which": which,
        "title": TITLES[which],
        "metric": metric,
        "page": page,
        "rows": rows,
        "tabs": TABS.items(),
    }
    return render(request, "reports/incidents.html", {**found.context, **context})


@require_safe
@role_required(*READERS)
def page_list(request: HttpRequest) -> HttpResponse:
    """The pages behind one number (`which`), for everybody or for `person`, with the same filters."""
    found, which, person = asked(request), request.GET.get("which", ""), request.GET.get("person", "")
    which = which if of_pages(which) else ALL_PAGES
    people = found.data.names.numbers(PERSON, [person])
    # An unknown person has no page, and is not everybody.
    behind_it = pages_behind(found.scope, PagesAsked(which, people or ([0] if person else ())))
    listed = behind_it.select_related("page__incident", "person")
    context = {
        "which": which,
        "title": PAGE_TITLES[which],
        "person": person,
        "person_name": found.data.names.name(PERSON, people[0]).label if people else person,
        "metric": METRICS.get(which.partition(".")[0]),
        "page": Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page")),
        "tabs": TABS.items(),
    }
    return render(request, "reports/pages.html", {**found.context, **context})


def _took(start: datetime, end: datetime | None) -> str:
    return durations.in_two_units(max((end - start).total_seconds(), 0.0)) if end else ""


@require_safe
@role_required(*READERS)
def incident_export(request: HttpRequest) -> HttpResponseBase:
    """The incidents of the filters (and of `which`) as CSV; instants in UTC, times in seconds."""
    scope = asked(request).scope
    found = with_called(behind(scope, request.GET.get("which", "all")))
    name = f"incidents-{scope.period.first}-{scope.period.last}.csv"
    return streamed(
        request, csv_pieces(_csv_rows(found.select_related("team", "service"))), content_type="text/csv", filename=name
    )


def _csv_rows(incidents: Any) -> Iterator[tuple[Any, ...]]:
    """Each of the house's own fields has a column, retired ones too: their answers are still figures of the past."""
    own = list(CustomField.objects.order_by("group", "position", "key").values_list("key", flat=True))
    yield (*CSV_HEAD, *(f"custom.{key}" for key in own))
    incident: Incident
    for incident in incidents.iterator(chunk_size=500):
        yield (
            incident.reference,
            incident.title,
            Severity(incident.severity).name,
            incident.state,
            incident.team.name,
            incident.service.name,
            _instant(incident.started_at),
            _instant(incident.acknowledged_at),
            _instant(incident.resolved_at),
            _seconds(incident.started_at, incident.acknowledged_at),
            _seconds(incident.started_at, incident.resolved_at),
            getattr(incident, "called", ""),
            "yes" if incident.exhausted_at else "no",
            *(_plain(answers_of(incident).get(key)) for key in own),
        )


def _plain(value: Any) -> Any:
    """An answer in a cell."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else ", ".join(value) if isinstance(value, list) else value


def _instant(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _seconds(start: datetime, end: datetime | None) -> int | str:
    return "" if end is None else max(round((end - start).total_seconds()), 0)
