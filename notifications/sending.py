"""Claimed deliveries, from the call to the outcome on record."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

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
from notifications.services.deliveries import LEASE, attempt_hand_over, leases_renew
from notifications.services.destinations import opened
from notifications.services.settling import AttemptEnd, Ended, OnSettled, attempt_settle
from notifications.services.together import sent_groups, sent_settle

logger = logging.getLogger(__name__)

FRESH = timedelta(seconds=5)
"""A lease given so lately need not be renewed."""
_PAUSE = 0.5  # Seconds between two tries to write an outcome down while the database is away.


class HandOver:
    """What a channel calls just before the provider could act.

    Raises ``Withdrawn`` when the call may no longer be made.
    """

    def __init__(self, delivery: Delivery, clock: Clock) -> None:
        self._delivery, self._clock = delivery, clock
        self.done = False
        self.refused = False
        self.took = timedelta(0)

    def __call__(self) -> None:
        if self.done:
            raise RuntimeError("hand_over is called once per attempt")
        begun = self._clock()
        self._record()
        self.took = self._clock() - begun

    def _record(self) -> None:
        self._renew()
        if not attempt_hand_over(delivery=self._delivery, at=self._clock()):
            self.refused = True
            raise Withdrawn
        self.done = True
        connection_rest()

    def _renew(self) -> None:
        """A provider that let us wait before the hand-over may do so after it: the lease is to hold meanwhile, also where nobody else
        renews it."""
        delivery, at = self._delivery, self._clock()
        if delivery.lease_until is not None and delivery.lease_until - at < LEASE - FRESH:
            leases_renew(delivery_ids=[delivery.pk], worker=delivery.claimed_by, at=at)


def delivery_call(delivery: Delivery, *, clock: Clock) -> AttemptEnd | None:
    """Call the provider of a delivery given by ``deliveries_claim``; how it ended, for the caller to settle.

    None when another engine took it over meanwhile and decides.
    """
    hand_over = HandOver(delivery, clock)
    begun = clock()
    end = _call(delivery, hand_over)
    if hand_over.refused:
        return withdrawn(delivery)
    return replace(end, waited=(clock() - begun - hand_over.took).total_seconds())


def withdrawn(delivery: Delivery) -> AttemptEnd | None:
    """The end of an attempt that was stopped before the hand-over; None when nobody asked for that."""
    delivery.message.refresh_from_db()
    reason = delivery.message.cancel_reason
    return AttemptEnd(result=Result.WITHDRAWN, detail=reason) if reason else None


def ends_settle(ended: Sequence[Ended], *, clock: Clock, on_settled: OnSettled, patience: float = 0.0) -> None:
    """Put these ends on record: what was sent together, everything else one by one.

    ``patience`` is how many seconds an outcome is kept and written again while the database is away; after that the
    recovery of leases settles it as unknown.
    """
    deadline = time.monotonic() + patience
    sent = [one for one in ended if one.end.result is Result.SENT]
    alone = [one for one in ended if one.end.result is not Result.SENT]
    for group in sent_groups(sent):
        together = len(group) > 1 and _patiently(
            partial(_settled_together, group, clock=clock, on_settled=on_settled), deadline
        )
        if not together:
            alone += group
    _settle_each(alone, clock=clock, on_settled=on_settled, deadline=deadline)


def _settled_together(group: Sequence[Ended], *, clock: Clock, on_settled: OnSettled) -> bool:
    if sent_settle(group=group, on_settled=on_settled, at=clock()):
        return True
    for one in group:
        one.delivery.message.refresh_from_db()
    return False


def _settle_each(alone: Sequence[Ended], *, clock: Clock, on_settled: OnSettled, deadline: float) -> None:
    """One that cannot be settled hinders no other; the first is raised at the end."""
    failed: Exception | None = None
    for one in alone:
        try:
            _patiently(partial(_settled_alone, one, clock=clock, on_settled=on_settled), deadline)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _settled_alone(one: Ended, *, clock: Clock, on_settled: OnSettled) -> bool:
    attempt_settle(delivery=one.delivery, end=one.end, on_settled=on_settled, at=clock())
    return True


def _patiently(job: Callable[[], bool], deadline: float) -> bool:
    """Do ``job``, again and again while the database is away, until ``deadline``."""
    while True:
        try:
            return job()
        except (OperationalError, InterfaceError):
            if time.monotonic() >= deadline or connection.in_atomic_block:
                raise
            logger.warning("an outcome could not be written, trying again")
            connection.close()
            time.sleep(_PAUSE)


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
    endpoint, secret = opened(message.destination) if message.destination is not None else ("", "")
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
        endpoint=endpoint,
        secret=secret,
        context=message.context,
    )


def connection_rest() -> None:
    """Give a pooled connection back while a provider is waited for, so that slow providers never empty the pool."""
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close()


__all__ = ["HandOver", "connection_rest", "delivery_call", "ends_settle", "outgoing_of", "withdrawn"]
