"""Priority rises as an SLA's time runs down (R305): what the safety net of every minute looks after."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from audit.values import Actor
from escalation_site.kernel.failures import is_passing
from incidents.changes import Changes, lock
from incidents.models import Incident
from incidents.services.terms import PROMISED, read_or_shipped
from policies.books import PRIORITY
from policies.calendars import calendars_of
from policies.definition import Hours
from policies.escalation import BusinessTime, around_the_clock
from policies.priority import PriorityDef, percent_passed, priority_name, raised

log = structlog.get_logger(__name__)

_BATCH = 200


def priorities_raise(*, at: datetime) -> int:
    """Raise the priority of open incidents of whose SLA's time another threshold has passed; returns how many.

    It may come late or twice. A batch that raises is undone and taken one by one, so that one incident never keeps the
    others from rising.
    """
    asked = read_or_shipped(PRIORITY).value
    if not asked.thresholds:
        return 0
    ids = _due_to_rise(asked, at=at)
    return sum(_batch(ids[start : start + _BATCH], asked, at=at) for start in range(0, len(ids), _BATCH))


def _due_to_rise(asked: PriorityDef, *, at: datetime) -> list[int]:
    """By one query over the open incidents that have an SLA and are not at the top yet; those that need one add their
    calendars."""
    running = Incident.objects.open().filter(sla_due_at__isnull=False, priority__gt=1).order_by("pk")
    found = list(running.only("pk", "started_at", "service", "priority", "facts"))
    calendars = _calendars(found)
    return [one.pk for one in found if _rises_to(one, asked, calendars, at=at)[0] < (one.priority or 1)]


def _batch(ids: Sequence[int], asked: PriorityDef, *, at: datetime) -> int:
    try:
        return _raise(ids, asked, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("priorities.failed", incidents=list(ids)[:5])
        return sum(_batch([pk], asked, at=at) for pk in ids) if len(ids) > 1 else 0


@transaction.atomic
def _raise(ids: Sequence[int], asked: PriorityDef, *, at: datetime) -> int:
    changes = Changes(at=at, actor=Actor.system("sla"), source="engine")
    incidents = [one for one in lock(list(ids)) if one.is_open and one.sla_due_at is not None]
    calendars = _calendars(incidents)
    risen = 0
    for incident in incidents:
        after, percent = _rises_to(incident, asked, calendars, at=at)
        before = incident.priority
        if before is None or after >= before:
            # Somebody changed it between the look and the lock.
            continue
        changes.set(incident, "incident.priority", priority=after, data={"percent": percent})
        changes.timeline(
            incident,
            "incident.priority_sla",
            before=priority_name(before),
            after=priority_name(after),
            percent=percent,
        )
        risen += 1
    changes.write()
    return risen


def _rises_to(
    incident: Incident, asked: PriorityDef, calendars: Mapping[int, BusinessTime], *, at: datetime
) -> tuple[int, int]:
    """The priority it is to have by now, and the threshold (percent) that makes it so; 0 when none has passed."""
    promised = _promise(incident)
    seconds, base = promised.get("seconds"), promised.get("priority")
    if not isinstance(seconds, int) or not isinstance(base, int):
        return incident.priority or 1, 0
    moved = calendars.get(incident.service_id, around_the_clock) if _in_hours(promised) else around_the_clock
    percent = percent_passed(asked, started_at=incident.started_at, seconds=seconds, at=at, moved=moved)
    return raised(asked, base, elapsed_percent=percent), percent


def _calendars(incidents: Sequence[Incident]) -> Mapping[int, BusinessTime]:
    services = {one.service_id for one in incidents if _in_hours(_promise(one))}
    return calendars_of(services) if services else {}


def _promise(incident: Incident) -> Mapping[str, Any]:
    promised = incident.facts.get(PROMISED)
    return promised if isinstance(promised, dict) else {}


def _in_hours(promised: Mapping[str, Any]) -> bool:
    return promised.get("hours") == Hours.BUSINESS.value
