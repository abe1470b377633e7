"""The end of a checkpoint: a person's word or, where none came in time, what was said beforehand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from audit.values import Actor
from escalation_site.kernel.composed import Composed
from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.kernel.failures import is_passing
from incidents.changes import Changes, lock_one
from incidents.models import Checkpoint, CheckpointAsk, Incident
from incidents.permissions import require_decider
from incidents.services.checkpoints import (
    RESOLVE,
    SEVERITY,
    START,
    Outcome,
    escalations_start,
    fall_back,
    settle,
    severity_take,
    store,
)
from incidents.services.escalator import Escalator
from incidents.services.lifecycle import resolve
from incidents.services.telling import resolutions_tell
from incidents.services.waiting import messages_call_off
from incidents.services.working import Work, stage, working
from notifications.models import Message
from oncall.models import User
from policies.escalation import SeverityChanged, SlaChanged
from policies.severity import Severity

log = structlog.get_logger(__name__)

ENGINE = Actor.system("engine")
Verdict = Literal["confirm", "decline"]
_ENDS: Mapping[str, str] = {"confirm": Outcome.CONFIRMED, "decline": Outcome.DECLINED}


def checkpoint_decide(
    *,
    checkpoint_id: int,
    verdict: str,
    actor: User,
    at: datetime,
    severity: int | None = None,
    note: str = "",
    source: str = "web",
) -> Checkpoint:
    """Take ``actor``'s word on what waits: "confirm" does it, "decline" leaves it. An acknowledgement decides nothing here.

    ``severity`` is what the person makes of the incident before its escalation begins. Raises NotAllowed for people who were not asked and
    do not answer for the incident, DomainError for a verdict or severity that is none, Conflict naming who decided before.
    """
    if verdict not in _ENDS:
        raise DomainError(_("Choose one of the two answers."), field="verdict")
    if severity is not None and severity not in Severity.values:
        raise DomainError(_("Choose a severity from SEV-1 to SEV-5."), field="severity")
    incident_id = Checkpoint.objects.values_list("incident_id", flat=True).get(pk=checkpoint_id)
    with working(incident_id, actor=actor, at=at, source=source) as work:
        # Read under the incident's lock: of two who decide at once the second sees what the first said.
        checkpoint = Checkpoint.objects.select_related("decided_by").get(pk=checkpoint_id)
        checkpoint.incident = work.incident
        require_decider(actor, checkpoint)
        if checkpoint.outcome != Outcome.OPEN:
            raise Conflict(ended_words(checkpoint))
        settle(checkpoint, _ENDS[verdict], f"checkpoint.{verdict}", changes=work.changes, note=note.strip()[:1000])
        store([checkpoint])
        messages_call_off([checkpoint], reason="decided", changes=work.changes)
        if verdict == "confirm":
            _perform(checkpoint, work, severity)
    return checkpoint


def ended_words(checkpoint: Checkpoint) -> str:
    """Who was first, or what ended it otherwise."""
    match checkpoint.outcome:
        case Outcome.TIMED_OUT:
            return _("The time for it is over.")
        case Outcome.WITHDRAWN:
            return _("It need not be decided any more.")
        case _:
            name = checkpoint.decided_by.name if checkpoint.decided_by else _("Somebody")
            return _("%(name)s has decided it already.") % {"name": name}


def _perform(checkpoint: Checkpoint, work: Work, severity: int | None) -> None:
    """Do what waited, as a person confirmed it."""
    incident, changes = work.incident, work.changes
    match checkpoint.action:
        case str(action) if action == START:
            if severity is not None and severity != incident.severity:
                severity_take(incident, severity, changes=changes, text=checkpoint.note)
            escalations_start([checkpoint], escalator=work.escalator)
        case str(action) if action == RESOLVE and incident.is_open:
            resolve(incident, work.run, work.escalator, resolved=stage("resolved"), resolution=checkpoint.note)
            resolutions_tell([incident], changes=changes)
        case str(action) if action == SEVERITY and incident.is_open:
            wanted = checkpoint.data["severity"]
            if wanted != incident.severity:
                severity_take(incident, wanted, changes=changes, text=checkpoint.note)
                work.event(SlaChanged(changes.at, incident.sla_due_at))
                work.event(SeverityChanged(changes.at, wanted))


def due(*, at: Any) -> QuerySet[Checkpoint]:
    """Open checkpoints whose time is up, and those of which nobody who was asked can be reached any more."""
    hopeful = CheckpointAsk.objects.filter(checkpoint=OuterRef("pk")).exclude(message__state=Message.State.FAILED)
    return Checkpoint.objects.filter(Q(due_at__lte=at) | ~Exists(hopeful), outcome=Outcome.OPEN)


_due_now = Composed(
    lambda at: due(at=at).order_by("due_at", "id").values_list("pk", "incident_id"),
    limited=True,
)


def checkpoints_expire(*, at: datetime, limit: int = 200) -> int:
    """Let the fallback happen of what nobody decided in time; returns how many ended.

    A batch that raises is undone and taken one by one; a checkpoint whose fallback raises is ended with its error shown, so that the
    watchdog finds an incident that is left without a next step. Raises django.db.Error where the database is at fault.
    """
    waiting = _due_now(at=at, limit=limit)
    if not waiting:
        return 0
    try:
        return _expire(waiting, at=at)
    except Exception:
        log.exception("engine.checkpoints_failed", checkpoints=len(waiting))
    return sum(_expire_one(pk, incident_id, at=at) for pk, incident_id in waiting)


@transaction.atomic
def _expire(waiting: list[tuple[int, int]], *, at: datetime) -> int:
    """What another engine or a person holds is left for the next turn."""
    wanted = Incident.objects.filter(pk__in=[incident_id for _pk, incident_id in waiting]).order_by("pk")
    held = list(wanted.select_for_update(skip_locked=True).values_list("pk", flat=True))
    incidents = wanted.filter(pk__in=held).select_related("service", "team", "stage").in_bulk()
    # Read again under the lock: somebody may have decided between the look and the lock.
    found = list(due(at=at).filter(pk__in=[pk for pk, _incident_id in waiting], incident__in=held).order_by("pk"))
    for checkpoint in found:
        checkpoint.incident = incidents[checkpoint.incident_id]
    changes = Changes(at=at, actor=ENGINE, source="engine")
    escalator = Escalator(changes)
    fall_back([one for one in found if one.due_at <= at], escalator=escalator)
    fall_back([one for one in found if one.due_at > at], escalator=escalator, unheard=True)
    escalator.settle()
    changes.write()
    return len(found)


def _expire_one(pk: int, incident_id: int, *, at: datetime) -> int:
    try:
        return _expire([(pk, incident_id)], at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("engine.checkpoint_set_aside", checkpoint=pk)
        _set_aside(pk, incident_id, error=error, at=at)
        return 1


@transaction.atomic
def _set_aside(pk: int, incident_id: int, *, error: Exception, at: datetime) -> None:
    """End it without doing anything, and say why: the next turn must not meet it again."""
    incident = lock_one(incident_id)
    checkpoint = Checkpoint.objects.get(pk=pk)
    if checkpoint.outcome != Outcome.OPEN:
        return
    checkpoint.incident = incident
    reason = f"{type(error).__name__}: {error}"[:1000].replace("\x00", "")
    changes = Changes(at=at, actor=ENGINE, source="engine")
    settle(checkpoint, Outcome.TIMED_OUT, "checkpoint.set_aside", changes=changes, note=reason)
    store([checkpoint])
    changes.write()
