"""The house looks at itself: administrators are told by mail that needs no engine, and silence alarms whoever watches from outside."""

import threading
from datetime import timedelta
from typing import Any, Literal

import pytest
from django.core import mail
from pytest_django import Settings

from audit.models import LedgerEntry
from escalation_site.kernel.instants import now
from escalation_site.kernel.outbound import Answer, OutboundFailed
from incidents.changes import Changes
from incidents.engine import beats, house
from incidents.engine.beats import beat
from incidents.models import Alarm, EscalationRun, InboxSignal, ProcessBeat
from incidents.services import alarms
from incidents.services.alarms import house_check
from incidents.services.runs import runs_step
from notifications.models import Delivery
from tests.world.harness import World


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[str]:
    """The addresses that were asked from now on; HEARTBEAT_URL is set."""
    settings.HEARTBEAT_URL = "https://heartbeat.example.org/ping/3f9c"
    found: list[str] = []

    def fetch(url: str, **_options: Any) -> Answer:
        found.append(url)
        return Answer(200, {}, b"", url)

    monkeypatch.setattr(alarms, "fetch", fetch)
    return found


@pytest.fixture(autouse=True)
def _clocks_that_agree(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's clock is not the virtual one."""
    if "world" in request.fixturenames:
        monkeypatch.setattr(beats, "_SKEW", "0 * %s::numeric")


@pytest.mark.django_db
def test_a_beat_says_how_far_the_host_is_off_the_database() -> None:
    at = now()

    beat("engine", at=at, started_at=at, info={"signals": 3})

    info = ProcessBeat.objects.get().info
    assert info["signals"] == 3
    # Both are on this machine here.
    assert abs(info["clock_skew_seconds"]) < 1.0


def all_beat(world: World) -> None:
    for name in ("engine", "cluster"):
        beat(name, at=world.now, started_at=world.now, info={})


def codes(world: World, by: Literal["engine", "cluster"] = "cluster") -> list[str]:
    """One look."""
    return sorted(trouble.code for trouble in house_check(at=world.now, by=by))


def seen_twice(world: World) -> list[str]:
    """Two looks, a minute apart."""
    codes(world)
    world.jump(minutes=1)
    return codes(world)


@pytest.mark.requirement("R039")
def test_when_the_engine_falls_silent_then_administrators_get_one_mail_and_another_when_it_is_well(
    world: World,
) -> None:
    all_beat(world)
    assert codes(world) == []
    world.jump(minutes=3)

    assert seen_twice(world) == ["engine_silent"]
    assert codes(world) == ["engine_silent"]

    assert [message.to for message in mail.outbox] == [["hugo@brightquay.example"]]
    assert "240 s" in mail.outbox[0].body
    all_beat(world)
    assert codes(world) == []
    assert len(mail.outbox) == 2
    assert mail.outbox[1].subject == "Watchbell is well again"
    assert [entry.action for entry in LedgerEntry.objects.filter(subject="house").order_by("id")] == [
        "alarm.open",
        "alarm.end",
    ]


class Killed(BaseException):
    """The engine is dead, as by SIGKILL."""


@pytest.mark.requirement("R005")
def test_when_the_engine_is_stopped_in_the_midst_of_a_step_then_it_is_missed_and_the_step_fires_once_after_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_beat(world)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.jump(minutes=5)

    def die(_changes: Changes) -> None:
        raise Killed

    with monkeypatch.context() as stopped:
        stopped.setattr(Changes, "write", die)
        with pytest.raises(Killed):
            runs_step(at=world.now)
    world.jump(minutes=3)

    assert seen_twice(world) == ["engine_silent", "runs_late"]
    assert [message.to for message in mail.outbox] == [["hugo@brightquay.example"]]
    world.expect_silence()

    world.settle()  # it runs again
    world.expect_page("jonas", level=2)
    world.settle()
    world.expect_silence()
    all_beat(world)
    assert codes(world) == []
    late = LedgerEntry.objects.filter(action="escalation.enter_level").latest("id").data
    assert late is not None
    assert late["late_seconds"] == 240.0


def test_when_it_lasts_then_they_are_told_again_each_hour(world: World) -> None:
    assert seen_twice(world) == ["engine_missing"]
    assert len(mail.outbox) == 1
    world.jump(minutes=59)
    codes(world)
    assert len(mail.outbox) == 1

    world.jump(minutes=1)
    codes(world)

    assert len(mail.outbox) == 2
    assert Alarm.objects.filter(gone_at=None).count() == 1


def test_when_everything_has_only_just_begun_then_nobody_is_alarmed(world: World) -> None:
    assert codes(world, by="cluster") == ["engine_missing"]
    assert codes(world, by="engine") == ["cluster_missing"]
    world.jump(seconds=30)
    all_beat(world)

    assert codes(world) == []

    assert mail.outbox == []
    assert not Alarm.objects.filter(gone_at=None).exists()


def test_when_the_cluster_falls_silent_then_the_engine_tells(world: World) -> None:
    all_beat(world)
    world.jump(minutes=6)
    assert codes(world, by="engine") == ["cluster_silent"]
    world.jump(minutes=1)
    assert codes(world, by="engine") == ["cluster_silent"]

    assert len(mail.outbox) == 1
    assert codes(world, by="cluster") == ["engine_silent"]  # that it looks is sign enough of itself


def test_when_the_mail_cannot_be_sent_then_the_next_look_tries_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_beat(world)
    world.jump(minutes=10)

    def refuse(_self: object) -> int:
        raise OSError("no route")

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", refuse)
        seen_twice(world)
    assert mail.outbox == []

    codes(world)

    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("model", "code"),
    [(EscalationRun, "runs_late"), (Delivery, "deliveries_late"), (InboxSignal, "signals_late")],
)
def test_when_something_waits_for_two_minutes_then_that_is_an_alarm(world: World, model: type, code: str) -> None:
    world.alert()
    if model is not InboxSignal:
        world.settle()
        world.expect_page("marta", level=1)
    if model is Delivery:
        Delivery.objects.update(state="queued", settled_at=None)
        EscalationRun.objects.update(next_due_at=None)
    world.jump(minutes=8)
    all_beat(world)

    assert codes(world) == [code]

    if model is Delivery:
        Delivery.objects.update(state="delivered", settled_at=world.now)


