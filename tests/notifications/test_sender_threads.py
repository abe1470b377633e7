"""The sender with its threads, real transactions and the real clock."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from escalation_site.kernel.instants import now
from notifications.channels import Outgoing, Receipt, Refused, channels_replaced
from notifications.models import Attempt, Delivery, Message
from notifications.sender import Sender
from notifications.services import messages_create
from notifications.services.deliveries import deliveries_claim, leases_renew
from notifications.testing import FakeChannel
from oncall.models import User
from tests.notifications.conftest import Outcomes, page_for, person

pytestmark = pytest.mark.django_db(transaction=True)


def wait_until(done: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def threads_end_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no thread of one test outlives it with a connection open."""
    monkeypatch.setattr("notifications.lanes.LINGER", 0.05)


@pytest.fixture
def slow() -> FakeChannel:
    channel = FakeChannel(concurrency=2)
    channel.open.clear()
    return channel


@pytest.fixture
def fast() -> FakeChannel:
    return FakeChannel(concurrency=2)


@pytest.fixture
def channels(slow: FakeChannel, fast: FakeChannel) -> Iterator[None]:
    with channels_replaced({"slow": slow, "fast": fast}):
        yield
        slow.open.set()


@pytest.fixture
def threaded(channels: None, slow: FakeChannel, outcomes: Outcomes) -> Iterator[Sender]:
    sender = Sender(clock=now, on_settled=outcomes)
    yield sender
    slow.open.set()
    assert sender.drain(10)


def queue(user: User, count: int) -> None:
    messages_create([page_for(user, f"{user.username}:{number}") for number in range(count)], at=now())


def test_when_one_provider_is_slow_then_it_delays_only_itself(
    threaded: Sender, slow: FakeChannel, fast: FakeChannel
) -> None:
    queue(person("sam", "sam", kind="slow"), 6)
    queue(person("fay", "fay", kind="fast"), 6)
    threaded.dispatch()
    wait_until(lambda: len(fast.got) == 6)
    wait_until(lambda: len(slow.calls) == 2)
    assert slow.got == []
    wait_until(lambda: threaded.under_way == 2)
    threaded.dispatch()
    assert len(slow.calls) == 2, "no more at once than the channel allows"
    slow.open.set()
    wait_until(lambda: Message.objects.filter(state="delivered").count() == 12)


def test_when_many_are_queued_then_threads_take_the_next_ones_themselves(
    threaded: Sender, fast: FakeChannel, outcomes: Outcomes
) -> None:
    queue(person("fay", "fay", kind="fast"), 40)
    assert 0 < threaded.dispatch() < 40
    wait_until(lambda: threaded.under_way == 0)
    assert sorted(mail.idempotency_key for mail in fast.got) == sorted(f"fay:{number}" for number in range(40))
    assert len(outcomes.told) == 40


def test_when_it_is_drained_then_nothing_more_is_taken_and_what_is_under_way_ends(
    channels: None, slow: FakeChannel, outcomes: Outcomes
) -> None:
    queue(person("sam", "sam", kind="slow"), 5)
    sender = Sender(clock=now, on_settled=outcomes)
    sender.dispatch()
    wait_until(lambda: len(slow.calls) == 2)
    assert not sender.drain(0.1)
    slow.open.set()
    assert sender.drain(10)
    assert sender.dispatch() == 0
    assert Message.objects.filter(state="delivered").count() == 2
    assert Delivery.objects.filter(state="queued").count() == 3


def test_when_something_urgent_falls_due_then_it_goes_before_what_the_thread_has_in_hand(
    channels: None, slow: FakeChannel, outcomes: Outcomes
) -> None:
    slow.concurrency = 1  # Two threads that are let go together end in whatever order the machine likes.
    sam = person("sam", "sam", kind="slow")
    queue(sam, 4)
    sender = Sender(clock=now, on_settled=outcomes)
    assert sender.dispatch() == 4
    wait_until(lambda: len(slow.calls) == 1)
    messages_create([page_for(sam, "sev1", priority=10)], at=now())
    sender.dispatch()
    assert Delivery.objects.filter(state="queued", attempts_made=0).count() == 4
    assert Attempt.objects.count() == 1
    slow.open.set()
    wait_until(lambda: len(slow.got) == 5)
    assert [mail.idempotency_key for mail in slow.got][:2] == ["sam:0", "sev1"]
    assert sender.drain(10)
    assert len(outcomes.told) == Message.objects.filter(state="delivered").count() == 5


def test_when_one_of_a_hand_hangs_then_the_others_are_sent_and_what_was_sent_is_on_record(
    threaded: Sender, fast: FakeChannel
) -> None:
    hanging = threading.Event()

    def hang(outgoing: Outgoing) -> None:
        if outgoing.idempotency_key == "fay:2":
            hanging.wait(30)

    def delivered() -> int:
        threaded.dispatch()
        return Message.objects.filter(state="delivered").count()

    fast.during_call = hang
    queue(person("fay", "fay", kind="fast"), 5)
    wait_until(lambda: delivered() == 4)
    assert Message.objects.get(state="pending").idempotency_key == "fay:2"
    hanging.set()
    wait_until(lambda: delivered() == 5)
    assert Attempt.objects.count() == 5


