"""In a storm the engine leaves room for others: batches by time, turns at writing, and no rest while work is left."""

import threading
import time
from collections.abc import Callable, Iterator
from unittest.mock import Mock

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from escalation_site.kernel.instants import now
from incidents.engine.loop import Engine
from incidents.engine.pace import FEWEST, FIRST_LIMIT, Pace
from notifications.sender import Sender


def clock_of(*instants: float) -> Callable[[], float]:
    told = iter(instants)
    return lambda: next(told)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("took", "limit"),
    [pytest.param(0.05, 50, id="quick: more"), pytest.param(0.5, FEWEST, id="slow: fewer, but some")],
)
def test_on_sqlite_the_next_batch_is_what_a_tenth_of_a_second_allows(took: float, limit: int) -> None:
    pace = Pace(200, clock=clock_of(0.0, took))
    assert pace.run(lambda most: most) == FIRST_LIMIT
    assert pace.limit == limit


@pytest.mark.sqlite
def test_on_sqlite_a_batch_is_never_larger_than_the_installation_says() -> None:
    pace = Pace(30, clock=clock_of(0.0, 0.001))
    pace.run(lambda most: most)
    assert pace.limit == 30


@pytest.mark.postgres
def test_on_postgresql_a_batch_is_as_large_as_the_installation_says() -> None:
    pace = Pace(200, clock=clock_of(0.0, 5.0))
    assert pace.run(lambda most: most) == pace.limit == 200


@pytest.mark.django_db(transaction=True)
def test_when_a_turn_found_work_then_the_engine_looks_for_more_though_nobody_wrote_meanwhile() -> None:
    engine = Engine(clock=now, sender=Mock(spec=Sender, worker="w", under_way=0))
    turns: list[float] = []

    def turn() -> int:
        turns.append(time.monotonic())
        if len(turns) == 4:
            engine.stop()
        return 1

    engine.turn = turn  # type: ignore[method-assign]
    engine.run()
    assert turns[-1] - turns[0] < 2, "it rested, though there was more to do"


@pytest.fixture
def writer() -> Iterator[BaseDatabaseWrapper]:
    """Another connection to the same database."""
    other = connection.copy()
    other.inc_thread_sharing()
    yield other
    other.close()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_when_one_writes_batch_after_batch_then_another_gets_its_turn_within_two_batches(
    writer: BaseDatabaseWrapper,
) -> None:
    stop = threading.Event()

    def write_on_and_on() -> None:
        while not stop.wait(0.01):
            writer.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
            time.sleep(0.1)
            writer.rollback()
            writer.set_autocommit(True)

    thread = threading.Thread(target=write_on_and_on)
    thread.start()
    try:
        time.sleep(0.05)
        waits = []
        for _turn in range(5):
            asked = time.monotonic()
            with transaction.atomic():
                waits.append(time.monotonic() - asked)
            time.sleep(0.03)
    finally:
        stop.set()
        thread.join()
    assert sorted(waits)[-2] < 0.3, waits


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_when_the_database_stays_taken_for_the_whole_timeout_then_it_is_said(writer: BaseDatabaseWrapper) -> None:
    writer.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    connection.settings_dict["OPTIONS"]["timeout"] = 0.1
    try:
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
    finally:
        connection.settings_dict["OPTIONS"]["timeout"] = 20
        writer.rollback()
    with transaction.atomic():
        assert connection.in_atomic_block
