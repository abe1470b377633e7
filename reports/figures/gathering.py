"""Reads what the figures of incidents and pages follow from: a constant number of queries, however many are asked for."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import structlog
from django.db.models import Min

from incidents.handovers import CHECKLIST, RATED
from incidents.models import EscalationRun, Incident, Page, Survey, TimelineEvent
from oncall.models import User
from oncall.rota import RotaError
from oncall.rota.clock import zone_named
from policies.calendars.moving import business_span
from policies.calendars.selectors import calendar_value
from policies.models import WorkCalendar
from policies.reading import DefinitionInvalid
from reports.figures.facts import Call, Record, Worked, facts_of, hours_of, page_facts, seconds, shift_of
from reports.models import IncidentFigures, PageFigures

log = structlog.get_logger(__name__)
SECOND = timedelta(seconds=1)
SOURCES = tuple(Incident.Source.values)
DETECTIONS = tuple(Incident.Detection.values)
"""A word's place, from 1, is its number; places are never given to other words."""
_ANSWERS = ("answered_at", "declined_at")
_History = Incident.history.model
_TAKEN = ("incident.acknowledge", "incident.reassign")
_KINDS = (*_TAKEN, "incident.team", "incident.reopen", "incident.brief_read", RATED, "incident.undo")


@dataclass(slots=True)
class _Around:
    """What hangs on one incident."""

    rungs: list[datetime] = field(default_factory=list)
    lines: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    marks: list[int] = field(default_factory=list)
    passed_on: int = 0
    last_handed: int = 0
    whole: list[bool] = field(default_factory=list)
    first: tuple[datetime, int] | None = None
    policy: int = 0


def figures_gather(ids: Collection[int], *, at: datetime) -> tuple[list[IncidentFigures], list[PageFigures]]:
    """The figures of these incidents and of their pages as they are at ``at``, not stored. Incidents that are gone have none."""
    incidents = list(Incident.objects.filter(pk__in=ids).order_by("pk"))
    around = _around([incident.pk for incident in incidents])
    before = _before(incidents)
    worked = working_time({incident.service_id for incident in incidents})
    figures = [
        _figures(incident, around[incident.pk], before.get(incident.pk), worked[incident.service_id], at)
        for incident in incidents
    ]
    return figures, _pages(incidents, around)


def _around(ids: Sequence[int]) -> Mapping[int, _Around]:
    found: dict[int, _Around] = defaultdict(_Around)
    rungs = Page.objects.filter(incident__in=ids).order_by().values_list("incident", "cycle", "level")
    for incident, _cycle, _level, first in rungs.annotate(first=Min("created_at")).order_by("first", "cycle", "level"):
        found[incident].rungs.append(first)
    lines = TimelineEvent.objects.filter(incident__in=ids, kind__in=_KINDS).order_by("at", "pk")
    for incident, kind, at, data in lines.values_list("incident_id", "kind", "at", "data"):
        found[incident].lines[kind].append(at)
        _handed_on(found[incident], kind, data)
    for incident, score in Survey.objects.filter(incident__in=ids).values_list("incident_id", "score"):
        found[incident].marks.append(score)
    firsts = _History._default_manager.filter(id__in=ids, history_type="+").order_by("history_id")
    for incident, at, severity in firsts.values_list("id", "history_date", "severity"):
        found[incident].first = found[incident].first or (at, severity)
    runs = EscalationRun.objects.filter(incident__in=ids).order_by("pk")
    for incident, policy in runs.values_list("incident_id", "policy_version__policy_id"):
        found[incident].policy = policy
    return found


def _handed_on(around: _Around, kind: str, data: Mapping[str, Any]) -> None:
    """Handovers to another person or team, less those taken back, and what their receivers said."""
    if kind in ("incident.reassign", "incident.team"):
        around.last_handed = int(CHECKLIST in data)
        around.passed_on += around.last_handed
    elif kind == RATED:
        around.whole.append(bool(data.get("complete")))
    elif kind == "incident.undo" and data.get("cause") == "reassign":
        around.passed_on -= around.last_handed
        around.last_handed = 0


