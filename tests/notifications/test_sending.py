"""From queued to settled, in one thread, on a clock of our own."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from notifications.channels import OutcomeUnknown, Refused, Unavailable, channels_replaced
from notifications.decisions import LONGEST_WAIT
from notifications.models import Attempt, ContactMethod, Delivery, Message
from notifications.sender import Sender
from notifications.sending import delivery_call, ends_settle
from notifications.services import messages_create
from notifications.services.deliveries import LEASE, deliveries_claim
from notifications.services.settling import REPORT_AGAIN, Ended
from notifications.testing import FakeChannel, ProcessKilled
from oncall.models import User
from tests.notifications.conftest import NIGHT, Clock, Outcomes, entry_data, page_for

pytestmark = pytest.mark.django_db


def queue(user: User, key: str = "k", **more: object) -> Message:
    return messages_create([page_for(user, key, **more)], at=NIGHT)[0]


def actions() -> list[str]:
    return list(LedgerEntry.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.requirement("R020")
def test_when_the_provider_takes_it_then_message_delivery_attempt_and_ledger_say_so(
    alice: User, sender: Sender, email: FakeChannel, outcomes: Outcomes, clock: Clock
) -> None:
    message = queue(alice)
    clock.advance(1)
    assert sender.run_once() == 1
    message.refresh_from_db()
    delivery, attempt = Delivery.objects.get(), Attempt.objects.get()
    assert (message.state, message.settled_at) == ("delivered", clock())
    assert (delivery.state, delivery.lease_until) == ("delivered", None)
    assert (attempt.outcome, attempt.started_at, attempt.handed_over_at) == ("sent", clock(), clock())
    assert attempt.provider_ref == "fake-1"
    assert [mail.address for mail in email.got] == ["alice@example.org"]
    assert outcomes.told == [("k", "delivered")]
    entry = LedgerEntry.objects.get(action="delivery.sent")
    assert (entry.subject, entry.object_label) == ("incident:42", "email: alice@example.org")
    assert entry_data("delivery.sent")["provider_ref"] == "fake-1"


def test_when_the_provider_is_away_then_it_is_tried_again_after_growing_waits(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    queue(alice)
    email.script("alice@example.org", Unavailable("451"), Unavailable("timeout"))
    sender.run_once()
    first_retry = Delivery.objects.get().next_attempt_at
    assert 2.0 <= (first_retry - NIGHT).total_seconds() <= 2.4
    clock.advance(1.9)
    assert sender.run_once() == 0
    clock.at = first_retry
    assert sender.run_once() == 1
    clock.advance(12)
    sender.run_once()
    assert [attempt.outcome for attempt in Attempt.objects.all()] == ["error", "error", "sent"]
    assert actions() == ["attempt.failed", "attempt.failed", "delivery.sent"]


def test_when_the_address_is_refused_then_the_next_method_is_tried_at_once(
    alice: User, sender: Sender, email: FakeChannel, outcomes: Outcomes
) -> None:
    message = queue(alice)
    email.script("alice@example.org", Refused("550 no such user"))
    sender.run_once()
    first, second = Delivery.objects.order_by("position")
    assert (first.state, first.reason) == ("failed", "550 no such user")
    assert (second.state, second.address, second.position) == ("delivered", "alice@home.example", 1)
    message.refresh_from_db()
    assert message.state == Message.State.DELIVERED
    assert outcomes.told == [("k", "delivered")]


def test_when_no_method_is_left_then_the_person_is_unreachable_and_the_caller_is_told_in_the_same_transaction(
    bob: User, email: FakeChannel, clock: Clock
) -> None:
    told: list[tuple[str, str, bool, datetime]] = []

    def on_settled(message: Message, outcome: str, at: datetime) -> None:
        told.append((outcome, message.state_reason, connection.in_atomic_block, at))

    message = queue(bob)
    email.script("bob@example.org", Refused("550"))
    Sender(clock=clock, on_settled=on_settled).run_once()
    assert told == [("failed", "unreachable", True, NIGHT)]
    message.refresh_from_db()
    assert (message.state, message.state_reason) == ("failed", "unreachable")
    assert actions() == ["delivery.failed", "message.failed"]


@pytest.mark.requirement("R297")
def test_when_the_provider_stays_away_then_everybody_involved_knows_within_two_minutes(
    alice: User, sender: Sender, email: FakeChannel, outcomes: Outcomes, clock: Clock
) -> None:
    queue(alice)
    for address in ("alice@example.org", "alice@home.example"):
        email.script(address, *[Unavailable("connection refused")] * 4)
    while not outcomes.told:
        clock.advance(0.5)
        sender.run_once()
    assert outcomes.told == [("k", "failed")]
    assert Attempt.objects.count() == 8
    assert (clock() - NIGHT).total_seconds() < 120


def test_when_the_engine_dies_before_the_hand_over_then_it_is_sent_once_after_the_lease(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    queue(alice)
    email.script("alice@example.org", ProcessKilled(after_hand_over=False))
    with pytest.raises(ProcessKilled):
        sender.run_once()
    assert sender.run_once() == 0, "the lease still holds"
    clock.advance(LEASE.total_seconds() + 1)
    sender.run_once()
    assert len(email.got) == 1
    first, second = Attempt.objects.all()
    assert (first.outcome, first.handed_over_at) == ("error", None)
    assert second.outcome == "sent"


@pytest.mark.requirement("R005")
def test_when_the_engine_dies_after_the_hand_over_then_that_method_is_never_used_again(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    message = queue(alice)
    email.script("alice@example.org", ProcessKilled(after_hand_over=True))
    with pytest.raises(ProcessKilled):
        sender.run_once()
    clock.advance(LEASE.total_seconds() + 1)
    sender.run_once()
    assert [mail.address for mail in email.got] == ["alice@example.org", "alice@home.example"]
    assert Attempt.objects.first().outcome == "unknown"  # type: ignore[union-attr]
    assert actions() == ["attempt.unknown", "delivery.sent"]
    message.refresh_from_db()
    assert message.state == Message.State.DELIVERED


def test_when_the_outcome_of_the_only_method_is_unknown_then_the_message_fails_with_that_reason(
    bob: User, sender: Sender, email: FakeChannel, outcomes: Outcomes
) -> None:
    message = queue(bob)
    email.script("bob@example.org", OutcomeUnknown("connection reset after DATA"))
    sender.run_once()
    message.refresh_from_db()
    assert (message.state, message.state_reason) == ("failed", "outcome_unknown")
    assert outcomes.told == [("k", "failed")]
    assert len(email.calls) == 1


def test_when_an_engine_taken_for_dead_answers_late_then_the_decision_stands_and_the_ledger_notes_it(
    alice: User, sender: Sender, email: FakeChannel, outcomes: Outcomes, clock: Clock
) -> None:
    queue(alice)
    (held,) = deliveries_claim(at=clock(), channel="email", limit=1, worker="frozen")
    clock.advance(LEASE.total_seconds() + 1)
    sender.run_once()
    assert len(email.got) == 1
    assert delivery_call(held, clock=clock) is None
    assert len(email.got) == 1, "the hand-over was refused"
    assert outcomes.told == [("k", "delivered")]


def test_when_the_provider_answers_after_the_recovery_then_the_answer_is_only_noted(
    bob: User, sender: Sender, email: FakeChannel, outcomes: Outcomes, clock: Clock
) -> None:
    message = queue(bob)

    def recover_meanwhile(*_ignored: object) -> None:
        clock.advance(LEASE.total_seconds() + 1)
        Sender(clock=clock, on_settled=outcomes, worker="engine-2").run_once()

    email.got = type("Got", (list,), {"append": recover_meanwhile})()
    sender.run_once()
    message.refresh_from_db()
    assert (message.state, message.state_reason) == ("failed", "outcome_unknown")
    assert actions() == ["attempt.unknown", "message.failed", "attempt.answered_late"]
    assert entry_data("attempt.answered_late")["outcome"] == "sent"


def test_when_a_channel_raises_something_nobody_foresaw_then_it_counts_as_away_or_unknown(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    queue(alice)
    email.script("alice@example.org", ZeroDivisionError("oops"))
    sender.run_once()
    assert Attempt.objects.get().detail == "ZeroDivisionError: oops"
    assert Delivery.objects.get().state == Delivery.State.QUEUED


def test_when_the_caller_raises_then_the_outcome_stands_and_it_is_told_again(
    bob: User, email: FakeChannel, clock: Clock
) -> None:
    told: list[str] = []

    def on_settled(message: Message, outcome: str, at: datetime) -> None:
        told.append(outcome)
        if len(told) < 3:
            Message.objects.filter(pk=message.pk).update(subject="half done")
            raise LookupError("a bug in the caller")

    message = queue(bob)
    sender = Sender(clock=clock, on_settled=on_settled)
    sender.run_once()
    message.refresh_from_db()
    assert (message.state, message.subject) == ("delivered", "SEV-1: payments is failing")
    assert message.report_due_at == NIGHT + REPORT_AGAIN
    for _again in range(2):
        clock.advance(REPORT_AGAIN.total_seconds())
        sender.run_once()
    assert not Message.objects.filter(report_due_at__isnull=False).exists()
    assert (told, len(email.got)) == (["delivered"] * 3, 1)


def test_when_a_storm_is_queued_then_the_urgent_page_goes_first(
    alice: User, bob: User, sender: Sender, email: FakeChannel
) -> None:
    messages_create([page_for(bob, f"low:{number}", priority=50) for number in range(30)], at=NIGHT)
    queue(alice, "sev1", priority=10)
    sender.run_once()
    assert email.got[0].idempotency_key == "sev1"
    assert len(email.got) == 31


@pytest.mark.parametrize("hours", [1, 24 * 365])
def test_when_the_clock_was_set_back_since_a_page_was_queued_then_it_is_sent_now(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock, hours: float
) -> None:
    queue(alice)
    clock.advance(-hours * 3600)

    assert sender.run_once() == 1
    assert [mail.address for mail in email.got] == ["alice@example.org"]


def test_when_the_clock_was_set_back_since_a_provider_was_away_then_nobody_waits_for_the_hour_to_come_again(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    queue(alice)
    email.script("alice@example.org", Unavailable("451"))
    sender.run_once()
    clock.advance(-3600)

    assert sender.run_once() == 1
    assert Message.objects.get().state == "delivered"


def test_the_longest_wait_a_provider_may_ask_for_is_kept_by_a_host_whose_clock_is_a_little_behind(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    queue(alice)
    email.script("alice@example.org", Unavailable("451", retry_after=LONGEST_WAIT))
    sender.run_once()
    clock.advance(-50)

    assert sender.run_once() == 0


def test_when_the_clock_was_set_back_since_an_engine_died_in_a_call_then_its_lease_runs_out_as_any(
    alice: User, sender: Sender, email: FakeChannel, clock: Clock
) -> None:
    queue(alice)
    deliveries_claim(at=clock() + timedelta(hours=6), channel="email", limit=1, worker="dead")
    assert sender.run_once() == 0
    clock.advance(LEASE.total_seconds() + 1)

    sender.run_once()
    assert Message.objects.get().state == "delivered"
    assert len(email.got) == 1


def test_when_the_clock_was_set_back_since_nobody_could_be_told_of_an_outcome_then_they_are_told_now(
    alice: User, email: FakeChannel, clock: Clock
) -> None:
    told: list[str] = []

    def on_settled(message: Message, outcome: str, at: datetime) -> None:
        if not told:
            told.append("raised")
            raise ValueError("no")
        told.append(outcome)

    queue(alice)
    sender = Sender(clock=clock, on_settled=on_settled)
    clock.advance(6 * 3600)
    sender.run_once()
    clock.advance(-6 * 3600)

    for _look in range(2):
        sender.run_once()
    assert told == ["raised", "delivered"]


def test_when_nobody_needs_looking_after_then_a_look_is_one_statement(sender: Sender, clock: Clock) -> None:
    sender.dispatch()
    clock.advance(2)
    with CaptureQueriesContext(connection) as queries:
        sender.dispatch()
    # One for what is neglected, one for what is due.
    assert len(queries) == 2


def test_when_a_method_is_added_after_the_page_then_the_fallback_finds_it(
    bob: User, sender: Sender, email: FakeChannel
) -> None:
    queue(bob)
    ContactMethod.objects.create(user=bob, kind="email", address="bob@home.example", position=5)
    email.script("bob@example.org", Refused("550"))
    sender.run_once()
    assert [mail.address for mail in email.got] == ["bob@home.example"]


def test_when_a_channel_no_longer_exists_then_its_queue_moves_to_the_next_method(
    bob: User, clock: Clock, outcomes: Outcomes
) -> None:
    ContactMethod.objects.create(user=bob, kind="pigeon", address="loft 7", position=5)
    pigeon, email = FakeChannel(), FakeChannel()
    with channels_replaced({"pigeon": pigeon}):
        queue(bob)
    with channels_replaced({"email": email}):
        Sender(clock=clock, on_settled=outcomes).run_once()
    assert [mail.address for mail in email.got] == ["bob@example.org"]
    assert pigeon.calls == []


def test_when_one_page_is_sent_then_few_statements_are_needed(alice: User, sender: Sender, email: FakeChannel) -> None:
    queue(alice)
    (delivery,) = deliveries_claim(at=NIGHT, channel="email", limit=1, worker="engine-1")
    with CaptureQueriesContext(connection) as queries:
        end = delivery_call(delivery, clock=lambda: NIGHT)
        assert end is not None
        ends_settle([Ended(delivery, end)], clock=lambda: NIGHT, on_settled=lambda *_ignored: None)
    updates = [query["sql"] for query in queries if query["sql"].lstrip().startswith("UPDATE")]
    assert len(updates) == 4, updates
    assert len(queries) <= 9, "hand-over, three ends, one ledger entry and the bounds of the transaction"
