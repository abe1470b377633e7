"""The action plan of an incident: the page, what is done on it, and its export."""

from collections.abc import Callable
from typing import Any

import orjson
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.models import Incident, Objective
from incidents.permissions import may_act
from incidents.plan_markdown import plan_markdown
from incidents.selectors.plan_page import plan_data, plan_of, templates_for
from incidents.services.plans import objective_add, objective_change, plan_apply, section_mark, section_save
from incidents.views.answers import see_other, status_of
from incidents.views.work import work_for
from incidents.work_forms import ApplyForm, ObjectiveForm, SectionForm
from oncall.models import User


@require_safe
@login_required
def plan_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The plan as it stands: live header, objectives, command, actions, decisions, escalations, follow-up, sections."""
    _user, incident = work_for(request, pk)
    return _page(request, incident)


def _page(request: HttpRequest, incident: Incident, *, status: int = 200, **more: Any) -> HttpResponse:
    user, at = request.user, now()
    assert isinstance(user, User)  # noqa: S101  work_for has seen to it
    editing, acts = request.GET.get("section", ""), may_act(user, incident)
    context = {
        "at": at,
        "incident": incident,
        "shown": plan_of(incident, user=user, at=at),
        "may_act": acts,
        "templates": templates_for(incident) if acts else [],
        "apply_form": ApplyForm(),
        "objective_form": ObjectiveForm(),
        "section_form": SectionForm(),
        "editing": int(editing) if editing.isdecimal() and len(editing) < 4 else None,
        **more,
    }
    return render(request, "incidents/plan.html", context, status=status)


@require_POST
@login_required
def plan_act(request: HttpRequest, pk: int, part: str) -> HttpResponse:
    """Apply a template, add or change an objective, write a section."""
    user, incident = work_for(request, pk)
    handler = _ACTS.get(part)
    if handler is None:
        raise Http404
    if not may_act(user, incident):
        raise PermissionDenied
    return handler(request, incident, user)


def _plan_url(incident: Incident) -> str:
    return reverse("incidents:plan", args=(incident.pk,))


def _apply(request: HttpRequest, incident: Incident, user: User) -> HttpResponse:
    form = ApplyForm(request.POST)
    status = 422
    if form.is_valid():
        template = form.cleaned_data["template"]
        try:
            plan_apply(incident_id=incident.pk, template=template, actor=user, at=now())
        except DomainError as error:
            refuse(form, error)
            status = status_of(error)
        else:
            messages.success(request, _("“%(name)s” is applied.") % {"name": template.label})
            return see_other(_plan_url(incident))
    return _page(request, incident, status=status, apply_form=form)


def _objective(request: HttpRequest, incident: Incident, user: User) -> HttpResponse:
    form = ObjectiveForm(request.POST)
    status = 422
    if form.is_valid():
        try:
            objective_add(incident_id=incident.pk, text=form.cleaned_data["text"], actor=user, at=now())
        except DomainError as error:
            refuse(form, error)
            status = status_of(error)
        else:
            messages.success(request, _("The objective is added."))
            return see_other(_plan_url(incident))
    return _page(request, incident, status=status, objective_form=form)


def _objective_act(request: HttpRequest, incident: Incident, user: User) -> HttpResponse:
    number = request.POST.get("objective", "")
    found = Objective.objects.filter(incident=incident, pk=int(number)).first() if _is_number(number) else None
    if found is None:
        raise Http404
    wanted = _OBJECTIVE_ACTS.get(request.POST.get("do", ""))
    if wanted is None:
        return _page(request, incident, status=422)
    objective_change(objective_id=found.pk, actor=user, at=now(), **wanted)
    return see_other(_plan_url(incident))


_OBJECTIVE_ACTS: dict[str, dict[str, Any]] = {
    "up": {"up": True},
    "down": {"up": False},
    "meet": {"state": Objective.State.MET},
    "drop": {"state": Objective.State.DROPPED},
    "reopen": {"state": Objective.State.OPEN},
}


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10


def _section(request: HttpRequest, incident: Incident, user: User) -> HttpResponse:
    form = SectionForm(request.POST)
    status = 422
    number = None
    if form.is_valid():
        number = form.cleaned_data["number"]
        data = form.cleaned_data
        try:
            section_save(
                incident_id=incident.pk,
                number=number,
                title=data["title"],
                text=data["text"],
                seen=data["seen"],
                actor=user,
                at=now(),
            )
        except Conflict as error:
            return _page(
                request, incident, status=status_of(error), section_form=_again(form, incident, error), editing=number
            )
        except DomainError as error:
            refuse(form, error)
            status = status_of(error)
        else:
            messages.success(request, _("The plan is saved."))
            return see_other(_plan_url(incident))
    return _page(request, incident, status=status, section_form=form, editing=number)


def _again(form: SectionForm, incident: Incident, error: Conflict) -> SectionForm:
    """The form with what was typed, now beside what somebody else wrote: sent again it takes that text's place."""
    number = form.cleaned_data["number"]
    sections = incident.plan.sections if hasattr(incident, "plan") else []
    data: Any = form.data.copy()  # type: ignore[attr-defined]  # a QueryDict
    if number is not None and number < len(sections):
        data["seen"] = section_mark(sections[number])
    kept = SectionForm(data)
    kept.is_valid()
    refuse(kept, error)
    return kept


_ACTS: dict[str, Callable[[HttpRequest, Incident, User], HttpResponse]] = {
    "apply": _apply,
    "objective": _objective,
    "objectives": _objective_act,
    "section": _section,
}


@require_safe
@login_required
def plan_export(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The plan as a file: ``markdown`` or ``json``."""
    user, incident = work_for(request, pk)
    if form not in ("markdown", "json"):
        raise Http404
    at = now()
    data = plan_data(incident, plan_of(incident, user=user, at=at), at=at)
    if form == "json":
        response = HttpResponse(orjson.dumps(data, option=orjson.OPT_INDENT_2), content_type="application/json")
    else:
        response = HttpResponse(plan_markdown(data), content_type="text/markdown; charset=utf-8")
    ending = "json" if form == "json" else "md"
    response["Content-Disposition"] = f'attachment; filename="{incident.reference}-plan.{ending}"'
    return response
