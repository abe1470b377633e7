"""The statements of the path every page takes, as text.

Django spends 2 ms of CPU on composing one conditional UPDATE and a page takes four of them (measured: 8 ms of CPU per
page so, 1.1 ms with these), which is what bounds a storm. All of them compare the row with what was read and say how
many rows they changed: 0 means that somebody else was there first. They run unchanged on SQLite and PostgreSQL.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from escalation_site.kernel.instants import instant_stored

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

_CHANNEL_DUE = """
SELECT CAST(%s AS text) WHERE EXISTS (
    SELECT 1 FROM notifications_delivery WHERE state = 'queued' AND channel = %s AND next_attempt_at <= %s
)
"""

# From the beginning or the end of three partial indexes. What waits beyond its bound was written by a clock that was ahead.
_NEGLECTED = """
SELECT
    EXISTS (SELECT 1 FROM notifications_delivery WHERE state = 'sending' AND lease_until < %s),
    EXISTS (SELECT 1 FROM notifications_message WHERE report_due_at IS NOT NULL AND report_due_at <= %s),
    EXISTS (SELECT 1 FROM notifications_delivery WHERE state = 'queued' AND next_attempt_at > %s)
        OR EXISTS (SELECT 1 FROM notifications_delivery WHERE state = 'sending' AND lease_until > %s)
        OR EXISTS (SELECT 1 FROM notifications_message WHERE report_due_at IS NOT NULL AND report_due_at > %s)
"""

SHORTEN_WAITS = "UPDATE notifications_delivery SET next_attempt_at = %s WHERE state = 'queued' AND next_attempt_at > %s"
SHORTEN_LEASES = "UPDATE notifications_delivery SET lease_until = %s WHERE state = 'sending' AND lease_until > %s"
SHORTEN_REPORTS = """
UPDATE notifications_message SET report_due_at = %s WHERE report_due_at IS NOT NULL AND report_due_at > %s
"""

# The earliest instant at which the sender has something to do: three index look-ups.
NEXT_DUE = """
SELECT MIN(instant) FROM (
    SELECT MIN(next_attempt_at) AS instant FROM notifications_delivery WHERE state = 'queued'
    UNION ALL SELECT MIN(lease_until) FROM notifications_delivery WHERE state = 'sending'
    UNION ALL SELECT MIN(report_due_at) FROM notifications_message WHERE report_due_at IS NOT NULL
) AS waiting
"""

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

# For many at once. Rows are locked in the order of their ids, so that two that want the same never wait for each other.
# Each returns the ids it changed: fewer than were named means that somebody else was there first.
_MESSAGES_SENT = """
WITH held AS MATERIALIZED (
    SELECT id FROM notifications_message WHERE id IN (/* ids */) AND state = 'pending' ORDER BY id /* lock */
)
UPDATE notifications_message SET state = 'delivered', state_reason = '', settled_at = %s
WHERE id IN (SELECT id FROM held)
RETURNING id
"""

_DELIVERIES_SENT = """
WITH held AS MATERIALIZED (
    SELECT id FROM notifications_delivery
    WHERE id IN (/* ids */) AND state = 'sending' AND attempts_made = %s ORDER BY id /* lock */
)
UPDATE notifications_delivery SET state = 'delivered', reason = '', settled_at = %s, lease_until = NULL
WHERE id IN (SELECT id FROM held)
RETURNING id
"""

_ATTEMPTS_SENT = """
WITH answered (delivery_id, detail, provider_ref) AS (VALUES /* rows */)
UPDATE notifications_attempt
SET finished_at = %s, outcome = 'sent', detail = answered.detail, provider_ref = answered.provider_ref
FROM answered
WHERE notifications_attempt.delivery_id = answered.delivery_id AND number = %s AND finished_at IS NULL
RETURNING notifications_attempt.delivery_id
"""

# Only where nobody asked to cancel: such a message ends, and is not queued again.
_MESSAGES_HELD = """
SELECT id FROM notifications_message
WHERE id IN (/* ids */) AND state = 'pending' AND cancel_reason = '' ORDER BY id /* lock */
"""

_DELIVERIES_BACK = """
WITH held AS MATERIALIZED (
    SELECT id FROM notifications_delivery
    WHERE message_id IN (/* ids */) AND state = 'sending' AND claimed_by = %s AND attempts_made = %s
    ORDER BY id /* lock */
)
UPDATE notifications_delivery
SET state = 'queued', claimed_by = '', lease_until = NULL, attempts_made = attempts_made - 1
WHERE id IN (SELECT id FROM held)
RETURNING id
"""

_ATTEMPTS_BACK = """
DELETE FROM notifications_attempt
WHERE delivery_id IN (/* ids */) AND number = %s AND handed_over_at IS NULL AND finished_at IS NULL
RETURNING delivery_id
"""

_MORE_URGENT = """
SELECT 1 FROM notifications_delivery
WHERE state = 'queued' AND channel = %s AND priority < %s AND next_attempt_at <= %s LIMIT 1
"""

# Added by the recovery: void when the lease was renewed meanwhile.
LEASE_AS_READ = " AND lease_until = %s"


def rows_changed(statement: str, parameters: Sequence[Any]) -> int:
    """Execute ``statement``; returns how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, _adapted(parameters))
        return int(cursor.rowcount)


