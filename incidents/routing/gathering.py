"""The facts of incidents that routing rules ask for: of many at once, and no others.

Where a fact comes from, the first that says something: the incident's own columns; `Incident.facts` (what people said,
and the labels of `labels.WELL_KNOWN` at its opening); for `region` the service; for the customer's facts the customer's row,
for `category` the incident's and what that is part of; for `labels.*` and `custom.*` its alerts (a field of the house's own is
typed on the way); for history the incidents and alerts that were before (`history`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects

from incidents.models import Alert, Category, Customer, Incident
from incidents.routing.history import HISTORIES, histories_of
from incidents.routing.labels import fact_read
from policies.calendars import calendars_by_name
from policies.conditions import BusinessCalendar, Facts, Needs, facts_of
from policies.models import WorkCalendar

_CALENDAR_FACTS = frozenset(("business_hours", "holiday"))
_NO_CALENDARS: Mapping[str, BusinessCalendar] = {}


@dataclass(frozen=True, slots=True)
class Subject:
    """An incident with its service, team and stage. One that is not stored yet comes with what its alert says; of a stored
    one that is looked up where it is asked for."""

    incident: Incident
    labels: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)


def facts_gather(subjects: Sequence[Subject], needs: Needs, *, at: datetime) -> list[Facts]:
    """What `needs` names of each subject at `at`. The severity comes always: "at least" is held against it."""
    subjects = _with_alerts(subjects, needs)
    filed = _filed(subjects, needs)
    wanted = [name for name in needs.facts if name not in HISTORIES]
    past = histories_of([subject.incident for subject in subjects], needs, at=at)
    house = calendars_by_name() if needs.facts & _CALENDAR_FACTS else _NO_CALENDARS
    slugs = _own_calendars(subjects) if house else {}
    found = []
    for subject, ages in zip(subjects, past, strict=True):
        data: dict[str, object] = {"severity": subject.incident.severity, **ages}
        for name in wanted:
            value = _value(subject, name, at)
            if value is None and filed is not None:
                value = filed(subject.incident, name)
            if value is not None:
                data[name] = value
        own = house.get(slugs.get(subject.incident.service.calendar_id or 0, ""))
        calendars = {**house, "": own} if own is not None else house
        found.append(facts_of(data, at=at, zone=settings.TIME_ZONE, calendars=calendars))
    return found


def _with_alerts(subjects: Sequence[Subject], needs: Needs) -> Sequence[Subject]:
    """Stored incidents with their latest alert, where a label or a custom field is asked for: one query."""
    stored = [subject.incident.pk for subject in subjects if not subject.incident._state.adding]
    if not stored or not any(name.startswith(("labels.", "custom.")) for name in needs.facts):
        return subjects
    rows = Alert.objects.filter(incident__in=stored).order_by("pk").values_list("incident", "labels", "details")
    latest = {pk: (labels, details) for pk, labels, details in rows}
    return [
        Subject(subject.incident, *latest[subject.incident.pk]) if subject.incident.pk in latest else subject
        for subject in subjects
    ]


def _filed(subjects: Sequence[Subject], needs: Needs) -> Callable[[Incident, str], object] | None:
    """What the customer and the category of an incident say, where a rule asks for it: a query for each at most."""
    if not needs.facts & FILED:
        return None
    tree: dict[int, tuple[int | None, str]] = {}
    if "category" in needs.facts and any(subject.incident.category_id for subject in subjects):
        tree = {pk: (parent, slug) for pk, parent, slug in Category.objects.values_list("pk", "parent", "slug")}
    if needs.facts & _CUSTOMER.keys():
        prefetch_related_objects([one.incident for one in subjects if one.incident.customer_id], "customer")

    def value(incident: Incident, name: str) -> object:
        if name == "category":
            return _path(incident.category_id, tree)
        says = _CUSTOMER.get(name)
        return says(incident.customer) if says is not None and incident.customer is not None else None

    return value


def _path(pk: int | None, tree: Mapping[int, tuple[int | None, str]]) -> list[str] | None:
    """The slugs of a category and of what it is part of."""
    found: list[str] = []
    while pk is not None and pk in tree and len(found) <= len(tree):
        pk, slug = tree[pk]
        found.append(slug)
    return found or None


def _own_calendars(subjects: Sequence[Subject]) -> dict[int, str]:
    """The calendars that services name, by id: a check that names none means that of the incident's service."""
    ids = {pk for subject in subjects if (pk := subject.incident.service.calendar_id) is not None}
    return dict(WorkCalendar.objects.filter(pk__in=ids).values_list("pk", "slug")) if ids else {}


def _value(subject: Subject, name: str, at: datetime) -> object:
    column = _COLUMNS.get(name)
    if column is not None:
        return column(subject.incident, at)
    said = subject.incident.facts.get(name)
    if said is not None:
        return said
    family, dot, rest = name.partition(".")
    if dot:
        return _member(subject, family, rest)
    return subject.incident.service.region or None if name == "region" else None


def _member(subject: Subject, family: str, rest: str) -> object:
    own = subject.incident.facts.get(family)
    if isinstance(own, Mapping) and rest in own:
        return own[rest]
    if family == "labels":
        return subject.labels.get(rest)
    custom = subject.details.get("custom_details")
    return fact_read(f"{family}.{rest}", custom.get(rest)) if isinstance(custom, Mapping) else None


def _since_state(incident: Incident, at: datetime) -> float:
    began = {
        Incident.State.ACKNOWLEDGED: incident.acknowledged_at,
        Incident.State.RESOLVED: incident.resolved_at,
    }.get(Incident.State(incident.state))
    return max(0.0, (at - (began or incident.started_at)).total_seconds())


_COLUMNS: Mapping[str, Callable[[Incident, datetime], Any]] = {
    "severity": lambda incident, _at: incident.severity,
    "impact": lambda incident, _at: incident.impact,
    "urgency": lambda incident, _at: incident.urgency,
    "priority": lambda incident, _at: incident.priority,
    "service": lambda incident, _at: incident.service.slug,
    "tier": lambda incident, _at: incident.service.tier,
    "revenue_flow": lambda incident, _at: incident.service.revenue_flow,
    "high_risk": lambda incident, _at: incident.service.high_risk,
    "regulated": lambda incident, _at: incident.service.regulated,
    "team": lambda incident, _at: incident.team.slug,
    "environment": lambda incident, _at: incident.environment or None,
    "origin": lambda incident, _at: incident.source,
    "source": lambda incident, _at: incident.integration.slug if incident.integration else None,
    "title": lambda incident, _at: incident.title,
    "description": lambda incident, _at: incident.summary or None,
    "text": lambda incident, _at: f"{incident.title}\n{incident.summary}".strip(),
    "state": lambda incident, _at: incident.state,
    "stage": lambda incident, _at: incident.stage.key,
    "time_in_state": _since_state,
    "age": lambda incident, at: max(0.0, (at - incident.started_at).total_seconds()),
}

_CUSTOMER: Mapping[str, Callable[[Customer], Any]] = {
    "customer": lambda customer: customer.slug,
    "segment": lambda customer: customer.segment,
    "vip": lambda customer: customer.vip,
    "customer_tier": lambda customer: customer.tier,
}
FILED = frozenset(("category", *_CUSTOMER))
"""Facts that the rows chosen at the filing say, where `Incident.facts` says nothing else."""

OWN_COLUMNS = frozenset(_COLUMNS)
"""Facts that an incident's columns and its service say; `Incident.facts` never does."""
