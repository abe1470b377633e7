"""The plan of one incident or of several: milestones and tasks on a line of time, with what waits on what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from incidents.models import Incident
from incidents.permissions import incident_for
from incidents.selectors.plan import MOST_INCIDENTS, ROW, chart_of, plans_of, with_blocking
from incidents.selectors.plan_zoom import SCALES, Zoom, address_of, zoom_of
from incidents.views.answers import page_or_fragment
from incidents.views.board import open_asked_for

_OF_ZOOM = frozenset(("zoom", "from"))


@require_safe
@login_required
def plans(request: HttpRequest) -> HttpResponse:
    """The open incidents the reader may see that have tasks or block each other, the worst first."""
    at, user = now(), _user(request)
    incidents = plans_of(open_asked_for(request, user))
    context = {
        **_drawing(request, incidents, at),
        "filters_url": f"{reverse('incidents:plan_filters')}?{request.GET.urlencode()}",
        "filtered": bool(set(request.GET) - _OF_ZOOM),
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
        **_drawing(request, around, at),
        "incident": incident,
        "here": request.get_full_path(),
        "topics": " ".join(one.subject for one in around),
    }
    return page_or_fragment(request, "incidents/plan_chart.html", "incidents/partials/_plan_chart.html", context)


def _drawing(request: HttpRequest, incidents: Sequence[Incident], at: datetime) -> dict[str, Any]:
    """What the drawing shows, and the ways to see more of it or less."""
    zone = ZoneInfo(_user(request).time_zone)
    zoom = zoom_of(request.GET, at=at, zone=zone)
    window = (zoom.since, zoom.until) if zoom else None
    return {
        "at": at,
        "chart": chart_of(incidents, at=at, zone=zone, window=window),
        "row": ROW,
        "zoom": zoom,
        "ways": _ways(request.GET, zoom),
        # What is drawn anew because something changed is not announced; what somebody asked for is.
        "turned": request.headers.get("HX-Trigger", "").startswith("plan-zoom"),
    }


def _ways(query: QueryDict, zoom: Zoom | None) -> dict[str, Any]:
    name = zoom.name if zoom else ""
    scales = [
        {
            "name": scale or "all",
            "label": one.label if one else _("All"),
            "key": one.key if one else "a",
            "url": _address(query, zoom=scale),
            "current": scale == name,
        }
        for scale, one in (("", None), *SCALES.items())
    ]
    ways: dict[str, Any] = {"scales": scales}
    if zoom:
        ways["now"] = _address(query, zoom=name)
        for way, by in (("earlier", -zoom.step), ("later", zoom.step)):
            ways[way] = _address(query, zoom=name, **{"from": address_of(zoom.moved(by))})
    return ways


def _address(query: QueryDict, **changes: str) -> str:
    """The same filters, with another stretch of the plan."""
    query = query.copy()
    for name in _OF_ZOOM:
        query.pop(name, None)
    for name, value in changes.items():
        if value:
            query[name] = value
    return f"?{query.urlencode()}"


def _user(request: HttpRequest) -> Any:
    return request.user
