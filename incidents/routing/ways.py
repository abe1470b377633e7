"""By which kinds of contact method people are paged for an incident: the channel criteria in force, asked once for a batch.

Criteria that cannot be read or that raise keep nobody from being paged: then everybody is told by their own methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import Error

from incidents.models import Incident
from incidents.routing.gathering import Subject, facts_gather
from policies.books import CHANNELS, Reading, book_read
from policies.channels import ChannelCriteria, ChannelsDef, Choice
from policies.conditions import trace_dump

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ways:
    """What the criteria say of one incident: the version of the book and the rule that decided, with its trace."""

    version: int
    choice: Choice

    @property
    def use(self) -> tuple[str, ...]:
        return self.choice.use

    def record(self) -> dict[str, Any]:
        """For the page's own record: which kinds, by which rule of which version, and what that saw."""
        rule = self.choice.rule
        return {
            "use": list(rule.use),
            "rule": rule.key,
            "name": rule.name,
            "version": self.version,
            "trace": trace_dump(self.choice.trace),
        }


class _Memory:
    """The criteria compiled last; `book_read` hands out the same value while the same version holds."""

    criteria: ChannelCriteria | None = None

    def compiled(self, definition: ChannelsDef) -> ChannelCriteria:
        if self.criteria is None or self.criteria.definition is not definition:
            self.criteria = ChannelCriteria(definition)
        return self.criteria


_memory = _Memory()


def ways_of(incidents: Iterable[Incident], *, at: datetime) -> Mapping[int, Ways]:
    """What the criteria say of each of these incidents as it is at ``at``, by its number; nothing of those they leave to
    the person. One small query where nobody has written criteria.

    Raises django.db.Error where the database is away or busy.
    """
    try:
        reading = book_read(CHANNELS)
        if not any(rule.enabled for rule in reading.value.rules):
            return {}
        return _chosen({incident.pk: incident for incident in incidents}, reading, at=at)
    except Error:
        raise
    except Exception:
        log.exception("channel_criteria.failed")
        return {}


def _chosen(incidents: Mapping[int, Incident], reading: Reading[ChannelsDef], *, at: datetime) -> dict[int, Ways]:
    criteria = _memory.compiled(reading.value)
    found = facts_gather([Subject(incident) for incident in incidents.values()], criteria.needs, at=at)
    chosen = zip(incidents, map(criteria.choose, found), strict=True)
    return {pk: Ways(reading.number, choice) for pk, choice in chosen if choice is not None}