def test_when_a_call_takes_long_then_its_lease_is_renewed_and_nobody_takes_it_over(
    channels: None, slow: FakeChannel, outcomes: Outcomes
) -> None:
    queue(person("sam", "sam", kind="slow"), 1)
    sender = Sender(clock=now, on_settled=outcomes)
    sender.dispatch()
    wait_until(lambda: len(slow.calls) == 1)
    before = Delivery.objects.get().lease_until
    assert leases_renew(delivery_ids=[Delivery.objects.get().pk], worker="somebody else", at=now()) == 0
    assert leases_renew(delivery_ids=[Delivery.objects.get().pk], worker=sender.worker, at=now()) == 1
    after = Delivery.objects.get().lease_until
    assert before is not None
    assert after is not None
    assert after > before
    slow.open.set()
    assert sender.drain(10)


def test_when_a_thread_has_nothing_to_do_then_it_ends_and_closes_its_connection(
    threaded: Sender, fast: FakeChannel
) -> None:
    queue(person("fay", "fay", kind="fast"), 4)
    threaded.dispatch()
    wait_until(lambda: Message.objects.filter(state="delivered").count() == 4)
    wait_until(lambda: not any(thread.name == "sender" for thread in threading.enumerate()))
    queue(person("guy", "guy", kind="fast"), 1)
    threaded.dispatch()
    wait_until(lambda: Message.objects.filter(state="delivered").count() == 5)


def test_when_the_caller_raises_in_a_thread_then_the_thread_goes_on(channels: None, fast: FakeChannel) -> None:
    def on_settled(message: Message, outcome: str, at: object) -> None:
        raise LookupError("a bug in the caller")

    queue(person("fay", "fay", kind="fast"), 5)
    sender = Sender(clock=now, on_settled=on_settled)
    sender.dispatch()
    wait_until(lambda: Message.objects.filter(state="delivered", report_due_at__isnull=False).count() == 5)
    assert sender.drain(10)


@pytest.mark.requirement("R005")
def test_when_four_engines_send_at_once_then_nobody_is_told_twice(fast: FakeChannel, outcomes: Outcomes) -> None:
    with channels_replaced({"fast": fast}):
        queue(person("fay", "fay", kind="fast"), 60)
        senders = [Sender(clock=now, on_settled=outcomes) for _engine in range(4)]
        for sender in senders:
            sender.dispatch()
        wait_until(lambda: Message.objects.filter(state="delivered").count() == 60, 30)
        assert all(sender.drain(10) for sender in senders)
    assert len(fast.got) == 60
    assert Attempt.objects.count() == 60
    assert len(outcomes.told) == 60


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time")
def test_when_two_claimers_overlap_then_neither_waits_and_they_share_nothing(fast: FakeChannel) -> None:
    from django.db import transaction

    with channels_replaced({"fast": fast}):
        queue(person("fay", "fay", kind="fast"), 10)
    taken: list[int] = []

    def claim_meanwhile() -> None:
        taken.extend(
            delivery.pk for delivery in deliveries_claim(at=now(), channel="fast", limit=10, worker="engine-2")
        )
        connection.close()

    with transaction.atomic():
        mine = [delivery.pk for delivery in deliveries_claim(at=now(), channel="fast", limit=4, worker="engine-1")]
        other = threading.Thread(target=claim_meanwhile)
        other.start()
        other.join(5)
        assert not other.is_alive(), "the second claimer waited for the first"
    assert len(mine) == 4
    assert len(taken) == 6
    assert not set(mine) & set(taken)


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one writer in at a time")
def test_when_acknowledging_and_failing_meet_then_locks_are_taken_in_one_order(fast: FakeChannel) -> None:
    """The caller locks its own row first, both when cancelling and in ``on_settled``: no deadlock, whoever wins."""
    from django.db import transaction

    from notifications.services import messages_cancel

    def own_row_locked(user: User) -> None:
        User.objects.select_for_update(no_key=True).get(pk=user.pk)

    bob = person("bob", "bob", kind="fast")
    with channels_replaced({"fast": fast}):
        for number in range(12):
            (message,) = messages_create([page_for(bob, f"k{number}")], at=now())
            fast.script("bob", Refused("550") if number % 2 else Receipt())
            sender = Sender(clock=now, on_settled=lambda *_ignored: own_row_locked(bob))
            sender.dispatch()
            with transaction.atomic():
                own_row_locked(bob)
                time.sleep(0.002 * (number % 5))
                messages_cancel(message_ids=[message.pk], reason="acknowledged", at=now())
            assert sender.drain(10)
            message.refresh_from_db()
            assert message.state in ("delivered", "failed", "cancelled")
            assert message.report_due_at is None
