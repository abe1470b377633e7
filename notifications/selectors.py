"""Reads for other apps: when to wake, what happened to a message, how deep the queues are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Prefetch, Q

from notifications.channels import channel_kinds
from notifications.models import Attempt, ContactMethod, Delivery, Message
from notifications.statements import next_due_at

__all__ = ["QueueDepth", "kinds_of", "messages_with_history", "next_due_at", "queue_depths"]


def messages_with_history(*, message_ids: Collection[int]) -> Sequence[Message]:
    """Messages with their recipient, deliveries and attempts loaded, oldest first: three queries however many."""
    deliveries = Delivery.objects.order_by("position").prefetch_related(
        Prefetch("attempts", Attempt.objects.order_by("number"))
    )
    return list(
        Message.objects.filter(pk__in=message_ids)
        .select_related("recipient")
        .prefetch_related(Prefetch("deliveries", deliveries))
        .order_by("created_at", "id")
    )


def kinds_of(user_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """By which kinds of contact method each of these people is tried, in their own order: those that are enabled and can be sent
    by, nothing for who has none. One query, none for nobody."""
    found: dict[int, tuple[str, ...]] = dict.fromkeys(user_ids, ())
    usable = ContactMethod.objects.filter(user__in=found, enabled=True, kind__in=channel_kinds())
    ordered = usable.order_by("user_id", "position", "id").values_list("user_id", "kind") if found else ()
    for user_id, kind in ordered:
        if kind not in found[user_id]:
            found[user_id] += (str(kind),)
    return found


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """One channel's queue: due now, waiting for a later attempt, under way; and since when the oldest has been due."""

    channel: str
    due: int
    waiting: int
    sending: int
    oldest_due_at: datetime | None


def queue_depths(*, at: datetime) -> list[QueueDepth]:
    """The queues of all channels that have one, for health and operations. One query over the open deliveries."""
    due = Q(state=Delivery.State.QUEUED, next_attempt_at__lte=at)
    rows = (
        Delivery.objects.filter(state__in=(Delivery.State.QUEUED, Delivery.State.SENDING))
        .order_by("channel")
        .values("channel")
        .annotate(
            due=Count("id", filter=due),
            waiting=Count("id", filter=Q(state=Delivery.State.QUEUED, next_attempt_at__gt=at)),
            sending=Count("id", filter=Q(state=Delivery.State.SENDING)),
            oldest_due_at=Min("next_attempt_at", filter=due),
        )
    )
    return [QueueDepth(**row) for row in rows]
