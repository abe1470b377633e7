"""Whoever took an incident over says whether they had its full context (R319)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.handovers import CHECKLIST, RATED, Item, items_of, percent_of
from incidents.models import Incident, TimelineEvent
from incidents.services.working import working
from oncall.models import User

LONGEST = 500
_KINDS = ("incident.reassign", "incident.undo", RATED)


@dataclass(frozen=True, slots=True)
class Handover:
    """The last time one person handed the incident to another, what it brought along, and what its receiver said."""

    at: datetime
    giver: str
    receiver: str
    receiver_id: int | None
    note: str
    items: list[Item]
    percent: int
    complete: bool | None = None
    missing: str = ""


def handover_of(incident: Incident) -> Handover | None:
    """The handover in force; None where nobody handed it to whoever has it. One query."""
    found: Handover | None = None
    lines = (
        TimelineEvent.objects.filter(incident=incident, kind__in=_KINDS).select_related("actor").order_by("at", "pk")
    )
    for line in lines:
        if line.kind == RATED and found is not None:
            found = _rated(found, line)
        elif line.kind == "incident.reassign":
            found = _handed(line) if CHECKLIST in line.data else None
        elif line.data.get("cause") == "reassign":
            found = None
    return found


def _handed(line: TimelineEvent) -> Handover:
    there = line.data[CHECKLIST]
    giver = line.actor.name if line.actor else ""
    return Handover(
        line.at, giver, line.data["name"], line.data.get("to"), line.text, items_of(there), percent_of(there)
    )


def _rated(found: Handover, line: TimelineEvent) -> Handover:
    return Handover(
        found.at,
        found.giver,
        found.receiver,
        found.receiver_id,
        found.note,
        found.items,
        found.percent,
        line.data.get("complete"),
        line.text,
    )


def may_rate(user: User, handover: Handover | None) -> bool:
    """Its receiver, once."""
    return handover is not None and handover.receiver_id == user.pk and handover.complete is None and user.is_active


def handover_rate(
    *, incident_id: int, complete: bool, actor: User, at: datetime, missing: str = "", source: str = "web"
) -> Incident:
    """Enter whether ``actor``, to whom it was handed, had the full context, and what was missing.

    Raises NotAllowed for others, Conflict where it was said already, DomainError naming the field at fault.
    """
    missing = missing.strip()
    if not complete and not missing:
        raise DomainError(_("Say what was missing."), field="remark")
    if len(missing) > LONGEST:
        raise DomainError(_("At most %(most)d characters.") % {"most": LONGEST}, field="remark")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        handover = handover_of(work.incident)
        if handover is None or handover.receiver_id != actor.pk:
            raise NotAllowed(_("Only whoever it was handed to says whether they had the full context."))
        if handover.complete is not None:
            raise Conflict(_("You have said so already."))
        said: dict[str, Any] = {"complete": complete, "checklist_percent": handover.percent}
        work.changes.ledger(work.incident, "incident.handover_rate", data={**said, "missing": missing})
        cause = "whole" if complete else ""
        work.changes.timeline(
            work.incident,
            "incident.handover_rate",
            text="" if complete else missing,
            cause=cause,
            source=source,
            **said,
        )
    return work.incident
