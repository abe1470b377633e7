"""The rows of the incident list."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, F

from incidents.models import EscalationRun, Incident, Page
from incidents.querysets import IncidentQuerySet
from incidents.selectors.steps import Standing, standing_of

OPEN_STATES = (Incident.State.TRIGGERED, Incident.State.ACKNOWLEDGED)
"""Named one by one, so that the index on the state serves."""
TABS = ("open", "triggered", "acknowledged", "resolved")


@dataclass(frozen=True, slots=True)
class Row:
    """One incident, where it stands, and who was told on the level in force."""

    incident: Incident
    standing: Standing
    told: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one state; ``total`` counts all of them, not only this page's."""

    state: str
    total: int
    rows: Sequence[Row]


def tab_counts(incidents: IncidentQuerySet) -> dict[str, int]:
    """How many of ``incidents`` each tab holds: one query."""
    found = dict(incidents.order_by().values_list("state").annotate(n=Count("pk")))
    counts = {state.value: int(found.get(state.value, 0)) for state in Incident.State}
    return {"open": counts["triggered"] + counts["acknowledged"], **counts}


def in_tab(incidents: IncidentQuerySet, tab: str) -> IncidentQuerySet:
    """Those of ``incidents`` that belong to a tab."""
    return incidents.filter(state__in=OPEN_STATES) if tab == "open" else incidents.in_state(tab)


def rows_of(incidents: Sequence[Incident], *, at: datetime) -> list[Row]:
    """Rows for incidents whose service, team and owner are loaded: two queries more."""
    open_ids = [incident.pk for incident in incidents if incident.is_open]
    runs = {
        run.incident_id: run
        for run in EscalationRun.objects.filter(incident__in=open_ids, superseded=False).select_related(
            "policy_version"
        )
    }
    told = _told(list(runs.values()))
    return [
        Row(
            incident,
            standing_of(incident, runs.get(incident.pk), at=at),
            told.get(runs[incident.pk].pk, ()) if incident.pk in runs else (),
        )
        for incident in incidents
    ]


def _told(runs: Sequence[EscalationRun]) -> dict[int, list[str]]:
    """The names of those who were paged on the level in force, by run."""
    pages = (
        Page.objects.filter(run__in=[run.pk for run in runs], level=F("run__level"), cycle=F("run__cycle"))
        .select_related("recipient")
        .order_by("id")
    )
    names: dict[int, list[str]] = defaultdict(list)
    for page in pages:
        names[page.run_id].append(page.recipient.name)
    return names


def grouped(rows: Sequence[Row], counts: dict[str, int]) -> list[Group]:
    """Rows under their states, in the order they came."""
    by_state: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_state[row.incident.state].append(row)
    return [Group(state, counts.get(state, len(own)), own) for state, own in by_state.items()]
