"""Incidents to count, and random histories of them, through the product's own services."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from escalation_site.kernel.errors import DomainError
from incidents.models import Incident
from incidents.services.handing import incident_reassign
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_mitigate,
    incident_open,
    incident_reopen,
    incident_resolve,
    incident_unacknowledge,
)
from incidents.services.merging import incident_merge
from incidents.services.severity import incident_severity
from incidents.services.surveys import survey_answer
from incidents.services.teams import incident_team
from oncall.rota.clock import zone_named
from reports.figures.keeping import figures_follow
from reports.period import Period
from reports.selectors import Scope
from tests.world.harness import World


def opened(world: World, **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title="Cards fail", at=world.now, **{**values, **more})


def scope_of(world: World, first: date, last: date, zone: str = "UTC", **more: Any) -> Scope:
    return Scope(more.pop("user", world.cast.elena), Period(first, last, zone_named(zone)), **more)


STEPS = (
    "open",
    "acknowledge",
    "give_back",
    "mitigate",
    "resolve",
    "reopen",
    "severity",
    "team",
    "reassign",
    "merge",
    "judge",
    "follow",
)
HISTORIES = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3), st.integers(1, 50)), min_size=6, max_size=14)
SHORT = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.generate),
)


class History:
    """Steps through the services, an hour or some between them; what a service refuses does not happen."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.at = datetime(2027, 3, 26, 21, 30, tzinfo=UTC)  # The clocks go forward in Rome two nights later.
        self.made: list[Incident] = []

    def go(self, step: str, which: int, quarters: int) -> None:
        self.at += timedelta(minutes=15 * quarters)
        self.world.jump_to(self.at)
        if step == "open" or not self.made:
            severity = which + 1
            self.made.append(opened(self.world, severity=severity, restricted=which == 3))
            self.world.settle()
            return
        if step == "follow":
            figures_follow(at=self.at)
            return
        try:
            self._act(step, which)
        except DomainError:
            return

    def _act(self, step: str, which: int) -> None:
        incident = self.made[which % len(self.made)]
        cast = self.world.cast
        given: dict[str, Any] = {"incident_id": incident.pk, "at": self.at}
        acts: dict[str, Callable[[], object]] = {
            "acknowledge": lambda: incident_acknowledge(actor=cast.marta, **given),
            "give_back": lambda: incident_unacknowledge(actor=cast.marta, **given),
            "mitigate": lambda: incident_mitigate(actor=cast.marta, **given),
            "resolve": lambda: incident_resolve(actor=cast.marta, **given),
            "reopen": lambda: incident_reopen(actor=cast.marta, reason="Again.", **given),
            "severity": lambda: incident_severity(actor=cast.marta, severity=which + 1, **given),
            "team": lambda: incident_team(actor=cast.marta, team=cast.platform, reason="Theirs.", **given),
            "reassign": lambda: incident_reassign(actor=cast.marta, owner=cast.jonas, **given),
            "merge": lambda: incident_merge(
                actor=cast.marta, other_id=self.made[0].pk, reason="The same trouble.", **given
            ),
            "judge": lambda: survey_answer(actor=cast.sofie, score=which, text="", **given),
        }
        acts[step]()
