"""What was before, as the conditions' history facts count it: one query for incidents, one for repeats of alerts.

Similar incidents are those of the same service and alert rule, those of a subsystem are of the same service too. Tests do
not count. Of a repeat only the last instant is stored, so that all repeats of one alert count at that instant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Q

from incidents.models import Alert, Incident
from policies.conditions import Needs

MAX_ROWS = 20_000
MAX_COUNTED = 1_000
"""The newest rows that are read for a batch, and counted for one incident: no rule that people write needs more."""
_NEW = 0
"""Stands for the id of an incident that is not stored yet."""
HISTORIES = ("service_incidents", "similar_incidents", "component_incidents", "refires")

Ages = dict[str, list[float]]


def histories_of(incidents: Sequence[Incident], needs: Needs, *, at: datetime) -> list[Ages]:
    """The asked-for histories of each incident, as seconds before `at`. An incident never counts itself; those before it
    in `incidents` count as what came before, so that it does not matter which alerts are read together."""
    asked = [name for name in HISTORIES if name in needs.facts]
    found: list[Ages] = [{} for _incident in incidents]
    if any(name != "refires" for name in asked):
        _count_incidents(incidents, found, [name for name in asked if name != "refires"], needs, at=at)
    if "refires" in asked:
        _count_refires(incidents, found, timedelta(seconds=needs.history.get("refires", 0)), at=at)
    return found


def _key(name: str, service_id: int, rule: object, component: object) -> tuple[object, ...] | None:
    """What an incident must share to count; None where that is not known."""
    match name:
        case "service_incidents":
            return (name, service_id)
        case "similar_incidents":
            return (name, service_id, str(rule)) if rule else None
        case _:
            return (name, service_id, str(component).casefold()) if component else None


def _count_incidents(
    incidents: Sequence[Incident], found: list[Ages], asked: Sequence[str], needs: Needs, *, at: datetime
) -> None:
    reach = max((needs.history.get(name, 0) for name in asked), default=0)
    rows = Incident.objects.counted().filter(
        service__in={incident.service_id for incident in incidents}, started_at__gte=at - timedelta(seconds=reach)
    )
    columns = ("pk", "service_id", "started_at", "facts__rule", "facts__component")
    before: defaultdict[tuple[object, ...], list[tuple[int, float]]] = defaultdict(list)
    for pk, service_id, began, rule, component in rows.order_by("-started_at").values_list(*columns)[:MAX_ROWS]:
        age = (at - began).total_seconds()
        for name in asked:
            key = _key(name, service_id, rule, component)
            if key is not None and len(before[key]) < MAX_COUNTED:
                before[key].append((pk, age))
    for incident, ages in zip(incidents, found, strict=True):
        for name in asked:
            key = _key(name, incident.service_id, incident.facts.get("rule"), incident.facts.get("component"))
            if key is None:
                continue
            ages[name] = [age for pk, age in before[key] if age >= 0 and pk != incident.pk]
            if incident._state.adding and not incident.is_test and len(before[key]) < MAX_COUNTED:
                before[key].append((_NEW, (at - incident.started_at).total_seconds()))


def _count_refires(incidents: Sequence[Incident], found: list[Ages], reach: timedelta, *, at: datetime) -> None:
    """The signals of the same alert after its first: earlier firings of its key, and the repeats of each."""
    keys = {(incident.integration_id, incident.dedup_key) for incident in incidents if incident.integration_id}
    earlier: dict[tuple[int | None, str], list[tuple[int, datetime, datetime, int]]] = {}
    if keys:
        services = {incident.service_id for incident in incidents}
        own = [incident.pk for incident in incidents if not incident._state.adding]
        rows = Alert.objects.filter(
            Q(incident__service__in=services, incident__started_at__gte=at - reach) | Q(incident__in=own),
            integration__in={integration for integration, _key in keys},
            dedup_key__in={key for _integration, key in keys},
        )
        columns = ("integration", "dedup_key", "incident", "received_at", "last_received_at", "count")
        for integration, key, *signal in rows.values_list(*columns)[:MAX_ROWS]:
            earlier.setdefault((integration, key), []).append(tuple(signal))
    for incident, ages in zip(incidents, found, strict=True):
        if not incident.integration_id:
            continue
        came = [incident.started_at] * (incident.alert_count - 1) if incident._state.adding else []
        for pk, first, last, count in earlier.get((incident.integration_id, incident.dedup_key), ()):
            came += [last] * (count - 1)
            if pk != incident.pk:
                came.append(first)
        ages["refires"] = _ages(came, at=at)


def _ages(instants: Iterable[datetime], *, at: datetime) -> list[float]:
    ages = (age for instant in instants if (age := (at - instant).total_seconds()) >= 0)
    return list(islice(ages, MAX_COUNTED))
