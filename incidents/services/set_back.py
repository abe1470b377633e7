"""After a clock was ahead and has been set back: what waits by it is found, and brought back to the clock that is right.

A host whose clock jumps ahead by hours for a minute puts the next steps of what it works on hours ahead, and writes its entries there. The
entries are the sign: the ledger has an index by instant, and what it holds of the time to come is nothing on any other day.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, QuerySet, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from audit.models import LedgerEntry
from audit.values import Actor
from escalation_site.kernel.clocks import seconds_off
from escalation_site.kernel.failures import is_passing
from incidents.changes import Changes, lock
from incidents.hours import Hours
from incidents.models import Alarm, Checkpoint, EscalationRun, Incident
from incidents.services.stored_runs import current_runs, run_store
from notifications.services.neglect import CLOCKS_APART
from policies.escalation import Phase, RunState, set_back
from policies.services import version_definition

log = structlog.get_logger(__name__)

CODE = "clock_set_back"
"""The alarm's."""
CONFIRMED_AFTER = timedelta(seconds=45)
"""So long an alarm stands before somebody is told of it: what is gone by the next look was a start or a restart. And so long this one
stands before anything is brought back: a clock that was merely behind for a moment, as after a start, is right again by then."""
BROUGHT_BACK = "escalation.bring_back"
_TOGETHER = 200


def furthest_entry(*, at: datetime) -> datetime | None:
    """The last instant of an entry, where that is still to come by more than two clocks may be apart; None on any other day.

    None too on a host whose own clock is off the database's: it must not judge. One look-up at the end of an index, on PostgreSQL two.
    """
    last = LedgerEntry.objects.order_by("-at", "-id").values_list("at", flat=True).first()
    if last is None or last <= at + CLOCKS_APART or abs(seconds_off(at)) > CLOCKS_APART.total_seconds():
        return None
    return last


def runs_ahead(*, at: datetime) -> int:
    """How many escalations wait by a clock that was ahead."""
    return sum(_ahead(several, at=at).count() for several in _concerned(at))


def anything_ahead(*, at: datetime) -> bool:
    """Whether an escalation or a question to people waits by a clock that was ahead."""
    return any(_ahead(several, at=at).exists() or _asked(several, at=at).exists() for several in _concerned(at))


def runs_brought_back(*, since: datetime) -> int:
    """How many were brought back since then."""
    return LedgerEntry.objects.filter(action=BROUGHT_BACK, at__gte=since).count()


def _concerned(at: datetime) -> Iterator[list[int]]:
    """The incidents of which entries lie ahead, in groups."""
    later = LedgerEntry.objects.filter(at__gt=at + CLOCKS_APART, subject__startswith="incident:")
    subjects = later.order_by().values_list("subject", flat=True).distinct()
    numbers = sorted(int(number) for _kind, _colon, number in (one.partition(":") for one in subjects))
    for first in range(0, len(numbers), _TOGETHER):
        yield numbers[first : first + _TOGETHER]


def _ahead(incident_ids: Sequence[int], *, at: datetime) -> QuerySet[EscalationRun]:
    """Their current runs whose last step is recorded at an instant still to come. Instants of a state are texts in UTC."""
    moved = (at + CLOCKS_APART).astimezone(UTC).isoformat()
    runs = EscalationRun.objects.filter(incident__in=incident_ids, superseded=False).exclude(phase=Phase.STOPPED.value)
    return runs.annotate(moved=Cast(KT("state__moved_at"), TextField())).filter(moved__gt=moved)


def runs_bring_back(*, at: datetime) -> int:
    """Let nothing wait longer than if its wait began now (``policies.escalation.set_back``); returns how many escalations that moved.

    Only once the alarm has stood for a while. Each group of incidents is a transaction of its own; of one that raises each is taken alone,
    so that one hinders no other.
    """
    if furthest_entry(at=at) is None or not _confirmed(at):
        return 0
    return sum(_bring_back(several, at=at) for several in _concerned(at))


