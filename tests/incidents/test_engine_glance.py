"""What the engine sees at a glance: everything a turn would find, and when to be awake; at two statements."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from escalation_site.kernel.instants import now
from incidents.engine.glance import glance
from incidents.engine.loop import Engine
from incidents.models import EscalationRun, InboxSignal, PageReport
from notifications.models import Delivery
from tests.world.harness import World


@pytest.mark.django_db
def test_when_nothing_waits_then_nothing_is_due_and_the_look_takes_two_statements() -> None:
    with CaptureQueriesContext(connection) as queries:
        seen = glance()
    assert len(queries) == 2
    assert (seen.anything_due(at=now()), seen.next_at) == (False, None)


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


def test_when_only_a_signal_is_seen_then_a_turn_reads_it_and_leaves_the_other_look_ups_out(world: World) -> None:
    engine: Engine = world.engine
    world.settle()
    world.alert()
    with CaptureQueriesContext(connection) as queries:
        assert engine.turn(glance()) >= 1
    world.expect_page("marta", level=1)
    looked = [query["sql"] for query in queries if "incidents_checkpoint" in query["sql"]]
    assert len(looked) == 1, "its own glance alone asks for checkpoints"
