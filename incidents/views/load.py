"""Who carries how much now, by person and by team; and how much somebody carries at most."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from escalation_site.ui.context import frame_of
from incidents.forms import refuse
from incidents.load_forms import CarryForm
from incidents.models import Incident
from incidents.selectors.load import OPEN_AT_ONCE, Load, carries, everybody, over_words, team_loads
from incidents.services.load_limits import capacity_set, may_limit
from incidents.views.answers import page_or_fragment, see_other, status_of
from oncall.access import role_required
from oncall.models import Team, User

READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
PEOPLE_SHOWN = 50


@require_safe
@role_required(*READERS)
def workload(request: HttpRequest) -> HttpResponse:
    """What everybody has open, was paged for and has to do, against what they carry. Of what the reader may see."""
    at, user = now(), cast(User, request.user)
    visible = Incident.objects.visible_once(user).counted()
    teams = list(Team.objects.all())
    team = next((one for one in teams if one.slug == request.GET.get("team")), None)
    loads = everybody(visible=visible, at=at, mark=frame_of(request).counts.mark, team=team)
    page = Paginator(loads, PEOPLE_SHOWN).get_page(request.GET.get("page"))
    led = _led(user, loads)
    context = {
        "at": at,
        "teams": teams,
        "team": team,
        "page": page,
        "rows": [
            _row(load, scale=max((one.incidents for one in loads), default=0), led=load.user.pk in led)
            for load in page.object_list
        ],
        "team_loads": team_loads(loads, visible=visible),
        "over": sum(load.is_over for load in loads),
        "limit": OPEN_AT_ONCE,
    }
    return page_or_fragment(request, "incidents/workload.html", "incidents/partials/_workload.html", context)


def _led(user: User, loads: list[Load]) -> set[int]:
    """Those whose limit ``user`` may set; their own teams are among the rows, so that nothing is looked up."""
    mine = next((frozenset(team.pk for team in load.teams) for load in loads if load.user.pk == user.pk), None)
    if user.role == User.Role.MANAGER and mine is None:
        mine = frozenset(user.memberships.values_list("team", flat=True))
    return {
        load.user.pk
        for load in loads
        if may_limit(user, load.user, teams=frozenset(team.pk for team in load.teams), own=mine or frozenset())
    }


def _row(load: Load, *, scale: int, led: bool) -> dict[str, object]:
    """One person's line; the places of the bar in percent, as text for SVG attributes."""
    whole = max(scale, load.limit)
    within = min(load.incidents, load.limit)
    return {
        "load": load,
        "led": led,
        "within": _percent(within / whole),
        "over": _percent((load.incidents - within) / whole),
        "limit": _percent(load.limit / whole),
        "warnings": over_words(load),
        "words": _("%(number)d of %(limit)d") % {"number": load.incidents, "limit": load.limit},
    }


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def workload_limit(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how many open incidents somebody carries at once."""
    user = cast(User, request.user)
    person = get_object_or_404(User, pk=pk, is_active=True)
    if not may_limit(user, person):
        raise PermissionDenied
    form = CarryForm(
        request.POST if request.method == "POST" else None, initial={"incidents": person.capacity_incidents}
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                capacity_set(user=person, incidents=form.cleaned_data["incidents"], actor=user, at=now())
            except DomainError as error:
                refuse(form, error)
                status = status_of(error)
            else:
                said = _("%(name)s carries %(number)d open incidents at once.")
                messages.success(request, said % {"name": person.name, "number": carries(person)})
                return see_other(reverse("incidents:workload"))
    context = {"at": now(), "form": form, "person": person, "everybody": OPEN_AT_ONCE}
    return render(request, "incidents/workload_limit.html", context, status=status)
