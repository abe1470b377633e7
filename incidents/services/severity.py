"""Changing how bad an incident is, with what follows for whoever is called."""

from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Incident
from incidents.permissions import require_responder
from incidents.routing.again import facts_changed
from incidents.services.role_map import roles_recheck
from incidents.services.terms import terms_renew
from incidents.services.waiting import severity_question_withdraw
from incidents.services.working import Work, working
from oncall.models import User
from policies.definition import severity_name
from policies.escalation import SeverityChanged, SlaChanged
from policies.severity import Severity


def incident_severity(
    *,
    incident_id: int,
    severity: int,
    actor: User | None,
    at: datetime,
    reason: str = "",
    seen: int | None = None,
    source: str = "web",
) -> Incident:
    """Its times, priority and SLA are those of ``severity`` from now on, and a path that starts higher up starts at once
    (R056), even when somebody has it.

    The same severity does nothing. ``actor`` None is the system. ``seen`` is the severity that whoever decides had
    before their eyes. Raises DomainError for what is no severity, NotAllowed for people who may not respond, Conflict
    when it is resolved or of another severity than ``seen`` by now: of two who raise it at once, the second must not
    lower it unawares.
    """
    if severity not in Severity.values:
        raise DomainError(_("Choose a severity from SEV-1 to SEV-5."), field="severity")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        if actor is not None:
            require_responder(actor, incident)
        if incident.state == Incident.State.RESOLVED:
            raise Conflict(_("It is resolved already."))
        if severity == incident.severity:
            return incident
        if seen is not None and seen != incident.severity:
            raise Conflict(
                _("Somebody made it %(severity)s meanwhile. Look again and choose.")
                % {"severity": severity_name(incident.severity)},
                field="severity",
            )
        before = incident.severity
        data = {"reason": reason.strip()} if reason.strip() else None
        work.changes.set(incident, "incident.severity", severity=severity, data=data)
        severity_question_withdraw(incident, changes=work.changes)
        work.changes.timeline(
            incident,
            "incident.severity",
            text=reason.strip(),
            before=severity_name(before),
            after=severity_name(severity),
            source=source,
        )
        terms_follow(work)
        work.event(SeverityChanged(at, severity))
        facts_changed(work, worse=severity < before, milder=severity > before)
        if severity < before:
            roles_recheck(incident, changes=work.changes)
    return incident


def terms_follow(work: Work) -> None:
    """Give the incident the priority and the SLA of what it is now; its escalation counts by the new end.

    Comes before whatever the change itself has the escalation do, so that a level entered by it has the new times.
    """
    for incident in terms_renew([work.incident], changes=work.changes):
        work.event(SlaChanged(work.changes.at, incident.sla_due_at))
