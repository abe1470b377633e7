"""The queue of deliveries: claimed with a lease, handed over at most once, taken back when their engine died."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from escalation_site.kernel.composed import Composed
from escalation_site.kernel.rows import rows_insert
from notifications.models import Attempt, Delivery
from notifications.statements import (
    HAND_OVER,
    attempts_back,
    deliveries_back,
    ids_claimed,
    messages_held,
    rows_changed,
)

LEASE = timedelta(seconds=20)
"""How long a claim holds without being renewed: what a dead engine had in hand waits this long at most."""


def deliveries_claim(*, at: datetime, channel: str, limit: int, worker: str) -> list[Delivery]:
    """Take up to ``limit`` due deliveries of one channel for ``worker``, most urgent first.

    Each comes with its message loaded. Their attempts are on record, started, when this returns. No two workers are
    ever given the same delivery: PostgreSQL skips rows another one is taking, SQLite lets one writer in at a time.
    Call it outside any transaction, so that the claim is committed.
    """
    if limit <= 0:
        return []
    with transaction.atomic():
        ids = ids_claimed(channel=channel, at=at, limit=limit, worker=worker, lease_until=at + LEASE)
        if not ids:
            return []
        claimed = _claimed(ids=ids)
        rows_insert([Attempt(delivery=delivery, number=delivery.attempts_made, started_at=at) for delivery in claimed])
    return claimed


_claimed = Composed(
    lambda ids: (
        Delivery.objects.filter(pk__in=ids)
        .select_related("message__destination")
        .order_by("priority", "next_attempt_at", "id")
    )
)


def channels_forgotten(*, kinds: Collection[str]) -> list[str]:
    """Channels that deliveries still wait for and that no longer exist."""
    queued = Delivery.objects.filter(state=Delivery.State.QUEUED).exclude(channel__in=kinds)
    return list(queued.order_by("channel").values_list("channel", flat=True).distinct())


def attempt_hand_over(*, delivery: Delivery, at: datetime) -> bool:
    """Put on record that the provider may have it from now on.

    False when it may no longer be sent: it was cancelled, or taken over by another engine. One statement that commits
    by itself: an acknowledgement that committed before it wins, one that commits after it comes too late for this
    call.
    """
    return bool(rows_changed(HAND_OVER, [at, delivery.pk, delivery.attempts_made, delivery.message_id]))


def leases_renew(*, delivery_ids: Collection[int], worker: str, at: datetime) -> int:
    """Keep what ``worker`` still has in hand; returns how many leases still were its own."""
    if not delivery_ids:
        return 0
    mine = Delivery.objects.filter(pk__in=delivery_ids, state=Delivery.State.SENDING, claimed_by=worker)
    with transaction.atomic():
        # What is being settled at this moment needs no lease, and waiting for it could end in a deadlock.
        held = list(mine.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
        return Delivery.objects.filter(pk__in=held).update(lease_until=at + LEASE) if held else 0


@transaction.atomic
def deliveries_release(*, deliveries: Sequence[Delivery], worker: str) -> list[Delivery]:
    """Give back what ``worker`` claimed and did not begin, as if it had never been claimed.

    Returns those that stay: somebody asked to cancel them or took them over. Raises RuntimeError, and changes nothing,
    when one of them was begun after all.
    """
    held = set(messages_held([delivery.message_id for delivery in deliveries]))
    released: set[int] = set()
    for number in {delivery.attempts_made for delivery in deliveries}:
        own = [delivery for delivery in deliveries if delivery.attempts_made == number]
        back = deliveries_back(
            [delivery.message_id for delivery in own if delivery.message_id in held], number=number, worker=worker
        )
        if attempts_back(back, number=number) != len(back):
            raise RuntimeError("a delivery that was called for cannot be given back")
        released.update(back)
    return [delivery for delivery in deliveries if delivery.pk not in released]


def leases_expired(*, at: datetime, limit: int) -> list[Delivery]:
    """Deliveries whose engine is gone, with their messages, longest waiting first."""
    expired = Delivery.objects.filter(state=Delivery.State.SENDING, lease_until__lt=at)
    return list(expired.select_related("message").order_by("lease_until", "id")[:limit])
