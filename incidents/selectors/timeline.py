"""The timeline of one incident as lines to draw, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from escalation_site.ui import moments
from incidents.models import Incident, TimelineEvent
from incidents.timeline_words import ALERTS, ESCALATION, PEOPLE, SYSTEM, WORDINGS, line_html
from oncall.models import User

NEWEST = 200
"""How many lines a page shows at most; the ledger has them all."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the sentence, who did it (None: the system) and what they wrote."""

    at: datetime
    icon: str
    sentence: SafeString
    group: str
    person: User | None
    text: str
    is_comment: bool


def events_of(incident: Incident) -> list[TimelineEvent]:
    """The newest events with their people, newest first: one query."""
    return list(TimelineEvent.objects.filter(incident=incident).select_related("actor").order_by("-at", "-id")[:NEWEST])


def lines_of(events: Sequence[TimelineEvent], *, group: str = "", at: datetime) -> list[Line]:
    """Lines for ``events`` in their order; ``group`` keeps only one kind of lines."""
    lines = [_line(event, at) for event in events]
    return [line for line in lines if not group or line.group == group]


def line_counts(events: Sequence[TimelineEvent]) -> dict[str, int]:
    """How many lines each filter of the timeline has."""
    counts = dict.fromkeys(("", PEOPLE, ESCALATION, ALERTS, SYSTEM), 0)
    for event in events:
        counts[""] += 1
        counts[_group(event.kind)] += 1
    return counts


def _group(kind: str) -> str:
    wording = WORDINGS.get(kind)
    return wording.group if wording else SYSTEM


def _line(event: TimelineEvent, at: datetime) -> Line:
    wording = WORDINGS.get(event.kind)
    return Line(
        at=event.at,
        icon=wording.icon if wording else "circle",
        sentence=line_html(event.kind, actor=actor_words(event), data=places_of(event.data, at)),
        group=_group(event.kind),
        person=event.actor,
        text=event.text,
        is_comment=event.kind == "incident.comment",
    )


def actor_words(event: TimelineEvent) -> str:
    """Who did it in words: a person, the monitor that said so, or the part of the system."""
    if event.actor is not None:
        return event.actor.name
    if event.data.get("source") in ("alert", "monitoring"):
        return str(event.data.get("name") or _("monitoring"))
    return _("the engine")


def places_of(data: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A line's data with instants written for the reader."""
    until = parse_datetime(str(data.get("until", ""))) if data.get("until") else None
    if until is None:
        return data
    return {**data, "until": moments.written(until, "short", at=at, zone=get_current_timezone())}
