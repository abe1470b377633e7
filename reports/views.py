"""The manager's dashboard, the incidents behind its numbers, and their export."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.kernel.streams import csv_pieces, streamed
from escalation_site.ui import durations
from incidents.models import Incident
from oncall.access import role_required
from oncall.models import User
from policies.severity import Severity
from reports.dashboard import dashboard
from reports.forms import ReportFilters
from reports.narrow import TITLES, narrowed
from reports.selectors import Scope, incidents_in, with_called

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


def _asked(request: HttpRequest, at: datetime) -> tuple[ReportFilters, Scope]:
    user = cast(User, request.user)
    form = ReportFilters(request.GET or {"period": "28d"})
    form.is_valid()
    return form, form.scope(user, at=at, zone=ZoneInfo(user.time_zone))


@require_safe
@role_required(*READERS)
def overview(request: HttpRequest) -> HttpResponse:
    """Five figures with their change, trends, spreads and load for a range of days, a team, a severity."""
    at = now()
    form, scope = _asked(request, at)
    return render(request, "reports/overview.html", {"at": at, "form": form, "scope": scope, "board": dashboard(scope)})


@require_safe
@role_required(*READERS)
def incident_list(request: HttpRequest) -> HttpResponse:
    """The incidents behind one number (`which`), with the same filters."""
    at = now()
    form, scope = _asked(request, at)
    which = request.GET.get("which", "all")
    which = which if which in TITLES else "all"
    found = narrowed(incidents_in(scope), which).select_related("service", "team", "owner")
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [
        {
            "incident": incident,
            "acknowledged": _took(incident.started_at, incident.acknowledged_at),
            "resolved": _took(incident.started_at, incident.resolved_at),
        }
        for incident in page.object_list
    ]
    context = {
        "at": at,
        "form": form,
        "scope": scope,
        "which": which,
        "title": TITLES[which],
        "page": page,
        "rows": rows,
    }
    return render(request, "reports/incidents.html", context)


def _took(start: datetime, end: datetime | None) -> str:
    return durations.in_two_units(max((end - start).total_seconds(), 0.0)) if end else ""


@require_safe
@role_required(*READERS)
def incident_export(request: HttpRequest) -> HttpResponseBase:
    """The incidents of the filters (and of `which`) as CSV; instants in UTC, times in seconds."""
    _form, scope = _asked(request, now())
    found = with_called(narrowed(incidents_in(scope), request.GET.get("which", "all")))
    name = f"incidents-{scope.period.first}-{scope.period.last}.csv"
    return streamed(
        request, csv_pieces(_csv_rows(found.select_related("team", "service"))), content_type="text/csv", filename=name
    )


def _csv_rows(incidents: Any) -> Iterator[tuple[Any, ...]]:
    yield CSV_HEAD
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
        )


def _instant(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _seconds(start: datetime, end: datetime | None) -> int | str:
    return "" if end is None else max(round((end - start).total_seconds()), 0)
