"""The catalogue of services: what there is, whose it is, where its signals come in."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from incidents.models import Service
from incidents.permissions import may_file
from incidents.selectors.catalogue import service_page, services_listed
from incidents.views.answers import page_or_fragment
from oncall.models import Team


@require_safe
@login_required
def service_list(request: HttpRequest) -> HttpResponse:
    """Every service with its owner, its policy, and what is open on it."""
    text, team = request.GET.get("q", "").strip(), request.GET.get("team", "")
    rows = services_listed(request.user, text=text, team=team)
    context = {"at": now(), "rows": rows, "text": text, "team": team, "teams": Team.objects.order_by("name")}
    return page_or_fragment(request, "incidents/service_list.html", "incidents/partials/_services.html", context)


@require_safe
@login_required
def service_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One service: owner, policy, doors for signals, what is open, who is on call."""
    at = now()
    user: Any = request.user
    service = get_object_or_404(Service.objects.select_related("team", "policy__current_version"), slug=slug)
    context = {"at": at, "shown": service_page(service, user=user, at=at), "may_file": may_file(user)}
    return render(request, "incidents/service_detail.html", context)
