"""One attempt of the sender, recorded: claimed, handed over, settled."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalation_site.demo.recording import Recording, seconds
from notifications.decisions import Result, jitter_of, next_step
from notifications.entries import message_entry
from notifications.models import Attempt, ContactMethod, Delivery, Message
from notifications.services import settling
from notifications.services.messages import delivery_queued
from notifications.services.settling import AttemptEnd

WORKER = "demo"
_WORDS = {
    Result.SENT: "250 2.0.0 accepted for delivery",
    Result.REFUSED: "550 5.1.1 mailbox unavailable",
    Result.UNAVAILABLE: "421 4.3.2 try again later",
}


@dataclass(slots=True)
class Post:
    """``delivery`` is tried once, at its due instant or just after ``after``; ``result`` is the provider's answer."""

    recording: Recording
    delivery: Delivery
    result: Result
    after: datetime
    claimed_at: datetime = field(init=False)
    handed_over_at: datetime | None = field(init=False)
    settled_at: datetime = field(init=False)
    end: AttemptEnd = field(init=False)

    def __post_init__(self) -> None:
        chance = self.recording.chance
        self.claimed_at = max(self.delivery.next_attempt_at, self.after) + seconds(chance.uniform(0.01, 0.15))
        handed_over_at = self.claimed_at + seconds(chance.uniform(0.05, 0.2))
        self.settled_at = handed_over_at + seconds(chance.uniform(0.05, 0.6))
        # A provider that refuses does so before the hand-over.
        self.handed_over_at = handed_over_at if self.result is Result.SENT else None
        reference = f"{chance.getrandbits(64):016x}" if self.result is Result.SENT else ""
        self.end = AttemptEnd(result=self.result, detail=_WORDS[self.result], provider_ref=reference)

    def settle(self) -> list[Delivery]:
        """The rows and the entries of the outcome; returns what is queued because of it."""
        delivery, at = self.delivery, self.settled_at
        delivery.attempts_made += 1
        delivery.claimed_by = WORKER
        plan = self._plan()
        self._attempt()
        entries = [settling._attempt_entry(delivery, self.end, plan, at)]
        message = delivery.message
        if plan.message_state is not None:
            message.state, message.state_reason = str(plan.message_state), str(plan.message_reason)
            message.settled_at = at
            if plan.message_state is Message.State.FAILED:
                entries.append(message_entry(message, "message.failed", at=at))
        self.recording.rows.enter(entries)
        delivery.state, delivery.reason = str(plan.delivery_state), settling._delivery_reason(self.end, plan)
        if plan.delivery_state is Delivery.State.QUEUED:
            delivery.next_attempt_at, delivery.claimed_by = at + timedelta(seconds=plan.step.wait), ""
            return [delivery]
        delivery.settled_at = at
        return [self._next(message, plan.next_method)] if plan.next_method is not None else []

    def _plan(self) -> settling._Plan:
        number = self.delivery.attempts_made
        step = next_step(
            self.result, attempts_made=number, cancel_asked=False, jitter=jitter_of(self.delivery.pk, number)
        )
        if step.kind == "delivered":
            return settling._Plan(step, None, Message.State.DELIVERED, "", Delivery.State.DELIVERED)
        if step.kind == "retry":
            return settling._Plan(step, None, None, "", Delivery.State.QUEUED)
        if method := self._next_method():
            return settling._Plan(step, method, None, "", Delivery.State.FAILED)
        return settling._Plan(step, None, Message.State.FAILED, Message.Reason.UNREACHABLE, Delivery.State.FAILED)

    def _next_method(self) -> ContactMethod | None:
        reader = self.delivery.message.recipient_id
        methods = self.recording.directory.methods[reader] if reader is not None else []
        return methods[self.delivery.position + 1] if self.delivery.position + 1 < len(methods) else None

    def _next(self, message: Message, method: ContactMethod) -> Delivery:
        delivery = delivery_queued(message, method, position=self.delivery.position + 1, at=self.settled_at)
        self.recording.rows.number(delivery)
        return delivery

    def _attempt(self) -> None:
        attempt = Attempt(
            delivery=self.delivery,
            number=self.delivery.attempts_made,
            started_at=self.claimed_at,
            handed_over_at=self.handed_over_at,
            finished_at=self.settled_at,
            outcome=str(settling._OUTCOMES[self.result]),
            detail=self.end.detail,
            provider_ref=self.end.provider_ref,
        )
        self.recording.rows.add([attempt])
