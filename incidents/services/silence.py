"""Ending a silence before its time, whoever or whatever kept it: a person's snooze or a rule's suppression."""

from datetime import datetime

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict
from incidents.models import Incident
from incidents.permissions import require_responder
from incidents.services.working import working
from oncall.models import User
from policies.escalation import SnoozeEnded


def incident_wake(*, incident_id: int, actor: User, at: datetime, source: str = "web") -> Incident:
    """The level in force is called now. Raises Conflict where nothing is silent (any more)."""
    with working(incident_id, actor=actor, at=at, source=source) as work:
        incident = work.incident
        require_responder(actor, incident)
        if incident.snoozed_until is None or incident.state != Incident.State.TRIGGERED:
            raise Conflict(_("It is not silent any more."))
        work.changes.timeline(incident, "incident.wake", source=source)
        if not work.event(SnoozeEnded(at)):
            # Without a run nothing else would take the silence off it.
            work.changes.set(incident, "incident.snooze_end", snoozed_until=None)
    return incident
