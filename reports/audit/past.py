"""How an incident, a schedule or a policy was at an instant: from its history, its versions and the ledger.

What no table recorded is said to be unknown, and never filled in from the present.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from escalation_site.ui import moments
from incidents.models import EscalationRun, Incident, TimelineEvent
from incidents.selectors.timeline import actor_words, places_of
from incidents.timeline_words import line_html
from oncall.models import Schedule, ScheduleVersion
from oncall.selectors import Holder, holders_at
from policies.models import EscalationPolicy, PolicyVersion
from reports.audit.paged import Paged, pages_by
from reports.ledger import Difference, written

MOST_LINES = 200
"""Newest lines of the timeline that are shown."""
KINDS: Mapping[str, type[models.Model]] = {
    "incident": Incident,
    "schedule": Schedule,
    "policy": EscalationPolicy,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it was, in words; "" is nothing."""

    name: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class InForce:
    """The version that held at the instant. ``definition`` is what it said, as JSON to read."""

    label: str
    since: datetime
    author: str
    reason: str
    definition: str


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the timeline: when, its sentence, and what a person wrote."""

    at: datetime
    sentence: str
    text: str


@dataclass(frozen=True, slots=True)
class Past:
    """``row`` is the object as it stands now. ``known`` is False where its history begins after ``at``, and ``gone`` says that
    it had been deleted by then. ``recorded_at`` and ``by`` are those of the history's row that holds the fields.
    """

    kind: str
    row: models.Model
    at: datetime
    known: bool
    gone: bool = False
    recorded_at: datetime | None = None
    by: str = ""
    fields: Sequence[Field] = ()
    unrecorded: Sequence[str] = ()
    in_force: InForce | None = None
    on_call: Sequence[tuple[Schedule, Sequence[Holder]]] = ()
    pages: Sequence[Paged] = ()
    lines: Sequence[Said] = ()
    lines_more: bool = False

    @property
    def subject(self) -> str:
        return f"{self.kind}:{self.row.pk}"


def object_found(kind: str, text: str) -> models.Model | None:
    """What people type: "INC-42" or "42" for an incident, the address's word or the name for the others."""
    text = text.strip()
    model = KINDS[kind]
    number = text.upper().removeprefix("INC-")
    if number.isdecimal() and len(number) < 19:
        return model._default_manager.filter(pk=int(number)).first()
    if kind == "incident":
        return None
    named = models.Q(slug__iexact=text) | models.Q(name__iexact=text)
    return model._default_manager.filter(named).first()


def past_of(kind: str, row: models.Model, *, at: datetime) -> Past:
    """``row`` as it was at ``at``: some ten queries."""
    history: Any = row
    states = history.history.filter(history_date__lte=at).select_related("history_user")
    state = states.order_by("-history_date", "-history_id").first()
    if state is None:
        return Past(kind, row, at, known=False)
    common: dict[str, Any] = {
        "recorded_at": state.history_date,
        "by": state.history_user.name if state.history_user else "",
        "fields": _fields(state, at),
        "unrecorded": _unrecorded(row, state),
    }
    if state.history_type == "-":
        return Past(kind, row, at, known=True, gone=True, **common)
    return Past(kind, row, at, known=True, **common, **_READERS[kind](row, state, at))


def differences_of(first: Past, second: Past) -> list[Difference]:
    """The fields that differ between two instants, the version in force and who was on call among them."""
    names = {field.name: field.label for past in (first, second) for field in past.fields}
    sides = [{field.name: field.value for field in past.fields} for past in (first, second)]
    found = [
        Difference(label, sides[0].get(name, ""), sides[1].get(name, ""))
        for name, label in names.items()
        if sides[0].get(name, "") != sides[1].get(name, "")
    ]
    for label, before, after in (
        (_("version in force"), _version_words(first), _version_words(second)),
        (_("on call"), on_call_words(first), on_call_words(second)),
        (_("pages"), _page_words(first), _page_words(second)),
    ):
        if before != after:
            found.append(Difference(label, before, after))
    return found


def _version_words(past: Past) -> str:
    return past.in_force.label if past.in_force else ""


def on_call_words(past: Past) -> str:
    return "\n".join(
        f"{schedule.name}: " + ", ".join(f"{holder.user.name} ({holder.role})" for holder in holders)
        for schedule, holders in past.on_call
    )


def _page_words(past: Past) -> str:
    return "\n".join(page.person for page in past.pages)


