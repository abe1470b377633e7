"""Whoever took an incident over, a person or somebody of a team, says whether they had its full context (R319)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.handovers import CHECKLIST, RATED, Item, items_of, percent_of
from incidents.models import Incident, TimelineEvent
from incidents.services.working import working
from oncall.models import User

LONGEST = 500
_HANDED = ("incident.reassign", "incident.team")
_KINDS = (*_HANDED, "incident.undo", RATED)


@dataclass(frozen=True, slots=True)
class Handover:
    """The last time the incident was handed to another person or team, what it brought along, and what its receiver said.

    Of ``receiver_id`` and ``team_id`` one is set.
    """

    at: datetime
    giver: str
    receiver: str
    receiver_id: int | None
    team_id: int | None
    note: str
    items: list[Item]
    percent: int
    complete: bool | None = None
    missing: str = ""


def handover_of(incident: Incident) -> Handover | None:
    """The handover in force; None where nobody handed it to whoever has it. Who takes what came to their team stays with that
    handover. One query."""
    found: Handover | None = None
    lines = (
        TimelineEvent.objects.filter(incident=incident, kind__in=_KINDS).select_related("actor").order_by("at", "pk")
    )
    for line in lines:
        if line.kind == RATED:
            found = found and replace(found, complete=line.data.get("complete"), missing=line.text)
        elif line.kind in _HANDED:
            kept = found if found is not None and found.team_id is not None else None
            found = _handed(line) if CHECKLIST in line.data else kept
        elif line.data.get("cause") == "reassign":
            found = None
    return found


def _handed(line: TimelineEvent) -> Handover:
    there = line.data[CHECKLIST]
    return Handover(
        at=line.at,
        giver=line.actor.name if line.actor else "",
        receiver=line.data["name"],
        receiver_id=line.data.get("to"),
        team_id=line.data.get("to_team"),
        note=line.text,
        items=items_of(there),
        percent=percent_of(there),
    )


def is_receiver(user: User, handover: Handover | None) -> bool:
    """Whether it was handed to ``user``, or to a team of theirs. One query for a team's."""
    if handover is None or not user.is_active:
        return False
    if handover.team_id is None:
        return handover.receiver_id == user.pk
    return user.memberships.filter(team=handover.team_id).exists()


def may_rate(user: User, handover: Handover | None) -> bool:
    """Its receiver, once; of a team the first who says so."""
    return handover is not None and handover.complete is None and is_receiver(user, handover)


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
        if handover is None or not is_receiver(actor, handover):
            raise NotAllowed(_("Only whoever it was handed to says whether they had the full context."))
        if handover.complete is not None:
            raise Conflict(_("That has been said already."))
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
