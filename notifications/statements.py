"""The statements of the path every page takes, as text.

Django spends 2 ms of CPU on composing one conditional UPDATE and a page takes four of them (measured: 8 ms of CPU per
page so, 1.1 ms with these), which is what bounds a storm. All of them compare the row with what was read and say how
many rows they changed: 0 means that somebody else was there first. They run unchanged on SQLite and PostgreSQL.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

# MATERIALIZED: the choice is made once, whatever plan is taken for the update.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM notifications_delivery
    WHERE state = 'queued' AND channel = %s AND next_attempt_at <= %s
    ORDER BY priority, next_attempt_at, id LIMIT %s /* lock */
)
UPDATE notifications_delivery
SET state = 'sending', claimed_by = %s, lease_until = %s, attempts_made = attempts_made + 1
WHERE id IN (SELECT id FROM due)
RETURNING id
"""
_CLAIM_LOCKING = _CLAIM.replace("/* lock */", "FOR UPDATE SKIP LOCKED")

_ANYTHING_DUE = "SELECT 1 FROM notifications_delivery WHERE state = 'queued' AND next_attempt_at <= %s LIMIT 1"

# delivery, number → handed over, unless cancelled or finished by somebody else.
HAND_OVER = """
UPDATE notifications_attempt SET handed_over_at = %s
WHERE delivery_id = %s AND number = %s AND handed_over_at IS NULL AND finished_at IS NULL
AND EXISTS (SELECT 1 FROM notifications_message WHERE id = %s AND state = 'pending' AND cancel_reason = '')
"""

FINISH_ATTEMPT = """
UPDATE notifications_attempt SET finished_at = %s, outcome = %s, detail = %s, provider_ref = %s
WHERE delivery_id = %s AND number = %s AND finished_at IS NULL
"""

# The same for an attempt taken for dead before its hand-over: void when it hands over at this very moment.
FINISH_INTERRUPTED = FINISH_ATTEMPT.rstrip() + " AND handed_over_at IS NULL\n"

SETTLE_MESSAGE = """
UPDATE notifications_message SET state = %s, state_reason = %s, settled_at = %s, report_due_at = %s
WHERE id = %s AND state = 'pending'
"""

# The same for an end that a cancellation would change: void when one was asked for meanwhile.
SETTLE_MESSAGE_UNLESS_ASKED = SETTLE_MESSAGE.rstrip() + " AND cancel_reason = %s\n"

SETTLE_DELIVERY = """
UPDATE notifications_delivery SET state = %s, reason = %s, settled_at = %s, lease_until = NULL
WHERE id = %s AND state = 'sending' AND attempts_made = %s
"""

QUEUE_AGAIN = """
UPDATE notifications_delivery
SET state = 'queued', reason = %s, next_attempt_at = %s, lease_until = NULL, claimed_by = ''
WHERE id = %s AND state = 'sending' AND attempts_made = %s
"""

# Added by the recovery: void when the lease was renewed meanwhile.
LEASE_AS_READ = " AND lease_until = %s"


def rows_changed(statement: str, parameters: Sequence[Any]) -> int:
    """Execute ``statement``; returns how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, _adapted(parameters))
        return int(cursor.rowcount)


def anything_due(*, at: datetime) -> bool:
    """Whether a delivery is due on any channel: what an idle engine asks five times a second."""
    with connection.cursor() as cursor:
        cursor.execute(_ANYTHING_DUE, _adapted([at]))
        return cursor.fetchone() is not None


def ids_claimed(*, channel: str, at: datetime, limit: int, worker: str, lease_until: datetime) -> list[int]:
    """Take the most urgent due deliveries; returns their ids, in no order."""
    locking = connection.features.has_select_for_update_skip_locked
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_LOCKING if locking else _CLAIM, _adapted([channel, at, limit, worker, lease_until]))
        return [row[0] for row in cursor.fetchall()]


def _adapted(parameters: Sequence[Any]) -> list[Any]:
    """SQLite keeps instants as text of its own form."""
    adapt = connection.ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value, datetime) else value for value in parameters]
