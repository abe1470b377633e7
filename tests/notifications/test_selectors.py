from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from notifications.channels import Refused, Unavailable
from notifications.models import Delivery, Message
from notifications.selectors import messages_with_history, next_due_at, queue_depths
from notifications.sender import Sender
from notifications.services import messages_create
from notifications.services.deliveries import LEASE, deliveries_claim
from notifications.statements import channels_due
from notifications.testing import FakeChannel
from oncall.models import User
from tests.notifications.conftest import NIGHT, Clock, page_for

pytestmark = pytest.mark.django_db


def test_when_nothing_waits_then_there_is_no_next_instant(alice: User, sender: Sender) -> None:
    assert next_due_at() is None
    messages_create([page_for(alice)], at=NIGHT)
    assert next_due_at() == NIGHT
    sender.run_once()
    assert next_due_at() is None


def test_when_a_call_is_under_way_then_the_next_instant_is_the_end_of_its_lease(alice: User, sender: Sender) -> None:
    messages_create([page_for(alice)], at=NIGHT)
    deliveries_claim(at=NIGHT, channel="email", limit=1, worker="engine-1")
    assert next_due_at() == NIGHT + LEASE


def test_when_a_channel_has_something_due_then_it_is_the_only_one_that_is_claimed_on(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    messages_create([page_for(alice)], at=NIGHT)
    with django_assert_num_queries(1):
        assert channels_due(["chat", "email"], at=NIGHT) == {"email"}
    assert channels_due(["chat", "email"], at=NIGHT - timedelta(microseconds=1)) == set()
    with django_assert_num_queries(0):
        assert channels_due([], at=NIGHT) == set()


def test_when_queues_are_counted_then_due_waiting_and_sending_are_told_apart(
    alice: User, bob: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    messages_create([page_for(bob, "waits")], at=NIGHT)
    email.script("bob@example.org", Unavailable("451"))
    sender.run_once()
    messages_create([page_for(alice, "a"), page_for(alice, "b"), page_for(alice, "c")], at=NIGHT)
    deliveries_claim(at=NIGHT, channel="email", limit=1, worker="engine-1")
    (depth,) = queue_depths(at=NIGHT)
    assert (depth.channel, depth.due, depth.waiting, depth.sending) == ("email", 2, 1, 1)
    assert depth.oldest_due_at == NIGHT


def test_when_messages_are_read_with_their_history_then_three_queries_do(
    alice: User, bob: User, sender: Sender, email: FakeChannel, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    email.script("alice@example.org", Refused("550"))
    messages = messages_create([page_for(alice), page_for(bob)], at=NIGHT)
    sender.run_once()
    with django_assert_num_queries(3):
        story = [
            (delivery.address, [attempt.outcome for attempt in delivery.attempts.all()])
            for message in messages_with_history(message_ids=[message.pk for message in messages])
            for delivery in message.deliveries.all()
            if message.recipient is not None and message.recipient.username
        ]
    assert story == [
        ("alice@example.org", ["refused"]),
        ("alice@home.example", ["sent"]),
        ("bob@example.org", ["sent"]),
    ]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_when_a_message_ends_without_a_reason_then_the_database_refuses(alice: User, state: str) -> None:
    messages_create([page_for(alice)], at=NIGHT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.update(state=state, settled_at=NIGHT)


def test_when_two_methods_would_be_used_at_once_then_the_database_refuses(alice: User) -> None:
    messages_create([page_for(alice)], at=NIGHT)
    delivery = Delivery.objects.get()
    delivery.pk, delivery.position = None, 1
    with pytest.raises(IntegrityError), transaction.atomic():
        delivery.save(force_insert=True)
