"""Due runs: claimed, stepped, stored. And the watch over those that have no next step."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import QuerySet

from audit.values import Actor
from escalation_site.kernel.composed import Composed
from escalation_site.kernel.failures import is_passing
from incidents.changes import JOINED_AT_MOST, Changes
from incidents.models import EscalationRun, Incident
from incidents.services.escalator import Escalator
from incidents.services.stored_runs import late_seconds
from policies.escalation import Tick
from policies.severity import Severity

log = structlog.get_logger(__name__)

ENGINE = Actor.system("engine")


def runs_step(*, at: datetime, limit: int = 200) -> int:
    """Step the runs that are due, worst severity first; returns how many were stepped or set aside.

    A batch that raises is undone and taken one by one; the run that raises is set aside with its error shown. Raises
    django.db.Error where the database is at fault and not a run.
    """
    due = _due(at, limit)
    if not due:
        return 0
    try:
        return _step(due, at=at)
    except Exception:
        log.exception("engine.batch_failed", runs=len(due))
    return sum(_step_one(run_id, incident_id, at=at) for run_id, incident_id in due)


# From the beginning of each severity's part of the index: one statement for all of them would read what is due next year.
_DUE_OF = """
SELECT * FROM (
    SELECT priority, id, incident_id FROM incidents_escalationrun
    WHERE priority = %s AND next_due_at <= %s AND set_aside_at IS NULL AND NOT superseded ORDER BY next_due_at, id LIMIT %s
) AS own
"""
_DUE = " UNION ALL ".join([_DUE_OF] * len(Severity.values))


def _due(at: datetime, limit: int) -> list[tuple[int, int]]:
    """(run, incident) of due runs; severity by severity, so that a storm of SEV-4 never delays a SEV-1."""
    until = connection.ops.adapt_datetimefield_value(at)
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [value for severity in Severity.values for value in (severity, until, limit)])
        found = sorted(cursor.fetchall(), key=itemgetter(0))
    return [(run_id, incident_id) for _severity, run_id, incident_id in found[:limit]]


def held_now(incident_ids: Sequence[int]) -> list[int]:
    """Those of these incidents that could be locked without waiting: the lock of all that hangs on them."""
    if not connection.features.has_select_for_update:
        return list(incident_ids)
    return [pk for (pk,) in _held(ids=incident_ids)]


def _of(ids: Any) -> QuerySet[Incident]:
    return Incident.objects.filter(pk__in=ids).order_by("pk")


def _still_due(ids: Any, incidents: Any, at: Any) -> QuerySet[EscalationRun]:
    runs = EscalationRun.objects.filter(pk__in=ids, incident__in=incidents, next_due_at__lte=at, set_aside_at=None)
    return runs.order_by("priority", "next_due_at", "id")


_held = Composed(lambda ids: _of(ids).select_for_update(skip_locked=True).values_list("pk"))
# As ``with_related`` has it: a few with what they lead to, of many that once.
_few_incidents = Composed(lambda ids: _of(ids).select_related("service", "team", "stage"))
_incidents = Composed(lambda ids: _of(ids).prefetch_related("service", "team", "stage"))
_few_runs = Composed(lambda ids, incidents, at: _still_due(ids, incidents, at).select_related("policy_version"))
_runs = Composed(lambda ids, incidents, at: _still_due(ids, incidents, at).prefetch_related("policy_version"))


@transaction.atomic
def _step(due: list[tuple[int, int]], *, at: datetime) -> int:
    """One transaction for the batch. The incident's row is the lock; what another engine or a person holds is left for the next turn."""
    held = held_now([incident_id for _run_id, incident_id in due])
    few = len(held) <= JOINED_AT_MOST
    incidents = {one.pk: one for one in (_few_incidents if few else _incidents)(ids=held)}
    # Read the runs only now: an acknowledgement may have come between the look and the lock.
    runs = (_few_runs if few else _runs)(ids=[run_id for run_id, _pk in due], incidents=list(incidents), at=at)
    changes = Changes(at=at, actor=ENGINE, source="engine")
    escalator = Escalator(changes)
    stepped = 0
    for run in runs:
        run.incident = incidents[run.incident_id]
        escalator.late[run.pk] = late_seconds(run.next_due_at, at=at)
        escalator.event(run, Tick(at))
        stepped += 1
    escalator.settle()
    changes.write()
    return stepped


def _step_one(run_id: int, incident_id: int, *, at: datetime) -> int:
    try:
        return _step([(run_id, incident_id)], at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("engine.set_aside", run=run_id)
        run_set_aside(run_id=run_id, error=error, at=at)
        return 1


@transaction.atomic
def run_set_aside(*, run_id: int, error: Exception, at: datetime) -> None:
    """Step this run no more, and say why: the watchdog tells the catch-all, an administrator takes it up again."""
    run = EscalationRun.objects.select_related("incident").get(pk=run_id)
    run.set_aside_at, run.error = at, f"{type(error).__name__}: {error}"[:2000].replace("\x00", "")
    run.save(update_fields=["set_aside_at", "error"])
    changes = Changes(at=at, actor=ENGINE, source="engine")
    changes.timeline(run.incident, "escalation.set_aside", reason=run.error)
    changes.ledger(
        run.incident, "escalation.set_aside", object_type="run", object_id=str(run.pk), data={"error": run.error}
    )
    changes.write()
