"""The plan of one incident or of several: milestones and tasks on a line of time, with what waits on what."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from incidents.filters import IncidentFilter
from incidents.models import Incident
from incidents.permissions import incident_for
from incidents.selectors.plan import MOST_INCIDENTS, ROW, chart_of, plans_of, with_blocking
from incidents.views.answers import page_or_fragment
from incidents.views.board import kept


@require_safe
@login_required
def plans(request: HttpRequest) -> HttpResponse:
    """The open incidents the reader may see that have tasks or block each other, the worst first."""
    at, user = now(), _user(request)
    filters = IncidentFilter(request.GET, queryset=Incident.objects.visible_to(user), request=request)
    visible: Any = filters.qs
    incidents = plans_of(visible)
    context = {
        "at": at,
        "chart": chart_of(incidents, at=at, zone=ZoneInfo(user.time_zone)),
        "row": ROW,
        "filters": filters,
        "filtered": bool(request.GET),
        "kept": kept(request.GET),
        "cut_at": MOST_INCIDENTS if len(incidents) == MOST_INCIDENTS else 0,
        "here": request.get_full_path(),
        "topics": "incidents",
    }
    return page_or_fragment(request, "incidents/plan_chart.html", "incidents/partials/_plan_chart.html", context)


@require_safe
@login_required
def plan_chart(request: HttpRequest, pk: int) -> HttpResponse:
    """One incident's plan, between what blocks it and what it blocks."""
    at, user = now(), _user(request)
    incident = incident_for(user, pk)
    around = with_blocking(incident, Incident.objects.visible_to(user))
    context = {
        "at": at,
        "incident": incident,
        "chart": chart_of(around, at=at, zone=ZoneInfo(user.time_zone)),
        "row": ROW,
        "here": request.get_full_path(),
        "topics": " ".join(one.subject for one in around),
    }
    return page_or_fragment(request, "incidents/plan_chart.html", "incidents/partials/_plan_chart.html", context)


def _user(request: HttpRequest) -> Any:
    return request.user
