"""One claimed delivery, from the call to its outcome on record."""

import logging
import time

from django.db import InterfaceError, OperationalError, connection

from escalation_site.kernel.instants import Clock
from notifications.channels import (
    ChannelError,
    Outgoing,
    Refused,
    Unavailable,
    Withdrawn,
    channel_for,
    channel_kinds,
)
from notifications.decisions import Result
from notifications.models import Delivery
from notifications.services.deliveries import attempt_hand_over
from notifications.services.settling import AttemptEnd, OnSettled, attempt_settle

logger = logging.getLogger(__name__)

_PAUSE = 0.5  # Seconds between two tries to write an outcome down while the database is away.


class HandOver:
    """What a channel calls just before the provider could act.

    Raises ``Withdrawn`` when the call may no longer be made.
    """

    def __init__(self, delivery: Delivery, clock: Clock) -> None:
        self._delivery, self._clock = delivery, clock
        self.done = False
        self.refused = False

    def __call__(self) -> None:
        if self.done:
            raise RuntimeError("hand_over is called once per attempt")
        if not attempt_hand_over(delivery=self._delivery, at=self._clock()):
            self.refused = True
            raise Withdrawn
        self.done = True
        connection_rest()


def delivery_send(delivery: Delivery, *, clock: Clock, on_settled: OnSettled, patience: float = 0.0) -> None:
    """Call the provider of a delivery given by ``deliveries_claim`` and settle what comes of it.

    ``patience`` is how many seconds an outcome is kept and written again while the database is away; after that the
    recovery of leases settles it as unknown.
    """
    hand_over = HandOver(delivery, clock)
    end = _call(delivery, hand_over)
    if hand_over.refused:
        if not _is_cancelled(delivery):
            return  # Another engine took it over: it decides.
        end = AttemptEnd(result=Result.WITHDRAWN, detail=delivery.message.cancel_reason)
    deadline = time.monotonic() + patience
    while True:
        try:
            attempt_settle(delivery=delivery, end=end, on_settled=on_settled, at=clock())
        except (OperationalError, InterfaceError):
            if time.monotonic() >= deadline or connection.in_atomic_block:
                raise
            logger.warning("delivery %s: the outcome could not be written, trying again", delivery.pk)
            connection.close()
            time.sleep(_PAUSE)
        else:
            return


def _call(delivery: Delivery, hand_over: HandOver) -> AttemptEnd:
    """The provider's answer as a value. An error nobody foresaw is judged by whether the message was handed over."""
    if delivery.channel not in channel_kinds():
        return AttemptEnd(result=Result.REFUSED, detail=f"there is no channel of kind {delivery.channel}")
    connection_rest()
    try:
        receipt = channel_for(delivery.channel).send(outgoing_of(delivery), hand_over=hand_over)
    except Refused as error:
        return AttemptEnd(result=Result.REFUSED, detail=error.detail)
    except Unavailable as error:
        return AttemptEnd(result=Result.UNAVAILABLE, detail=error.detail, retry_after=error.retry_after)
    except ChannelError as error:
        return AttemptEnd(result=Result.UNKNOWN, detail=error.detail)
    except Withdrawn:
        return AttemptEnd(result=Result.WITHDRAWN)
    except Exception as error:
        logger.exception("channel %s raised for delivery %s", delivery.channel, delivery.pk)
        result = Result.UNKNOWN if hand_over.done else Result.UNAVAILABLE
        return AttemptEnd(result=result, detail=f"{type(error).__name__}: {error}")
    return AttemptEnd(result=Result.SENT, detail=receipt.detail, provider_ref=receipt.provider_ref)


def outgoing_of(delivery: Delivery) -> Outgoing:
    """What the channel is given: plain values, no rows."""
    message = delivery.message
    return Outgoing(
        address=delivery.address,
        subject=message.subject,
        body=message.body,
        body_html=message.body_html,
        link=message.link,
        kind=message.kind,
        urgency=message.urgency,
        idempotency_key=message.idempotency_key,
        created_at=message.created_at,
        context=message.context,
    )


def _is_cancelled(delivery: Delivery) -> bool:
    delivery.message.refresh_from_db()
    return bool(delivery.message.cancel_reason)


def connection_rest() -> None:
    """Give a pooled connection back while a provider is waited for, so that slow providers never empty the pool."""
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close()


__all__ = ["HandOver", "connection_rest", "delivery_send", "outgoing_of"]
