"""Tasks on an incident (R211–R213): made, edited, ordered, begun, ended and approved. Each locks its incident first.

A task is at most three deep. Two people who edit the same one at once lose nothing: what only one of them changed is kept, and of what
both changed the second is told.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Incident, ResponseRole, Task, TimelineEvent
from incidents.permissions import may_approve, require_responder
from incidents.selectors.approving import approvers_of
from incidents.services.admitting import admitted, shows_it_to
from incidents.services.notices import people_tell
from incidents.services.task_waits import require_unblocked
from incidents.services.task_writing import (
    OPEN,
    assigned_tell,
    history_number,
    holder_of,
    names,
    task_place,
    task_write,
    values_at,
)
from incidents.services.working import Work, working
from incidents.task_tree import DEEPEST, order_key
from oncall.models import User

State = Task.State
APPROVED_PARTS = ("title", "details")
"""What an approval is about: it does not outlive a change of these."""
EDITED = ("title", "details", "kind", "priority", "assignee", "role", "starts_at", "due_at", "needs_approval")


def task_create(
    *,
    incident_id: int,
    title: str,
    actor: User,
    at: datetime,
    details: str = "",
    kind: str = Task.Kind.TASK,
    priority: int = Task.Priority.NORMAL,
    assignee: User | None = None,
    role: ResponseRole | None = None,
    starts_at: datetime | None = None,
    due_at: datetime | None = None,
    needs_approval: bool = False,
    parent_id: int | None = None,
    said_in: TimelineEvent | None = None,
    admit: bool = False,
    source: str = "web",
) -> Task:
    """Add a task, part of ``parent_id`` where it is given. ``said_in`` is the message it was made from: the same one makes one task.
    ``admit`` says that a restricted incident is to be shown to an assignee who does not see it.

    Raises DomainError naming the field at fault, NotAllowed for people who may not respond.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        if said_in is not None and (made := Task.objects.filter(incident=work.incident, said_in=said_in).first()):
            return made
        values = _checked(
            work,
            {
                "title": title,
                "details": details,
                "kind": kind,
                "priority": priority,
                "assignee": assignee,
                "role": role,
                "starts_at": starts_at,
                "due_at": due_at,
                "needs_approval": needs_approval,
            },
            admit=admit,
        )
        if said_in is not None and said_in.incident_id != work.incident.pk:
            raise DomainError(_("That message is of another incident."), field="said_in")
        return task_add(work, values, parent=_parent(work.incident, parent_id), said_in=said_in)


def task_add(
    work: Work,
    values: Mapping[str, Any],
    *,
    parent: Task | None = None,
    said_in: TimelineEvent | None = None,
    quiet: bool = False,
) -> Task:
    """Add a task with checked ``values`` to the locked incident, behind the others. ``quiet``: one of many, of which nobody is told
    and which have no line of their own; that it needs approval is told all the same."""
    incident, changes = work.incident, work.changes
    last = Task.objects.filter(incident=incident).aggregate(last=Max("position"))["last"] or 0
    task = Task(
        incident=incident,
        parent=parent,
        depth=parent.depth + 1 if parent else 1,
        said_in=said_in,
        position=last + 1,
        created_by=changes.user,
        created_at=changes.at,
    )
    task_write(work, task, "task.create", **values)
    if not quiet:
        changes.timeline(incident, "task.create", name=task.title, task=task.pk, source=changes.source)
        assigned_tell(work, task, None)
    if task.needs_approval:
        _ask_approval(work, task)
    return task


def _parent(incident: Incident, parent_id: int | None) -> Task | None:
    if parent_id is None:
        return None
    parent = Task.objects.filter(incident=incident, pk=parent_id).first()
    if parent is None:
        raise DomainError(_("Choose a task of this incident."), field="parent")
    if parent.depth >= DEEPEST:
        raise DomainError(_("Tasks are at most three deep. Make it part of the one above."), field="parent")
    if parent.state not in OPEN:
        raise DomainError(_("“%(task)s” is over. Open it again first.") % {"task": parent.title}, field="parent")
    return parent


def _checked(work: Work, values: Mapping[str, Any], *, admit: bool, had: int | None = None) -> dict[str, Any]:
    """``values`` as they are stored: a role's task is its holder's. ``had`` is who has it already. Raises DomainError naming the field at
    fault."""
    found = dict(values)
    if "title" in found:
        found["title"] = found["title"].strip()[:200]
        if not found["title"]:
            raise DomainError(_("Say what is to be done."), field="title")
    if "details" in found:
        found["details"] = found["details"].strip()
    starts, due = found.get("starts_at"), found.get("due_at")
    if starts is not None and due is not None and due < starts:
        raise DomainError(_("It is due before it begins."), field="due_at")
    if found.get("role") is not None:
        found["assignee"] = holder_of(work.incident, found["role"])
    elif (assignee := found.get("assignee")) is not None:
        if not (assignee.is_active and assignee.may_respond):
            raise DomainError(_("%(name)s does not respond to incidents.") % {"name": assignee.name}, field="assignee")
        if assignee.pk != had and shows_it_to(assignee, work.incident, admit=admit):
            admitted(assignee, work.incident, changes=work.changes)
    return found


