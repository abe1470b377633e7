"""A glance at the database: is there anything to do, and when is there next?

What an idle engine asks five times a second, as text: the parts of a turn would each ask for themselves and pay for composing their
query (measured on PostgreSQL: ten queries and 1.7 % of a core for an hour in which nothing happens).
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from escalation_site.kernel.instants import instant_stored
from notifications.selectors import next_due_at as next_delivery_at

# One value for each part of a turn, from the beginning of its partial index. Constants are written out: SQLite uses such an index
# only where the query says what the index says.
_GLANCE = """
SELECT
    (SELECT MIN(next_due_at) FROM incidents_escalationrun
     WHERE next_due_at IS NOT NULL AND set_aside_at IS NULL AND NOT superseded),
    (SELECT MIN(due_at) FROM incidents_checkpoint WHERE outcome = ''),
    EXISTS (SELECT 1 FROM incidents_pagereport WHERE processed_at IS NULL),
    EXISTS (SELECT 1 FROM incidents_inboxsignal WHERE processed_at IS NULL AND set_aside_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Glance:
    """What waits. ``run_at``, ``checkpoint_at`` and ``delivery_at`` are when the first of each is due, None where none waits."""

    run_at: datetime | None
    checkpoint_at: datetime | None
    delivery_at: datetime | None
    reports: bool
    signals: bool

    @property
    def next_at(self) -> datetime | None:
        """When something is due by itself: how long the engine may sleep."""
        known = (self.run_at, self.checkpoint_at, self.delivery_at)
        return min((instant for instant in known if instant is not None), default=None)

    def anything_due(self, *, at: datetime) -> bool:
        """Whether a turn at ``at`` would find something. An open checkpoint ends early where nobody hears of it: it is looked at."""
        return self.reports or self.signals or self.checkpoint_at is not None or self.runs_due(at=at) or self._sends(at)

    def runs_due(self, *, at: datetime) -> bool:
        return self.run_at is not None and self.run_at <= at

    def _sends(self, at: datetime) -> bool:
        return self.delivery_at is not None and self.delivery_at <= at


def glance() -> Glance:
    """Two statements, whose cost does not grow with what is open."""
    with connection.cursor() as cursor:
        cursor.execute(_GLANCE)
        run_at, checkpoint_at, reports, signals = cursor.fetchone()
    return Glance(
        instant_stored(run_at), instant_stored(checkpoint_at), next_delivery_at(), bool(reports), bool(signals)
    )
