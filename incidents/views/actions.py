"""Acting on an incident: one view for all verbs, and writing an update."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from incidents.forms import ActionForm, refuse
from incidents.models import Incident
from incidents.permissions import incident_for, may_act, require_responder
from incidents.selectors.ladder import run_of
from incidents.selectors.severity import severity_effect
from incidents.views.answers import page_or_fragment, see_other, status_of, tell_refusal, wants_fragment
from incidents.views.detail import incident_page, live_fragment
from incidents.views.verbs import VERBS, Verb
from policies.severity import Severity, Urgency, urgency_of

UNDO_SECONDS = 30
UNDONE_BY = {"acknowledge": "unacknowledge", "snooze": "undo", "resolve": "undo", "reassign": "undo"}
"""What is safe to take back, and the verb that does it."""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def incident_act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Perform ``verb``; GET shows what it asks for, where it asks for anything."""
    action = VERBS.get(verb)
    if action is None:
        raise Http404
    if request.method != "POST" and action.form is None:
        return HttpResponseNotAllowed(["POST"])
    user: Any = request.user
    incident = incident_for(user, pk)
    at = now()
    # A form may ask for nothing: what is sent is then empty, and sent all the same.
    sent = request.POST if request.method == "POST" else None
    form = action.form(sent, incident=incident, at=at) if action.form else None
    try:
        require_responder(user, incident)
        if request.method != "POST" or (form is not None and not form.is_valid()):
            return _asking(request, incident, action, form, status=200 if request.method != "POST" else 422)
        action.perform(incident.pk, user, at, form.cleaned_data if form is not None else {})
    except DomainError as error:
        return _refused(request, incident, action, form, error)
    return _done(request, incident, action)


def _asking(
    request: HttpRequest, incident: Incident, action: Verb, form: ActionForm | None, *, status: int
) -> HttpResponse:
    """The form of ``action``: a page of its own, or the inside of the dialog."""
    context = {"incident": incident, "action": action, "form": form, "at": now()}
    return page_or_fragment(
        request, "incidents/incident_act.html", "incidents/partials/_act.html", context, status=status
    )


def _refused(
    request: HttpRequest, incident: Incident, action: Verb, form: ActionForm | None, error: DomainError
) -> HttpResponse:
    """The reason at the form that asked; without one, the incident as it is now with the reason beside."""
    if form is not None and not isinstance(error, NotAllowed):
        if form.is_bound:
            refuse(form, error)
        return _asking(request, incident, action, form, status=status_of(error))
    user: Any = request.user
    tell_refusal(request, error)
    answer = live_fragment if wants_fragment(request) else incident_page
    return answer(request, incident_for(user, incident.pk), at=now(), status=status_of(error))


def _done(request: HttpRequest, incident: Incident, action: Verb) -> HttpResponse:
    if not wants_fragment(request):
        messages.success(request, str(action.done))
        return see_other(incident.get_absolute_url())
    user: Any = request.user
    undo: dict[str, Any] = (
        {"undo_verb": UNDONE_BY[action.key], "undo_seconds": UNDO_SECONDS} if action.key in UNDONE_BY else {}
    )
    response = live_fragment(request, incident_for(user, incident.pk), at=now(), done=action.done, **undo)
    response["HX-Trigger"] = "wb:done"
    return response


@require_safe
@login_required
def severity_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """Whom another severity would call: the fragment below the choice. Without a valid one, that of the incident."""
    user: Any = request.user
    incident = incident_for(user, pk)
    if not may_act(user, incident):
        raise PermissionDenied
    at = now()
    asked = request.GET.get("severity", "")
    rank = int(asked) if asked in {str(value) for value in Severity.values} else incident.severity
    run = run_of(incident) if rank != incident.severity and incident.is_open else None
    effect = severity_effect(incident, run, severity=rank, at=at) if run else None
    context = {
        "at": at,
        "incident": incident,
        "rank": rank,
        "effect": effect,
        "quiet": urgency_of(rank) == Urgency.LOW,
    }
    return render(request, "incidents/partials/_severity_effect.html", context)
