"""The work on an incident as a page and as a panel of the incident page; roles, time, and the word to all teams."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.models import Incident, ResponseRole, RoleHolder
from incidents.people_fields import admit_checked
from incidents.permissions import incident_for, may_act, may_see_work, require_responder
from incidents.selectors.work import work_of
from incidents.services.engaged import engaged, teams_of, teams_post
from incidents.services.roles import role_give, role_leave, role_take
from incidents.services.time import time_log
from incidents.views.answers import see_other, status_of, tell_refusal, wants_fragment
from incidents.work_forms import PostForm, RoleForm, TaskForm, TimeForm
from oncall.models import User

MOVES = (("up", "arrow-up"), ("down", "arrow-down"))


def work_for(request: HttpRequest, pk: int) -> tuple[User, Incident]:
    """Who asks, and the incident whose work they may see. Raises Http404 or PermissionDenied."""
    user = cast(User, request.user)
    incident = incident_for(user, pk)
    if not may_see_work(user, incident):
        raise PermissionDenied(_("Only those who work on incidents see this. Your incident’s page says how it stands."))
    return user, incident


@require_safe
@login_required
def incident_work(request: HttpRequest, pk: int) -> HttpResponse:
    """Roles, tasks, objectives, vendors, documents: the panel of the incident page for htmx, the page for everybody else."""
    user, incident = work_for(request, pk)
    if wants_fragment(request) and "full" not in request.GET:
        at = now()
        context = {
            "at": at,
            "incident": incident,
            "work": work_of(incident, at=at, user=user),
            "may_act": may_act(user, incident),
        }
        response = render(request, "incidents/partials/_work.html", context)
        patch_vary_headers(response, ["HX-Request"])
        return response
    return work_page(request, incident)


def work_page(request: HttpRequest, incident: Incident, *, status: int = 200, **more: Any) -> HttpResponse:
    """The page of the work, or what changes of it; also what a refused action shows again, with the form that was refused."""
    user, at = cast(User, request.user), now()
    context = {
        "at": at,
        "incident": incident,
        "work": work_of(incident, at=at, user=user),
        "may_act": may_act(user, incident),
        "ways": MOVES,
        "task_form": TaskForm(incident=incident),
        "time_form": TimeForm(),
        "took": (incident.acknowledged_at - incident.started_at) if incident.acknowledged_at else None,
        "lasted": (incident.resolved_at - incident.started_at) if incident.resolved_at else None,
        **more,
    }
    name = "incidents/partials/_work_body.html" if wants_fragment(request) else "incidents/work.html"
    response = render(request, name, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def work_url(incident: Incident) -> str:
    return reverse("incidents:work", args=(incident.pk,))


def back(request: HttpRequest, incident: Incident) -> str:
    """Where the form stood that was sent: the plan, the incident, or the work."""
    match request.POST.get("back", ""):
        case "plan":
            return reverse("incidents:plan", args=(incident.pk,))
        case "incident":
            return incident.get_absolute_url()
        case "task" if (number := request.POST.get("task", "")).isdecimal():
            return reverse("incidents:task", args=(incident.pk, int(number)))
        case _:
            return work_url(incident)


def performed(
    request: HttpRequest,
    incident: Incident,
    do: Callable[[], object],
    done: str,
    *,
    asked: tuple[int, str] = (0, ""),
) -> HttpResponse:
    """Do it and say so where the form stood; a refusal is shown on the page of the work, with its status. ``asked`` is the task and
    what was wanted of it, for the button that goes on in spite of a warning."""
    user = cast(User, request.user)
    try:
        require_responder(user, incident)
        do()
    except DomainError as error:
        if wants_fragment(request):
            tell_refusal(request, error)
        again = {"refused": error, "refused_task": asked[0], "refused_do": asked[1]}
        return work_page(request, incident_for(user, incident.pk), status=status_of(error), **again)
    messages.success(request, done)
    if wants_fragment(request):
        return work_page(request, incident_for(user, incident.pk))
    return see_other(back(request, incident))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def role_change(request: HttpRequest, pk: int, role: str) -> HttpResponse:
    """Take a role, give it, hand it over or hand it back; GET asks to whom."""
    user, incident = work_for(request, pk)
    found = ResponseRole.objects.filter(key=role).first()
    if found is None:
        raise Http404
    holder = RoleHolder.objects.filter(incident=incident, role=found, until=None).select_related("user").first()
    form = RoleForm(request.POST or None, incident=incident, initial={"seen": holder.pk if holder else None})
    if request.method == "POST" and form.is_valid():
        do, seen, person = request.POST.get("do", ""), form.cleaned_data["seen"], form.cleaned_data["user"]
        asked: dict[str, Any] = {"incident_id": incident.pk, "role": found, "actor": user, "at": now(), "seen": seen}
        label = {"role": found.label}
        if do == "take":
            return performed(request, incident, lambda: role_take(**asked), _("You have the role %(role)s.") % label)
        if do == "leave":
            return performed(request, incident, lambda: role_leave(**asked), _("%(role)s is vacant now.") % label)
        admit_checked(form, "user")
        if person is None:
            form.add_error("user", _("Choose a person."))
        elif form.is_valid():
            done = _("%(name)s has the role %(role)s.") % {"name": person.name, **label}
            asked["admit"] = form.cleaned_data.get("admit", False)
            return performed(request, incident, lambda: role_give(user=person, **asked), done)
    if not may_act(user, incident):
        raise PermissionDenied
    context = {"incident": incident, "role": found, "holder": holder, "form": form, "at": now()}
    return render(request, "incidents/role.html", context, status=422 if request.method == "POST" else 200)


@require_POST
@login_required
def time_spent(request: HttpRequest, pk: int) -> HttpResponse:
    """Log time on the incident or on one of its tasks."""
    user, incident = work_for(request, pk)
    form = TimeForm(request.POST)
    if not form.is_valid():
        require = not may_act(user, incident)
        if require:
            raise PermissionDenied
        return work_page(request, incident, status=422, time_form=form)
    data = form.cleaned_data
    return performed(
        request,
        incident,
        lambda: time_log(
            incident_id=incident.pk,
            minutes=data["minutes"],
            note=data["note"],
            task_id=data["task"],
            actor=user,
            at=now(),
        ),
        _("Your time is noted."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def teams_posting(request: HttpRequest, pk: int) -> HttpResponse:
    """One word to everybody who works on it, of whatever team; GET says who they are."""
    user, incident = work_for(request, pk)
    if not may_act(user, incident):
        raise PermissionDenied
    at, form, status = now(), PostForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                told = teams_post(incident_id=incident.pk, text=form.cleaned_data["text"], actor=user, at=at)
            except DomainError as error:
                refuse(form, error)
                status = status_of(error)
            else:
                messages.success(request, _said(told))
                return see_other(f"{incident.get_absolute_url()}?show=timeline")
    teams = teams_of(incident)
    people = [one for one in engaged(incident, teams, at=at) if one != user]
    context = {"incident": incident, "teams": teams, "people": people, "form": form, "at": at}
    return render(request, "incidents/teams_post.html", context, status=status)


def _said(told: list[str]) -> str:
    if not told:
        return _("It stands in the timeline; nobody else is engaged.")
    return _("Told: %(people)s.") % {"people": ", ".join(told)}
