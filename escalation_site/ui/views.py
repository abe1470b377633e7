"""The design page: every component in every state, for administrators and for the accessibility check."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.ui import samples
from escalation_site.ui.adapter import role_of


@require_safe
@login_required
def design_page(request: HttpRequest) -> HttpResponse:
    """Every component in every state (mock-up 00). Administrators only."""
    if role_of(request.user) != "administrator":
        raise PermissionDenied
    at = now()
    return render(request, "site/design.html", {"at": at, **samples.everything(at)})
