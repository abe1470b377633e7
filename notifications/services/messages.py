"""Telling people: messages are created and cancelled in sets; the sender does the rest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from audit.services import Actor, EntryValue, entries_append
from escalation_site.kernel.composed import Composed
from escalation_site.kernel.rows import rows_insert
from escalation_site.kernel.waking import work_written
from notifications.channels import channel_kinds
from notifications.entries import delivery_entry, message_entry
from notifications.models import ContactMethod, Delivery, Destination, Message
from notifications.values import MessageValue

_TRIES = 3
_OPEN = (Delivery.State.QUEUED, Delivery.State.SENDING)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """``cancelled`` ended now.

    ``under_way`` have a call to a provider running: each ends by itself, and ``on_settled`` tells how.
    """

    cancelled: list[Message]
    under_way: list[Message]


def messages_create(values: Sequence[MessageValue], *, at: datetime) -> list[Message]:
    """Queue the first delivery of each message; returns the messages in the order of ``values``.

    A key that exists already gives the message that exists and sends nothing. A recipient with no usable contact
    method gives a message that is *failed* at once with reason ``no_contact_method``, a destination that cannot be posted
    to one with ``switched_off``: the caller looks at ``state``
    and goes to the next person. The number of statements does not depend on that of messages.
    """
    wanted = {value.idempotency_key: value for value in values}
    for remaining in reversed(range(_TRIES)):
        known = {message.idempotency_key: message for message in _of_keys(keys=list(wanted))}
        missing = [value for key, value in wanted.items() if key not in known]
        try:
            known |= {message.idempotency_key: message for message in _insert(missing, at=at)}
        except IntegrityError:
            # Another process wrote one of these keys between our look and our insert: look again.
            if not remaining:
                raise
            continue
        break
    return [known[value.idempotency_key] for value in values]


_of_keys = Composed(lambda keys: Message.objects.filter(idempotency_key__in=keys))
_methods_of = Composed(
    lambda users, kinds: ContactMethod.objects.filter(user_id__in=users, enabled=True, kind__in=kinds).order_by(
        "user_id", "position", "id"
    )
)


def _insert(values: Sequence[MessageValue], *, at: datetime) -> list[Message]:
    if not values:
        return []
    methods = _usable_methods({value.recipient_id for value in values if value.recipient_id is not None})
    places = _open_destinations({value.destination_id for value in values if value.destination_id is not None})
    ways: list[ContactMethod | Destination | None] = [
        places.get(value.destination_id)
        if value.destination_id is not None
        else next(iter(methods_left(methods.get(value.recipient_id or 0, ()), _named(value))), None)
        for value in values
    ]
    messages = [_message(value, reachable=way is not None, at=at) for value, way in zip(values, ways, strict=True)]
    with transaction.atomic():
        rows_insert(messages)
        rows_insert(
            [
                delivery_queued(message, way, position=0, at=at)
                for message, way in zip(messages, ways, strict=True)
                if way is not None
            ]
        )
        entries_append([message_entry(message, "message.failed", at=at) for message in messages if message.settled_at])
        work_written()
    return messages


def _usable_methods(user_ids: Collection[int]) -> dict[int, list[ContactMethod]]:
    """The methods of each person, in their order, that are enabled and can be sent by."""
    found: dict[int, list[ContactMethod]] = {}
    for method in _methods_of(users=user_ids, kinds=list(channel_kinds())):
        found.setdefault(method.user_id, []).append(method)
    return found


def methods_left(methods: Sequence[ContactMethod], named: Mapping[str, Any]) -> Sequence[ContactMethod]:
    """Those of a person's methods that are of the kinds ``named`` in a message's context, those of "channels" before those of
    "channels_then" or, where none is or no kind is named, all of them: what chooses among somebody's methods must never leave
    them none. With a "turn" they begin with another kind than the time before."""
    first, then = named.get("channels", ()), named.get("channels_then", ())
    left = [method for method in methods if method.kind in first]
    left = left + [method for method in methods if method.kind in then and method.kind not in first] or list(methods)
    kinds = list(dict.fromkeys(method.kind for method in left))
    if not kinds or not (turn := named.get("turn", 0) % len(kinds)):
        return left
    order = kinds[turn:] + kinds[:turn]
    return sorted(left, key=lambda method: order.index(method.kind))


def _named(value: MessageValue) -> dict[str, Any]:
    """The kinds that a message may go by and how often it was told, as its context keeps them; nothing where it may go by any."""
    named = {"channels": list(value.channels), "channels_then": list(value.channels_then), "turn": value.turn}
    return {key: known for key, known in named.items() if known}


def _open_destinations(ids: Collection[int]) -> dict[int, Destination]:
    """Those that are switched on and can be sent to; no query for none."""
    if not ids:
        return {}
    return Destination.objects.filter(enabled=True, kind__in=channel_kinds()).in_bulk(list(ids))


def _message(value: MessageValue, *, reachable: bool, at: datetime) -> Message:
    unreachable = Message.Reason.NO_CONTACT_METHOD if value.destination_id is None else Message.Reason.SWITCHED_OFF
    return Message(
        recipient_id=value.recipient_id,
        destination_id=value.destination_id,
        about=value.about,
        kind=value.kind,
        urgency=value.urgency,
        subject=" ".join(value.subject.split())[:250],
        body=value.body,
        body_html=value.body_html,
        link=value.link,
        idempotency_key=value.idempotency_key,
        priority=value.priority,
        context={**value.context, **_named(value)},
        created_at=at,
        state=Message.State.PENDING if reachable else Message.State.FAILED,
        state_reason="" if reachable else unreachable,
        settled_at=None if reachable else at,
    )


def delivery_queued(message: Message, way: ContactMethod | Destination, *, position: int, at: datetime) -> Delivery:
    """An unsaved delivery of ``message`` by a person's method or to a destination, due at once."""
    method = way if isinstance(way, ContactMethod) else None
    return Delivery(
        message=message,
        contact_method=method,
        channel=way.kind,
        # A destination's address is a secret: history knows it by its short name.
        address=way.address if isinstance(way, ContactMethod) else way.slug,
        position=position,
        priority=message.priority,
        next_attempt_at=at,
        created_at=at,
    )


