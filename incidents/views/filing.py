"""Filing an incident by hand (mock-up 03), and what filing it would do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.forms import FileForm, refuse, severity_cards
from incidents.models import Incident, Service
from incidents.permissions import may_file
from incidents.selectors.around import open_on
from incidents.selectors.preview import preview_of
from incidents.services.lifecycle import incident_comment, incident_open
from incidents.views.answers import see_other
from oncall.models import User
from policies.severity import Severity, Urgency, urgency_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def incident_new(request: HttpRequest) -> HttpResponse:
    """The form; filing it pages people at once."""
    user: Any = request.user
    if not may_file(user):
        raise PermissionDenied
    at = now()
    if request.method != "POST":
        return _form_page(request, FileForm(initial=_suggested(request)), at)
    form = FileForm(request.POST)
    if form.is_valid():
        try:
            return see_other(_filed(request, _file(user, form.cleaned_data, at)))
        except DomainError as error:
            refuse(form, error)
    return _form_page(request, form, at, status=422)


def _suggested(request: HttpRequest) -> dict[str, str]:
    """A link may name the service ("File an incident" on a service's page)."""
    return {"service": request.GET.get("service", ""), "title": request.GET.get("title", "")[:200]}


@transaction.atomic
def _file(reporter: User, data: Mapping[str, Any], at: datetime) -> Incident:
    """The incident and its first entry: both or neither."""
    incident = incident_open(
        title=data["title"],
        summary=data["summary"],
        severity=data["severity"],
        service=data["service"],
        reporter=reporter,
        at=at,
        detection=data["detection"],
        environment=data["environment"],
        customer_impact=data["customer_impact"],
        restricted=data["restricted"],
        is_test=data["is_test"],
    )
    if data["evidence"].strip():
        incident_comment(incident_id=incident.pk, text=data["evidence"], actor=reporter, at=at)
    return incident


def _filed(request: HttpRequest, incident: Incident) -> str:
    """Where to go next: the incident, or the list for somebody who filed what only its team may see."""
    if Incident.objects.visible_to(request.user).filter(pk=incident.pk).exists():
        messages.success(request, _("Filed as %(reference)s.") % {"reference": incident.reference})
        return incident.get_absolute_url()
    messages.success(
        request,
        _("Filed as %(reference)s. It is restricted: only its team sees it.") % {"reference": incident.reference},
    )
    return reverse("incidents:list")


def _form_page(request: HttpRequest, form: FileForm, at: datetime, *, status: int = 200) -> HttpResponse:
    slug = str(form["service"].value() or "")
    severity = str(form["severity"].value() or "")
    context = {"at": at, "form": form, "severity_cards": severity_cards(form), **_preview(request, slug, severity, at)}
    return render(request, "incidents/incident_new.html", context, status=status)


@require_safe
@login_required
def filing_preview(request: HttpRequest) -> HttpResponse:
    """Who would be paged when, and what is open on the service already: the fragment at the right of the form."""
    if not may_file(request.user):  # type: ignore[arg-type]  # login_required leaves out who is not signed in
        raise PermissionDenied
    at = now()
    context = {"at": at, **_preview(request, request.GET.get("service", ""), request.GET.get("severity", ""), at)}
    return render(request, "incidents/partials/_preview.html", context)


def _preview(request: HttpRequest, slug: str, severity: str, at: datetime) -> dict[str, Any]:
    user: Any = request.user
    service = (
        Service.objects.select_related("team", "policy__current_version").filter(slug=slug).first() if slug else None
    )
    if service is None:
        return {"preview": None, "known": (), "quiet": False}
    rank = int(severity) if severity in {str(value) for value in Severity.values} else None
    return {
        "preview": preview_of(service, at=at, severity=rank),
        "known": open_on(service, user=user, limit=3),
        "rank": rank,
        "quiet": rank is not None and urgency_of(rank) == Urgency.LOW,
    }
