"""The pages of whoever filed an incident, or only follows it: how it stands in plain words, and what they may still do."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.filing_forms import BackForm, GatherForm, SurveyForm
from incidents.forms import refuse
from incidents.models import Incident
from incidents.permissions import incident_for, is_requester, may_file
from incidents.selectors.requester import requester_of, requests_of
from incidents.services.following import follower_gather, incident_follow, incident_unfollow
from incidents.services.lifecycle import incident_reopen
from incidents.services.surveys import survey_answer
from incidents.views.answers import page_or_fragment, see_other, status_of, tell_refusal, wants_fragment


@require_safe
@login_required
def request_list(request: HttpRequest) -> HttpResponse:
    """What the reader filed or follows, and what waits for a word of theirs."""
    user: Any = request.user
    if not may_file(user):
        raise PermissionDenied
    context = {"at": now(), "requests": requests_of(user)}
    return page_or_fragment(request, "incidents/requests.html", "incidents/partials/_requests.html", context)


@require_safe
@login_required
def request_panel(request: HttpRequest, pk: int) -> HttpResponse:
    """What the requester may do with it, beside its page."""
    user: Any = request.user
    return _panel(request, incident_for(user, pk))


def _panel(request: HttpRequest, incident: Incident, *, status: int = 200, **forms: Any) -> HttpResponse:
    user: Any = request.user
    at = now()
    requester = requester_of(incident, user=user, at=at)
    said = requester.survey
    context = {
        "at": at,
        "incident": incident,
        "requester": requester,
        "files": requester.files,
        "may_attach": may_file(user),
        "survey_form": SurveyForm(initial={"score": said.score, "text": said.text} if said else {}),
        "back_form": BackForm(),
        "gather_form": GatherForm(initial={"news": GatherForm.GATHERED if requester.gathers else GatherForm.AT_ONCE}),
        **forms,
    }
    return page_or_fragment(
        request, "incidents/request_panel.html", "incidents/partials/_request_panel.html", context, status=status
    )


@require_POST
@login_required
def request_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """It is not over."""
    user: Any = request.user
    form, at = BackForm(request.POST), now()
    return _done(
        request,
        pk,
        form,
        lambda: incident_reopen(incident_id=pk, actor=user, reason=form.cleaned_data["reason"], at=at),
        done=_("It is open again, and its team is called."),
        shown="back_form",
    )


@require_POST
@login_required
def request_rate(request: HttpRequest, pk: int) -> HttpResponse:
    """How it went."""
    user: Any = request.user
    if not is_requester(user, incident_for(user, pk)):
        raise PermissionDenied
    form, at = SurveyForm(request.POST), now()
    return _done(
        request,
        pk,
        form,
        lambda: survey_answer(incident_id=pk, actor=user, at=at, **form.cleaned_data),
        done=_("Thank you. Its team reads it."),
        shown="survey_form",
    )


def _done(
    request: HttpRequest, pk: int, form: Any, perform: Callable[[], object], *, done: str, shown: str
) -> HttpResponse:
    """Perform what ``form`` asks; a fault is shown at its field, where it was typed."""
    user: Any = request.user
    incident = incident_for(user, pk)
    if form.is_valid():
        try:
            perform()
        except DomainError as error:
            refuse(form, error)
            return _panel(request, incident_for(user, pk), status=status_of(error), **{shown: form})
        messages.success(request, done)
        return _panel(request, incident_for(user, pk)) if wants_fragment(request) else see_other(_page(pk))
    return _panel(request, incident, status=422, **{shown: form})


@require_POST
@login_required
def request_follow(request: HttpRequest, pk: int) -> HttpResponse:
    """Hear when it is resolved, and what is said to its requester. From the filing form: this one instead of a new one."""
    user: Any = request.user
    incident_for(user, pk)
    if not may_file(user):
        raise PermissionDenied
    try:
        incident_follow(incident_id=pk, actor=user, at=now())
    except DomainError as error:
        tell_refusal(request, error)
        return see_other(_page(pk))
    messages.success(request, _("You follow it: you hear when it is resolved, and what is said to you."))
    return _followed(request, pk)


@require_POST
@login_required
def request_gather(request: HttpRequest, pk: int) -> HttpResponse:
    """Hear of it at once, or gathered into one notice."""
    user: Any = request.user
    incident, form = incident_for(user, pk), GatherForm(request.POST)
    if not may_file(user):
        raise PermissionDenied
    if not form.is_valid():
        return _panel(request, incident, status=422, gather_form=form)
    follower_gather(incident_id=pk, actor=user, gathered=form.gathered, at=now())
    messages.success(
        request,
        _("You hear what happens gathered into one notice, every ten minutes at most.")
        if form.gathered
        else _("You hear of it at once."),
    )
    return _followed(request, pk)


@require_POST
@login_required
def request_unfollow(request: HttpRequest, pk: int) -> HttpResponse:
    """Hear no more of it."""
    user: Any = request.user
    incident_for(user, pk)
    incident_unfollow(incident_id=pk, actor=user, at=now())
    messages.success(request, _("You follow it no more."))
    return _followed(request, pk)


def _followed(request: HttpRequest, pk: int) -> HttpResponse:
    user: Any = request.user
    if wants_fragment(request):
        return _panel(request, incident_for(user, pk))
    return see_other(_page(pk))


def _page(pk: int) -> str:
    return reverse("incidents:request", args=(pk,))
