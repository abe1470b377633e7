"""A glance at the database: is there anything to do, and when is there next?

What an idle engine asks again and again, as one statement of text: the parts of a turn would each ask for themselves and pay for
composing their query, and the server for planning it (measured on PostgreSQL: ten queries and 1.7 % of a core for an hour in which nothing
happens). There it is a prepared statement, which is planned once.
"""

from dataclasses import dataclass
from datetime import datetime

from escalation_site.kernel.instants import instant_stored
from escalation_site.kernel.prepared import Prepared
from notifications.statements import NEXT_DUE

# One value for each part of a turn, from the beginning of its partial index. Constants are written out: SQLite uses such an index
# only where the query says what the index says.
_GLANCE = f"""
SELECT
    (SELECT MIN(next_due_at) FROM incidents_escalationrun
     WHERE next_due_at IS NOT NULL AND set_aside_at IS NULL AND NOT superseded),
    (SELECT MIN(due_at) FROM incidents_checkpoint WHERE outcome = ''),
    EXISTS (SELECT 1 FROM incidents_pagereport WHERE processed_at IS NULL),
    EXISTS (SELECT 1 FROM incidents_inboxsignal WHERE processed_at IS NULL AND set_aside_at IS NULL),
    ({NEXT_DUE.strip()})
"""  # noqa: S608  our own words


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
        return (
            self.reports or self.signals or self.checkpoint_at is not None or self.runs_due(at=at) or self.sends(at=at)
        )

    def runs_due(self, *, at: datetime) -> bool:
        return self.run_at is not None and self.run_at <= at

    def sends(self, *, at: datetime) -> bool:
        """Whether a message is due, or a lease or an outcome that nobody was told of."""
        return self.delivery_at is not None and self.delivery_at <= at


class Look:
    """Called, it gives a ``Glance`` at the price of one statement, which does not grow with what is open."""

    def __init__(self) -> None:
        self._row = Prepared(_GLANCE)

    def __call__(self) -> Glance:
        run_at, checkpoint_at, reports, signals, delivery_at = self._row()
        return Glance(
            run_at=instant_stored(run_at),
            checkpoint_at=instant_stored(checkpoint_at),
            delivery_at=instant_stored(delivery_at),
            reports=bool(reports),
            signals=bool(signals),
        )


glance = Look()
