"""What surrounds an incident: its alerts, who is on call in its team, what else is open on its service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.models import Alert, Incident, Service
from incidents.selectors.listing import OPEN_STATES
from incidents.selectors.who import team_on_call
from oncall.models import Schedule, User

SHOWN_ALERTS = 20
SHOWN_SIMILAR = 5


@dataclass(frozen=True, slots=True)
class Around:
    """Seven queries at most. ``alerts`` are the newest ones; ``incident.alert_count`` counts every repeat."""

    alerts: Sequence[Alert]
    on_call: Sequence[tuple[Schedule, list[User]]]
    similar: Sequence[Incident]


def around_of(incident: Incident, *, user: User, at: datetime) -> Around:
    """What ``user`` may see around ``incident`` at ``at``."""
    alerts = Alert.objects.filter(incident=incident).select_related("integration").order_by("-last_received_at")
    return Around(
        list(alerts[:SHOWN_ALERTS]),
        team_on_call(incident.team, at=at),
        [one for one in open_on(incident.service, user=user, limit=SHOWN_SIMILAR + 1) if one.pk != incident.pk][
            :SHOWN_SIMILAR
        ],
    )


def open_on(service: Service, *, user: User, limit: int = SHOWN_SIMILAR) -> list[Incident]:
    """Open incidents of ``service`` that ``user`` may see, worst first: one query."""
    found = Incident.objects.visible_to(user).filter(service=service, state__in=OPEN_STATES).select_related("owner")
    return list(found.order_by("severity", "started_at")[:limit])
