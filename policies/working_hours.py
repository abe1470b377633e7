"""Which business time a policy is walked by: read at most once, and only where a policy asks for business hours."""

from collections.abc import Mapping

from policies.calendars import calendar_times
from policies.definition import PolicyDef
from policies.escalation import BusinessTime, around_the_clock


class WorkingHours:
    """The business times of all services. One query, made when the first policy needs it."""

    def __init__(self) -> None:
        self._times: Mapping[int | None, BusinessTime] | None = None

    def of(self, policy: PolicyDef, calendar_id: int | None) -> BusinessTime:
        """What counts as business time for ``policy``; ``calendar_id`` is the calendar of the incident's service, None for
        the default one."""
        if not policy.uses_business_hours:
            return around_the_clock
        if self._times is None:
            self._times = calendar_times()
        return self._times.get(calendar_id) or self._times[None]
