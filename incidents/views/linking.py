"""The incidents that hang together with one: a part of its page that is read after it, and a page of its own without scripts."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.models import Incident
from incidents.permissions import incident_for, may_act
from incidents.selectors.links import links_of, said_elsewhere
from incidents.services.linking import incident_unlink
from incidents.services.talk import is_public
from incidents.views.answers import page_or_fragment, see_other, status_of, tell_refusal, wants_fragment
from oncall.models import User

SAID = 50
"""How many comments of merged incidents show; their own pages have all of them."""


@require_safe
@login_required
def incident_links(request: HttpRequest, pk: int) -> HttpResponse:
    """What it was merged into, what was merged into it with what was said there, and its links."""
    user: Any = request.user
    return _links(request, incident_for(user, pk))


def _links(request: HttpRequest, incident: Incident, *, status: int = 200) -> HttpResponse:
    user: Any = request.user
    links = links_of(incident, user=user)
    inside = user.role != User.Role.REPORTER
    said = said_elsewhere(incident).filter(incident__in=[one.pk for one in links.merged])
    rows = said.select_related("actor", "incident").order_by("-at", "-pk")[:SAID] if links.merged else []
    context = {
        "incident": incident,
        "links": links,
        "said": [row for row in rows if inside or is_public(row)],
        "may_act": may_act(user, incident),
        "at": now(),
    }
    return page_or_fragment(
        request, "incidents/incident_links.html", "incidents/partials/_links.html", context, status=status
    )


@require_POST
@login_required
def link_remove(request: HttpRequest, pk: int, link: int) -> HttpResponse:
    """Take a link away."""
    user: Any = request.user
    incident = incident_for(user, pk)
    try:
        incident_unlink(link_id=link, incident_id=incident.pk, actor=user, at=now())
    except DomainError as error:
        tell_refusal(request, error)
        return _links(request, incident, status=status_of(error))
    if wants_fragment(request):
        return _links(request, incident)
    messages.success(request, _("The link is taken away."))
    return see_other(reverse("incidents:links", args=(incident.pk,)))
