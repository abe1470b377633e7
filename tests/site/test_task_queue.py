"""The cluster's queue: every task is found, and an idle cluster hardly asks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.tasks import async_task

from escalation_site import task_queue
from escalation_site.kernel.instants import now
from escalation_site.kernel.migrations import DatabaseMismatch
from escalation_site.task_queue import Queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setattr("django_q.conf.Conf.POLL", 0)
    # The cluster keeps its connection; tests close theirs.
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    connection.close()
    return Queue()


@pytest.fixture
def writer() -> Iterator[BaseDatabaseWrapper]:
    """Another connection to the same database, as a web process has one."""
    other = connection.copy()
    other.inc_thread_sharing()
    yield other
    other.close()


def queued_by(writer: BaseDatabaseWrapper) -> None:
    lock = connection.ops.adapt_datetimefield_value(now() - timedelta(seconds=1))
    with writer.cursor() as cursor:
        cursor.execute("INSERT INTO django_q_ormq (key, payload, lock) VALUES ('watchbell', 'paper', %s)", [lock])


def test_when_the_cluster_asks_for_its_queue_then_it_gets_ours() -> None:
    assert isinstance(get_broker(), Queue)


def test_when_another_process_queues_a_task_then_it_is_found_though_the_queue_was_empty_before(
    queue: Queue, writer: BaseDatabaseWrapper
) -> None:
    assert queue.dequeue() is None
    queued_by(writer)
    assert [payload for _id, payload in queue.dequeue() or []] == ["paper"]
    assert queue.dequeue() is None, "it is somebody's now"


def test_when_several_tasks_wait_then_each_is_found_in_turn(queue: Queue) -> None:
    for _task in range(3):
        async_task("math.floor", 1.5)
    assert [len(queue.dequeue() or []) for _look in range(4)] == [1, 1, 1, 0]


def test_while_nobody_writes_nothing_is_asked(queue: Queue, writer: BaseDatabaseWrapper) -> None:
    queue.dequeue()
    with CaptureQueriesContext(connection) as queries:
        queue.dequeue()
    assert [query["sql"] for query in queries] == []
    queued_by(writer)
    assert queue.dequeue()


@pytest.mark.sqlite
def test_on_sqlite_a_task_that_becomes_free_by_time_alone_is_found(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async_task("math.floor", 1.5)
    OrmQ.objects.update(lock=now() + timedelta(minutes=15))
    assert queue.dequeue() is None
    OrmQ.objects.update(lock=now() - timedelta(seconds=1))  # Over its own connection: to it, nothing has changed.
    monkeypatch.setattr(queue._changed, "_longest", 0.0)
    assert queue.dequeue()


@pytest.mark.postgres
def test_when_its_connection_was_cut_then_the_next_look_takes_another(
    queue: Queue, writer: BaseDatabaseWrapper
) -> None:
    assert queue.dequeue() is None
    queued_by(writer)
    connection.ensure_connection()
    with writer.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])

    assert [payload for _id, payload in queue.dequeue() or []] == ["paper"]


@pytest.mark.postgres
def test_on_postgresql_the_server_plans_the_look_once_and_is_asked_nothing_else(queue: Queue) -> None:
    queue.dequeue()
    with CaptureQueriesContext(connection) as queries:
        queue.dequeue()
        queue.dequeue()
        # What PostgreSQL keeps prepared goes past the log of queries.
        assert len(queries) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%django_q_ormq%'")
        assert cursor.fetchone() == (1,)


def test_when_the_clock_is_set_back_by_an_hour_then_what_was_planned_by_it_runs_now(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    instants = [now() + timedelta(hours=1), now()]
    resumed: list[datetime] = []
    monkeypatch.setattr(task_queue, "now", lambda: instants[0])
    monkeypatch.setattr(task_queue, "schedules_resume", lambda *, at: resumed.append(at))

    for _second in range(2):
        queue.dequeue()
    del instants[0]
    for _second in range(2):
        queue.dequeue()

    assert resumed == instants


def test_before_the_cluster_forks_what_every_worker_needs_is_loaded_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    loaded: list[str] = []
    asked: list[str] = []
    monkeypatch.setattr(task_queue, "import_string", loaded.append)

    def refuse() -> None:
        asked.append("fits")
        raise DatabaseMismatch("behind this code")

    monkeypatch.setattr(task_queue, "database_fits", refuse)

    assert queue.ping(), "a cluster whose database does not fit begins all the same: its failed checks tell"

    assert {"incidents.tasks.escalation_check", *settings.EACH_MINUTE} <= set(loaded)
    assert asked == ["fits"]
