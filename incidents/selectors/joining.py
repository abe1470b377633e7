"""The brief for whoever joins an incident late: what happened on every level, what was tried and decided, what comes next (R048,
R304)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from incidents.bridges import bridge_of
from incidents.hours import Hours
from incidents.models import (
    Document,
    EscalationRun,
    Incident,
    IncidentLink,
    Page,
    RespondingTeam,
    RoleHolder,
    Task,
    TimelineEvent,
)
from incidents.selectors.documents import documents_for
from incidents.selectors.ladder import run_of
from incidents.selectors.steps import Standing, standing_of
from incidents.selectors.timeline import SAID, Drawing, Line, readable_by
from oncall.models import User

LATE = timedelta(seconds=60)
"""Whoever was there within it has seen it begin."""
TRIED = (
    "incident.acknowledge", "incident.unacknowledge", "incident.escalate", "incident.mitigate", "incident.reassign", "incident.snooze",
    "incident.severity", "incident.major_person", "incident.call_in", "incident.tell", "incident.reopen", "incident.resolve",
    "task.finish", "role.take", "page.decline",
)  # fmt: skip
TRAIL = ("escalation.enter_level", "escalation.skip_level", "escalation.repeat_level", "escalation.final", "escalation.catch_all",
         "escalation.exhaust", "escalation.inform_level", "incident.escalate", "team.join")  # fmt: skip
SHOWN_TRIED = 12
SHOWN_SAID = 5


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody and what they do here."""

    person: User
    does: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class JoinBrief:
    """Everything somebody needs who was not there; each list in the order it happened."""

    incident: Incident
    standing: Standing
    parts: Sequence[Part]
    teams: Sequence[RespondingTeam]
    trail: Sequence[Line]
    tried: Sequence[Line]
    said: Sequence[Line]
    decisions: Sequence[Line]
    tasks: Sequence[Task]
    documents: Sequence[Document]
    links: Sequence[IncidentLink]
    asked: Line | None

    @property
    def bridge(self) -> str:
        return bridge_of(self.incident)


def joined_late(incident: Incident, user: User, *, at: datetime) -> bool:
    """Whether ``user`` came to an open incident after it had begun (paged, called in, given a role, their team called in) and has not
    done anything on it yet: one query, none for who does not respond or at the beginning."""
    if not (user.may_respond and incident.is_open and at - incident.started_at > LATE):
        return False
    after = incident.started_at + LATE
    pages = Page.objects.filter(incident=OuterRef("pk"), recipient=user)
    came = (
        Exists(pages.filter(created_at__gt=after))
        | Exists(RoleHolder.objects.filter(incident=OuterRef("pk"), user=user, until=None, since__gt=after))
        | Exists(
            RespondingTeam.objects.filter(incident=OuterRef("pk"), team__memberships__user=user, joined_at__gt=after)
        )
        | Q(owner=user, acknowledged_at__gt=after)
    )
    acted = TimelineEvent.objects.filter(actor=user, incident=OuterRef("pk"))
    early = pages.filter(created_at__lte=after)
    found = Incident.objects.filter(came, pk=incident.pk).exclude(Exists(acted)).exclude(Exists(early))
    return found.exists()


def join_brief(incident: Incident, *, reader: User, at: datetime) -> JoinBrief:
    """The brief as ``reader``, who sees the incident, may read it: ten queries, however long it runs; nine where its run came with it."""
    run = run_of(incident)
    found = _lines(incident, reader, at)
    said = [line for line in found if line.is_comment]
    return JoinBrief(
        incident=incident,
        standing=standing_of(incident, run, at=at, hours=Hours()),
        parts=_parts(incident, run),
        teams=list(incident.responding_teams.select_related("team")),
        trail=[line for line in found if line.kind in TRAIL],
        tried=[line for line in found if line.kind in TRIED][-SHOWN_TRIED:],
        said=said[-SHOWN_SAID:],
        decisions=[line for line in found if line.is_decision or line.kind.startswith("checkpoint.")],
        tasks=_tasks(incident),
        documents=_documents(incident, reader),
        links=_links(incident, reader),
        asked=next((line for line in reversed(found) if line.kind == "incident.escalate"), None),
    )


