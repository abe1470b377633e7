import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from audit.services import Actor
from notifications.channels import Outgoing, Unavailable
from notifications.models import Attempt, Delivery, Message
from notifications.sender import Sender
from notifications.services import messages_cancel, messages_create
from notifications.testing import FakeChannel
from oncall.models import User
from tests.notifications.conftest import NIGHT, Clock, Outcomes, entry_data, page_for, person

pytestmark = pytest.mark.django_db

BOB_ACTS = Actor("user", "2", "Bob")


def test_when_a_queued_message_is_cancelled_then_it_is_never_sent(
    alice: User, sender: Sender, email: FakeChannel
) -> None:
    (message,) = messages_create([page_for(alice)], at=NIGHT)
    result = messages_cancel(message_ids=[message.pk], reason="acknowledged", at=NIGHT, actor=BOB_ACTS)
    assert (result.cancelled, result.under_way) == ([message], [])
    assert sender.run_once() == 0
    assert email.calls == []
    message.refresh_from_db()
    assert (message.state, message.state_reason, message.settled_at) == ("cancelled", "acknowledged", NIGHT)
    assert Delivery.objects.get().state == Delivery.State.CANCELLED
    entry = LedgerEntry.objects.get(action="delivery.cancelled")
    assert (entry.subject, entry.actor_label) == ("incident:42", "Bob")
    assert entry_data("delivery.cancelled")["reason"] == "acknowledged"


def test_when_it_waits_for_another_attempt_then_cancelling_ends_it(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    email.script("alice@example.org", Unavailable("451 try later"))
    (message,) = messages_create([page_for(alice)], at=NIGHT)
    sender.run_once()
    messages_cancel(message_ids=[message.pk], reason="acknowledged", at=clock.advance(1))
    clock.advance(60)
    sender.run_once()
    assert email.got == []
    message.refresh_from_db()
    assert message.state == Message.State.CANCELLED


def test_when_it_ended_already_then_cancelling_does_nothing(alice: User, sender: Sender) -> None:
    (message,) = messages_create([page_for(alice)], at=NIGHT)
    sender.run_once()
    before = LedgerEntry.objects.count()
    assert messages_cancel(message_ids=[message.pk], reason="acknowledged", at=NIGHT).cancelled == []
    message.refresh_from_db()
    assert message.state == Message.State.DELIVERED
    assert LedgerEntry.objects.count() == before


def test_when_it_is_cancelled_before_the_hand_over_then_the_provider_never_gets_it(
    alice: User, sender: Sender, email: FakeChannel, outcomes: Outcomes
) -> None:
    def acknowledge(_outgoing: Outgoing) -> None:
        result = messages_cancel(message_ids=[message.pk], reason="acknowledged", at=NIGHT)
        assert (result.cancelled, result.under_way) == ([], [message])

    (message,) = messages_create([page_for(alice)], at=NIGHT)
    email.during_call = acknowledge
    sender.run_once()
    assert email.got == []
    message.refresh_from_db()
    assert (message.state, message.state_reason) == ("cancelled", "acknowledged")
    assert Attempt.objects.get().outcome == Attempt.Outcome.CANCELLED
    assert outcomes.told == [(message.idempotency_key, "cancelled")]
    actions = list(LedgerEntry.objects.values_list("action", flat=True))
    assert actions == ["message.cancel_asked", "delivery.cancelled"]


def test_when_the_provider_has_it_already_then_it_ends_delivered(
    alice: User, sender: Sender, email: FakeChannel, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message,) = messages_create([page_for(alice)], at=NIGHT)
    original = email.got.append

    def acknowledge_too_late(outgoing: Outgoing) -> None:
        messages_cancel(message_ids=[message.pk], reason="acknowledged", at=NIGHT)
        original(outgoing)

    monkeypatch.setattr(email, "got", type("Got", (list,), {"append": lambda _self, it: acknowledge_too_late(it)})())
    sender.run_once()
    message.refresh_from_db()
    assert message.state == Message.State.DELIVERED
    assert outcomes.told == [(message.idempotency_key, "delivered")]


def test_when_a_cancelled_one_fails_for_now_then_it_is_neither_repeated_nor_sent_by_the_next_method(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    def resolve(_outgoing: Outgoing) -> None:
        messages_cancel(message_ids=[message.pk], reason="resolved", at=NIGHT)

    (message,) = messages_create([page_for(alice)], at=NIGHT)
    email.script("alice@example.org", Unavailable("connection refused"))
    email.during_call = resolve
    sender.run_once()
    clock.advance(600)
    sender.run_once()
    assert email.calls == ["alice@example.org"]
    message.refresh_from_db()
    assert (message.state, message.state_reason) == ("cancelled", "resolved")


def test_when_200_messages_are_cancelled_then_no_more_statements_are_needed_than_for_20(db: None) -> None:
    counts = {}
    for size in (20, 200):
        people = [person(f"crew{size}-{number}", f"crew{number}@example.org") for number in range(size)]
        messages = messages_create([page_for(user) for user in people], at=NIGHT)
        with CaptureQueriesContext(connection) as queries:
            messages_cancel(message_ids=[message.pk for message in messages], reason="resolved", at=NIGHT)
        counts[size] = len(queries)
    assert counts[200] == counts[20] <= 10
