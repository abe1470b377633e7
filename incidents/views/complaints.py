"""Customers' complaints: the ones about an incident, the ones that wait, and answering one (R303)."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.filing_forms import AssignForm, ComplaintAnswerForm, ComplaintForm
from incidents.forms import refuse
from incidents.models import Complaint
from incidents.permissions import complaint_for, incident_for, may_answer_complaint, may_file
from incidents.selectors.complaints import (
    complaint_counts,
    complaint_row,
    complaints_answered,
    complaints_of,
    complaints_waiting,
)
from incidents.services.complaints import complaint_answer, complaint_assign, complaint_log
from incidents.views.answers import page_or_fragment, see_other, status_of


@require_safe
@login_required
def complaint_list(request: HttpRequest) -> HttpResponse:
    """What waits for an answer, the soonest due first, and what was answered last."""
    user: Any = request.user
    at = now()
    context = {
        "at": at,
        "counts": complaint_counts(user, at=at),
        "waiting": complaints_waiting(user, at=at),
        "answered": complaints_answered(user, at=at),
    }
    return render(request, "incidents/complaints.html", context)


@require_safe
@login_required
def incident_complaints(request: HttpRequest, pk: int) -> HttpResponse:
    """Those about one incident: a part of its page, read after it."""
    user: Any = request.user
    incident, at = incident_for(user, pk), now()
    context = {
        "at": at,
        "incident": incident,
        "complaints": complaints_of(incident, at=at),
        "may_log": may_file(user),
    }
    return page_or_fragment(
        request, "incidents/incident_complaints.html", "incidents/partials/_complaints.html", context
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def complaint_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Log one."""
    user: Any = request.user
    incident, at = incident_for(user, pk), now()
    if not may_file(user):
        raise PermissionDenied
    form = ComplaintForm(request.POST or None, incident=incident, at=at)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                row = complaint_log(incident_id=pk, actor=user, at=at, **form.cleaned_data)
            except DomainError as error:
                refuse(form, error)
                status = status_of(error)
            else:
                messages.success(request, _("The complaint is logged."))
                return see_other(reverse("incidents:complaint", args=(row.pk,)))
    context = {"at": at, "incident": incident, "form": form}
    return render(request, "incidents/complaint_new.html", context, status=status)


@require_safe
@login_required
def complaint_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One complaint, and what may be done with it."""
    user: Any = request.user
    return _page(request, complaint_for(user, pk))


def _page(request: HttpRequest, complaint: Complaint, *, status: int = 200, **forms: Any) -> HttpResponse:
    user: Any = request.user
    at = now()
    begun = {"owner": complaint.owner_id, "due_at": complaint.due_at}
    context = {
        "at": at,
        "row": complaint_row(complaint, at=at),
        "complaint": complaint,
        "incident": complaint.incident,
        "may_answer": complaint.answered_at is None and may_answer_complaint(user, complaint),
        "answer_form": ComplaintAnswerForm(),
        "assign_form": AssignForm(initial=begun, incident=complaint.incident),
        **forms,
    }
    return render(request, "incidents/complaint.html", context, status=status)


@require_POST
@login_required
def complaint_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """It was answered."""
    user: Any = request.user
    complaint, at = complaint_for(user, pk), now()
    form = ComplaintAnswerForm(request.POST)
    return _done(
        request,
        complaint,
        form,
        lambda: complaint_answer(complaint_id=pk, actor=user, at=at, **form.cleaned_data),
        done=_("The answer is kept."),
        shown="answer_form",
    )


@require_POST
@login_required
def complaint_give(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody is to answer it, by some time."""
    user: Any = request.user
    complaint, at = complaint_for(user, pk), now()
    form = AssignForm(request.POST, incident=complaint.incident)
    return _done(
        request,
        complaint,
        form,
        lambda: complaint_assign(complaint_id=pk, actor=user, at=at, **form.cleaned_data),
        done=_("Kept."),
        shown="assign_form",
    )


def _done(
    request: HttpRequest, complaint: Complaint, form: Any, perform: Callable[[], object], *, done: str, shown: str
) -> HttpResponse:
    user: Any = request.user
    if not may_answer_complaint(user, complaint):
        # Whoever may not is told so before what they sent is looked at.
        messages.error(request, _("Only whoever it was given to and responders of its incident may answer it."))
        return _page(request, complaint, status=403)
    if form.is_valid():
        try:
            perform()
        except DomainError as error:
            refuse(form, error)
            return _page(request, complaint_for(user, complaint.pk), status=status_of(error), **{shown: form})
        messages.success(request, done)
        return see_other(reverse("incidents:complaint", args=(complaint.pk,)))
    return _page(request, complaint, status=422, **{shown: form})
