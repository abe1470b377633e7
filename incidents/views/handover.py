"""What came along when an incident was handed over, and whether its receiver had the full context."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.handoff_forms import YES, RateForm
from incidents.models import Incident
from incidents.permissions import incident_for
from incidents.selectors.joining import join_brief
from incidents.services import handover_rating
from incidents.views.answers import see_other, status_of
from oncall.models import User


def handover_context(incident: Incident, user: User, form: RateForm | None = None) -> dict[str, Any]:
    """What the brief shows of the last handover: one query."""
    handover = handover_rating.handover_of(incident)
    return {
        "handover": handover,
        "may_rate": handover_rating.may_rate(user, handover),
        "rate_form": form or RateForm(),
    }


@require_POST
@login_required
def handover_rate(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever took it over says whether they had the full context."""
    user: Any = request.user
    incident, at = incident_for(user, pk), now()
    handover = handover_rating.handover_of(incident)
    if not handover_rating.is_receiver(user, handover):
        raise PermissionDenied(_("Only whoever it was handed to says whether they had the full context."))
    form, status = RateForm(request.POST), 422
    if form.is_valid():
        complete, missing = form.cleaned_data["complete"] == YES, form.cleaned_data["remark"]
        try:
            handover_rating.handover_rate(
                incident_id=incident.pk, complete=complete, missing=missing, actor=user, at=at
            )
        except DomainError as error:
            refuse(form, error)
            status = status_of(error)
        else:
            messages.success(request, _("Thank you. Whoever handed it over and the managers see it."))
            return see_other(reverse("incidents:brief", args=(incident.pk,)))
    context = {
        "at": at,
        "incident": incident,
        "brief": join_brief(incident, reader=user, at=at),
        **handover_context(incident, user, form),
    }
    return render(request, "incidents/brief.html", context, status=status)
