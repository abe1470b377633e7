"""The incident action plan (R006–R012): applied from templates, its objectives ranked, its sections edited by several at once.

The plan is live: its header, roles, tasks, decisions and escalations are the incident's own; only sections and objectives are kept here.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.rows import row_set
from escalation_site.kernel.errors import Conflict, DomainError
from incidents.changes import actor_of
from incidents.models import ActionPlan, Objective, PlanTemplate, ResponseRole, Task
from incidents.permissions import require_responder
from incidents.plan_body import PlanDef, plan_parse
from incidents.plan_templates import body_worded
from incidents.services.notices import people_tell
from incidents.services.task_waits import wait_add
from incidents.services.task_writing import holder_of
from incidents.services.tasks import task_add
from incidents.services.working import Work, working
from oncall.models import User

MOST_SECTIONS = 40


def template_set(
    *, template: PlanTemplate, values: Mapping[str, Any], actor: User | None, at: datetime
) -> PlanTemplate:
    """Give ``template``, new or stored, these values. Raises DomainError naming the place of ``body`` at fault, ValidationError for what
    the model refuses."""
    if "body" in values:
        template_check(values["body"])
    row_set(template, values, noun="plan_template", at=at, actor=actor_of(actor), user=actor)
    return template


def template_check(body: Any) -> PlanDef:
    """The plan that ``body`` says, whose roles exist and whose waits make no circle. Raises DomainError naming the place."""
    plan = plan_parse(body)
    known = set(ResponseRole.objects.values_list("key", flat=True))
    for task in plan.tasks:
        if task.role and task.role not in known:
            raise DomainError(_("There is no role “%(key)s”.") % {"key": task.role}, field=f"body.{task.place}.role")
    for number, key in enumerate(plan.roles):
        if key not in known:
            raise DomainError(_("There is no role “%(key)s”.") % {"key": key}, field=f"body.roles[{number}]")
    return plan


def plan_apply(
    *, incident_id: int, template: PlanTemplate, actor: User, at: datetime, source: str = "web"
) -> ActionPlan:
    """Create from ``template`` what it says: sections, objectives, tasks with their waits; where a plan is there, add to it.

    Raises Conflict where this template has been applied already, DomainError where it cannot be read, NotAllowed for people who may
    not respond.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        if not template.active:
            raise DomainError(_("This template is not offered any more."), field="template")
        definition = template_check(body_worded(template.body))
        plan = _plan(work)
        if _applied(plan, template):
            raise Conflict(_("“%(name)s” has been applied already.") % {"name": template.name}, field="template")
        sections = [*plan.sections, *({"title": title, "text": text} for title, text in definition.sections)]
        _plan_write(work, plan, "plan.apply", template=template, sections=sections[:MOST_SECTIONS])
        for text in definition.objectives:
            _objective_add(work, text)
        _tasks_add(work, definition)
        work.changes.timeline(work.incident, "plan.apply", name=template.name, source=source)
    return plan


def _applied(plan: ActionPlan, template: PlanTemplate) -> bool:
    if plan._state.adding:
        return False
    history: Any = plan.history
    return bool(history.filter(template_id=template.pk).exists())


def _plan(work: Work) -> ActionPlan:
    """The incident's plan, new where it has none."""
    found = ActionPlan.objects.filter(incident=work.incident).first()
    at = work.changes.at
    return found or ActionPlan(
        incident=work.incident, created_by=work.changes.user, created_at=at, edited_at=at, sections=[]
    )


def _plan_write(work: Work, plan: ActionPlan, action: str, **values: Any) -> None:
    before = {"sections": [one["title"] for one in plan.sections]}
    for name, value in values.items():
        setattr(plan, name, value)
    plan.edited_at = work.changes.at
    saved: Any = plan
    saved._history_date, saved._history_user = work.changes.at, work.changes.user
    plan.save()
    work.changes.ledger(
        work.incident,
        action,
        object_type="plan",
        object_id=str(plan.pk),
        before=before,
        after={"sections": [one["title"] for one in plan.sections]},
        data={"template": plan.template.name} if plan.template else None,
    )


def _tasks_add(work: Work, definition: PlanDef) -> None:
    roles = {role.key: role for role in ResponseRole.objects.filter(key__in=definition.all_roles)}
    made: dict[str, Task] = {}
    for task in definition.tasks:
        role = roles.get(task.role)
        due = work.changes.at + timedelta(minutes=task.due_minutes) if task.due_minutes is not None else None
        values = {
            "title": task.title,
            "details": task.details,
            "kind": task.kind,
            "priority": task.priority,
            "role": role,
            "assignee": holder_of(work.incident, role),
            "due_at": due,
            "needs_approval": task.needs_approval,
        }
        made[task.place] = task_add(work, values, parent=made.get(task.parent), quiet=True)
    every = {task.pk: task for task in Task.objects.filter(incident=work.incident)}
    for task in definition.tasks:
        for other, strict in task.waits:
            wait_add(work, every, made[task.place].pk, made[other].pk, strict=strict)
    _assignees_tell(work, list(made.values()))


def _assignees_tell(work: Work, tasks: list[Task]) -> None:
    """One notice for each person, however many of the plan's tasks are theirs by their role."""
    incident = work.incident
    people = {task.assignee.pk: task.assignee for task in tasks if task.assignee is not None}
    for user in people.values():
        titles = [task.title for task in tasks if task.assignee_id == user.pk]
        people_tell(
            incident=incident,
            users=[user],
            key=f"plan:{incident.pk}:{work.changes.at.timestamp():.6f}",
            says=partial(_given, incident.reference, titles),
            changes=work.changes,
            place=reverse("incidents:work", args=(incident.pk,)),
        )


