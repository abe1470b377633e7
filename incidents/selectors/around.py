"""What surrounds an incident: its alerts, who is on call in its team, what else is open on its service, how one like it was mended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.models import Alert, EscalationRun, Incident, RespondingTeam, Service
from incidents.selectors.routing import Routing, routing_of
from incidents.selectors.similar import Alike, mended_before
from incidents.selectors.who import team_on_call
from oncall.models import Schedule, User
from policies.pages import TargetNames
from policies.sentences import raci_text
from policies.services import version_definition

SHOWN_ALERTS = 20
SHOWN_SIMILAR = 5


@dataclass(frozen=True, slots=True)
class Around:
    """Eleven queries at most, and those for what routing rules decided and for names in a map of duties. ``alerts`` are the newest ones;
    ``incident.alert_count`` counts every repeat."""

    alerts: Sequence[Alert]
    responding: Sequence[RespondingTeam]
    on_call: Sequence[tuple[Schedule, list[User]]]
    similar: Sequence[Incident]
    mended: Sequence[Alike]
    routing: Routing | None
    duties: Sequence[str]


def around_of(incident: Incident, *, user: User, at: datetime) -> Around:
    """What ``user`` may see around ``incident`` at ``at``."""
    alerts = Alert.objects.filter(incident=incident).select_related("integration").order_by("-last_received_at")
    return Around(
        list(alerts[:SHOWN_ALERTS]),
        list(incident.responding_teams.select_related("team")),
        team_on_call(incident.team, at=at),
        [one for one in open_on(incident.service, user=user, limit=SHOWN_SIMILAR + 1) if one.pk != incident.pk][
            :SHOWN_SIMILAR
        ],
        mended_before(incident, user=user, at=at),
        routing_of(incident) if user.role != User.Role.REPORTER else None,
        duties_of(incident),
    )


def duties_of(incident: Incident) -> list[str]:
    """Who does what at the level in force, in sentences; nothing where its policy has no map (R292). One query, and one for each kind
    of target that the map names.
    """
    runs = EscalationRun.objects.filter(incident=incident, superseded=False).select_related("policy_version")
    run = runs.first()
    levels = version_definition(run.policy_version).levels if run else ()
    raci = levels[min(run.level, len(levels) - 1)].raci if run else None
    return raci_text(raci, TargetNames.of(raci.all_targets)) if raci else []


def open_on(service: Service, *, user: User, limit: int = SHOWN_SIMILAR) -> list[Incident]:
    """Open incidents of ``service`` that ``user`` may see, worst first: one query."""
    found = Incident.objects.visible_to(user).unresolved().filter(service=service).select_related("owner")
    return list(found.order_by("severity", "started_at")[:limit])
