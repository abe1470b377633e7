"""The work on an incident as its page shows it: roles, tasks, objectives, vendors, documents, time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, Sum

from incidents.models import (
    ActionPlan,
    Document,
    Incident,
    Objective,
    ResponseRole,
    RoleHolder,
    Task,
    TaskWait,
    TimeEntry,
    Vendor,
    VendorCase,
)
from incidents.roles import COMMANDER, role_label, role_needed
from incidents.selectors.documents import documents_for
from incidents.task_tree import Node, tree_of
from oncall.models import User
from policies.criteria.ready import PARTNER_API

OPEN = (Task.State.TODO, Task.State.DOING)
SHOWN_TASKS = 6
"""In the panel of the incident page."""


@dataclass(frozen=True, slots=True)
class RoleShown:
    """A role with whoever has it. ``vacant``: it is needed and nobody does (R008)."""

    role: ResponseRole
    holder: RoleHolder | None
    needed: bool
    open_tasks: int

    @property
    def vacant(self) -> bool:
        return self.needed and self.holder is None

    @property
    def duty(self) -> str:
        return role_label(self.role.duty)


@dataclass(frozen=True, slots=True)
class TaskShown:
    """A task with what a row of it says. ``blockers`` are what it still waits for, ``blocking`` what waits for it."""

    node: Node
    task: Task
    blockers: Sequence[TaskWait] = ()
    blocking: Sequence[Task] = ()
    late: bool = False
    children: Sequence["TaskShown"] = ()

    @property
    def is_open(self) -> bool:
        return self.task.state in OPEN

    @property
    def waits(self) -> bool:
        return self.is_open and bool(self.blockers)

    @property
    def unapproved(self) -> bool:
        return self.task.needs_approval and self.task.approved_at is None and self.is_open

    @property
    def urgent(self) -> bool:
        return self.task.priority == Task.Priority.URGENT

    @property
    def percent(self) -> int:
        return round(100 * self.node.done / self.node.total) if self.node.total else 0


@dataclass(frozen=True, slots=True)
class CaseShown:
    """A vendor's case with its clock."""

    case: VendorCase
    late: bool

    @property
    def waits(self) -> bool:
        return self.case.answered_at is None and self.case.closed_at is None


@dataclass(frozen=True, slots=True)
class PersonTime:
    user: User
    spent: timedelta


@dataclass(frozen=True, slots=True)
class Work:
    """Everything the panel shows: eleven queries. ``elsewhere`` are open tasks of incidents merged into this one: what is left to do
    there is left to do for what became of it. ``partner_fails`` proposes to call those outside who answer for the service (R090)."""

    roles: Sequence[RoleShown]
    tasks: Sequence[TaskShown]
    objectives: Sequence[Objective]
    cases: Sequence[CaseShown]
    vendors: Sequence[Vendor]
    documents: Sequence[Document]
    times: Sequence[PersonTime]
    plan: ActionPlan | None
    done: int = 0
    total: int = 0
    partner_fails: bool = False
    vacant: Sequence[RoleShown] = field(default_factory=list)
    elsewhere: Sequence[Task] = field(default_factory=list)

    @property
    def percent(self) -> int:
        return round(100 * self.done / self.total) if self.total else 0

    @property
    def next_tasks(self) -> list[TaskShown]:
        """What is open and can be looked at first: those without open parts, in their order."""
        rows = [one for one in every(self.tasks) if one.is_open and not any(child.is_open for child in one.children)]
        return sorted(rows, key=lambda one: (not one.urgent, one.waits, not one.late))[:SHOWN_TASKS]

    @property
    def held(self) -> bool:
        return any(one.holder for one in self.roles)

    @property
    def commander(self) -> RoleShown | None:
        return next((one for one in self.roles if one.role.key == COMMANDER), None)

    @property
    def spent(self) -> timedelta:
        return sum((one.spent for one in self.times), timedelta())


def work_of(incident: Incident, *, at: datetime, user: User) -> Work:
    """The work on ``incident`` as it stands at ``at``; of incidents merged into it what ``user`` may see."""
    times = list(
        TimeEntry.objects.filter(incident=incident).values("user", "task").annotate(sum=Sum("minutes")).order_by("user")
    )
    by_task: dict[int, int] = {}
    by_user: dict[int, int] = {}
    for row in times:
        by_user[row["user"]] = by_user.get(row["user"], 0) + row["sum"]
        if row["task"] is not None:
            by_task[row["task"]] = by_task.get(row["task"], 0) + row["sum"]
    own, elsewhere = _rows(incident, user)
    tasks = _tree(incident, own, at=at, minutes=by_task)
    plan = ActionPlan.objects.filter(incident=incident).select_related("template").first()
    roles = roles_of(incident, plan, tasks)
    people = User.objects.in_bulk(by_user) if by_user else {}
    cases = cases_of(incident, at=at)
    called = {one.case.vendor_id for one in cases if one.case.closed_at is None}
    return Work(
        roles=roles,
        tasks=tasks,
        objectives=list(Objective.objects.filter(incident=incident).order_by("rank", "id")),
        cases=cases,
        vendors=[one for one in vendors_of(incident) if one.pk not in called],
        documents=documents_for(incident),
        times=[PersonTime(people[pk], timedelta(minutes=sum_)) for pk, sum_ in by_user.items()],
        plan=plan,
        done=sum(one.node.done for one in tasks),
        total=sum(one.node.total for one in tasks),
        partner_fails=str(incident.facts.get("impact_class", "")).casefold() == PARTNER_API.casefold(),
        vacant=[one for one in roles if one.vacant],
        elsewhere=elsewhere,
    )


