"""A glance at the database: is there anything to do, and when is there next?

What an idle engine asks five times a second, as one statement of text: the parts of a turn would each ask for themselves and pay for
composing their query, and the server for planning it (measured on PostgreSQL: ten queries and 1.7 % of a core for an hour in which nothing
happens). There it is a prepared statement, which is planned once; NOTIFY would save the looks, but takes one lock of the whole database at
each commit, so that a storm at the door would pay for a quiet night.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, connection
from psycopg import Cursor, errors

from escalation_site.kernel.instants import instant_stored
from notifications.statements import NEXT_DUE

log = structlog.get_logger(__name__)

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
        return self.reports or self.signals or self.checkpoint_at is not None or self.runs_due(at=at) or self._sends(at)

    def runs_due(self, *, at: datetime) -> bool:
        return self.run_at is not None and self.run_at <= at

    def _sends(self, at: datetime) -> bool:
        return self.delivery_at is not None and self.delivery_at <= at


# What the server answers where it does not know a statement by the name that another connection gave it.
_NOT_KEPT = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)


class Look:
    """Called, it gives a ``Glance`` at the price of one statement, which does not grow with what is open.

    PostgreSQL keeps the statement for as long as the connection lives. Behind a pooler that gives each transaction another connection it
    does not: the first time that it is missing is told, and from then on each look is planned anew.
    """

    def __init__(self) -> None:
        self._kept = True

    def __call__(self) -> Glance:
        run_at, checkpoint_at, reports, signals, delivery_at = self._row()
        return Glance(
            run_at=instant_stored(run_at),
            checkpoint_at=instant_stored(checkpoint_at),
            delivery_at=instant_stored(delivery_at),
            reports=bool(reports),
            signals=bool(signals),
        )

    def _row(self) -> Any:
        if self._kept and connection.vendor == "postgresql":
            try:
                return _row_prepared()
            except DatabaseError as error:
                if not isinstance(error.__cause__, _NOT_KEPT):
                    raise
                self._kept = False
                log.warning("engine.statement_not_kept", reason=str(error).strip())
        with connection.cursor() as cursor:
            cursor.execute(_GLANCE)
            return cursor.fetchone()


def _row_prepared() -> Any:
    """Django's own cursors send the text each time, and the server plans it each time. That this connection may prepare changes nothing
    for them."""
    connection.ensure_connection()
    connection.connection.prepare_threshold = 1  # Django's setting forbids even what is asked for.
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        return cursor.execute(_GLANCE, prepare=True).fetchone()


glance = Look()