@transaction.atomic
def messages_cancel(
    *, message_ids: Collection[int], reason: str, at: datetime, actor: Actor | None = None
) -> Cancellation:
    """Stop these messages.

    What is queued is cancelled, what a provider may be getting now is left to end and is not repeated. Messages that
    ended already are left alone. ``reason`` ("acknowledged") is stored and shown. The number of statements does not
    depend on that of messages. Takes row locks on messages, then deliveries: the caller holds its own locks
    (incident, run) before calling.
    """
    pending = Message.objects.filter(pk__in=message_ids, state=Message.State.PENDING).select_for_update().order_by("pk")
    messages = {message.pk: message for message in pending}
    if not messages:
        return Cancellation([], [])
    deliveries = list(
        Delivery.objects.filter(message_id__in=list(messages), state__in=_OPEN).select_for_update().order_by("pk")
    )
    busy = {delivery.message_id for delivery in deliveries if delivery.state == Delivery.State.SENDING}
    under_way = [message for message in messages.values() if message.pk in busy]
    cancelled = [message for message in messages.values() if message.pk not in busy]
    queued = [delivery for delivery in deliveries if delivery.state == Delivery.State.QUEUED]
    entries = _cancel_queued(queued, messages=messages, reason=reason, at=at, actor=actor)
    _cancel_messages(cancelled, reason=reason, at=at)
    entries += _ask_to_cancel(
        [message for message in under_way if not message.cancel_reason], reason=reason, at=at, actor=actor
    )
    entries_append(entries)
    return Cancellation(cancelled, under_way)


def _cancel_queued(
    queued: Sequence[Delivery], *, messages: dict[int, Message], reason: str, at: datetime, actor: Actor | None
) -> list[EntryValue]:
    if queued:
        Delivery.objects.filter(pk__in=[delivery.pk for delivery in queued]).update(
            state=Delivery.State.CANCELLED, reason=reason[:255], settled_at=at
        )
    entries = []
    for delivery in queued:
        delivery.message = messages[delivery.message_id]
        entries.append(delivery_entry(delivery, "delivery.cancelled", at=at, actor=actor, data={"reason": reason}))
    return entries


def _cancel_messages(messages: Sequence[Message], *, reason: str, at: datetime) -> None:
    for message in messages:
        message.state, message.state_reason, message.settled_at = Message.State.CANCELLED, reason[:200], at
    if messages:
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(
            state=Message.State.CANCELLED, state_reason=reason[:200], settled_at=at
        )


def _ask_to_cancel(messages: Sequence[Message], *, reason: str, at: datetime, actor: Actor | None) -> list[EntryValue]:
    for message in messages:
        message.cancel_reason = reason[:200]
    if messages:
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(cancel_reason=reason[:200])
    return [
        message_entry(message, "message.cancel_asked", at=at, actor=actor, data={"reason": reason})
        for message in messages
    ]