def _given(reference: str, titles: list[str]) -> list[str]:
    return [_("By the plan of %(reference)s these are yours:") % {"reference": reference}, *titles]


# --- sections


def section_save(
    *,
    incident_id: int,
    number: int | None,
    title: str,
    text: str,
    seen: str,
    actor: User,
    at: datetime,
    source: str = "web",
) -> ActionPlan:
    """Write section ``number`` (None: a new one at the end). ``seen`` is its text as whoever edits had it before them.

    Raises Conflict where somebody else wrote it meanwhile, DomainError naming the field at fault.
    """
    if not title.strip():
        raise DomainError(_("Give it a title."), field="title")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        plan = _plan(work)
        sections = [dict(one) for one in plan.sections]
        fresh = {"title": title.strip()[:200], "text": text.replace("\r\n", "\n").strip()[:10_000]}
        if number is None:
            if len(sections) >= MOST_SECTIONS:
                raise DomainError(_("A plan has at most %(most)d sections.") % {"most": MOST_SECTIONS}, field="title")
            sections.append(fresh)
        else:
            if not 0 <= number < len(sections):
                raise Conflict(_("This section is gone."))
            if sections[number] == fresh:
                return plan
            if section_mark(sections[number]) != seen:
                raise Conflict(
                    _("Somebody wrote this section meanwhile. Theirs stands above; put yours together with it."),
                    field="text",
                )
            sections[number] = fresh
        _plan_write(work, plan, "plan.section", sections=sections)
        work.changes.timeline(work.incident, "plan.section", name=fresh["title"], source=source)
    return plan


def section_mark(section: Mapping[str, str]) -> str:
    """What tells one state of a section from another."""
    return hashlib.sha256(f"{section['title']}\0{section.get('text', '')}".encode()).hexdigest()[:16]


# --- objectives


def objective_add(*, incident_id: int, text: str, actor: User, at: datetime, source: str = "web") -> Objective:
    """Add an objective behind the others. Raises DomainError for an empty one, NotAllowed for people who may not respond."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        objective = _objective_add(work, text)
        work.changes.timeline(work.incident, "objective.create", name=objective.text, source=source)
    return objective


def _objective_add(work: Work, text: str) -> Objective:
    if not text.strip():
        raise DomainError(_("Say what is to be reached."), field="text")
    last = Objective.objects.filter(incident=work.incident).aggregate(last=Max("rank"))["last"] or 0
    objective = Objective(incident=work.incident, text=text.strip()[:240], rank=last + 1, created_at=work.changes.at)
    _objective_write(work, objective, "objective.create", before=None)
    return objective


def objective_change(
    *,
    objective_id: int,
    actor: User,
    at: datetime,
    text: str | None = None,
    state: str | None = None,
    up: bool | None = None,
    source: str = "web",
) -> Objective:
    """Give it another text or state, or one rank up or down. What is the same does nothing.

    Raises DomainError naming the field at fault, NotAllowed for people who may not respond.
    """
    incident_id = Objective.objects.filter(pk=objective_id).values_list("incident", flat=True).first()
    if incident_id is None:
        raise DomainError(_("There is no such objective."))
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        rows = list(Objective.objects.filter(incident=work.incident))
        objective = next(one for one in rows if one.pk == objective_id)
        before = _objective_facts(objective)
        if text is not None:
            objective.text = text.strip()[:240] or objective.text
        if state is not None:
            if state not in Objective.State.values:
                raise DomainError(_("Choose what became of it."), field="state")
            objective.state = state
        if before != _objective_facts(objective):
            _objective_write(work, objective, "objective.change", before=before)
            if state is not None and before["state"] != state:
                _objective_say(work, objective)
        if up is not None:
            _objective_move(work, rows, objective, up=up)
    return objective


def _objective_say(work: Work, objective: Objective) -> None:
    match objective.state:
        case Objective.State.MET:
            work.changes.timeline(work.incident, "objective.meet", name=objective.text)
        case Objective.State.DROPPED:
            work.changes.timeline(work.incident, "objective.drop", name=objective.text)
        case _:
            work.changes.timeline(work.incident, "objective.reopen", name=objective.text)


def _objective_move(work: Work, rows: list[Objective], objective: Objective, *, up: bool) -> None:
    here = rows.index(objective)
    there = here - 1 if up else here + 1
    if not 0 <= there < len(rows):
        return
    rows.insert(there, rows.pop(here))
    for rank, one in enumerate(rows, 1):
        if one.rank != rank:
            before = _objective_facts(one)
            one.rank = rank
            _objective_write(work, one, "objective.change", before=before)


def _objective_facts(objective: Objective) -> dict[str, Any]:
    return {"text": objective.text, "state": objective.state, "rank": objective.rank}


def _objective_write(work: Work, objective: Objective, action: str, *, before: dict[str, Any] | None) -> None:
    saved: Any = objective
    saved._history_date, saved._history_user = work.changes.at, work.changes.user
    objective.save()
    work.changes.ledger(
        work.incident,
        action,
        object_type="objective",
        object_id=str(objective.pk),
        object_label=f"{work.incident.reference} {objective.text}"[:200],
        before=before,
        after=_objective_facts(objective),
    )