def _fields(state: Any, at: datetime) -> list[Field]:
    """Every field that the history has, in the model's order; other rows by the name they had then."""
    found = []
    for field in type(state).instance_type._meta.concrete_fields:
        if field.primary_key or not hasattr(state, field.attname):
            continue
        found.append(Field(field.name, str(field.verbose_name), _value(state, field, at)))
    return found


def _value(state: Any, field: Any, at: datetime) -> str:
    value = getattr(state, field.attname)
    if value is None or value == "":
        return ""
    if field.is_relation:
        return _named_then(field.related_model, value, at)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, datetime):
        return moments.exactly(value)
    return written(value)


def _named_then(model: type[models.Model], key: Any, at: datetime) -> str:
    """What the other row was called at ``at``, where its history goes back that far; else as it is called now."""
    history = getattr(model, "history", None)
    if history is not None:
        then = history.filter(id=key, history_date__lte=at).order_by("-history_date", "-history_id").first()
        if then is not None:
            return str(then.instance)
    now = model._default_manager.filter(pk=key).first()
    return str(now) if now is not None else f"#{key}"


def _unrecorded(row: models.Model, state: Any) -> list[str]:
    """Fields that the history leaves out, by what people call them."""
    return [
        str(field.verbose_name)
        for field in row._meta.concrete_fields
        if not field.primary_key and not hasattr(state, field.attname)
    ]


def _incident(row: Any, state: Any, at: datetime) -> dict[str, Any]:
    run = (
        EscalationRun.objects.filter(incident=row, started_at__lte=at)
        .select_related("policy_version__policy", "policy_version__author")
        .order_by("-started_at", "-id")
        .first()
    )
    events = TimelineEvent.objects.filter(incident=row, at__lte=at).select_related("actor").order_by("-at", "-id")
    newest = list(events[: MOST_LINES + 1])
    return {
        "in_force": _policy_in_force(run.policy_version) if run else None,
        "on_call": _on_call(_schedules_of(run), at) if run else (),
        "pages": pages_by(row.subject, at=at),
        "lines": [_said(event, at) for event in newest[:MOST_LINES]],
        "lines_more": len(newest) > MOST_LINES,
    }


def _said(event: TimelineEvent, at: datetime) -> Said:
    sentence = line_html(event.kind, actor=actor_words(event), data=places_of(event.data, at))
    return Said(event.at, sentence, event.text)


def _schedules_of(run: EscalationRun) -> list[Schedule]:
    """Those that the run's pinned version names, level by level."""
    named: dict[str, None] = {}
    for level in run.policy_version.definition.get("levels", ()):
        for target in level.get("targets", ()):
            if target.get("kind") == "schedule":
                named.setdefault(str(target.get("ref", "")))
    found = {schedule.slug: schedule for schedule in Schedule.objects.filter(slug__in=named)}
    return [found[slug] for slug in named if slug in found]


def _on_call(schedules: Sequence[Schedule], at: datetime) -> list[tuple[Schedule, Sequence[Holder]]]:
    """By the one function that pages are answered by (DESIGN.md §3). What people plan never changes who was on call before."""
    held = holders_at(schedules=schedules, at=at)
    return [(schedule, held[schedule.pk]) for schedule in schedules]


def _schedule(row: Any, state: Any, at: datetime) -> dict[str, Any]:
    version = (
        ScheduleVersion.objects.filter(schedule=row, effective_from__lte=at, created_at__lte=at)
        .select_related("author")
        .order_by("-number")
        .first()
    )
    in_force = version and InForce(
        _("version %(number)d") % {"number": version.number},
        version.effective_from,
        version.author.name if version.author else "",
        version.reason,
        written(version.definition),
    )
    return {"in_force": in_force, "on_call": _on_call([row], at)}


def _policy(row: Any, state: Any, at: datetime) -> dict[str, Any]:
    version = PolicyVersion.objects.select_related("policy", "author").filter(pk=state.current_version_id).first()
    return {"in_force": _policy_in_force(version) if version else None}


def _policy_in_force(version: PolicyVersion) -> InForce:
    return InForce(
        _("%(policy)s, version %(number)d") % {"policy": version.policy.name, "number": version.number},
        version.created_at,
        version.author.name if version.author else "",
        version.reason,
        written(version.definition),
    )


_READERS = {"incident": _incident, "schedule": _schedule, "policy": _policy}
