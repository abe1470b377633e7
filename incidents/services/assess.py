"""What the severity criteria make of an incident: on filing, and in triage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Checkpoint, Incident, Service
from incidents.permissions import may_decide, require_responder
from incidents.routing import Wish
from incidents.services.checkpoints import START
from incidents.services.deciding import checkpoint_decide
from incidents.services.facts import incident_facts
from incidents.services.severity import incident_severity
from incidents.services.working import Work, working
from oncall.models import User
from policies.books import Reading
from policies.criteria import CriteriaDef, Given, Proposal, proposal_text, propose
from policies.definition import severity_name
from policies.routing import Ask
from policies.severity import Severity

MAX_WHY = 1_000


@dataclass(frozen=True, slots=True)
class Judged:
    """What an incident is given: `facts` are the answers, with what was proposed and chosen under "criteria"; `wish` says where
    nobody is to be paged, or somebody asked first, because of the answers."""

    severity: int
    impact: int | None = None
    urgency: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    wish: Wish | None = None


def service_facts(service: Service | None) -> dict[str, Any]:
    """What the catalogue knows of the service, by the names of the conditions' vocabulary."""
    if service is None:
        return {}
    return {
        "tier": service.tier,
        "revenue_flow": service.revenue_flow,
        "high_risk": service.high_risk,
        "regulated": service.regulated,
        "environment": service.environment,
        "region": service.region,
    }


def is_milder(chosen: int | None, proposal: Proposal | None) -> bool:
    """Whether somebody chose a severity milder than the clear proposal: whoever does says why."""
    if chosen is None or proposal is None or proposal.severity is None or proposal.unclear:
        return False
    return chosen > proposal.severity


def judged(
    reading: Reading[CriteriaDef],
    proposal: Proposal,
    *,
    chosen: int | None,
    why: str = "",
    otherwise: int | None = None,
) -> Judged:
    """The person's choice where there is one, else what the criteria propose, else `otherwise` (where nothing is answered, or
    the criteria propose no severities).

    Without any of them it is ambiguous, as soon as one question is answered. Raises DomainError: on `severity` where nothing was
    answered and nothing chosen, on `why` where a milder severity than the proposed one is chosen without a reason.
    """
    criteria = reading.value
    if is_milder(chosen, proposal) and not why.strip():
        raise DomainError(
            _("%(severity)s is proposed. Say why it is milder than that.")
            % {"severity": severity_name(proposal.severity or 1)},
            field="why",
        )
    says = bool(proposal.answers and criteria.severity)
    if chosen is None and not says and otherwise is None:
        raise DomainError(_("Choose a severity, or answer the questions."), field="severity")
    facts = dict(proposal.facts)
    if proposal.answers:
        facts["criteria"] = criteria_record(reading, proposal, chosen=chosen, why=why)
    given = chosen if chosen is not None or says else otherwise
    if given is not None:
        return Judged(_severity(given), proposal.impact, proposal.urgency, facts)
    severity, wish = unchosen(criteria, proposal)
    return Judged(severity, proposal.impact, proposal.urgency, facts, wish)


def unchosen(criteria: CriteriaDef, proposal: Proposal) -> tuple[int, Wish | None]:
    """The severity where questions are answered and nobody chose one, and what becomes of paging people."""
    text = proposal_text(criteria, proposal)
    if proposal.unclear or proposal.severity is None:
        unclear = criteria.unclear
        # What holds already counts where it is worse than what the ambiguous get.
        severity = min(unclear.severity, proposal.severity or unclear.severity)
        ask = Ask((), unclear.within_seconds, unclear.otherwise)
        return severity, Wish(ask=ask, ask_severity=severity, reason=text.unclear)
    return proposal.severity, None if proposal.escalate else Wish(escalate=False, reason=text.because)


def _severity(value: int | None) -> int:
    if value not in Severity.values:
        raise DomainError(_("Choose a severity from SEV-1 to SEV-5."), field="severity")
    return int(value)


