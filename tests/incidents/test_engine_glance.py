"""What the engine sees at a glance: everything a turn would find, and when to be awake; at one statement."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from escalation_site.kernel.instants import now
from incidents.engine.glance import Look, glance
from incidents.engine.loop import Engine
from incidents.models import EscalationRun, InboxSignal, PageReport
from notifications.models import Delivery
from tests.world.harness import World


@pytest.mark.django_db
def test_when_nothing_waits_then_nothing_is_due_and_the_look_takes_one_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        seen = glance()
    # What PostgreSQL keeps prepared goes past the log of queries.
    assert len(queries) == (1 if connection.vendor == "sqlite" else 0)
    assert (seen.anything_due(at=now()), seen.next_at) == (False, None)


@pytest.mark.postgres
@pytest.mark.django_db
def test_on_postgresql_the_server_plans_the_look_once() -> None:
    look = Look()
    for _look in range(3):
        look()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%incidents_inboxsignal%'")
        assert cursor.fetchone() == (1,)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_on_postgresql_behind_a_pooler_that_forgets_statements_the_look_goes_on_without_them() -> None:
    look = Look()
    look()
    with connection.cursor() as cursor:
        # What a connection that is another's at each transaction looks like.
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE NOT from_sql")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DEALLOCATE "{name}"')
    with CaptureQueriesContext(connection) as queries:
        seen = [look(), look()]
    assert len(queries) == 2
    assert [one.next_at for one in seen] == [None, None]


def test_when_a_signal_has_come_then_there_is_something_to_do(world: World) -> None:
    world.alert()
    assert InboxSignal.objects.filter(processed_at=None).exists()
    assert glance().anything_due(at=world.now)


def test_when_a_run_waits_for_its_time_then_that_is_when_the_engine_must_be_awake(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    due = EscalationRun.objects.get().next_due_at
    assert due is not None
    seen = glance()
    assert seen.next_at == due
    assert not seen.anything_due(at=due - timedelta(microseconds=1))
    assert seen.anything_due(at=due)


def test_when_a_run_is_set_aside_or_superseded_then_nobody_wakes_for_it(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    run = EscalationRun.objects.filter(next_due_at__isnull=False)
    run.update(set_aside_at=world.now, error="ValueError: strange")
    assert glance().next_at is None
    run.update(set_aside_at=None, superseded=True)
    assert glance().next_at is None


def test_when_a_message_waits_or_its_outcome_does_then_there_is_something_to_do(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    Delivery.objects.update(state="queued", next_attempt_at=world.now, settled_at=None)
    assert glance().anything_due(at=world.now)
    Delivery.objects.update(state="delivered", settled_at=world.now)
    assert not glance().anything_due(at=world.now)
    PageReport.objects.update(processed_at=None)
    assert glance().anything_due(at=world.now)


def test_when_there_is_nothing_to_send_then_a_turn_leaves_the_sender_out_and_a_whole_one_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def dispatch() -> int:
        asked.append(True)
        return 0

    monkeypatch.setattr(world.engine.sender, "dispatch", dispatch)

    world.engine.turn(glance())
    assert not asked
    world.engine.turn()
    assert asked == [True]
    world.alert()
    world.engine.turn(glance())
    assert asked == [True, True], "what a turn makes is sent in it"


def test_when_only_a_signal_is_seen_then_a_turn_reads_it_and_leaves_the_other_look_ups_out(world: World) -> None:
    engine: Engine = world.engine
    world.settle()
    world.alert()
    with CaptureQueriesContext(connection) as queries:
        assert engine.turn(glance()) >= 1
    world.expect_page("marta", level=1)
    looked = [query["sql"] for query in queries if "incidents_checkpoint" in query["sql"]]
    # What PostgreSQL keeps prepared goes past the log of queries.
    assert len(looked) == (1 if connection.vendor == "sqlite" else 0), "its own glance alone asks for checkpoints"
