"""How this app's facts read in the ledger."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.services import Actor, EntryValue
from notifications.models import Delivery, Message

SENDER = Actor.system("sender")


def message_entry(
    message: Message, action: str, *, at: datetime, actor: Actor | None = None, data: Mapping[str, Any] | None = None
) -> EntryValue:
    """A fact about a whole message."""
    facts: dict[str, Any] = {**_to(message), "kind": message.kind}
    if message.state_reason:
        facts["reason"] = message.state_reason
    return EntryValue(
        at=at,
        action=action,
        object_type="message",
        object_id=str(message.pk),
        object_label=message.subject[:200],
        subject=message.audit_subject,
        actor=actor or SENDER,
        source="" if actor else "engine",
        data={**facts, **(data or {})},
    )


def _to(message: Message) -> dict[str, Any]:
    if message.destination_id is None:
        return {"recipient": message.recipient_id}
    return {"destination": message.destination_id}


def delivery_entry(
    delivery: Delivery, action: str, *, at: datetime, actor: Actor | None = None, data: Mapping[str, Any] | None = None
) -> EntryValue:
    """A fact about one delivery or one of its attempts; ``delivery.message`` must be loaded."""
    message = delivery.message
    return EntryValue(
        at=at,
        action=action,
        object_type="delivery",
        object_id=str(delivery.pk),
        object_label=f"{delivery.channel}: {delivery.address}"[:200],
        subject=message.audit_subject,
        actor=actor or SENDER,
        source="" if actor else "engine",
        data={"message": message.pk, **_to(message), "kind": message.kind, **(data or {})},
    )
