"""What was sent, put on record for many at once: as many statements for sixteen as for one.

The same rows as ``settling`` writes, in the same order of locks, and all of them or none: where one row is not as it was read, the
whole group is undone and each goes the way of ``settling``.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Protocol, runtime_checkable

from django.db import InterfaceError, OperationalError, transaction

from audit.services import entries_append
from notifications.entries import delivery_entry
from notifications.models import Message
from notifications.services.settling import Ended, OnSettled, Stale, attempt_facts
from notifications.statements import attempts_sent, deliveries_sent, messages_sent


@runtime_checkable
class TellsMany(Protocol):
    """An ``OnSettled`` that can be told of many messages at once, each with its outcome."""

    def many(self, outcomes: Sequence[tuple[Message, str]], at: datetime) -> None: ...


def sent_groups(ended: Sequence[Ended]) -> list[list[Ended]]:
    """Those that can be settled together: attempts of one number."""
    by_number = sorted(ended, key=_number)
    return [list(group) for _number_of, group in groupby(by_number, key=_number)]


def _number(one: Ended) -> int:
    return one.delivery.attempts_made


def sent_settle(*, group: Sequence[Ended], on_settled: OnSettled, at: datetime) -> bool:
    """Record that these, all sent, were delivered. False, and nothing is changed, when each must be settled by itself.

    That is so when another engine decided about one meanwhile, or when the caller raised when told.
    """
    for one in group:
        message = one.delivery.message
        message.state, message.state_reason, message.settled_at = Message.State.DELIVERED, "", at
    try:
        _settle(group, on_settled, at)
    except (OperationalError, InterfaceError):
        raise  # The database is away or chose a victim: tried again as it is.
    except Exception:
        return False
    return True


@transaction.atomic
def _settle(group: Sequence[Ended], on_settled: OnSettled, at: datetime) -> None:
    number = _number(group[0])
    entries_append(
        [
            delivery_entry(one.delivery, "delivery.sent", at=at, data=attempt_facts(one.delivery, one.end))
            for one in group
        ]
    )
    _tell(group, on_settled, at)
    answers = [(one.delivery.pk, one.end.detail[:500], one.end.provider_ref[:200]) for one in group]
    changed = (
        messages_sent([one.delivery.message_id for one in group], at=at),
        deliveries_sent([one.delivery.pk for one in group], number=number, at=at),
        attempts_sent(answers, number=number, at=at),
    )
    if changed != (len(group),) * 3:
        raise Stale


def _tell(group: Sequence[Ended], on_settled: OnSettled, at: datetime) -> None:
    outcome = str(Message.State.DELIVERED)
    caller: object = on_settled
    if isinstance(caller, TellsMany):
        caller.many([(one.delivery.message, outcome) for one in group], at)
        return
    for one in group:
        on_settled(one.delivery.message, outcome, at)
