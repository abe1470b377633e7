"""Notices to the people of levels that an incident passes over: they know, and nobody wakes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from incidents.changes import Changes
from incidents.models import EscalationRun
from incidents.wording import informed_body, page_subject
from notifications.services import messages_create
from notifications.values import MessageValue
from policies.targets import Recipient


@dataclass(frozen=True, slots=True)
class InformOrder:
    """Inform these people of one run, because its path starts above their ``level`` (counted from 0)."""

    run: EscalationRun
    level: int
    name: str
    recipients: tuple[Recipient, ...]


def levels_inform(orders: Sequence[InformOrder], *, changes: Changes) -> None:
    """Queue the notices and say so in timeline and ledger. Each person is told once of a run, however many levels of it
    are theirs."""
    values = [_notice(order, one) for order in orders for one in order.recipients]
    if values:
        messages_create(values, at=changes.at)
    for order in orders:
        if not order.recipients:
            continue
        people = [one.user.name for one in order.recipients]
        told: dict[str, Any] = {"level": order.level + 1, "name": order.name, "people": people}
        changes.timeline(order.run.incident, "escalation.inform_level", **told)
        changes.ledger(
            order.run.incident, "escalation.inform_level", object_type="run", object_id=str(order.run.pk), data=told
        )


def _notice(order: InformOrder, one: Recipient) -> MessageValue:
    incident = order.run.incident
    link = settings.PUBLIC_URL.rstrip("/") + incident.get_absolute_url()
    return MessageValue(
        recipient_id=one.user.pk,
        kind="notice",
        urgency="low",
        subject=page_subject(incident, one.user),
        body=informed_body(incident, one.user, link=link),
        link=link,
        idempotency_key=f"inform:{order.run.pk}:{one.user.pk}",
        priority=incident.severity * 10,
        context={"subject": incident.subject},
    )