def key_of(incident: Incident) -> int | None:
    """What an incident shares with others of the same trouble at the same door: 63 bits of a digest; None without a key."""
    if incident.integration_id is None or not incident.dedup_key:
        return None
    digest = blake2b(f"{incident.integration_id}:{incident.dedup_key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _before(incidents: Iterable[Incident]) -> dict[int, datetime]:
    """By incident, the last resolution before it began of an incident with its key."""
    keyed = {incident.pk: (key_of(incident), incident) for incident in incidents}
    wanted = {key for key, _incident in keyed.values() if key is not None}
    known: dict[int, dict[int, tuple[datetime, datetime | None]]] = defaultdict(dict)
    stored = IncidentFigures.objects.filter(key__in=wanted).values_list("key", "pk", "started_at", "resolved_at")
    for key, pk, started, resolved in stored if wanted else ():
        if key is not None:
            known[key][pk] = (started, resolved)
    for pk, (key, incident) in keyed.items():
        if key is not None:
            known[key][pk] = (incident.started_at, incident.resolved_at)
    found = {}
    for pk, (key, incident) in keyed.items():
        others = known[key].items() if key is not None else ()
        ends = [end for other, (_start, end) in others if other != pk and end and end <= incident.started_at]
        if ends:
            found[pk] = max(ends)
    return found


def working_time(services: Collection[int]) -> Mapping[int, Worked]:
    """By service, how working time is measured: by its own calendar or the default one; around the clock without. One query, and a
    second one where there are calendars at all."""
    rows = list(WorkCalendar.objects.all())
    if not rows:
        return dict.fromkeys(services, seconds)
    spans = {row.pk: _worked(row) for row in rows}
    house = next((spans[row.pk] for row in rows if row.is_default), seconds)
    own = dict(WorkCalendar.objects.filter(services__in=services).values_list("services", "pk"))
    return {service: spans[own[service]] if service in own else house for service in services}


def _worked(row: WorkCalendar) -> Worked:
    try:
        span = business_span(calendar_value(row))
    except (DefinitionInvalid, RotaError) as error:
        # A row written past the services: figures must go on.
        log.warning("business_hours.unreadable", calendar=row.slug, error=str(error))
        return seconds
    return lambda start, end: int(span(start, end) // SECOND)


def _figures(
    incident: Incident, around: _Around, before_at: datetime | None, worked: Worked, at: datetime
) -> IncidentFigures:
    known_at, first_severity = around.first or (incident.started_at, incident.severity)
    key = key_of(incident)
    record = Record(
        started_at=incident.started_at,
        known_at=known_at,
        severity=incident.severity,
        first_severity=first_severity,
        monitored=incident.source == Incident.Source.MONITORING,
        keyed=key is not None,
        acknowledged_at=incident.acknowledged_at,
        mitigated_at=incident.mitigated_at,
        resolved_at=incident.resolved_at,
        by_person=incident.resolved_by_id is not None,
        exhausted=incident.exhausted_at is not None,
        sla_due_at=incident.sla_due_at,
        before_at=before_at,
        rungs=around.rungs,
        taken=[moment for kind in _TAKEN for moment in around.lines[kind]],
        handed=around.lines["incident.reassign"],
        passed_on=around.passed_on > 0,
        whole=around.whole,
        moved=around.lines["incident.team"],
        read=around.lines["incident.brief_read"],
        reopened=len(around.lines["incident.reopen"]),
        marks=around.marks,
    )
    return IncidentFigures(
        incident_id=incident.pk,
        started_at=incident.started_at,
        day=incident.started_at.astimezone(UTC).date(),
        counted=not incident.is_test and incident.merged_into_id is None,
        restricted=incident.restricted,
        team=incident.team_id,
        service=incident.service_id,
        policy=around.policy,
        category=incident.category_id or 0,
        customer=incident.customer_id or 0,
        integration=incident.integration_id or 0,
        severity=incident.severity,
        priority=incident.priority or 0,
        source=SOURCES.index(incident.source) + 1,
        detection=DETECTIONS.index(incident.detection) + 1,
        open=incident.resolved_at is None,
        sla_due_at=incident.sla_due_at,
        key=key,
        resolved_at=incident.resolved_at,
        **facts_of(record, at=at, worked=worked),
    )


def _pages(incidents: Sequence[Incident], around: Mapping[int, _Around]) -> list[PageFigures]:
    ringing = {incident.pk for incident in incidents if incident.state == Incident.State.TRIGGERED}
    rows = Page.objects.filter(incident__in=[incident.pk for incident in incidents]).order_by("pk")
    pages = list(rows.values_list("pk", "incident_id", "recipient_id", "state", "created_at", *_ANSWERS))
    people = User.objects.filter(pk__in={person for _pk, _incident, person, *_rest in pages})
    zones = {pk: zone_named(name) for pk, name in people.values_list("pk", "time_zone")} if pages else {}
    found = []
    for pk, incident, person, state, at, answered, declined in pages:
        hours = hours_of(at, zones[person])
        passed = any(rung > at for rung in around[incident].rungs)
        call = Call(at, state, answered, declined is not None, passed, incident in ringing)
        found.append(
            PageFigures(
                page_id=pk,
                incident_id=incident,
                person_id=person,
                at=at,
                day=at.astimezone(UTC).date(),
                hours=hours,
                shift=shift_of(at, zones[person]),
                **page_facts(call, hours),
            )
        )
    return found
