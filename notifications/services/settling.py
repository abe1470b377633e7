"""What an attempt's end changes: attempt, delivery, message, ledger and the caller's own rows, in one transaction.

Order of locks, the same everywhere: the caller's rows (incident, run) → message → delivery → attempt. ``on_settled``
therefore runs before this module touches its own rows; should they have changed meanwhile, the transaction is rolled
back, the caller's part with it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from audit.services import EntryValue, entries_append
from notifications.channels import channel_kinds
from notifications.decisions import Result, Step, jitter_of, next_step
from notifications.entries import delivery_entry, message_entry
from notifications.models import Attempt, ContactMethod, Delivery, Message
from notifications.services.deliveries import LEASE, leases_expired
from notifications.services.messages import delivery_queued, methods_left
from notifications.statements import (
    FINISH_ATTEMPT,
    FINISH_INTERRUPTED,
    LEASE_AS_READ,
    QUEUE_AGAIN,
    SETTLE_DELIVERY,
    SETTLE_MESSAGE,
    SETTLE_MESSAGE_UNLESS_ASKED,
    rows_changed,
)

logger = logging.getLogger(__name__)

OnSettled = Callable[[Message, str, datetime], None]
"""Told in the same transaction that a message ended: (message, "delivered" | "failed" | "cancelled", at)."""

REPORT_AGAIN = timedelta(seconds=30)
_TRIES = 5

_OUTCOMES = {
    Result.SENT: Attempt.Outcome.SENT,
    Result.REFUSED: Attempt.Outcome.REFUSED,
    Result.UNAVAILABLE: Attempt.Outcome.ERROR,
    Result.INTERRUPTED: Attempt.Outcome.ERROR,
    Result.UNKNOWN: Attempt.Outcome.UNKNOWN,
    Result.WITHDRAWN: Attempt.Outcome.CANCELLED,
}
_ACTIONS = {Attempt.Outcome.UNKNOWN: "attempt.unknown", Attempt.Outcome.CANCELLED: "attempt.cancelled"}


class Stale(Exception):
    """The rows are no longer as they were read."""


class _HookFailed(Exception):
    """The caller raised when told. Its fault must not undo what is known about the attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """What is known at the end of an attempt.

    ``waited`` is how many seconds the provider took, the hand-over not counted. ``expired_lease`` is set by the recovery
    only: the lease it found expired.
    """

    result: Result
    detail: str = ""
    provider_ref: str = ""
    retry_after: float | None = None
    waited: float = 0.0
    expired_lease: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A claimed delivery, with its message, and how the attempt under way ended."""

    delivery: Delivery
    end: AttemptEnd


@dataclass(frozen=True, slots=True)
class _Plan:
    step: Step
    next_method: ContactMethod | None
    message_state: Message.State | None
    message_reason: str
    delivery_state: Delivery.State


def attempt_settle(*, delivery: Delivery, end: AttemptEnd, on_settled: OnSettled, at: datetime) -> None:
    """Record how the attempt under way of ``delivery`` ended and do what follows from it.

    Does nothing but note it in the ledger when somebody else (the recovery of another engine) has decided about the
    attempt already. A caller that raises in ``on_settled`` is told again later (``outcomes_report``); the outcome
    itself stands.
    """
    hook: OnSettled | None = on_settled
    for _try in range(_TRIES):
        try:
            _settle(delivery, end, hook, at)
        except Stale:
            if not _is_open(delivery):
                _note_late(delivery, end, at)
                return
            delivery.message.refresh_from_db()
        except _HookFailed:
            logger.exception("on_settled raised for message %s; it will be told again", delivery.message_id)
            delivery.message.refresh_from_db()
            hook = None
        else:
            return
    raise RuntimeError(f"delivery {delivery.pk} changes faster than it can be settled")


def _is_open(delivery: Delivery) -> bool:
    return Attempt.objects.filter(
        delivery_id=delivery.pk,
        number=delivery.attempts_made,
        finished_at__isnull=True,
        delivery__state=Delivery.State.SENDING,
    ).exists()


def _note_late(delivery: Delivery, end: AttemptEnd, at: datetime) -> None:
    if end.expired_lease is None:
        facts = {"attempt": delivery.attempts_made, "outcome": end.result.value, "detail": end.detail[:500]}
        entries_append([delivery_entry(delivery, "attempt.answered_late", at=at, data=facts)])


@transaction.atomic
def _settle(delivery: Delivery, end: AttemptEnd, hook: OnSettled | None, at: datetime) -> None:
    message = delivery.message
    cancel_reason = message.cancel_reason
    plan = _plan(delivery, end)
    entries = [_attempt_entry(delivery, end, plan, at)]
    report_due_at = None
    if plan.message_state is not None:
        message.state, message.state_reason, message.settled_at = plan.message_state, plan.message_reason, at
        if plan.message_state is Message.State.FAILED:
            entries.append(message_entry(message, "message.failed", at=at))
        entries_append(entries)
        report_due_at = at + REPORT_AGAIN if hook is None else None
        _tell(message, hook, at)
    else:
        entries_append(entries)
    _write_message(message, plan, cancel_reason, report_due_at, at)
    _write_delivery(delivery, end, plan, at)
    _write_attempt(delivery, end, at)
    if plan.next_method is not None:
        delivery_queued(message, plan.next_method, position=delivery.position + 1, at=at).save(force_insert=True)


def _plan(delivery: Delivery, end: AttemptEnd) -> _Plan:
    number = delivery.attempts_made
    step = next_step(
        end.result,
        attempts_made=number,
        cancel_asked=bool(delivery.message.cancel_reason),
        retry_after=end.retry_after,
        jitter=jitter_of(delivery.pk, number),
    )
    if step.kind == "delivered":
        return _Plan(step, None, Message.State.DELIVERED, "", Delivery.State.DELIVERED)
    if step.kind == "cancelled":
        return _Plan(step, None, Message.State.CANCELLED, delivery.message.cancel_reason, Delivery.State.CANCELLED)
    if step.kind == "retry":
        return _Plan(step, None, None, "", Delivery.State.QUEUED)
    if method := _next_method(delivery):
        return _Plan(step, method, None, "", Delivery.State.FAILED)
    reason = Message.Reason.OUTCOME_UNKNOWN if end.result is Result.UNKNOWN else Message.Reason.UNREACHABLE
    return _Plan(step, None, Message.State.FAILED, reason, Delivery.State.FAILED)


def _next_method(delivery: Delivery) -> ContactMethod | None:
    """The person's first enabled method, in today's order, that this message has not gone by. A destination has no other."""
    if delivery.message.recipient_id is None:
        return None
    tried = set(Delivery.objects.filter(message_id=delivery.message_id).values_list("channel", "address"))
    methods = ContactMethod.objects.filter(
        user_id=delivery.message.recipient_id, enabled=True, kind__in=channel_kinds()
    )
    left = methods_left(list(methods.order_by("position", "id")), delivery.message.context)
    return next((method for method in left if (method.kind, method.address) not in tried), None)


def _attempt_entry(delivery: Delivery, end: AttemptEnd, plan: _Plan, at: datetime) -> EntryValue:
    outcome = _OUTCOMES[end.result]
    if plan.delivery_state is Delivery.State.DELIVERED:
        action = "delivery.sent"
    elif plan.delivery_state is Delivery.State.CANCELLED:
        action = "delivery.cancelled"
    else:
        action = _ACTIONS.get(outcome) or (
            "delivery.failed" if plan.delivery_state is Delivery.State.FAILED else "attempt.failed"
        )
    facts = attempt_facts(delivery, end)
    if plan.message_reason:
        facts["reason"] = plan.message_reason
    if plan.next_method is not None:
        facts["next"] = str(plan.next_method.kind)
    return delivery_entry(delivery, action, at=at, data=facts)


def attempt_facts(delivery: Delivery, end: AttemptEnd) -> dict[str, object]:
    """What the ledger keeps of an attempt."""
    outcome = _OUTCOMES[end.result].value
    facts: dict[str, object] = {"attempt": delivery.attempts_made, "outcome": outcome, "detail": end.detail[:500]}
    if end.provider_ref:
        facts["provider_ref"] = end.provider_ref[:200]
    return facts


def _tell(message: Message, hook: OnSettled | None, at: datetime) -> None:
    if hook is None:
        return
    try:
        hook(message, str(message.state), at)
    except (OperationalError, InterfaceError):
        raise  # The database is away or chose a victim: no fault of the caller, the whole transaction is tried again.
    except Exception as error:
        raise _HookFailed from error


def _write_message(
    message: Message, plan: _Plan, cancel_reason: str, report_due_at: datetime | None, at: datetime
) -> None:
    """Settle the message, or only hold it so that no cancellation slips in between.

    Stale when it is not as it was read.
    """
    end = [str(plan.message_state), str(plan.message_reason), at, report_due_at, message.pk]
    if plan.message_state is Message.State.DELIVERED:
        held = bool(rows_changed(SETTLE_MESSAGE, end))
    elif plan.message_state is not None:
        held = bool(rows_changed(SETTLE_MESSAGE_UNLESS_ASKED, [*end, cancel_reason]))
    else:
        as_read = Message.objects.filter(pk=message.pk, state=Message.State.PENDING, cancel_reason=cancel_reason)
        held = as_read.select_for_update().exists()
    if not held:
        raise Stale


def _write_delivery(delivery: Delivery, end: AttemptEnd, plan: _Plan, at: datetime) -> None:
    row = [delivery.pk, delivery.attempts_made]
    if plan.delivery_state is Delivery.State.QUEUED:
        statement = QUEUE_AGAIN
        values = [_delivery_reason(end, plan), at + timedelta(seconds=plan.step.wait), *row]
    else:
        statement = SETTLE_DELIVERY
        values = [str(plan.delivery_state), _delivery_reason(end, plan), at, *row]
    if end.expired_lease is not None:
        statement, values = statement.rstrip() + LEASE_AS_READ, [*values, end.expired_lease]
    if not rows_changed(statement, values):
        raise Stale


def _delivery_reason(end: AttemptEnd, plan: _Plan) -> str:
    if plan.delivery_state is Delivery.State.DELIVERED:
        return ""
    if plan.delivery_state is Delivery.State.CANCELLED:
        return str(plan.message_reason)
    return (end.detail or end.result.value)[:255]


def _write_attempt(delivery: Delivery, end: AttemptEnd, at: datetime) -> None:
    statement = FINISH_INTERRUPTED if end.result is Result.INTERRUPTED else FINISH_ATTEMPT
    facts = [at, str(_OUTCOMES[end.result]), end.detail[:500], end.provider_ref[:200]]
    if not rows_changed(statement, [*facts, delivery.pk, delivery.attempts_made]):
        raise Stale


def leases_recover(*, at: datetime, on_settled: OnSettled, limit: int = 100) -> int:
    """Settle what a dead engine left: not handed over is tried again at once, handed over is *unknown*.

    Returns how many. One that raises is logged and looked at again a lease later, so that it never stalls the others.
    """
    recovered = 0
    for delivery in leases_expired(at=at, limit=limit):
        try:
            attempt_settle(delivery=delivery, end=_end_of_lease(delivery), on_settled=on_settled, at=at)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("delivery %s could not be recovered", delivery.pk)
            Delivery.objects.filter(pk=delivery.pk, lease_until=delivery.lease_until).update(lease_until=at + LEASE)
        else:
            recovered += 1
    return recovered


def _end_of_lease(delivery: Delivery) -> AttemptEnd:
    attempt = Attempt.objects.filter(delivery_id=delivery.pk, number=delivery.attempts_made)
    if attempt.filter(handed_over_at__isnull=False).exists():
        return AttemptEnd(
            result=Result.UNKNOWN, detail="no answer before the lease ran out", expired_lease=delivery.lease_until
        )
    return AttemptEnd(
        result=Result.INTERRUPTED, detail="interrupted before the hand-over", expired_lease=delivery.lease_until
    )


def outcomes_report(*, at: datetime, on_settled: OnSettled, limit: int = 100) -> int:
    """Tell again those callers that raised when they were told; returns how many are told now."""
    told = 0
    for message in Message.objects.filter(report_due_at__lte=at).order_by("report_due_at")[:limit]:
        due = Message.objects.filter(pk=message.pk, report_due_at=message.report_due_at)
        try:
            with transaction.atomic():
                on_settled(message, str(message.state), at)
                if not due.update(report_due_at=None):
                    raise Stale
        except Stale:
            continue
        except Exception:
            logger.exception("on_settled raised again for message %s", message.pk)
            due.update(report_due_at=at + REPORT_AGAIN)
        else:
            told += 1
    return told


__all__ = [
    "AttemptEnd",
    "Ended",
    "OnSettled",
    "Stale",
    "attempt_facts",
    "attempt_settle",
    "leases_recover",
    "outcomes_report",
]
