"""The queue of deliveries: claimed with a lease, handed over at most once, taken back when their engine died."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists

from notifications.models import Attempt, Delivery, Message

LEASE = timedelta(seconds=20)
"""How long a claim holds without being renewed: what a dead engine had in hand waits this long at most."""

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


def deliveries_claim(*, at: datetime, channel: str, limit: int, worker: str) -> list[Delivery]:
    """Take up to ``limit`` due deliveries of one channel for ``worker``, most urgent first.

    Each comes with its message loaded. Their attempts are on record, started, when this returns. No two workers are
    ever given the same delivery: PostgreSQL skips rows another one is taking, SQLite lets one writer in at a time.
    Call it outside any transaction, so that the claim is committed.
    """
    if limit <= 0:
        return []
    with transaction.atomic():
        ids = _claim_ids(at=at, channel=channel, limit=limit, worker=worker)
        if not ids:
            return []
        claimed = list(
            Delivery.objects.filter(pk__in=ids).select_related("message").order_by("priority", "next_attempt_at", "id")
        )
        Attempt.objects.bulk_create(
            [Attempt(delivery=delivery, number=delivery.attempts_made, started_at=at) for delivery in claimed]
        )
    return claimed


def _claim_ids(*, at: datetime, channel: str, limit: int, worker: str) -> list[int]:
    locking = connection.features.has_select_for_update_skip_locked
    instant = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM_LOCKING if locking else _CLAIM, [channel, instant(at), limit, worker, instant(at + LEASE)]
        )
        return [row[0] for row in cursor.fetchall()]


def channels_due(*, at: datetime, channels: Collection[str]) -> bool:
    """Whether anything is due on one of ``channels``: one cheap look instead of a claim on each."""
    return Delivery.objects.filter(state=Delivery.State.QUEUED, channel__in=channels, next_attempt_at__lte=at).exists()


def attempt_hand_over(*, delivery: Delivery, at: datetime) -> bool:
    """Put on record that the provider may have it from now on.

    False when it may no longer be sent: it was cancelled, or taken over by another engine. One statement that commits
    by itself: an acknowledgement that committed before it wins, one that commits after it comes too late for this
    call.
    """
    not_cancelled = Message.objects.filter(pk=delivery.message_id, cancel_reason="", state=Message.State.PENDING)
    return bool(
        Attempt.objects.filter(
            Exists(not_cancelled),
            delivery_id=delivery.pk,
            number=delivery.attempts_made,
            handed_over_at__isnull=True,
            finished_at__isnull=True,
        ).update(handed_over_at=at)
    )


def leases_renew(*, delivery_ids: Collection[int], worker: str, at: datetime) -> int:
    """Keep what ``worker`` still has in hand; returns how many leases still were its own."""
    if not delivery_ids:
        return 0
    mine = Delivery.objects.filter(pk__in=delivery_ids, state=Delivery.State.SENDING, claimed_by=worker)
    return mine.update(lease_until=at + LEASE)


def leases_expired(*, at: datetime, limit: int) -> list[Delivery]:
    """Deliveries whose engine is gone, with their messages, longest waiting first."""
    expired = Delivery.objects.filter(state=Delivery.State.SENDING, lease_until__lt=at)
    return list(expired.select_related("message").order_by("lease_until", "id")[:limit])
