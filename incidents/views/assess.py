"""Assessing the severity of an incident in triage: the criteria's questions, what is known already, and what follows."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from incidents.forms import AssessForm, refuse
from incidents.models import Incident
from incidents.permissions import incident_for, require_responder
from incidents.selectors.assessing import answers_already
from incidents.services.assess import incident_assess
from incidents.views.answers import see_other, status_of, tell_refusal, wants_fragment
from incidents.views.detail import incident_page
from incidents.views.proposals import proposal_shown
from policies.books import CRITERIA, book_read
from policies.criteria.form import texts_of
from policies.severity import Severity


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def incident_assessing(request: HttpRequest, pk: int) -> HttpResponse:
    """The questions with the answers so far; applying them changes the facts and the severity at once."""
    user: Any = request.user
    incident = incident_for(user, pk)
    at, reading = now(), book_read(CRITERIA)
    try:
        require_responder(user, incident)
    except NotAllowed as error:
        tell_refusal(request, error)
        return incident_page(request, incident, at=at, status=403)
    if request.method != "POST":
        known = texts_of(reading.value, answers_already(incident, reading.value))
        return _page(request, incident, AssessForm(initial=known, reading=reading, incident=incident), at)
    form = AssessForm(request.POST, reading=reading, incident=incident)
    if form.proposes_only or not form.is_valid():
        return _page(request, incident, form, at, status=200 if form.proposes_only else 422)
    try:
        incident_assess(
            incident_id=incident.pk,
            reading=reading,
            answers=form.answers,
            rest_no=form.cleaned_data["rest"],
            chosen=form.cleaned_data["severity"],
            why=form.cleaned_data["why"],
            seen=form.cleaned_data["seen"],
            actor=user,
            at=at,
        )
    except DomainError as error:
        refuse(form, error)
        return _page(request, incident_for(user, pk), form, at, status=status_of(error))
    messages.success(request, _("The answers are kept, and the severity follows from them."))
    return see_other(incident.get_absolute_url())


def _page(
    request: HttpRequest, incident: Incident, form: AssessForm, at: datetime, *, status: int = 200
) -> HttpResponse:
    """The page, or for htmx the proposal alone."""
    proposal = form.proposed(incident.service)
    shown = proposal_shown(form.criteria, proposal, service=incident.service, chosen=form.chosen)
    context = {
        "at": at,
        "incident": incident,
        "form": form,
        "shown": shown,
        "take_it": _take_it(incident, shown.proposed),
        "present": Severity(incident.severity),
    }
    if wants_fragment(request) and form.proposes_only:
        return render(request, "incidents/partials/_proposal.html", context, status=status)
    return render(request, "incidents/assess.html", context, status=status)


def _take_it(incident: Incident, proposed: int | None) -> str:
    """What becomes of the incident when the proposal is taken."""
    if proposed is None or proposed == incident.severity:
        return _("That is what it is now.")
    words = {"severity": Severity(incident.severity).label}
    if proposed < incident.severity:
        return _("It is %(severity)s now; choose no other, and it gets worse.") % words
    return _("It is %(severity)s now; choose no other, and it gets milder.") % words