def test_when_a_host_has_the_wrong_time_then_its_name_is_said(world: World) -> None:
    all_beat(world)
    ProcessBeat.objects.filter(name="engine").update(host="pager-2", info={"clock_skew_seconds": -7.25})

    assert codes(world) == ["clock_skew"]
    world.jump(minutes=1)
    codes(world)

    assert "pager-2 is -7.2 s off" in mail.outbox[0].body


def test_while_all_is_well_the_heartbeat_is_asked_and_otherwise_not(world: World, asked: list[str]) -> None:
    all_beat(world)
    codes(world)
    assert asked == ["https://heartbeat.example.org/ping/3f9c"]

    world.jump(minutes=10)
    codes(world)

    assert len(asked) == 1


def test_when_the_heartbeat_does_not_answer_then_nothing_else_suffers(
    world: World, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(url: str, **_options: Any) -> Answer:
        raise OutboundFailed("nothing came back")

    monkeypatch.setattr(alarms, "fetch", fail)
    all_beat(world)

    assert codes(world) == []


def test_when_a_run_was_set_aside_then_administrators_hear_of_it_while_its_incident_is_open(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    EscalationRun.objects.update(set_aside_at=world.now, error="ValueError: strange")
    all_beat(world)

    assert codes(world) == ["runs_set_aside"]

    world.recover()
    world.settle()
    all_beat(world)
    assert codes(world) == []
    assert world.now - world.incident.started_at < timedelta(minutes=1)


def test_when_a_look_hangs_then_the_engine_does_not_wait_and_begins_no_second_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    started, release = threading.Event(), threading.Event()

    def hang(*, at: object, by: str) -> None:
        begun.append(at)
        started.set()
        release.wait(30)

    monkeypatch.setattr(house, "house_check", hang)
    look = house.HouseLook(clock=lambda: world.now)
    world.jump(minutes=1)
    look.when_due()
    assert begun == []  # all is only beginning
    for _minute in range(3):
        world.jump(minutes=1)
        look.when_due()
        assert started.wait(30)

    assert len(begun) == 1
    release.set()
