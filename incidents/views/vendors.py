"""Calling a vendor for an incident, and what becomes of it."""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.models import Vendor, VendorCase
from incidents.permissions import may_act
from incidents.selectors.work import vendors_of
from incidents.services.vendors import vendor_answered, vendor_call, vendor_closed
from incidents.views.answers import see_other, status_of
from incidents.views.work import performed, work_for, work_url
from incidents.work_forms import VendorForm


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def vendor_calling(request: HttpRequest, pk: int, vendor: str) -> HttpResponse:
    """The contract, the way to open a case, and the call."""
    user, incident = work_for(request, pk)
    found: Vendor | None = next((one for one in vendors_of(incident) if one.slug == vendor), None)
    if found is None:
        raise Http404
    if not may_act(user, incident):
        raise PermissionDenied
    form, status = VendorForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            reason, at = form.cleaned_data["reason"], now()
            try:
                vendor_call(incident_id=incident.pk, vendor=found, reason=reason, actor=user, at=at)
            except DomainError as error:
                refuse(form, error)
                status = status_of(error)
            else:
                messages.success(request, _("%(vendor)s is called; its clock runs.") % {"vendor": found.name})
                return see_other(work_url(incident))
    context = {"incident": incident, "vendor": found, "form": form, "at": now()}
    return render(request, "incidents/vendor.html", context, status=status)


@require_POST
@login_required
def vendor_case_act(request: HttpRequest, pk: int, case: int, step: str) -> HttpResponse:
    """The vendor answered, or nothing more is wanted of it."""
    user, incident = work_for(request, pk)
    found = VendorCase.objects.filter(incident=incident, pk=case).select_related("vendor").first()
    if found is None or step not in ("answered", "closed"):
        raise Http404
    name = {"vendor": found.vendor.name}
    if step == "answered":
        reference = request.POST.get("reference", "")
        call = partial(vendor_answered, case_id=found.pk, actor=user, at=now(), reference=reference)
        return performed(request, incident, call, _("%(vendor)s answered: its clock stands.") % name)
    closing = partial(vendor_closed, case_id=found.pk, actor=user, at=now())
    return performed(request, incident, closing, _("The case with %(vendor)s is closed.") % name)
