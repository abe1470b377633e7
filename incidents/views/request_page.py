"""An incident as its requester sees it, for everybody who may see it: a stakeholder's view, live and without internal notes (R306).

Support staff get the same at the incident's own address.
"""

from copy import copy
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from incidents.models import Incident
from incidents.permissions import incident_for
from incidents.selectors.timeline import timeline_of
from incidents.views.detail import incident_context, lines_context, wanted_lines
from oncall.models import User


@require_safe
@login_required
def request_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The page."""
    user: Any = request.user
    incident = incident_for(user, pk)
    return render(request, "incidents/incident_reporter.html", _context(request, incident, at=now()))


@require_safe
@login_required
def request_live(request: HttpRequest, pk: int) -> HttpResponse:
    """The parts of it that change, each to be put in its place."""
    user: Any = request.user
    context = _context(request, incident_for(user, pk), at=now()) | {"oob": True}
    return render(request, "incidents/partials/_live.html", context)


def _context(request: HttpRequest, incident: Incident, *, at: datetime) -> dict[str, Any]:
    """That of the incident's page; where the reader works on it, read with the eyes of whoever filed it."""
    user: Any = request.user
    context = incident_context(request, incident, at=at)
    if user.role == User.Role.REPORTER:
        return context
    requester = copy(user)
    requester.role = User.Role.REPORTER
    timeline = timeline_of(incident, reader=requester, wanted=wanted_lines(request), at=at)
    shown = {**context, **lines_context(request, incident, timeline)}
    return shown | {
        "reporter_page": True,
        "stakeholder_view": True,
        "composer": None,
        "may_pin": False,
        "quick_replies": (),
        "line_tabs": (),
    }