def locked_task(work: Work, task_id: int) -> Task:
    """The task as it is now that its incident is locked."""
    rows = Task.objects.select_related("assignee", "role", "parent", "approved_by")
    return rows.get(pk=task_id, incident=work.incident)


def incident_of(task_id: int) -> int:
    """The number of the task's incident, to lock it. Raises DomainError where there is no such task."""
    found = Task.objects.filter(pk=task_id).values_list("incident", flat=True).first()
    if found is None:
        raise DomainError(_("There is no such task."))
    return found


def task_change(
    *,
    task_id: int,
    values: Mapping[str, Any],
    actor: User,
    at: datetime,
    seen: int | None = None,
    admit: bool = False,
    source: str = "web",
) -> Task:
    """Give the task these values (names as in ``EDITED``). ``seen`` is the state of its history that whoever edits had before them.

    What somebody else changed since then and ``values`` leave as it was seen stays theirs. Raises Conflict, naming the field, where
    both changed the same thing; DomainError naming the field at fault; NotAllowed for people who may not respond, and for lifting
    the need of an approval by somebody who could not give it.
    """
    with working(incident_of(task_id), actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        task = locked_task(work, task_id)
        wanted = {name: value for name, value in values.items() if name in EDITED}
        if seen is not None:
            wanted = _merged(task, wanted, seen)
        planned = {"starts_at": task.starts_at, "due_at": task.due_at}
        wanted = _checked(work, {**planned, **wanted}, admit=admit, had=task.assignee_id)
        wanted = _approval_kept(task, wanted, actor, at)
        before = task.assignee_id
        asks = wanted.get("needs_approval") and not task.needs_approval
        if task_write(work, task, "task.change", **wanted):
            assigned_tell(work, task, before)
            if task.assignee_id != before and task.assignee is not None:
                name = task.assignee.name
                work.changes.timeline(work.incident, "task.assign", task=task.pk, title=task.title, name=name)
            if asks:
                _ask_approval(work, task)
    return task


def _merged(task: Task, wanted: Mapping[str, Any], seen: int) -> dict[str, Any]:
    """Of ``wanted`` what differs from what was ``seen``. Raises Conflict where that was changed meanwhile to something else."""
    if seen == history_number(task):
        return dict(wanted)
    shown = values_at(task, seen)
    if shown is None:
        raise Conflict(_("It was changed meanwhile. Look at it again; what you typed is kept below."))
    found = {}
    for name, value in wanted.items():
        column = Task._meta.get_field(name).attname  # type: ignore[union-attr]  # no relation from elsewhere among them
        mine = getattr(value, "pk", value)
        if mine == shown[column]:
            continue
        theirs = getattr(task, column)
        if theirs not in (shown[column], mine):
            raise Conflict(
                _("Somebody changed this meanwhile to: %(value)s. Save again to put yours in its place.")
                % {"value": _words(task, name) or _("nothing")},
                field=name,
            )
        found[name] = value
    return found


def _words(task: Task, name: str) -> str:
    """A field's value as people read it."""
    display = getattr(task, f"get_{name}_display", None)
    value = display() if display else getattr(task, name)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    return str(value or "")


def _approval_kept(task: Task, wanted: dict[str, Any], actor: User, at: datetime) -> dict[str, Any]:
    """What was approved is what is done: a change of it takes the approval back, and once begun it is refused."""
    if task.needs_approval and wanted.get("needs_approval") is False and not may_approve(actor, task.incident, at=at):
        raise NotAllowed(_("Only those who could approve it may say that it needs no approval."))
    changed = [name for name in APPROVED_PARTS if name in wanted and wanted[name] != getattr(task, name)]
    if not changed or task.approved_at is None:
        return wanted
    if task.state != State.TODO:
        raise Conflict(_("It was approved as it stands and is under way. Add another task instead."), field=changed[0])
    return {**wanted, "approved_at": None, "approved_by": None, "approval_note": ""}


def task_state(
    *, task_id: int, state: str, actor: User, at: datetime, anyway: bool = False, source: str = "web"
) -> Task:
    """Begin, end, drop or reopen it. The state it has already changes nothing.

    Raises Conflict with the code ``needs_approval``, ``blocked`` (it waits, strictly) or ``warned`` (it waits; ``anyway`` goes on),
    ``parts_open`` where something below it is open; NotAllowed for people who may not respond.
    """
    if state not in State.values:
        raise DomainError(_("Choose what became of it."), field="state")
    with working(incident_of(task_id), actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        task = locked_task(work, task_id)
        if task.state == state:
            return task
        if state in (State.DOING, State.DONE):
            _require_approved(task)
            require_unblocked(task, anyway=anyway)
        if state not in OPEN:
            _require_parts_over(task)
        elif task.parent is not None and task.parent.state not in OPEN:
            raise Conflict(_("“%(task)s” is over. Open it again first.") % {"task": task.parent.title})
        _go(work, task, state)
    return task


def _go(work: Work, task: Task, state: str) -> None:
    changes, over = work.changes, state not in OPEN
    values = {
        "state": state,
        "started_at": task.started_at or changes.at if state in (State.DOING, State.DONE) else task.started_at,
        "ended_at": changes.at if over else None,
        "ended_by": changes.user if over else None,
    }
    places: dict[str, Any] = {"name": task.title, "task": task.pk, "source": changes.source}
    match state:
        case State.DOING:
            task_write(work, task, "task.begin", **values)
            changes.timeline(work.incident, "task.begin", **places)
        case State.DONE:
            task_write(work, task, "task.finish", **values)
            changes.timeline(work.incident, "task.finish", **places)
        case State.DROPPED:
            task_write(work, task, "task.drop", **values)
            changes.timeline(work.incident, "task.drop", **places)
        case _:
            task_write(work, task, "task.reopen", **values)
            changes.timeline(work.incident, "task.reopen", **places)


def _require_approved(task: Task) -> None:
    if task.needs_approval and task.approved_at is None:
        raise Conflict(
            _("“%(task)s” waits for approval and cannot be begun before.") % {"task": task.title}, code="needs_approval"
        )


def _require_parts_over(task: Task) -> None:
    left = Task.objects.filter(parent=task, state__in=OPEN).count()
    if left:
        raise Conflict(
            ngettext(
                "%(count)d subtask is open. End or drop it first.",
                "%(count)d subtasks are open. End or drop them first.",
                left,
            )
            % {"count": left},
            code="parts_open",
        )


def task_approve(*, task_id: int, reason: str, actor: User, at: datetime, source: str = "web") -> Task:
    """``actor`` lets it be done (R099). Raises NotAllowed for others than approvers, DomainError without a reason, Conflict where it
    needs none or has one."""
    if not reason.strip():
        raise DomainError(_("Say why it may be done: it is kept."), field="reason")
    with working(incident_of(task_id), actor=actor, at=at, source=source) as work:
        if not may_approve(actor, work.incident, at=at):
            raise NotAllowed(_("Only whoever answers for the incident at level 3 may approve this."))
        task = locked_task(work, task_id)
        if not task.needs_approval or task.approved_at is not None:
            raise Conflict(_("It needs no approval any more."))
        note = reason.strip()[:240]
        task_write(work, task, "task.approve", approved_at=at, approved_by=actor, approval_note=note)
        work.changes.timeline(work.incident, "task.approve", text=note, name=task.title, task=task.pk, source=source)
        people = [user for user in (task.assignee, task.created_by) if user is not None]
        people_tell(
            incident=work.incident,
            users=people,
            key=f"task-approved:{task.pk}:{at.timestamp():.6f}",
            says=lambda: [
                _("%(name)s approved a task on %(reference)s: %(task)s")
                % {"name": actor.name, **names(work.incident, task)}
            ],
            changes=work.changes,
            place=task_place(task),
        )
    return task


def _ask_approval(work: Work, task: Task) -> None:
    """Tell those who may approve it that it waits for one of them."""
    people_tell(
        incident=work.incident,
        users=approvers_of(work.incident, at=work.changes.at),
        key=f"task-approval:{task.pk}:{work.changes.at.timestamp():.6f}",
        says=lambda: [
            _("A task on %(reference)s waits for your approval: %(task)s") % names(work.incident, task),
            task.details,
        ],
        changes=work.changes,
        urgency="high",
        place=task_place(task),
    )


def task_move(*, task_id: int, up: bool, actor: User, at: datetime, source: str = "web") -> Task:
    """One place up or down among those beside it. At the end of the row nothing happens; urgent ones stay first."""
    with working(incident_of(task_id), actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        task = locked_task(work, task_id)
        beside = sorted(Task.objects.filter(incident=work.incident, parent=task.parent_id), key=order_key)
        here = [one.pk for one in beside].index(task.pk)
        there = here - 1 if up else here + 1
        if 0 <= there < len(beside):
            other = beside[there]
            mine, theirs = task.position, other.position
            if mine == theirs:
                theirs += 1 if not up else -1
            task_write(work, task, "task.move", position=max(theirs, 0))
            task_write(work, other, "task.move", position=mine)
    return task
