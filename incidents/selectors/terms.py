"""Priority and SLA of one incident as its page shows them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime

from incidents.models import Incident
from incidents.services.terms import PROMISED, read_or_shipped
from policies.books import PRIORITY
from policies.priority import level_label, priority_name


@dataclass(frozen=True, slots=True)
class TermsShown:
    """``late`` is how much later than promised it was resolved, or is by now; None as long as the promise holds.

    ``answer_by`` is set while an answer is owed, ``answer_late`` as ``late``. ``in_hours``: working hours are counted.
    """

    priority: str
    impact: str
    urgency: str
    due_at: datetime | None
    since: datetime
    late: timedelta | None
    target: str
    in_hours: bool
    answer_by: datetime | None
    answer_late: timedelta | None


def terms_shown(incident: Incident, *, at: datetime) -> TermsShown:
    """One small query where impact or urgency is known, for their names; none otherwise."""
    promised = incident.facts.get(PROMISED)
    promised = promised if isinstance(promised, dict) else {}
    answer_by = parse_datetime(str(promised.get("acknowledge_by") or ""))
    impact, urgency = _names(incident)
    return TermsShown(
        priority=priority_name(incident.priority) if incident.priority else "",
        impact=impact,
        urgency=urgency,
        due_at=incident.sla_due_at,
        since=incident.started_at,
        late=_late(incident.sla_due_at, incident.resolved_at or at),
        target=str(promised.get("target", "")),
        in_hours=promised.get("hours") == "business",
        answer_by=answer_by,
        answer_late=_late(answer_by, incident.acknowledged_at or incident.resolved_at or at),
    )


def _names(incident: Incident) -> tuple[str, str]:
    if not (incident.impact or incident.urgency):
        return "", ""
    matrix = read_or_shipped(PRIORITY).value
    return (
        level_label(matrix, "impact", incident.impact) if incident.impact else "",
        level_label(matrix, "urgency", incident.urgency) if incident.urgency else "",
    )


def _late(due_at: datetime | None, had_at: datetime) -> timedelta | None:
    return had_at - due_at if due_at is not None and had_at > due_at else None
