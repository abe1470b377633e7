"""What a task waits for (R212): strict waits refuse an early start, others warn; circles are refused.

The incident's row is locked while a wait is added, so that of two which would close a circle together the second is refused.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.ui.durations import list_of
from incidents.models import Task, TaskWait
from incidents.permissions import require_responder
from incidents.services.working import Work, working
from incidents.task_tree import circle, edges_of
from oncall.models import User

OPEN = (Task.State.TODO, Task.State.DOING)


def task_wait_add(
    *, task_id: int, waits_on: int, actor: User, at: datetime, strict: bool = True, source: str = "web"
) -> TaskWait:
    """``task_id`` is not begun before ``waits_on`` is over (``strict``), or not without a warning. Adding it again only sets how strict.

    Raises DomainError, naming the tasks on the way, for what would wait on itself; NotAllowed for people who may not respond.
    """
    incident_id = Task.objects.filter(pk=task_id).values_list("incident", flat=True).first()
    if incident_id is None:
        raise DomainError(_("There is no such task."))
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        tasks = {task.pk: task for task in Task.objects.filter(incident=work.incident)}
        if waits_on not in tasks:
            raise DomainError(_("Choose a task of this incident."), field="waits_on")
        return wait_add(work, tasks, task_id, waits_on, strict=strict)


def wait_add(work: Work, tasks: dict[int, Task], task_id: int, waits_on: int, *, strict: bool) -> TaskWait:
    """As ``task_wait_add`` on the locked incident, whose ``tasks`` are known by their numbers."""
    waits = TaskWait.objects.filter(task__in=tasks).values_list("task", "waits_on")
    found = circle(edges_of(waits, [(task.pk, task.parent_id) for task in tasks.values()]), task_id, waits_on)
    if found or task_id == waits_on:
        around = " → ".join(tasks[pk].title for pk in found or [task_id, task_id])
        raise DomainError(_("They would wait for each other: %(around)s.") % {"around": around}, field="waits_on")
    wait, is_new = TaskWait.objects.get_or_create(task_id=task_id, waits_on_id=waits_on, defaults={"strict": strict})
    if is_new or wait.strict != strict:
        before = None if is_new else {"strict": wait.strict}
        wait.strict = strict
        wait.save(update_fields=["strict"])
        _enter(work, "task.wait", tasks[task_id], tasks[waits_on], before=before, strict=strict)
    return wait


def task_wait_remove(*, task_id: int, waits_on: int, actor: User, at: datetime, source: str = "web") -> None:
    """It does not wait on that one any more; nothing happens where it did not."""
    task = Task.objects.filter(pk=task_id).first()
    if task is None:
        raise DomainError(_("There is no such task."))
    with working(task.incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        wait = TaskWait.objects.filter(task=task, waits_on=waits_on).select_related("waits_on").first()
        if wait is not None:
            wait.delete()
            _enter(work, "task.unwait", task, wait.waits_on, before={"strict": wait.strict}, strict=None)


def _enter(
    work: Work, action: str, task: Task, other: Task, *, before: dict[str, bool] | None, strict: bool | None
) -> None:
    work.changes.ledger(
        work.incident,
        action,
        object_type="task",
        object_id=str(task.pk),
        object_label=f"{work.incident.reference} {task.title}"[:200],
        before=before,
        after=None if strict is None else {"strict": strict},
        data={"waits_on": other.title, "waits_on_id": other.pk},
    )


def blockers_of(task: Task) -> list[TaskWait]:
    """What it still waits for, its own and that of what it is part of."""
    whole = [task.pk, task.parent_id, task.parent.parent_id if task.parent else None]
    rows = TaskWait.objects.filter(task__in=[pk for pk in whole if pk], waits_on__state__in=OPEN)
    return list(rows.select_related("waits_on", "waits_on__assignee"))


def require_unblocked(task: Task, *, anyway: bool) -> None:
    """Raise Conflict naming what it waits for; for waits that only warn not when ``anyway``."""
    blockers = blockers_of(task)
    strict = [one for one in blockers if one.strict]
    if strict:
        raise Conflict(
            _("“%(task)s” waits for %(others)s. It cannot be begun before.") % _names(task, strict), code="blocked"
        )
    if blockers and not anyway:
        raise Conflict(
            _("“%(task)s” should wait for %(others)s. Begin it anyway?") % _names(task, blockers), code="warned"
        )


def _names(task: Task, blockers: Sequence[TaskWait]) -> dict[str, str]:
    return {"task": task.title, "others": list_of([one.waits_on.title for one in blockers])}
