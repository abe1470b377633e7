"""The operations page, its figures alone for htmx, and taking up again what was set aside. Administrators only."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from escalation_site.operations.pages import shown
from escalation_site.operations.selectors import operations, signals_aside_ids
from incidents.models import EscalationRun
from incidents.services.operations import run_retry, signals_retry
from oncall.access import role_required
from oncall.models import User

MAY = (User.Role.ADMINISTRATOR,)


@never_cache
@require_safe
@role_required(*MAY)
def page(request: HttpRequest) -> HttpResponse:
    """How the house works now. With ``still`` it does not draw itself again."""
    at = now()
    alone = request.headers.get("HX-Target") == "operations"
    template = "site/operations/_figures.html" if alone else "site/operations/page.html"
    return render(request, template, {"at": at, "shown": shown(operations(at=at)), "still": "still" in request.GET})


@require_POST
@role_required(*MAY)
def signals_again(request: HttpRequest) -> HttpResponse:
    """Let the engine read set-aside signals again: the one named ``signal``, or all."""
    one = request.POST.get("signal", "")
    ids = [int(one)] if one.isdecimal() and len(one) < 19 else [] if one else signals_aside_ids()
    count = signals_retry(signal_ids=ids, actor=cast(User, request.user), at=now(), source="web")
    if count:
        words = ngettext("%(n)d signal will be read again.", "%(n)d signals will be read again.", count)
        messages.success(request, words % {"n": count})
    else:
        messages.warning(request, _("No signal is set aside any more."))
    return redirect("operations")


@require_POST
@role_required(*MAY)
def run_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the engine step a set-aside escalation again."""
    run = get_object_or_404(EscalationRun, pk=pk)
    try:
        run_retry(run=run, actor=cast(User, request.user), at=now(), source="web")
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The escalation goes on."))
    return redirect("operations")
