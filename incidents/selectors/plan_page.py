"""The action plan as it stands (R006–R012): kept sections and objectives, and around them what the incident itself says now."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from incidents.models import ActionPlan, Incident, IncidentLink, Objective, Page, PlanTemplate, TimelineEvent
from incidents.roles import role_label
from incidents.selectors.documents import category_line
from incidents.selectors.work import RoleShown, TaskShown, every, roles_of, tasks_of
from incidents.services.plans import section_mark
from oncall.models import User
from policies.definition import severity_name

DECISION = "incident.decide"
SHOWN_DECISIONS = 50


@dataclass(frozen=True, slots=True)
class SectionShown:
    number: int
    title: str
    text: str
    mark: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Another incident that this one led to or hangs on, as it is now."""

    other: Incident
    kind: str
    outgoing: bool


@dataclass(frozen=True, slots=True)
class PlanShown:
    """The plan: ten queries, however long it is."""

    plan: ActionPlan | None
    sections: Sequence[SectionShown]
    objectives: Sequence[Objective]
    roles: Sequence[RoleShown]
    tasks: Sequence[TaskShown]
    decisions: Sequence[TimelineEvent]
    pages: Sequence[Page]
    follow_ups: Sequence[FollowUp]

    @property
    def rows(self) -> list[TaskShown]:
        return every(self.tasks)


def plan_of(incident: Incident, *, user: User, at: datetime) -> PlanShown:
    """The plan of ``incident`` with what ``user`` may see around it."""
    plan = ActionPlan.objects.filter(incident=incident).select_related("template").first()
    tasks = tasks_of(incident, at=at)
    decisions = TimelineEvent.objects.filter(incident=incident, kind=DECISION).select_related("actor").order_by("-at")
    pages = Page.objects.filter(incident=incident).select_related("recipient").order_by("cycle", "level", "id")
    return PlanShown(
        plan=plan,
        sections=[
            SectionShown(number, one["title"], one.get("text", ""), section_mark(one))
            for number, one in enumerate(plan.sections if plan else [])
        ],
        objectives=list(Objective.objects.filter(incident=incident).order_by("rank", "id")),
        roles=roles_of(incident, plan, tasks),
        tasks=tasks,
        decisions=list(decisions[:SHOWN_DECISIONS]),
        pages=list(pages[:SHOWN_DECISIONS]),
        follow_ups=follow_ups_of(incident, user=user),
    )


def follow_ups_of(incident: Incident, *, user: User) -> list[FollowUp]:
    """Linked incidents that ``user`` may see, with their live state: three queries."""
    links = IncidentLink.objects.filter(source=incident) | IncidentLink.objects.filter(target=incident)
    found = list(links.order_by("id"))
    ids = {link.target_id if link.source_id == incident.pk else link.source_id for link in found}
    others = {
        one.pk: one for one in Incident.objects.visible_to(user).filter(pk__in=ids).select_related("owner", "stage")
    }
    shown = []
    for link in found:
        outgoing = link.source_id == incident.pk
        other = others.get(link.target_id if outgoing else link.source_id)
        if other is not None:
            shown.append(FollowUp(other, link.get_kind_display(), outgoing))
    return shown


def templates_for(incident: Incident) -> list[PlanTemplate]:
    """Those offered for its category and for all: one query, and those for where its category stands."""
    line = set(category_line(incident.category_id))
    kinds: dict[PlanTemplate, set[int | None]] = defaultdict(set)
    # A row for each of a template's categories, and one, of none, for a template without any.
    for one in PlanTemplate.objects.filter(active=True).annotate(of_category=F("categories")):
        kinds[one].add(one.of_category)
    return [one for one, of in kinds.items() if of == {None} or of & line or not line]


# --- the export


def plan_data(incident: Incident, shown: PlanShown, *, at: datetime) -> dict[str, Any]:
    """The plan as plain data, for people and programs elsewhere."""
    return {
        "incident": incident.reference,
        "title": incident.title,
        "severity": severity_name(incident.severity),
        "state": incident.state,
        "stage": incident.stage.key,
        "owner": incident.owner.name if incident.owner else None,
        "major_since": _instant(incident.major_at),
        "started_at": _instant(incident.started_at),
        "acknowledged_at": _instant(incident.acknowledged_at),
        "resolved_at": _instant(incident.resolved_at),
        "as_of": _instant(at),
        "template": shown.plan.template.name if shown.plan and shown.plan.template else None,
        "objectives": [{"rank": one.rank, "text": one.text, "state": one.state} for one in shown.objectives],
        "roles": [
            {
                "role": one.role.label,
                "duty": role_label(one.role.duty),
                "holder": one.holder.user.name if one.holder else None,
                "since": _instant(one.holder.since) if one.holder else None,
                "vacant": one.vacant,
            }
            for one in shown.roles
        ],
        "sections": [{"title": one.title, "text": one.text} for one in shown.sections],
        "tasks": [_task(one) for one in shown.tasks],
        "decisions": [
            {"at": _instant(one.at), "by": one.actor.name if one.actor else None, "text": one.text, "type": "decision"}
            for one in shown.decisions
        ],
        "escalations": [
            {"at": _instant(one.created_at), "level": one.level + 1, "to": one.recipient.name, "state": one.state}
            for one in shown.pages
        ],
        "follow_ups": [
            {"incident": one.other.reference, "title": one.other.title, "state": one.other.state}
            for one in shown.follow_ups
        ],
    }


def _instant(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _task(shown: TaskShown) -> dict[str, Any]:
    task = shown.task
    return {
        "title": task.title,
        "details": task.details,
        "kind": task.kind,
        "state": task.state,
        "priority": task.get_priority_display(),
        "role": task.role.label if task.role else None,
        "assignee": task.assignee.name if task.assignee else None,
        "due_at": _instant(task.due_at),
        "needs_approval": task.needs_approval,
        "approved_at": _instant(task.approved_at),
        "approved_by": task.approved_by.name if task.approved_by else None,
        "waits_on": [wait.waits_on.title for wait in shown.blockers],
        "subtasks": [_task(one) for one in shown.children],
    }
