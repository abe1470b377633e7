import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from notifications.models import ContactMethod, Delivery, Message
from notifications.services import messages_create
from oncall.models import User
from tests.notifications.conftest import NIGHT, page_for, person

pytestmark = pytest.mark.django_db


def test_when_a_message_is_created_then_its_first_delivery_is_queued_by_the_first_method(alice: User) -> None:
    (message,) = messages_create([page_for(alice, priority=10)], at=NIGHT)
    delivery = Delivery.objects.get()
    assert message.state == Message.State.PENDING
    assert (delivery.message, delivery.address, delivery.state) == (message, "alice@example.org", "queued")
    assert (delivery.position, delivery.priority, delivery.next_attempt_at) == (0, 10, NIGHT)


def test_when_the_first_method_is_disabled_then_the_next_one_is_taken(alice: User) -> None:
    ContactMethod.objects.filter(address="alice@example.org").update(enabled=False)
    messages_create([page_for(alice)], at=NIGHT)
    assert Delivery.objects.get().address == "alice@home.example"


def test_when_a_method_has_no_channel_then_it_is_passed_over() -> None:
    dora = person("dora", "@dora", kind="pigeon")
    (message,) = messages_create([page_for(dora)], at=NIGHT)
    assert message.state_reason == Message.Reason.NO_CONTACT_METHOD


def test_when_a_person_has_no_method_then_the_message_has_failed_at_once_and_the_ledger_says_so(carol: User) -> None:
    (message,) = messages_create([page_for(carol)], at=NIGHT)
    message.refresh_from_db()
    assert (message.state, message.state_reason, message.settled_at) == ("failed", "no_contact_method", NIGHT)
    assert message.reason_text == "no contact method"
    entry = LedgerEntry.objects.get(action="message.failed")
    assert (entry.subject, entry.object_id) == ("incident:42", str(message.pk))


def test_when_a_key_exists_already_then_its_message_is_returned_and_nothing_is_sent_twice(alice: User) -> None:
    (first,) = messages_create([page_for(alice, "k")], at=NIGHT)
    (again,) = messages_create([page_for(alice, "k")], at=NIGHT)
    assert again == first
    assert (Message.objects.count(), Delivery.objects.count()) == (1, 1)


def test_when_a_key_comes_twice_in_one_call_then_there_is_one_message(alice: User, bob: User) -> None:
    first, other, twin = messages_create([page_for(alice, "k"), page_for(bob, "b"), page_for(alice, "k")], at=NIGHT)
    assert first == twin
    assert other.recipient_id == bob.pk
    assert Delivery.objects.count() == 2


def crew(name: str, size: int) -> list[User]:
    """One in twenty of them cannot be reached."""
    return [
        person(f"{name}{number}", *([f"{name}{number}@example.org"] if number % 20 else [])) for number in range(size)
    ]


def test_when_200_people_are_told_then_no_more_statements_are_needed_than_for_20() -> None:
    counts = {}
    for size in (20, 200):
        people = crew(f"crew{size}-", size)
        with CaptureQueriesContext(connection) as queries:
            messages = messages_create([page_for(user) for user in people], at=NIGHT)
        counts[size] = len(queries)
        assert [message.recipient_id for message in messages] == [user.pk for user in people]
        assert sum(message.state == "failed" for message in messages) == size // 20
    assert counts[200] == counts[20] <= 10


def test_when_the_subject_has_line_breaks_then_it_becomes_one_line(alice: User) -> None:
    value = page_for(alice, subject="disk\r\nBcc: everybody@example.org")
    (message,) = messages_create([value], at=NIGHT)
    assert message.subject == "disk Bcc: everybody@example.org"
