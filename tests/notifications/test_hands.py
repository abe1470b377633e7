"""Deliveries claimed and settled by the hand: nothing is sent twice, nothing stays behind, whoever dies or decides meanwhile."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from notifications.channels import Outgoing
from notifications.hands import FIRST, HAND_LASTS, HAND_LONGEST, MOST, Hand, Tempo, dealt
from notifications.models import Attempt, Delivery, Message
from notifications.sender import Sender
from notifications.sending import delivery_call, ends_settle
from notifications.services import messages_cancel, messages_create
from notifications.services.deliveries import LEASE, deliveries_claim, deliveries_release
from notifications.services.settling import Ended, leases_recover
from notifications.testing import FakeChannel, ProcessKilled
from oncall.models import User
from tests.notifications.conftest import NIGHT, Clock, Outcomes, page_for

pytestmark = pytest.mark.django_db


def queue(user: User, *keys: str, priority: int = 50) -> list[Message]:
    return messages_create([page_for(user, key, priority=priority) for key in keys], at=NIGHT)


def claimed(worker: str = "engine-1", limit: int = 50) -> list[Delivery]:
    return deliveries_claim(at=NIGHT, channel="email", limit=limit, worker=worker)


def sent(deliveries: list[Delivery]) -> list[Ended]:
    """These given to their provider, and nothing on record but the hand-over."""
    ends = [(delivery, delivery_call(delivery, clock=lambda: NIGHT)) for delivery in deliveries]
    return [Ended(delivery, end) for delivery, end in ends if end is not None]


def slow(clock: Clock, seconds: float) -> None:
    """What a call takes."""
    clock.advance(seconds)


def keys(email: FakeChannel) -> list[str]:
    return [outgoing.idempotency_key for outgoing in email.got]


@pytest.mark.requirement("R005")
def test_when_an_engine_dies_in_the_middle_of_a_hand_then_nothing_is_sent_twice_and_the_rest_is_sent(
    bob: User, sender: Sender, email: FakeChannel, outcomes: Outcomes, clock: Clock
) -> None:
    queue(bob, "1", "2", "3", "4")
    email.during_call = lambda outgoing: email.script(
        "bob@example.org", *([ProcessKilled(after_hand_over=True)] if outgoing.idempotency_key == "2" else [])
    )
    with pytest.raises(ProcessKilled):
        sender.run_once()
    assert keys(email) == ["1", "2", "3"]
    assert outcomes.told == [], "it died before the outcomes of its hand were on record"
    email.during_call = None
    clock.advance(LEASE.total_seconds() + 1)
    Sender(clock=clock, on_settled=outcomes, worker="engine-2").run_once()
    assert keys(email) == ["1", "2", "3", "4"]
    assert sorted(outcomes.told) == [("1", "failed"), ("2", "failed"), ("3", "failed"), ("4", "delivered")]
    assert set(Message.objects.filter(state="failed").values_list("state_reason", flat=True)) == {"outcome_unknown"}


def test_when_the_time_of_the_safety_net_is_up_then_what_is_not_begun_goes_back_and_what_was_sent_is_on_record(
    bob: User, sender: Sender, email: FakeChannel, outcomes: Outcomes, clock: Clock
) -> None:
    """A storm lasts longer than the cluster lets a task run: ended in the midst of a hand, nobody would know what was sent."""
    queue(bob, *(f"{number:02}" for number in range(12)))
    email.during_call = lambda _outgoing: slow(clock, 0.1)

    assert sender.run_once(within=timedelta(seconds=0.65)) == 7

    states = dict(Delivery.objects.values_list("message__idempotency_key", "state"))
    assert keys(email) == sorted(states)[:7]
    assert [states[key] for key in sorted(states)] == ["delivered"] * 7 + ["queued"] * 5
    assert not Attempt.objects.filter(finished_at=None).exists()
    assert sender.run_once() == 5


def test_when_a_provider_lets_one_wait_before_the_hand_over_then_its_lease_is_whole_again_from_there(
    bob: User, sender: Sender, email: FakeChannel, outcomes: Outcomes, clock: Clock
) -> None:
    """The safety net has no loop beside its calls that would renew it."""
    queue(bob, "1")
    email.during_call = lambda _outgoing: slow(clock, LEASE.total_seconds() - 2)
    leases: list[datetime | None] = []
    email.got = type("Got", (list,), {"append": lambda *_taken: leases.append(Delivery.objects.get().lease_until)})()

    sender.run_once()

    assert leases == [clock() + LEASE]
    assert outcomes.told == [("1", "delivered")]


def test_when_sixteen_were_sent_then_settling_them_takes_as_many_statements_as_settling_two(
    bob: User, email: FakeChannel, outcomes: Outcomes
) -> None:
    counts = {}
    for size in (2, 16):
        queue(bob, *(f"{size}:{number}" for number in range(size)))
        hand = sent(claimed())
        with CaptureQueriesContext(connection) as queries:
            ends_settle(hand, clock=lambda: NIGHT, on_settled=outcomes)
        counts[size] = len(queries)
    assert counts[16] == counts[2] <= 8
    assert set(Message.objects.values_list("state", "settled_at")) == {("delivered", NIGHT)}
    assert set(Delivery.objects.values_list("state", "lease_until")) == {("delivered", None)}
    assert Attempt.objects.filter(outcome="sent", finished_at=NIGHT).exclude(provider_ref="").count() == 18
    assert LedgerEntry.objects.filter(action="delivery.sent", object_type="delivery").count() == 18
    assert len(outcomes.told) == 18


def test_when_another_engine_decided_about_one_then_the_others_of_the_hand_are_settled_all_the_same(
    bob: User, email: FakeChannel, outcomes: Outcomes
) -> None:
    queue(bob, "1", "2", "3")
    hand = sent(claimed())
    later = NIGHT + LEASE + timedelta(seconds=1)
    Delivery.objects.exclude(message__idempotency_key="2").update(lease_until=later)
    assert leases_recover(at=later, on_settled=outcomes) == 1
    ends_settle(hand, clock=lambda: later, on_settled=outcomes)
    states = Message.objects.order_by("idempotency_key").values_list("state", flat=True)
    assert list(states) == ["delivered", "failed", "delivered"]
    assert LedgerEntry.objects.filter(action="attempt.answered_late").count() == 1
    assert LedgerEntry.objects.filter(action="delivery.sent").count() == 2


def test_when_the_caller_raises_for_one_of_a_hand_then_the_others_are_told_once(bob: User, email: FakeChannel) -> None:
    told: list[str] = []

    def on_settled(message: Message, outcome: str, at: object) -> None:
        if message.idempotency_key == "2":
            raise LookupError("a bug in the caller")
        Message.objects.filter(pk=message.pk).update(subject=f"told of {outcome}")
        told.append(message.idempotency_key)

    queue(bob, "1", "2", "3")
    ends_settle(sent(claimed()), clock=lambda: NIGHT, on_settled=on_settled)
    assert list(Message.objects.order_by("idempotency_key").values_list("state", "subject")) == [
        ("delivered", "told of delivered"),
        ("delivered", "SEV-1: payments is failing"),
        ("delivered", "told of delivered"),
    ]
    assert list(Message.objects.filter(report_due_at__isnull=False).values_list("idempotency_key", flat=True)) == ["2"]


def test_when_a_call_lasts_too_long_then_the_rest_of_the_hand_goes_back_as_if_it_had_never_been_claimed(
    bob: User, sender: Sender, email: FakeChannel, clock: Clock, outcomes: Outcomes
) -> None:
    queue(bob, "1", "2", "3", "4")
    seen: list[tuple[str, int, str]] = []

    def slow(outgoing: Outgoing) -> None:
        if outgoing.idempotency_key == "2":
            clock.advance(1)
        elif outgoing.idempotency_key == "3":
            seen.extend(Delivery.objects.order_by("id").values_list("state", "attempts_made", "claimed_by"))

    email.during_call = slow
    sender.run_once()
    assert seen[:2] == [("delivered", 1, "engine-1")] * 2, "what was sent is on record before anybody waits longer"
    assert keys(email) == ["1", "2", "3", "4"]
    assert Attempt.objects.filter(number=1, outcome="sent").count() == Attempt.objects.count() == 4
    assert sorted(outcomes.told) == [(str(number), "delivered") for number in (1, 2, 3, 4)]


def test_when_a_hand_is_given_back_then_what_was_called_for_cancelled_or_taken_over_stays(
    bob: User, email: FakeChannel, outcomes: Outcomes
) -> None:
    messages = queue(bob, "1", "2", "3")
    first, second, third = claimed()
    messages_cancel(message_ids=[messages[1].pk], reason="acknowledged", at=NIGHT)
    Delivery.objects.filter(pk=third.pk).update(claimed_by="engine-2")
    assert deliveries_release(deliveries=[first, second, third], worker="engine-1") == [second, third]
    assert list(Delivery.objects.order_by("id").values_list("state", "attempts_made")) == [
        ("queued", 0),
        ("sending", 1),
        ("sending", 1),
    ]
    assert Attempt.objects.count() == 2
    (again,) = claimed()
    sent([again])
    with pytest.raises(RuntimeError, match="called for"):
        deliveries_release(deliveries=[again], worker="engine-1")
    again.refresh_from_db()
    assert again.state == Delivery.State.SENDING


def test_when_a_hand_is_dealt_then_few_are_sent_at_once_and_the_most_urgent_first(
    bob: User, email: FakeChannel
) -> None:
    queue(bob, "low 1", "low 2", "low 3")
    queue(bob, "sev1", priority=10)
    hands = dealt(claimed(), 3, began=NIGHT, time_limit=60)
    first = [delivery.message.idempotency_key for hand in hands if (delivery := hand.next(at=NIGHT)) is not None]
    assert first == ["sev1", "low 1", "low 2"]
    assert [hand.least_urgent for hand in hands] == [50, None, None]
    assert [hand.size for hand in hands] == [2, 1, 1]


def test_when_a_call_hangs_then_its_lease_is_renewed_no_more_but_that_of_the_others_is(
    bob: User, email: FakeChannel
) -> None:
    queue(bob, "1", "2", "3")
    first, second, third = claimed()
    hand = Hand([first, second, third], began=NIGHT, time_limit=0)
    assert hand.next(at=NIGHT) == first
    (ended,) = sent([first])
    hand.keep(ended)
    assert hand.next(at=NIGHT) == second
    assert sorted(hand.alive()) == sorted([first.pk, third.pk])
    assert hand.rest_taken() == [third]
    assert hand.sent_taken() == [ended]
    assert hand.alive() == []


def test_when_only_the_machine_is_slow_then_a_hand_is_kept_longer_than_when_its_provider_is(
    bob: User, email: FakeChannel
) -> None:
    queue(bob, "1", "2")
    hand = Hand(claimed(), began=NIGHT, time_limit=60)
    hand.next(at=NIGHT + HAND_LASTS)
    assert not hand.is_over(at=NIGHT + HAND_LASTS), "the database took that long"
    assert hand.is_over(at=NIGHT + 2 * HAND_LASTS), "its provider has it since then"
    hand.answered(waited=0.1)
    assert not hand.is_over(at=NIGHT + 2 * HAND_LASTS)
    hand.next(at=NIGHT + 2 * HAND_LASTS)
    assert hand.is_over(at=NIGHT + 3 * HAND_LASTS - timedelta(seconds=0.1)), "both calls count"
    hand.answered(waited=0.0)
    assert hand.is_over(at=NIGHT + HAND_LONGEST)
    assert hand.is_over(at=NIGHT - timedelta(seconds=1)), "the clock was set back"


def test_when_a_channel_is_slow_then_its_hands_shrink_at_once_and_grow_by_and_by() -> None:
    tempo = Tempo(8)
    assert (tempo.limit, tempo.players) == (FIRST, 8)
    tempo.learn(4, waited=0, took=HAND_LASTS / 100)
    assert tempo.limit == 2 * FIRST
    tempo.learn(8, waited=0, took=HAND_LONGEST / 4)
    assert tempo.limit == MOST, "the machine is slow, and not the channel"
    tempo.learn(16, waited=0, took=HAND_LONGEST)
    assert tempo.limit == MOST / 2
    tempo.learn(1, waited=1.9, took=timedelta(seconds=2))
    assert (tempo.limit, tempo.players) == (1, 8)
    tempo.learn(1, waited=0, took=timedelta(0))
    assert tempo.limit == 2


# Elsewhere writers do not wait for each other.
@pytest.mark.sqlite
def test_when_a_channel_is_quick_then_players_do_not_stand_in_each_others_way() -> None:
    tempo = Tempo(8)
    tempo.learn(16, waited=0.001, took=timedelta(seconds=0.05))
    assert tempo.players == 1
    tempo.learn(1, waited=0.06, took=timedelta(seconds=0.08))
    assert tempo.players == 4