_KINDS = (*TRIED, *TRAIL, *SAID, "checkpoint.confirm", "checkpoint.decline")


def _lines(incident: Incident, reader: User, at: datetime) -> list[Line]:
    """The newest lines the brief is made of, the oldest first: one query."""
    rows = readable_by(reader, incident).filter(kind__in=_KINDS).select_related("actor").order_by("-at", "-id")[:300]
    corrections = [event for event in rows if event.kind == "incident.correct"]
    draw = Drawing(reader, at, corrections)
    return [draw.line(event) for event in reversed(rows)]


def _parts(incident: Incident, run: EscalationRun | None) -> list[Part]:
    """Who is who: the owner, the overseer, the holders of roles, and those who were told and answered."""
    parts: list[Part] = []
    if incident.owner:
        parts.append(Part(incident.owner, _("has it"), incident.acknowledged_at))
    if incident.overseer:
        parts.append(Part(incident.overseer, _("oversees it"), incident.major_at))
    holders = RoleHolder.objects.filter(incident=incident, until=None).select_related("role", "user")
    parts += [Part(one.user, one.role.label, one.since) for one in holders.order_by("role__position")]
    if incident.reporter:
        parts.append(Part(incident.reporter, _("reported it"), incident.started_at))
    if run is not None:
        answered = Page.objects.filter(run=run, answered_at__isnull=False).select_related("recipient").order_by("id")
        known = {part.person.pk for part in parts}
        parts += [
            Part(page.recipient, _("answered at level %(level)d") % {"level": page.level + 1}, page.answered_at)
            for page in answered
            if page.recipient_id not in known
        ]
    return parts


def _tasks(incident: Incident) -> list[Task]:
    found = Task.objects.filter(incident=incident, ended_at=None).select_related("assignee", "role")
    return list(found.order_by("priority", "position", "id")[:20])


def _documents(incident: Incident, reader: User) -> list[Document]:
    found = documents_for(incident)
    return [one for one in found if one.for_requesters or reader.role != User.Role.REPORTER]


def _links(incident: Incident, reader: User) -> list[IncidentLink]:
    """Links both ends of which ``reader`` may see. Each is looked up by itself: SQLite would gather all that they may see at first."""
    visible = Incident.objects.visible_to(reader)
    found = IncidentLink.objects.filter(Q(source=incident) | Q(target=incident))
    seen = [Exists(visible.filter(pk=OuterRef(end))) for end in ("source", "target")]
    return list(found.filter(*seen).select_related("source", "target").order_by("id"))


def brief_data(brief: JoinBrief) -> dict[str, Any]:
    """The brief for programs: words and instants."""
    incident = brief.incident

    def line(one: Line) -> dict[str, Any]:
        words = str(one.sentence).replace("<b>", "").replace("</b>", "")
        return {"id": one.pk, "at": one.at.isoformat(), "kind": one.kind, "sentence": words, "text": one.text}

    return {
        "reference": incident.reference,
        "title": incident.title,
        "severity": incident.severity,
        "state": incident.state,
        "summary": incident.summary,
        "customer_impact": incident.customer_impact,
        "owner": incident.owner.name if incident.owner else None,
        "bridge": brief.bridge,
        "runbook": incident.service.runbook_url,
        "next": {"kind": brief.standing.next.value, "to": brief.standing.to, "at": brief.standing.at},
        "people": [{"name": part.person.name, "does": part.does, "since": part.since} for part in brief.parts],
        "teams": [one.team.name for one in brief.teams],
        "levels": [line(one) for one in brief.trail],
        "tried": [line(one) for one in brief.tried],
        "said": [line(one) for one in brief.said],
        "decisions": [line(one) for one in brief.decisions],
        "open_tasks": [
            {
                "id": task.pk,
                "title": task.title,
                "assignee": task.assignee.name if task.assignee else None,
                "due_at": task.due_at,
            }
            for task in brief.tasks
        ],
        "documents": [{"title": one.title, "url": one.url} for one in brief.documents],
        "links": [
            {"kind": one.kind, "source": one.source.reference, "target": one.target.reference} for one in brief.links
        ],
    }
