"""Whoever joins an incident late says that they have read its brief."""

from datetime import datetime

from incidents.models import Incident, TimelineEvent
from incidents.permissions import require_responder
from incidents.services.working import working
from oncall.models import User

READ = "incident.brief_read"


def brief_read(*, incident_id: int, actor: User, at: datetime, source: str = "web") -> Incident:
    """Enter that ``actor`` knows what happened so far; once for each. Raises NotAllowed for people who may not respond."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        if not TimelineEvent.objects.filter(incident=work.incident, kind=READ, actor=actor).exists():
            work.changes.ledger(work.incident, READ)
            work.changes.timeline(work.incident, READ, source=source)
    return work.incident
