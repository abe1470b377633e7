"""The screen on the wall: read from across the room, touched by nobody."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from incidents.models import Incident
from incidents.selectors.wall import wall_of
from incidents.views.answers import page_or_fragment


@require_safe
@login_required
def wall(request: HttpRequest) -> HttpResponse:
    """Open incidents the reader may see but restricted ones; htmx gets what changes."""
    at = now()
    incidents = Incident.objects.all()
    shown = wall_of(incidents.visible_to(request.user), incidents.visible_open(request.user), at=at)
    context = {"at": at, "wall": shown}
    return page_or_fragment(request, "incidents/wall.html", "incidents/partials/_wall.html", context)
