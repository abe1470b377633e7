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
from incidents.engine.pace import FEWEST, FIRST_LIMIT, Pace, seconds_waited
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
    pace = Pace(200, clock=clock_of(0.0, took), worked=clock_of(0.0, took))
    assert pace.run(lambda most: most) == FIRST_LIMIT
    assert pace.limit == limit


@pytest.mark.sqlite
def test_on_sqlite_a_machine_that_others_keep_busy_makes_batches_smaller_only_to_a_bound() -> None:
    pace = Pace(200, clock=clock_of(0.0, 0.15), worked=clock_of(0.0, 0.03))
    pace.run(lambda most: most)
    assert pace.limit == 66, "a quarter of the time counts, and its own processor time at least"


@pytest.mark.sqlite
def test_on_sqlite_the_time_others_were_writing_makes_no_batch_smaller() -> None:
    pace = Pace(200, clock=clock_of(0.0, 2.05), worked=clock_of(0.0, 0.05), waited=clock_of(7.0, 9.0))
    pace.run(lambda most: most)
    assert pace.limit == 50


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_on_sqlite_a_connection_knows_how_long_it_waited_for_others() -> None:
    free = threading.Event()

    def writes() -> None:
        with transaction.atomic():
            free.set()
            time.sleep(0.1)
        connection.close()

    other = threading.Thread(target=writes)
    other.start()
    assert free.wait(5)
    before = seconds_waited()
    with transaction.atomic():
        pass
    other.join()
    assert seconds_waited() > before


@pytest.mark.sqlite
def test_on_sqlite_a_batch_is_never_larger_than_the_installation_says() -> None:
    pace = Pace(30, clock=clock_of(0.0, 0.001), worked=clock_of(0.0, 0.001))
    pace.run(lambda most: most)
    assert pace.limit == 30


@pytest.mark.postgres
def test_on_postgresql_a_batch_is_as_large_as_the_installation_says() -> None:
    pace = Pace(200, clock=clock_of(0.0, 5.0))
    assert pace.run(lambda most: most) == pace.limit == 200


@pytest.mark.django_db(transaction=True)
def test_when_a_turn_found_work_then_the_engine_looks_for_more_though_nobody_wrote_meanwhile() -> None:
    engine = Engine(clock=now, sender=Mock(spec=Sender, worker="w", under_way=0))
    done: list[str] = []

    def turn() -> int:
        done.append("turn")
        if len(done) == 4:
            engine.stop()
        return 1

    engine._turn_where_needed = turn  # type: ignore[method-assign]
    engine._rest = lambda: done.append("rest")  # type: ignore[method-assign]
    engine.run()
    assert done == ["turn"] * 4, "it rested, though there was more to do"


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
    stop, begun = threading.Event(), threading.Event()
    batches = 0

    def write_on_and_on() -> None:
        nonlocal batches
        while not stop.wait(0.01):
            writer.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
            batches += 1
            begun.set()
            time.sleep(0.1)
            writer.rollback()
            writer.set_autocommit(True)

    thread = threading.Thread(target=write_on_and_on)
    thread.start()
    try:
        assert begun.wait(10)
        waits = []
        for _turn in range(5):
            before = batches
            with transaction.atomic():
                waits.append(batches - before)
            time.sleep(0.03)
    finally:
        stop.set()
        thread.join()
    assert sorted(waits)[-2] <= 2, waits


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
