"""From incidents to routes: the rules in force, asked once for a whole batch.

Nothing here may lose an incident: where the rules cannot be read, or raise for one incident, that incident goes the way it
would go without any, and says so (`Routed.error`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import Error, transaction

from escalation_site.kernel.failures import is_passing
from incidents.models import Incident
from incidents.routing.gathering import Subject, facts_gather
from policies.books import ROUTING, Reading, book_read
from policies.conditions import Facts
from policies.routing import Effect, Route, RouteTrace, Routing, RoutingDef

log = structlog.get_logger(__name__)

UNROUTED = Route()
"""Nothing decided: the service's own policy and team, from the first level."""


@dataclass(frozen=True, slots=True)
class Routed:
    """What the rules decided for one incident. Without rules nothing was (`version_id` None).

    `trace` has the traces of the rules that matched. `error` is what went wrong, in the words of the log.
    """

    subject: Subject
    route: Route = UNROUTED
    definition: RoutingDef = RoutingDef()
    version_id: int | None = None
    number: int = 0
    facts: Facts | None = None
    trace: RouteTrace | None = None
    error: str = ""

    @property
    def incident(self) -> Incident:
        return self.subject.incident


class _Memory:
    """The rules compiled last. Compared by identity: `book_read` hands out the same value while the same version holds and
    the house's own facts are the same."""

    routing: Routing | None = None

    def compiled(self, definition: RoutingDef) -> Routing:
        if self.routing is None or self.routing.definition is not definition:
            self.routing = Routing(definition)
        return self.routing


_memory = _Memory()


def routes_of(subjects: Sequence[Subject], *, at: datetime) -> list[Routed]:
    """The route of each of `subjects`, in their order: one small query where there are no rules.

    Raises django.db.Error where the database is away or busy.
    """
    try:
        reading = book_read(ROUTING)
        if reading.version_id is None or _says_nothing(reading.value):
            return [Routed(subject) for subject in subjects]
        routing = _memory.compiled(reading.value)
    except Error:
        raise
    except Exception as error:
        return [Routed(subject, error=_logged(error)) for subject in subjects]
    gathered = _gathered(subjects, routing, at=at)
    return [_routed(subject, facts, routing, reading) for subject, facts in zip(subjects, gathered, strict=True)]


def rules_ask_for(fact: str) -> bool:
    """Whether a rule in force asks for that fact; False where the rules cannot be read."""
    try:
        reading = book_read(ROUTING)
        return reading.version_id is not None and fact in _memory.compiled(reading.value).needs.facts
    except Error:
        raise
    except Exception as error:
        _logged(error)
        return False


def _gathered(subjects: Sequence[Subject], routing: Routing, *, at: datetime) -> Sequence[Facts | str]:
    """The facts of each; where gathering them for all raises, of each by itself, and what went wrong for those that do."""
    try:
        with _undoing():
            return facts_gather(subjects, routing.needs, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        if len(subjects) == 1:
            return [_logged(error)]
    return [one for subject in subjects for one in _gathered([subject], routing, at=at)]


def _undoing() -> AbstractContextManager[Any]:
    """A query that fails must leave the caller's transaction, where there is one, fit for what follows."""
    return transaction.atomic() if transaction.get_connection().in_atomic_block else nullcontext()


def _routed(subject: Subject, facts: Facts | str, routing: Routing, reading: Reading[RoutingDef]) -> Routed:
    if isinstance(facts, str):
        return Routed(subject, version_id=reading.version_id, number=reading.number, error=facts)
    try:
        trace = routing.record(facts)
    except Exception as error:
        return Routed(subject, version_id=reading.version_id, number=reading.number, error=_logged(error))
    return Routed(subject, trace.route, reading.value, reading.version_id, reading.number, facts, trace)


def _logged(error: Exception) -> str:
    """Called while `error` is handled: the log has all of it, the incident one line."""
    log.exception("intake.routing_failed")
    return f"{type(error).__name__}: {error}"[:300]


def _says_nothing(definition: RoutingDef) -> bool:
    return definition.otherwise == Effect() and not any(rule.enabled for rule in definition.rules)
