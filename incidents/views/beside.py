"""What people added to an incident who do not work on it: files, complaints, how it went. Read after its page."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from incidents.permissions import incident_for, may_file
from incidents.selectors.attachments import attachments_of
from incidents.selectors.complaints import complaints_of
from incidents.selectors.requester import surveys_of
from incidents.views.answers import page_or_fragment


@require_safe
@login_required
def incident_beside(request: HttpRequest, pk: int) -> HttpResponse:
    """The fragment, and without scripts a page of its own."""
    user: Any = request.user
    incident, at = incident_for(user, pk), now()
    context = {
        "at": at,
        "incident": incident,
        "files": attachments_of(incident, user=user),
        "complaints": complaints_of(incident, at=at),
        "surveys": surveys_of(incident, user=user),
        "may_attach": may_file(user),
        "may_log": may_file(user),
    }
    return page_or_fragment(request, "incidents/beside.html", "incidents/partials/_beside.html", context)
