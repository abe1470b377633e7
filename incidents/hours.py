"""Which business time an incident's escalation counts by: its service's calendar, or that of the house."""

from incidents.models import Incident
from policies.definition import PolicyDef
from policies.escalation import BusinessTime, around_the_clock
from policies.working_hours import WorkingHours


class Hours:
    """Asked for many incidents, it reads the calendars at most once; not at all where no policy counts business hours."""

    def __init__(self) -> None:
        self._known = WorkingHours()

    def of(self, policy: PolicyDef, incident: Incident) -> BusinessTime:
        """What counts as business time for ``incident`` on ``policy``."""
        if not policy.uses_business_hours:
            return around_the_clock
        return self._known.of(policy, incident.service.calendar_id)
