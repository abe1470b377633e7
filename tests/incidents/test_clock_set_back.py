"""A host's clock was ahead by hours for a while, and is right again: what it had put off comes in its time all the same."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.test import Client

from audit.models import LedgerEntry
from incidents.engine import beats
from incidents.engine.beats import beat
from incidents.models import Alarm, Checkpoint, EscalationRun
from incidents.services import set_back
from incidents.services.alarms import house_check
from incidents.services.lifecycle import incident_acknowledge
from incidents.services.set_back import BROUGHT_BACK
from incidents.tasks import escalation_check
from tests.incidents.asking import waiting
from tests.world.harness import World

AHEAD = timedelta(hours=6)


@pytest.fixture(autouse=True)
def _clocks_that_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock is not the virtual one."""
    monkeypatch.setattr(beats, "_SKEW", "0 * %s::numeric")
    monkeypatch.setattr(set_back, "seconds_off", lambda _at: 0.0)


@pytest.fixture
def put_off(world: World) -> EscalationRun:
    """Marta was paged while the clock was six hours ahead; now it is right, and a minute has passed."""
    world.jump(hours=6)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.jump(hours=-6)
    world.jump(minutes=1)
    return world.run


def minute(world: World) -> list[str]:
    """What the cluster does each minute; the codes of what is wrong."""
    beat("engine", at=world.now, started_at=world.now, info={})
    done = escalation_check()
    assert "brought_back" in done
    return [trouble.code for trouble in house_check(at=world.now, by="cluster")]


def due(run: EscalationRun) -> datetime | None:
    run.refresh_from_db()
    return run.next_due_at


@pytest.mark.requirement("R039")
def test_when_it_is_seen_twice_then_the_step_comes_in_its_own_time_and_administrators_are_told_by_mail(
    world: World, put_off: EscalationRun
) -> None:
    seen = world.now
    assert minute(world) == ["clock_set_back"]
    assert due(put_off) == seen + AHEAD + timedelta(minutes=4), "once is no proof"
    assert not mail.outbox
    world.jump(minutes=1)
    minute(world)

    assert due(put_off) == world.now + timedelta(minutes=5)
    assert [message.to for message in mail.outbox] == [["hugo@brightquay.example"]]
    assert "1 escalation was put off by it and goes on in its time" in mail.outbox[0].body
    world.advance(minutes=4)
    world.expect_silence()
    world.advance(minutes=1)
    world.expect_page("jonas", level=2)
    told = world.incident.timeline.get(kind=BROUGHT_BACK)
    assert told.data["ahead_seconds"] > 5 * 3600
    entry = LedgerEntry.objects.get(action=BROUGHT_BACK)
    assert (entry.actor_label, entry.subject) == ("watchdog", f"incident:{world.incident.pk}")


def test_when_it_was_brought_back_and_told_then_it_is_over_though_entries_still_lie_ahead(
    world: World, put_off: EscalationRun
) -> None:
    """Six hours of mails, and of silence towards whoever watches from outside, would say that something is still wrong."""
    for _minute in range(2):
        assert minute(world) == ["clock_set_back"]
        world.jump(minutes=1)
    was = due(put_off)
    assert minute(world) == []
    assert Alarm.objects.get(code="clock_set_back").gone_at == world.now
    assert [message.body.startswith("Over: ") for message in mail.outbox] == [False, True]
    assert due(put_off) == was
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    for _hour in range(3):
        world.jump(hours=1)
        assert "clock_set_back" not in minute(world)
    assert LedgerEntry.objects.filter(action=BROUGHT_BACK).count() == 1
    assert len(mail.outbox) == 2


def test_the_operations_page_says_how_many_still_wait_and_how_many_go_on(
    world: World, put_off: EscalationRun, client: Client
) -> None:
    client.force_login(world.cast.people["hugo"])
    minute(world)
    assert "1 escalation was put off by it and still waits." in client.get("/operations/").content.decode()
    world.jump(minutes=1)
    minute(world)
    assert "1 escalation was put off by it and goes on in its time." in client.get("/operations/").content.decode()


def test_a_host_whose_own_clock_is_off_the_databases_judges_nobody(
    world: World, put_off: EscalationRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_back, "seconds_off", lambda _at: -3600.0)
    was = due(put_off)
    for _minute in range(3):
        assert minute(world) == []
        world.jump(minutes=1)
    assert due(put_off) == was


def test_when_a_clock_was_merely_behind_for_a_moment_then_nothing_is_brought_back(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    was = due(world.run)
    world.jump(hours=-1)
    assert minute(world) == ["clock_set_back"]
    world.jump(hours=1)
    for _minute in range(2):
        world.jump(minutes=1)
        assert minute(world) == []
    assert due(world.run) == was
    assert not mail.outbox


def test_when_somebody_was_asked_by_that_clock_then_they_have_the_time_they_were_given_from_now(world: World) -> None:
    world.jump(hours=6)
    checkpoint = waiting(world, within_seconds=20 * 60)
    world.jump(hours=-6)
    for _minute in range(2):
        minute(world)
        world.jump(minutes=1)
    checkpoint.refresh_from_db()
    back = world.now - timedelta(minutes=1)
    assert checkpoint.due_at == back + timedelta(minutes=20)
    minute(world)
    checkpoint.refresh_from_db()
    assert checkpoint.due_at == back + timedelta(minutes=20)
    assert Checkpoint.objects.get().incident.timeline.filter(kind="checkpoint.bring_back").count() == 1


def test_when_the_clock_was_ahead_by_less_than_they_were_given_then_their_time_is_not_cut_shorter_at_each_look(
    world: World,
) -> None:
    world.jump(minutes=8)
    checkpoint = waiting(world, within_seconds=20 * 60)
    world.jump(minutes=-8)
    minute(world)
    world.jump(minutes=1)
    minute(world)
    ends = world.now + timedelta(minutes=20)
    for _minute in range(4):
        world.jump(minutes=1)
        minute(world)
    checkpoint.refresh_from_db()
    assert checkpoint.due_at == ends
    assert Checkpoint.objects.get().incident.timeline.filter(kind="checkpoint.bring_back").count() == 1


def test_when_only_a_question_waits_by_a_clock_that_was_ahead_again_then_it_is_brought_back_too(
    world: World, put_off: EscalationRun
) -> None:
    """Administrators were told of the first time already."""
    for _minute in range(3):
        minute(world)
        world.jump(minutes=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    world.jump(hours=6)
    checkpoint = waiting(world, within_seconds=20 * 60)
    world.jump(hours=-6)
    minute(world)
    world.jump(minutes=1)
    minute(world)
    checkpoint.refresh_from_db()
    assert checkpoint.due_at == world.now + timedelta(minutes=20)


def test_when_one_cannot_be_brought_back_then_the_others_are(
    world: World, put_off: EscalationRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.jump(hours=6)
    world.alert("Other")
    world.settle()
    world.expect_page("marta", level=1)
    world.jump(hours=-6)
    back = set_back._run_back

    def failing(run: EscalationRun, *arguments: object) -> None:
        if run.pk == put_off.pk:
            raise ValueError("strange")
        back(run, *arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(set_back, "_run_back", failing)
    minute(world)
    world.jump(minutes=1)
    minute(world)
    other = EscalationRun.objects.exclude(pk=put_off.pk).get()
    assert due(other) == world.now + timedelta(minutes=5)
    assert due(put_off) is not None
    assert LedgerEntry.objects.filter(action=BROUGHT_BACK).count() == 1
