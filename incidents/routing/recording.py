"""What the rules decided, kept with the incident: the row with its reasons, a timeline line, a ledger entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from escalation_site.kernel.rows import rows_insert
from incidents.changes import Changes
from incidents.models import RoutingDecision
from incidents.routing.courses import Course
from incidents.routing.routes import Routed
from policies.conditions import Facts
from policies.routing import route_dump

MAX_SHOWN = 500
"""Characters of a text that are kept; the incident has all of it."""


def decisions_record(courses: Sequence[Course], *, changes: Changes) -> None:
    """Keep what was decided for incidents that were just stored: one INSERT. Nothing where there are no rules."""
    opened = RoutingDecision.Cause.OPENED
    rows = [decision_row(one.routed, changes=changes, cause=opened, more=_outcome(one)) for one in courses]
    rows_insert([row for row in rows if row is not None])
    for course in courses:
        decision_enter(course.routed, changes=changes)
        for note in course.notes:
            changes.timeline(course.incident, note.kind, **note.data)
            changes.ledger(course.incident, note.kind, data=note.data)


def _outcome(course: Course) -> dict[str, Any]:
    until = course.incident.snoozed_until if course.suppress_seconds is not None else None
    return {
        "start": course.start_dump(),
        "pages_nobody": course.pages_nobody,
        "suppressed_until": until.isoformat() if until else None,
    }


def decision_row(routed: Routed, *, changes: Changes, cause: str, more: dict[str, Any]) -> RoutingDecision | None:
    """The row, not stored: the route with its reasons, the facts that the rules asked for, and `more`. None without rules."""
    if routed.trace is None or routed.facts is None or routed.version_id is None:
        return None
    return RoutingDecision(
        incident=routed.incident,
        at=changes.at,
        cause=cause,
        book_version_id=routed.version_id,
        decision={**route_dump(routed.trace), "facts": facts_dump(routed.facts), **more},
    )


def facts_dump(facts: Facts) -> dict[str, Any]:
    """What the rules saw, as JSON: long texts cut, a history as the number of times."""
    return {name: _shown(value) for name, value in facts.given.items()}


def _shown(value: object) -> Any:
    if isinstance(value, list):
        return len(value) if all(isinstance(item, float) for item in value) else value[:MAX_SHOWN]
    if isinstance(value, str) and len(value) > MAX_SHOWN:
        return f"{value[: MAX_SHOWN - 1]}…"
    return value


def decision_enter(routed: Routed, *, changes: Changes) -> None:
    """Say which rules decided. That none of them did was decided too, by that version: the ledger has it, the timeline would only
    be longer by it. Nothing where there are no rules."""
    if routed.trace is None:
        return
    if routed.route.rules:
        names = {rule.key: rule.name for rule in routed.definition.rules}
        changes.timeline(
            routed.incident,
            "routing.decide",
            rules=[names[key] for key in routed.route.rules],
            version=routed.number,
        )
    changes.ledger(
        routed.incident,
        "routing.decide",
        data={
            "version": routed.number,
            "rules": list(routed.route.rules),
            "because": {aspect.value: list(keys) for aspect, keys in routed.route.because.items()},
        },
    )