def _confirmed(at: datetime) -> bool:
    return Alarm.objects.filter(code=CODE, gone_at=None, opened_at__lte=at - CONFIRMED_AFTER).exists()


def _bring_back(incident_ids: list[int], *, at: datetime) -> int:
    try:
        return _brought_back(incident_ids, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("watchdog.bring_back_failed", incidents=incident_ids)
    if len(incident_ids) == 1:
        return 0
    return sum(_bring_back([pk], at=at) for pk in incident_ids)


@transaction.atomic
def _brought_back(incident_ids: list[int], *, at: datetime) -> int:
    waiting = list(_ahead(incident_ids, at=at).values_list("incident_id", flat=True))
    asked = _asked(incident_ids, at=at)
    if not waiting and not asked.exists():
        return 0
    incidents = {incident.pk: incident for incident in lock(incident_ids)}
    changes = Changes(at=at, actor=Actor.system("watchdog"), source="watchdog")
    hours = Hours()
    # Read under the lock: somebody may have acted between the look and the lock, which moves the run and its instants.
    runs = current_runs([incidents[pk] for pk in waiting])
    for run in runs.values():
        _run_back(run, changes, hours)
    for checkpoint in asked:
        _question_back(checkpoint, incidents[checkpoint.incident_id], changes)
    changes.write()
    return len(runs)


def _asked(incident_ids: Sequence[int], *, at: datetime) -> QuerySet[Checkpoint]:
    """Open questions that were put at an instant still to come, and that wait until one beyond it."""
    own = Checkpoint.objects.filter(incident__in=incident_ids, outcome=Checkpoint.Outcome.OPEN)
    return own.filter(created_at__gt=at + CLOCKS_APART, due_at__gt=F("created_at")).order_by("id")


def _run_back(run: EscalationRun, changes: Changes, hours: Hours) -> None:
    incident, state, at = run.incident, RunState.from_json(run.state), changes.at
    if state.moved_at <= at + CLOCKS_APART:
        return
    policy = version_definition(run.policy_version)
    after = set_back(policy, state, at=at, began_at=incident.started_at, calendar=hours.of(policy, incident))
    run_store(run, after)
    run.save(update_fields=["state", "next_due_at"])
    told = _told(state.moved_at - at, state.next_due_at, after.next_due_at)
    changes.ledger(incident, BROUGHT_BACK, object_type="run", object_id=str(run.pk), data=told, actor=changes.actor)
    if state.snoozed_until != after.snoozed_until and incident.snoozed_until is not None:
        changes.set(incident, "incident.snooze_shorten", snoozed_until=after.snoozed_until)
    if state.next_due_at != after.next_due_at:
        changes.timeline(incident, "escalation.bring_back", **told)


def _question_back(checkpoint: Checkpoint, incident: Incident, changes: Changes) -> None:
    """Whoever is asked has as long as they were given, from now on. It was put now, too: by an instant to come it would be brought back at
    each look, with ever less time."""
    before, put = checkpoint.due_at, checkpoint.created_at
    checkpoint.created_at, checkpoint.due_at = changes.at, changes.at + (before - put)
    checkpoint.save(update_fields=["created_at", "due_at"])
    told = _told(put - changes.at, before, checkpoint.due_at)
    changes.ledger(incident, "checkpoint.bring_back", object_type="checkpoint", object_id=str(checkpoint.pk), data=told)
    changes.timeline(incident, "checkpoint.bring_back", **told)


def _told(ahead: timedelta, was: datetime | None, until: datetime | None) -> dict[str, Any]:
    """For the record: how far ahead the clock was at least, and when it was to go on by it, and is now."""
    return {
        "ahead_seconds": round(ahead.total_seconds()),
        "was": was.isoformat() if was else None,
        "until": until.isoformat() if until else None,
    }