def channels_due(kinds: Sequence[str], *, at: datetime) -> set[str]:
    """Those of these channels on which a delivery is due. A look disturbs nobody; on SQLite a claim, though it finds nothing, is a
    writer's turn."""
    if not kinds:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join([_CHANNEL_DUE] * len(kinds)),
            _adapted([value for kind in kinds for value in (kind, kind, at)]),
        )
        return {row[0] for row in cursor.fetchall()}


class Neglected(NamedTuple):
    """What nobody looks after: leases that ran out, outcomes to be told again, and waits that are longer than any may be."""

    leases: bool
    reports: bool
    waits: bool


def neglected(*, at: datetime, wait_until: datetime, lease_until: datetime, report_until: datetime) -> Neglected:
    """Whether there is any of it at ``at``: one statement for what is nearly always nothing. The other instants are the furthest that a
    wait, a lease and a report may lead to."""
    with connection.cursor() as cursor:
        cursor.execute(_NEGLECTED, _adapted([at, at, wait_until, lease_until, report_until]))
        return Neglected(*map(bool, cursor.fetchone()))


def next_due_at() -> datetime | None:
    """The earliest instant at which the sender has something to do, None when nothing waits. Three index look-ups."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_DUE)
        return instant_stored(cursor.fetchone()[0])


def more_urgent_due(*, channel: str, than: int, at: datetime) -> bool:
    """Whether something due on ``channel`` should go before what has the priority ``than``."""
    with connection.cursor() as cursor:
        cursor.execute(_MORE_URGENT, _adapted([channel, than, at]))
        return cursor.fetchone() is not None


def messages_sent(message_ids: Sequence[int], *, at: datetime) -> int:
    """Settle these as delivered; returns how many were still pending."""
    return len(_ids_of(_MESSAGES_SENT, message_ids, [at]))


def deliveries_sent(delivery_ids: Sequence[int], *, number: int, at: datetime) -> int:
    """Settle these as delivered by attempt ``number``; returns how many were still at it."""
    return len(_ids_of(_DELIVERIES_SENT, delivery_ids, [number, at]))


def attempts_sent(answers: Sequence[tuple[int, str, str]], *, number: int, at: datetime) -> int:
    """Finish attempt ``number`` of each (delivery, detail, provider's reference); returns how many were not finished."""
    rows = ", ".join(["(%s, %s, %s)"] * len(answers))
    values = [value for answer in answers for value in answer]
    with connection.cursor() as cursor:
        cursor.execute(_ATTEMPTS_SENT.replace("/* rows */", rows), [*values, *_adapted([at, number])])
        return len(cursor.fetchall())


def messages_held(message_ids: Sequence[int]) -> list[int]:
    """Lock those of these that are pending and that nobody asked to cancel; returns their ids."""
    return _ids_of(_MESSAGES_HELD, message_ids, [])


def deliveries_back(message_ids: Sequence[int], *, number: int, worker: str) -> list[int]:
    """Queue again what ``worker`` has of these messages and has not begun, as if it had never been claimed; their ids."""
    return _ids_of(_DELIVERIES_BACK, message_ids, [worker, number])


def attempts_back(delivery_ids: Sequence[int], *, number: int) -> int:
    """Forget attempts that no call was made for; returns how many those were."""
    return len(_ids_of(_ATTEMPTS_BACK, delivery_ids, [number]))


def _ids_of(statement: str, ids: Sequence[int], parameters: Sequence[Any]) -> list[int]:
    """Execute ``statement`` for ``ids``; returns the ids it names."""
    if not ids:
        return []
    text = statement.replace("/* ids */", ", ".join(["%s"] * len(ids)))
    if connection.features.has_select_for_update:
        text = text.replace("/* lock */", "FOR UPDATE")
    with connection.cursor() as cursor:
        cursor.execute(text, [*ids, *_adapted(parameters)])
        return [row[0] for row in cursor.fetchall()]


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
