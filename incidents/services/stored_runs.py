"""Runs as rows: the current one of an incident, and what the core decided written into it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from escalation_site.kernel.composed import Composed
from incidents.changes import JOINED_AT_MOST
from incidents.models import EscalationRun, Incident
from policies.escalation import RunState


def run_store(run: EscalationRun, state: RunState) -> None:
    run.state = state.to_json()
    run.phase = state.phase.value
    run.level = state.level
    run.cycle = state.cycle
    run.next_due_at = state.next_due_at
    run.priority = run.incident.severity


def late_seconds(due: datetime | None, *, at: datetime) -> float:
    """How long after ``due`` it is; nought where a clock runs behind the one that set it."""
    return round(max((at - due).total_seconds(), 0.0), 3) if due else 0.0


def _current_of(incidents: Any) -> QuerySet[EscalationRun]:
    return EscalationRun.objects.filter(incident__in=incidents, superseded=False)


_few_current = Composed(lambda incidents: _current_of(incidents).select_related("policy_version"))
_current = Composed(lambda incidents: _current_of(incidents).prefetch_related("policy_version"))


def current_runs(incidents: Sequence[Incident]) -> dict[int, EscalationRun]:
    """The current run of each locked incident, by incident id; both share the incident's instance."""
    by_id = {incident.pk: incident for incident in incidents}
    found = {}
    for run in (_few_current if len(by_id) <= JOINED_AT_MOST else _current)(incidents=list(by_id)):
        run.incident = by_id[run.incident_id]
        found[run.incident_id] = run
    return found
