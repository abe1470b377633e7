"""Tasks of an incident: a new one, one of them as a page, and what is done with it."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.models import Incident, Task, TimeEntry
from incidents.permissions import may_act, may_approve
from incidents.selectors.work import every, tasks_of
from incidents.services.task_waits import task_wait_add, task_wait_remove
from incidents.services.task_writing import history_number
from incidents.services.tasks import task_approve, task_change, task_create, task_move, task_state
from incidents.views.answers import see_other, status_of, wants_fragment
from incidents.views.work import performed, work_for, work_page, work_url
from incidents.work_forms import ApproveForm, TaskForm, TimeForm, WaitForm

STATES = {"begin": Task.State.DOING, "finish": Task.State.DONE, "drop": Task.State.DROPPED, "reopen": Task.State.TODO}


def _task(incident: Incident, number: int) -> Task:
    rows = Task.objects.select_related("assignee", "role", "parent__parent", "approved_by", "created_by", "ended_by")
    found = rows.filter(incident=incident, pk=number).first()
    if found is None:
        raise Http404
    found.incident = incident
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def task_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a task; GET is the whole form, for a part of ``?parent=`` too."""
    user, incident = work_for(request, pk)
    if not may_act(user, incident):
        raise PermissionDenied
    asked = request.GET.get("parent", "")
    parent = _task(incident, int(asked)) if asked.isdecimal() and len(asked) < 10 else None
    form = TaskForm(request.POST or None, incident=incident, initial={"parent": parent.pk if parent else None})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                given = {**form.values, "parent_id": form.cleaned_data["parent"], "admit": form.admits}
                task = task_create(incident_id=incident.pk, actor=user, at=now(), **given)
            except DomainError as error:
                refuse(form, error)
                status = status_of(error)
            else:
                messages.success(request, _("“%(task)s” is added.") % {"task": task.title})
                return work_page(request, incident) if wants_fragment(request) else see_other(work_url(incident))
        if wants_fragment(request):
            return work_page(request, incident, status=status, task_form=form)
    context = {"incident": incident, "form": form, "parent": parent, "at": now()}
    return render(request, "incidents/task_new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def task_detail(request: HttpRequest, pk: int, task: int) -> HttpResponse:
    """One task: what it waits for, its parts, its approval, and the form to change it."""
    user, incident = work_for(request, pk)
    found = _task(incident, task)
    if request.method != "POST":
        return _page(request, found)
    if not may_act(user, incident):
        raise PermissionDenied
    form = TaskForm(request.POST, incident=incident)
    if not form.is_valid():
        return _page(request, found, form=form, status=422)
    try:
        seen, admit = form.cleaned_data["seen"], form.admits
        task_change(task_id=found.pk, values=form.values, seen=seen, admit=admit, actor=user, at=now())
    except Conflict as error:
        # What was typed stays; sent again it goes in the place of what somebody else wrote.
        again: Any = form.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        again["seen"] = str(history_number(found))
        kept = TaskForm(again, incident=incident)
        kept.is_valid()
        refuse(kept, error)
        return _page(request, _task(incident, task), form=kept, status=status_of(error))
    except DomainError as error:
        refuse(form, error)
        return _page(request, found, form=form, status=status_of(error))
    messages.success(request, _("“%(task)s” is saved.") % {"task": form.cleaned_data["title"]})
    return see_other(reverse("incidents:task", args=(incident.pk, found.pk)))


def _page(
    request: HttpRequest, task: Task, *, form: TaskForm | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    user: Any = request.user
    incident, at = task.incident, now()
    rows = every(tasks_of(incident, at=at))
    shown = next(one for one in rows if one.task.pk == task.pk)
    others = [(one.task.pk, one.task.title) for one in rows if one.task.pk != task.pk and one.is_open]
    initial: dict[str, Any] = {
        name: getattr(task, name) for name in ("title", "details", "kind", "priority", "starts_at", "due_at")
    }
    initial |= {
        "role": task.role_id,
        "assignee": task.assignee_id,
        "needs_approval": task.needs_approval,
        "seen": history_number(task),
    }
    context = {
        "at": at,
        "incident": incident,
        "task": task,
        "shown": shown,
        "waits": task.waits.select_related("waits_on__assignee"),
        "times": TimeEntry.objects.filter(task=task).select_related("user"),
        "may_act": may_act(user, incident),
        "may_approve": shown.unapproved and may_approve(user, incident, at=at),
        "form": form or TaskForm(incident=incident, initial=initial),
        "approve_form": ApproveForm(),
        "wait_form": WaitForm(others=others),
        "time_form": TimeForm(initial={"task": task.pk}),
        **more,
    }
    return render(request, "incidents/task.html", context, status=status)


@require_POST
@login_required
def task_act(request: HttpRequest, pk: int, task: int, do: str) -> HttpResponse:
    """Begin, finish, drop, reopen, move, approve, or let it wait on another."""
    user, incident = work_for(request, pk)
    found = _task(incident, task)
    common: dict[str, Any] = {"task_id": found.pk, "actor": user, "at": now()}
    if do in STATES:
        anyway = request.POST.get("anyway") == "1"
        done = _state_done(STATES[do], found)
        act = partial(task_state, state=STATES[do], anyway=anyway, **common)
        return performed(request, incident, act, done, asked=(found.pk, do))
    if do in ("up", "down"):
        return performed(request, incident, lambda: task_move(up=do == "up", **common), _("Moved."))
    handler = {"approve": _approve, "wait": _wait, "unwait": _unwait}.get(do)
    if handler is None:
        raise Http404
    if not (may_act(user, incident)):
        raise PermissionDenied
    try:
        told = handler(request, found, common)
    except DomainError as error:
        return _page(request, found, status=status_of(error), refused=error)
    if told is None:
        return _page(request, found, status=422)
    messages.success(request, told)
    return see_other(reverse("incidents:task", args=(incident.pk, found.pk)))


def _state_done(state: str, task: Task) -> str:
    words = {
        Task.State.DOING: _("“%(task)s” is begun."),
        Task.State.DONE: _("“%(task)s” is done."),
        Task.State.DROPPED: _("“%(task)s” is dropped."),
    }
    return words.get(Task.State(state), _("“%(task)s” is open again.")) % {"task": task.title}


def _approve(request: HttpRequest, _found: Task, common: dict[str, Any]) -> str | None:
    task_approve(reason=request.POST.get("reason", ""), **common)
    return _("Approved. Whoever does it was told.")


def _wait(request: HttpRequest, _found: Task, common: dict[str, Any]) -> str | None:
    number = request.POST.get("waits_on", "")
    if not number.isdecimal() or len(number) > 9:
        return None
    task_wait_add(waits_on=int(number), strict=request.POST.get("strict") == "on", **common)
    return _("It waits on that one now.")


def _unwait(request: HttpRequest, _found: Task, common: dict[str, Any]) -> str | None:
    number = request.POST.get("waits_on", "")
    if not number.isdecimal() or len(number) > 9:
        return None
    task_wait_remove(waits_on=int(number), **common)
    return _("It does not wait on that one any more.")
