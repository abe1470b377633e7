"""How a task's row is written: with its history, the ledger's difference, and whoever gets it told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from incidents.changes import plain
from incidents.models import Incident, ResponseRole, RoleHolder, Task
from incidents.services.notices import people_tell
from incidents.services.working import Work
from oncall.models import User

OPEN = (Task.State.TODO, Task.State.DOING)


def task_write(work: Work, task: Task, action: str, **values: Any) -> bool:
    """Give ``task`` these values; returns whether any differs. Nothing is written where none does, unless it is new."""
    is_new = task._state.adding
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in values.items():
        old = getattr(task, name)
        setattr(task, name, value)
        if old != value or is_new:
            before[name], after[name] = said(old), said(value)
    if not after and not is_new:
        return False
    saved: Any = task
    saved._history_date, saved._history_user = work.changes.at, work.changes.user
    task.save()
    work.changes.ledger(
        work.incident,
        action,
        object_type="task",
        object_id=str(task.pk),
        object_label=f"{work.incident.reference} {task.title}"[:200],
        before=None if is_new else before,
        after=after,
    )
    return True


def said(value: Any) -> Any:
    """A value as the ledger keeps it: people and roles by what they are called."""
    if value is None or isinstance(value, bool | int | float | str | datetime):
        return plain(value)
    return str(value)


def assigned_tell(work: Work, task: Task, before: int | None) -> None:
    """Tell the assignee who has just got the task, unless they took it themselves."""
    if task.assignee is None or task.assignee_id == before:
        return
    incident: Incident = work.incident
    people_tell(
        incident=incident,
        users=[task.assignee],
        key=f"task:{task.pk}:{work.changes.at.timestamp():.6f}",
        says=lambda: [_("A task on %(reference)s is yours: %(task)s") % names(incident, task), *_facts(task)],
        changes=work.changes,
        urgency="high" if task.priority == Task.Priority.URGENT else "low",
        place=task_place(task),
    )


def names(incident: Incident, task: Task) -> dict[str, str]:
    return {"reference": incident.reference, "task": task.title}


def task_place(task: Task) -> str:
    """The address of its page."""
    return reverse("incidents:task", args=(task.incident_id, task.pk))


def _facts(task: Task) -> list[str]:
    found = [_("Priority: %(priority)s") % {"priority": Task.Priority(task.priority).label}]
    if task.due_at is not None:
        found.append(_("Due: %(due)s") % {"due": task.due_at.strftime("%a %d %b %H:%M UTC")})
    if task.needs_approval and task.approved_at is None:
        found.append(_("It must be approved before it is begun."))
    return found


def holder_of(incident: Incident, role: ResponseRole | None) -> User | None:
    """Whoever holds ``role`` on ``incident`` now."""
    if role is None:
        return None
    found = RoleHolder.objects.filter(incident=incident, role=role, until=None).select_related("user").first()
    return found.user if found else None


def tasks_follow(work: Work, role: ResponseRole, user: User | None) -> None:
    """The open tasks of ``role`` are ``user``'s from now on (R107); what is done stays with whoever had it."""
    for task in Task.objects.filter(incident=work.incident, role=role, state__in=OPEN).select_related("assignee"):
        task_write(work, task, "task.follow_role", assignee=user)


def history_number(task: Task) -> int:
    """The number of the newest state of its history: what a form shows beside it, to notice what changed meanwhile."""
    history: Any = task.history
    found: int | None = history.order_by("-history_id").values_list("history_id", flat=True).first()
    return found or 0


def values_at(task: Task, number: int) -> Mapping[str, Any] | None:
    """Its fields as they were at the history's state ``number``; None where there is no such state."""
    history: Any = task.history
    found: Mapping[str, Any] | None = history.filter(history_id=number).values().first()
    return found


def with_seen(rows: QuerySet[Task]) -> Any:
    """The tasks with the number of the newest state of their history as ``seen``: for many at once."""
    states = Task.history.filter(id=OuterRef("pk")).order_by("-history_id")
    return rows.annotate(seen=Subquery(states.values("history_id")[:1]))
