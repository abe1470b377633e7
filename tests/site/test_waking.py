"""Whoever writes something to do wakes who sleeps: a ring that is lost makes a page late, one too many costs a look."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from escalation_site.kernel import waking
from escalation_site.kernel.instants import now
from escalation_site.kernel.waking import Bell, work_written
from incidents.engine.loop import Engine
from incidents.services.inbox import signals_accept

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

LONG = 60.0
"""Seconds: a sleep that nobody ends fails the test by its answer."""


@pytest.fixture(autouse=True)
def _nobody_rang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "_rung_at", float("-inf"))


@pytest.fixture
def bell() -> Bell:
    """One that listens already."""
    made = Bell()
    assert made.wait(0), "what was written before it listened rang for nobody"
    return made


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The clock that nobody sets, to be set here."""
    seconds = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    yield seconds
    monkeypatch.undo()


def elsewhere() -> None:
    """Written by somebody else, over a connection of their own."""

    def write() -> None:
        work_written()
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()


def test_when_another_writes_something_to_do_then_the_sleeper_wakes_once(bell: Bell) -> None:
    elsewhere()

    assert bell.wait(LONG)
    assert not bell.wait(0)


def test_a_ring_that_came_with_the_answer_to_a_question_is_heard_too(bell: Bell) -> None:
    elsewhere()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")

    assert bell.wait(LONG)


def test_who_writes_again_and_again_rings_once_a_second(bell: Bell, steady: list[float]) -> None:
    work_written()
    assert bell.wait(LONG)

    work_written()
    assert not bell.wait(0)

    steady[0] += waking.RINGS_APART
    work_written()
    assert bell.wait(LONG)


def test_nobody_is_woken_before_the_commit_nor_for_what_was_undone(bell: Bell) -> None:
    with transaction.atomic():
        work_written()
        assert not bell.wait(0)
        transaction.set_rollback(True)

    assert not bell.wait(0)


def test_when_the_connection_is_lost_then_the_sleeper_listens_over_the_next(bell: Bell) -> None:
    connection.close()

    assert bell.wait(LONG)
    elsewhere()
    assert bell.wait(LONG)


def test_an_engine_that_was_quiet_for_long_is_awake_again_when_signals_are_accepted(
    steady: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(clock=now)
    slept: list[float] = []
    monkeypatch.setattr(engine._stopping, "wait", slept.append)
    engine._rest()
    engine._rest()
    assert slept == [engine.poll], "it begins to listen, and looks for what was written before"

    steady[0] += 60
    signals_accept(signals=[], at=now())
    engine._rest()
    assert slept == [engine.poll]
    engine._rest()
    assert slept == [engine.poll] * 2