def criteria_record(
    reading: Reading[CriteriaDef], proposal: Proposal, *, chosen: int | None, why: str
) -> Mapping[str, Any]:
    """What is kept with the incident: the answers, by which version of the criteria, what was proposed, and what was chosen."""
    return {
        "version": reading.number,
        "answers": dict(proposal.answers),
        "proposed": proposal.severity,
        "unclear": proposal.unclear,
        "chosen": chosen,
        "why": why.strip()[:MAX_WHY],
    }


@transaction.atomic
def incident_assess(
    *,
    incident_id: int,
    reading: Reading[CriteriaDef],
    answers: Mapping[str, Given],
    actor: User,
    at: datetime,
    rest_no: bool = False,
    chosen: int | None = None,
    why: str = "",
    seen: int | None = None,
    source: str = "web",
) -> Incident:
    """Judge an incident anew: the answers become its facts, and the severity is the chosen one, else the proposed one; where
    neither says any, it stays as it is.

    ``answers`` are by the questions' keys; what is not among them is not known any more. ``seen`` is the severity that whoever
    decides had before their eyes. The severity path and the routing rules follow in the same transaction; where an escalation
    waited for somebody to judge it, this is the word. Raises DomainError naming the field at fault, NotAllowed for people who
    may not respond, Conflict when it is resolved or of another severity than ``seen`` by now.
    """
    doing: dict[str, Any] = {"incident_id": incident_id, "actor": actor, "at": at, "source": source}
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if incident.state == Incident.State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        proposal = propose(reading.value, answers, service_facts(incident.service), rest_no=rest_no)
        found = judged(reading, proposal, chosen=chosen, why=why, otherwise=incident.severity)
        record = criteria_record(reading, proposal, chosen=chosen, why=why)
        because = proposal_text(reading.value, proposal).because
        _enter(work, proposal, record, because=because, why=why.strip())
    is_open = found.wish is not None and found.wish.ask is not None
    severity = incident.severity if is_open else found.severity
    incident_severity(severity=severity, reason=why.strip() or because, seen=seen, **doing)
    incident = incident_facts(values=_values(reading.value, proposal, record), reason=why.strip(), **doing)
    says = chosen is not None or bool(proposal.answers and reading.value.severity)
    if says and not is_open:
        _decide(incident, actor, escalate=found.wish is None, note=why.strip() or because, at=at, source=source)
    return incident


def _enter(work: Work, proposal: Proposal, record: Mapping[str, Any], *, because: str, why: str) -> None:
    incident, changes = work.incident, work.changes
    changes.ledger(incident, "incident.assess", data=record)
    if proposal.unclear or proposal.severity is None:
        changes.timeline(incident, "incident.assess_open", text=why, source=changes.source)
        return
    proposed = severity_name(proposal.severity)
    changes.timeline(incident, "incident.assess", text=why, proposed=proposed, reason=because, source=changes.source)


def _decide(incident: Incident, actor: User, *, escalate: bool, note: str, at: datetime, source: str) -> None:
    """Answer the question whether to escalate at all, where it is open and ``actor`` may."""
    waiting = Checkpoint.objects.filter(incident=incident, action=START, outcome=Checkpoint.Outcome.OPEN)
    checkpoint = waiting.select_related("incident").first()
    if checkpoint is not None and may_decide(actor, checkpoint):
        verdict = "confirm" if escalate else "decline"
        checkpoint_decide(checkpoint_id=checkpoint.pk, verdict=verdict, actor=actor, at=at, note=note, source=source)


def _values(criteria: CriteriaDef, proposal: Proposal, record: Mapping[str, Any]) -> dict[str, Any]:
    """Every fact that was asked for, None where nobody knows it; impact and urgency where the answers say one."""
    values: dict[str, Any] = {question.fact: proposal.facts.get(question.fact) for question in criteria.questions}
    for name in ("impact", "urgency"):
        if getattr(proposal, name) is not None:
            values[name] = getattr(proposal, name)
    return {**values, "criteria": dict(record)}
