"""Due runs: claimed, stepped, stored. And the watch over those that have no next step."""

from datetime import datetime
from operator import itemgetter

import structlog
from django.db import connection, transaction

from audit.values import Actor
from escalation_site.kernel.failures import is_passing
from incidents.changes import Changes, with_related
from incidents.models import EscalationRun, Incident
from incidents.services.escalator import Escalator, late_seconds
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


@transaction.atomic
def _step(due: list[tuple[int, int]], *, at: datetime) -> int:
    """One transaction for the batch. The incident's row is the lock; what another engine or a person holds is left for the next turn."""
    wanted = Incident.objects.filter(pk__in=[incident_id for _run_id, incident_id in due]).order_by("pk")
    held = list(wanted.select_for_update(skip_locked=True).values_list("pk", flat=True))
    incidents = with_related(wanted.filter(pk__in=held), "service", "team", "stage", rows=len(held)).in_bulk()
    # Read the runs only now: an acknowledgement may have come between the look and the lock.
    runs = EscalationRun.objects.filter(
        pk__in=[run_id for run_id, _incident_id in due],
        incident__in=list(incidents),
        next_due_at__lte=at,
        set_aside_at=None,
    )
    changes = Changes(at=at, actor=ENGINE, source="engine")
    escalator = Escalator(changes)
    stepped = 0
    for run in with_related(runs, "policy_version", rows=len(held)).order_by("priority", "next_due_at", "id"):
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