def tasks_of(incident: Incident, *, at: datetime, minutes: dict[int, int] | None = None) -> list[TaskShown]:
    """Its tasks as a tree, with what waits for what: two queries."""
    own = Task.objects.filter(incident=incident).select_related(*_SHOWN_WITH).order_by("position")
    return _tree(incident, list(own), at=at, minutes=minutes)


_SHOWN_WITH = ("assignee", "role", "approved_by")


def _rows(incident: Incident, user: User) -> tuple[list[Task], list[Task]]:
    """Its own tasks, and the open ones of incidents merged into it that ``user`` sees: one query."""
    merged = Incident.objects.visible_to(user).filter(merged_into=incident).order_by().values("pk")
    found = Task.objects.filter(Q(incident=incident) | Q(incident__in=merged, ended_at=None))
    rows = list(found.select_related(*_SHOWN_WITH).order_by("position", "pk"))
    own = [one for one in rows if one.incident_id == incident.pk]
    return own, sorted((one for one in rows if one.incident_id != incident.pk), key=lambda one: one.incident_id)


def _tree(
    incident: Incident, rows: list[Task], *, at: datetime, minutes: dict[int, int] | None = None
) -> list[TaskShown]:
    known = {task.pk: task for task in rows}
    waits: dict[int, list[TaskWait]] = {}
    blocking: dict[int, list[Task]] = {}
    for wait in TaskWait.objects.filter(task__incident=incident):
        wait.waits_on, wait.task = known[wait.waits_on_id], known[wait.task_id]
        if wait.waits_on.state in OPEN:
            waits.setdefault(wait.task_id, []).append(wait)
            if wait.task.state in OPEN:
                blocking.setdefault(wait.waits_on_id, []).append(wait.task)
    return [_shown(node, waits, blocking, at) for node in tree_of(rows, minutes)]


def _shown(node: Node, waits: dict[int, list[TaskWait]], blocking: dict[int, list[Task]], at: datetime) -> TaskShown:
    task: Task = node.task  # type: ignore[assignment]  # the tree was made of tasks
    late = task.state in OPEN and task.due_at is not None and task.due_at < at
    children = [_shown(child, waits, blocking, at) for child in node.children]
    return TaskShown(node, task, waits.get(task.pk, ()), blocking.get(task.pk, ()), late, children)


def every(tasks: Sequence[TaskShown]) -> list[TaskShown]:
    """All of them, each before its parts."""
    found = []
    for one in tasks:
        found += [one, *every(one.children)]
    return found


def roles_of(incident: Incident, plan: ActionPlan | None, tasks: Sequence[TaskShown]) -> list[RoleShown]:
    """The roles with their holders, in their order: two queries. Needed are those of its severity, of its plan and of open tasks."""
    held = {one.role_id: one for one in RoleHolder.objects.filter(incident=incident, until=None).select_related("user")}
    counts: dict[int, int] = {}
    for one in every(tasks):
        if one.is_open and one.task.role_id is not None:
            counts[one.task.role_id] = counts.get(one.task.role_id, 0) + 1
    planned = set(plan.template.body.get("roles", [])) if plan and plan.template else set()
    shown = []
    for role in ResponseRole.objects.all():
        needed = role_needed(role, incident) or role.key in planned or role.pk in counts
        if role.active or role.pk in held:
            shown.append(RoleShown(role, held.get(role.pk), needed and incident.is_open, counts.get(role.pk, 0)))
    return shown


def cases_of(incident: Incident, *, at: datetime) -> list[CaseShown]:
    rows = VendorCase.objects.filter(incident=incident).select_related("vendor", "opened_by")
    return [CaseShown(case, case.answered_at is None and case.closed_at is None and case.due_at <= at) for case in rows]


def vendors_of(incident: Incident) -> list[Vendor]:
    """Whom a contract obliges to help with its service."""
    return list(Vendor.objects.filter(services=incident.service_id, active=True))
