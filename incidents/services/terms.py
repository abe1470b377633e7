"""On which terms an incident is worked on: its priority, and by when it is to be had (R305).

Both are taken from the books in force when the incident begins and again when what they follow from changes. What was
promised is kept with the incident, so that a later version of the targets moves no incident under way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import structlog

from incidents.changes import Changes
from incidents.models import Incident
from policies.books import PRIORITY, SLA, Reading, Shape, book_read
from policies.calendars import calendars_of
from policies.definition import Hours
from policies.escalation import BusinessTime, around_the_clock
from policies.priority import PriorityDef, percent_passed, priority_name, priority_of, raised
from policies.reading import DefinitionInvalid
from policies.sla import SlaTarget, target_for

log = structlog.get_logger(__name__)

PROMISED = "sla"
"""Under which name an incident's facts keep what was promised."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Terms:
    """``promised`` is what the incident keeps, None without an SLA: the target's name, the version of the book, hours,
    seconds to resolve, the priority at the beginning, and by when it is to be acknowledged (ISO 8601, or None)."""

    priority: int
    sla_due_at: datetime | None = None
    promised: Mapping[str, Any] | None = None


def terms_of(incidents: Sequence[Incident], *, at: datetime) -> list[Terms]:
    """The terms of each incident as the books in force have them, thresholds that have passed by ``at`` included.

    Their service must be loaded. Two queries, however many incidents, and at most two more where a target counts
    working hours.
    """
    if not incidents:
        return []
    asked, sla = read_or_shipped(PRIORITY).value, read_or_shipped(SLA)
    bases = [priority_of(asked, severity=one.severity, impact=one.impact, urgency=one.urgency) for one in incidents]
    targets = [
        target_for(sla.value, severity=one.severity, priority=base, tier=sla_tier(one))
        for one, base in zip(incidents, bases, strict=True)
    ]
    calendars = _calendars(incidents, targets)
    return [
        Terms(base)
        if target is None
        else _promised(
            one,
            base,
            target,
            asked,
            calendar=calendars.get(one.service_id, around_the_clock),
            version=sla.number,
            at=at,
        )
        for one, base, target in zip(incidents, bases, targets, strict=True)
    ]


def sla_tier(incident: Incident) -> int:
    """The tier its SLA is looked up by: its service's, or the customer's where that is the better one (R126).

    A customer's is that of the contract, unless whoever filed it gave another with a reason. An ordinary customer never makes what
    was promised of a service milder. One query where it has a customer that is not loaded.
    """
    said = incident.facts.get("customer_tier")
    if said is None and incident.customer is not None:
        said = incident.customer.tier
    return min(incident.service.tier, said) if isinstance(said, int) else incident.service.tier


def read_or_shipped(shape: Shape[Value]) -> Reading[Value]:
    """The book in force; what Watchbell comes with where it cannot be read: a strange book must cost nobody an alert."""
    try:
        return book_read(shape)
    except DefinitionInvalid:
        log.exception("terms.book_unreadable", book=shape.book.value)
        return Reading(0, None, shape.default)


def _calendars(incidents: Sequence[Incident], targets: Sequence[SlaTarget | None]) -> Mapping[int, BusinessTime]:
    """The business time of those services that need one."""
    services = {
        incident.service_id
        for incident, target in zip(incidents, targets, strict=True)
        if target is not None and target.hours is Hours.BUSINESS
    }
    return calendars_of(services) if services else {}


def _promised(
    incident: Incident,
    base: int,
    target: SlaTarget,
    asked: PriorityDef,
    *,
    calendar: BusinessTime,
    version: int,
    at: datetime,
) -> Terms:
    due = target.due(incident.started_at, calendar)
    percent = percent_passed(
        asked,
        started_at=incident.started_at,
        seconds=target.resolve_seconds,
        at=at,
        moved=target.moved(calendar),
    )
    promised = {
        "target": target.name,
        "version": version,
        "hours": target.hours.value,
        "seconds": target.resolve_seconds,
        "priority": base,
        "acknowledge_by": due.ack_due.isoformat() if due.ack_due else None,
    }
    return Terms(raised(asked, base, elapsed_percent=percent), due.resolve_due, promised)


def terms_set(incidents: Sequence[Incident], *, at: datetime) -> None:
    """Give incidents that are not stored yet their priority and SLA."""
    for incident, terms in zip(incidents, terms_of(incidents, at=at), strict=True):
        incident.priority, incident.sla_due_at = terms.priority, terms.sla_due_at
        incident.facts = _with(incident.facts, terms.promised)


def _with(facts: Mapping[str, Any], promised: Mapping[str, Any] | None) -> dict[str, Any]:
    kept = {name: value for name, value in facts.items() if name != PROMISED}
    return kept if promised is None else {**kept, PROMISED: dict(promised)}


def terms_renew(incidents: Sequence[Incident], *, changes: Changes) -> list[Incident]:
    """Give incidents whose severity, impact, urgency or service has changed the terms that follow from it.

    They must be locked; what changes is entered in ``changes``. Returns those whose SLA ends at another instant than
    before, for their escalations to be told. Resolved ones keep what they had.
    """
    open_ones = [incident for incident in incidents if incident.is_open]
    moved = []
    for incident, terms in zip(open_ones, terms_of(open_ones, at=changes.at), strict=True):
        before = incident.priority, incident.sla_due_at
        facts = _with(incident.facts, terms.promised)
        if (terms.priority, terms.sla_due_at) == before and facts == incident.facts:
            continue
        # Also where only the name of the promise is another: no field changes without its entry (DESIGN.md §5, invariant 6).
        changes.set(
            incident,
            "incident.terms",
            data={"sla": dict(terms.promised)} if terms.promised else None,
            priority=terms.priority,
            sla_due_at=terms.sla_due_at,
            facts=facts,
        )
        _tell(incident, *before, changes=changes)
        if terms.sla_due_at != before[1]:
            moved.append(incident)
    return moved


def _tell(incident: Incident, priority: int | None, sla_due_at: datetime | None, *, changes: Changes) -> None:
    """The timeline's lines about what is different now."""
    if incident.priority is not None and incident.priority != priority:
        after = priority_name(incident.priority)
        if priority is None:
            changes.timeline(incident, "incident.priority_first", after=after)
        else:
            changes.timeline(incident, "incident.priority", before=priority_name(priority), after=after)
    if incident.sla_due_at == sla_due_at:
        return
    if incident.sla_due_at is None:
        changes.timeline(incident, "incident.sla_none")
    else:
        promised = incident.facts.get(PROMISED, {})
        changes.timeline(
            incident, "incident.sla", until=incident.sla_due_at.isoformat(), name=promised.get("target", "")
        )
