"""What a browser may hear of, and that it misses nothing between its subscription and the first look at the ledger."""

import asyncio
import threading
from typing import Any

import pytest
from django.db import OperationalError

from audit.services import EntryValue, entry_append
from incidents.engine.loop import Engine
from incidents.live import tailer as tailing
from incidents.live.consumer import allowed_topics
from incidents.live.feed import Tail, changes_since, latest_entry
from incidents.live.tailer import Queue, Tailer, topics_of
from incidents.models import Incident
from incidents.services.lifecycle import incident_open
from tests.world.harness import World


def note(world: World, subject: str) -> None:
    entry_append(EntryValue(at=world.now, action="test.done", object_type="test", object_id="1", subject=subject))


@pytest.fixture
def restricted(world: World) -> Incident:
    """An incident that only Payments, auditors, administrators and those who are paged may know of."""
    incident = incident_open(
        title="Data leak",
        summary="",
        severity=2,
        service=world.cast.gateway,
        reporter=world.cast.jonas,
        at=world.now,
        restricted=True,
    )
    world.settle()
    world.expect_page("marta", level=1)
    return incident


def test_when_a_stranger_asks_for_a_restricted_incident_then_it_is_not_among_what_they_hear(
    world: World, restricted: Incident
) -> None:
    topic = restricted.subject
    heard = {name: topic in allowed_topics(user, [topic]) for name, user in world.cast.people.items()}

    assert {name for name, hears in heard.items() if not hears} == {"tomas", "nils"}


@pytest.mark.parametrize(
    "topic",
    [
        "incident:",
        "incident:²",
        "incident:-1",
        "incident:" + "9" * 5000,
        "user:1 or 1",
        "schedule:",
        "policy:x",
        "ledger",
    ],
)
def test_when_a_browser_asks_for_what_is_no_topic_then_it_is_left_out(world: World, topic: str) -> None:
    assert allowed_topics(world.cast.hugo, [topic, "incidents", "policy:1"]) == {"incidents", "policy:1"}


def test_the_list_s_topic_names_no_incident(world: World, restricted: Incident) -> None:
    assert topics_of(restricted.subject) == (restricted.subject, "incidents")
    assert topics_of("user:5") == ("user:5",)
    assert topics_of("") == ()


def test_a_tail_tells_each_entry_once_and_in_order(world: World) -> None:
    tail = Tail()
    for subject in ("incident:1", "incident:2"):
        note(world, subject)
    tail._version = None  # SQLite's version moves for others' commits only, and this test has one connection
    assert [change.subject for change in tail.read()] == ["incident:1", "incident:2"]
    tail._version = None
    assert tail.read() == []


def test_a_browser_that_was_away_is_told_what_it_missed(world: World) -> None:
    seen = latest_entry()
    note(world, "incident:7")

    missed = changes_since(seen)
    assert missed is not None
    assert "incident:7" in {change.subject for change in missed}


def test_when_a_change_comes_while_the_first_look_is_under_way_then_the_subscriber_waits_for_that_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class SlowTail:
        def __init__(self) -> None:
            begun.set()
            go_on.wait(10)

        def read(self) -> list[Any]:
            return []

    monkeypatch.setattr(tailing, "Tail", SlowTail)

    async def story() -> list[bool]:
        tailer, queue = Tailer(), Queue()
        tailer.subscribe("incidents", queue)
        await asyncio.to_thread(begun.wait, 10)
        waiting = asyncio.create_task(tailer.looking())
        await asyncio.sleep(0.05)
        before = waiting.done()
        go_on.set()
        await waiting
        looks = tailer._looking.is_set()
        tailer.unsubscribe("incidents", queue)
        return [before, looks]

    assert asyncio.run(story()) == [False, True]


@pytest.mark.parametrize("error", [OperationalError("the connection is lost"), ValueError("nobody foresaw this")])
def test_when_a_turn_of_the_engine_raises_then_it_goes_on_with_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    turns: list[str] = []
    engine = Engine()

    def turn() -> int:
        turns.append("turn")
        if len(turns) == 1:
            raise error
        engine.stop()
        return 0

    class Connection:
        vendor = "postgresql"

        def close(self) -> None:
            turns.append("closed")

    monkeypatch.setattr(engine, "turn", turn)
    monkeypatch.setattr("incidents.engine.loop.connection", Connection())
    monkeypatch.setattr("incidents.engine.loop.RETRY_SECONDS", 0.0)
    engine.run()

    assert turns == ["turn", "closed", "turn"]
