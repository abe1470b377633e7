"""When a part of the machinery itself fails: the alarm reaches people all the same, and one failure stops nothing else."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from incidents import tasks
from incidents.engine.glance import glance
from incidents.models import EscalationRun, Incident, Page, PageReport, ProcessBeat
from incidents.services import escalator, watch
from incidents.services.handing import incident_reassign
from incidents.services.lifecycle import incident_acknowledge, incident_snooze
from incidents.services.pages import reports_process
from incidents.services.runs import runs_step
from incidents.tasks import escalation_check
from notifications.channels import Refused
from oncall.models import Team
from policies.models import PolicyVersion
from policies.services import version_definition
from policies.targets import TargetResolver
from tests.world.harness import World


def unreadable(monkeypatch: pytest.MonkeyPatch, *, incident: Incident, error: Exception | None = None) -> None:
    """The policy of this incident's run cannot be read from now on."""
    runs = set(EscalationRun.objects.filter(incident=incident).values_list("pk", flat=True))

    def definition(self: Any, run: EscalationRun) -> Any:
        if run.pk in runs:
            raise error or ValueError("levels: must not be empty")
        return version_definition(run.policy_version)

    monkeypatch.setattr(escalator.Escalator, "_definition", definition)


def test_when_a_run_cannot_go_on_then_it_is_set_aside_the_others_go_on_and_the_administrators_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("One", "Two"):
        world.alert(name)
    world.settle()
    for _incident in range(2):
        world.expect_page("marta", level=1)
    broken = Incident.objects.get(title="One is bad")
    unreadable(monkeypatch, incident=broken)
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)

    escalation_check()

    world.expect_page("hugo")
    broken.refresh_from_db()
    assert broken.exhausted_at == world.now
    run = broken.runs.get()
    assert (run.set_aside_at, run.error) == (world.now, "ValueError: levels: must not be empty")


def test_when_even_the_policy_of_a_stalled_incident_cannot_be_read_then_the_administrators_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    EscalationRun.objects.update(next_due_at=None)

    def definition(version: PolicyVersion) -> Any:
        raise ValueError("levels: must not be empty")

    monkeypatch.setattr(watch, "version_definition", definition)
    escalation_check()

    world.expect_page("hugo")
    assert world.incident.exhausted_at == world.now


def test_when_the_rescue_of_one_stalled_incident_fails_then_the_others_are_rescued(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("One", "Two"):
        world.alert(name)
    world.settle()
    for _incident in range(2):
        world.expect_page("marta", level=1)
    EscalationRun.objects.update(next_due_at=None)
    order = watch._order

    def failing(run: EscalationRun, incident: Incident, resolver: TargetResolver) -> Any:
        if incident.title.startswith("One"):
            raise ValueError("no")
        return order(run, incident, resolver)

    monkeypatch.setattr(watch, "_order", failing)
    escalation_check()

    world.expect_page("hugo")
    assert list(Incident.objects.exclude(exhausted_at=None).values_list("title", flat=True)) == ["Two is bad"]


def test_when_a_run_cannot_go_on_from_a_report_then_the_report_is_entered_and_the_engine_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.email.script("marta@brightquay.example", Refused("550 no such person"), Refused("550 no such person"))
    resolve = TargetResolver.resolve

    def failing(self: TargetResolver, targets: Any, *, team: Team, **more: Any) -> Any:
        found = resolve(self, targets, team=team, **more)
        if world.cast.jonas in [recipient.user for recipient in found.recipients] and not mended:
            raise ValueError("the rota of level 2 cannot be read")
        return found

    mended: list[bool] = []
    monkeypatch.setattr(TargetResolver, "resolve", failing)
    world.alert()
    world.settle()

    assert Page.objects.get().state == "failed"
    assert not PageReport.objects.filter(processed_at=None).exists()
    assert "the rota of level 2" in world.run.error
    escalation_check()
    world.expect_page("hugo")
    mended.append(True)
    world.event("trigger", "disk-full")
    world.settle()
    world.expect_page("jonas", level=2)


@pytest.mark.parametrize("step", [runs_step, reports_process])
def test_when_the_database_is_in_trouble_then_no_run_is_set_aside_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch, step: Any
) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    PageReport.objects.update(processed_at=None)
    Page.objects.update(state="pending")
    PageReport.objects.update(outcome="failed")
    world.jump(minutes=5)
    unreadable(monkeypatch, incident=world.incident, error=OperationalError("deadlock detected"))

    with pytest.raises(OperationalError):
        step(at=world.now)

    assert world.run.set_aside_at is None
    assert PageReport.objects.filter(processed_at=None).exists()
    monkeypatch.undo()
    world.settle()
    world.expect_page("jonas", level=2)


def test_when_one_part_of_the_check_fails_then_the_others_are_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(**_arguments: Any) -> int:
        raise ValueError("no")

    for part in ("runs_step", "inbox_process", "reports_process"):
        monkeypatch.setattr(tasks, part, failing)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    EscalationRun.objects.update(next_due_at=None)
    world.jump_to(world.now.replace(minute=10))  # Each five minutes every part looks for itself.

    done = escalation_check()

    assert done.keys() == {
        "brought_back",
        "checkpoints",
        "stalled",
        "risen",
        "vendors",
        "sent",
        "forgotten",
        "scans",
        "news",
    }
    world.expect_page("hugo")


def test_pages_go_before_everything_that_may_wait_for_a_mail_server_and_so_does_the_sign_of_life(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.jump(minutes=5)
    seen: list[tuple[list[str], int]] = []

    def vendors(*, at: datetime) -> int:
        seen.append((paged_so_far(), ProcessBeat.objects.filter(name="cluster", beat_at=at).count()))
        return 0

    def paged_so_far() -> list[str]:
        return [outgoing.address for outgoing in world.email.got[1:]]

    monkeypatch.setattr(tasks, "vendors_check", vendors)
    escalation_check()

    assert seen == [(["jonas@brightquay.example"], 1)]
    world.expect_page("jonas", level=2)


def test_when_every_engine_is_dead_then_all_that_waits_is_done_in_one_minute_not_a_batch_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 3)
    for number in range(8):
        world.alert(f"Number{number}")

    assert escalation_check()["signals"] == 8

    for _incident in range(8):
        world.expect_page("marta", level=1)


def test_when_its_time_is_up_then_the_safety_net_leaves_the_rest_to_the_next_minute(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 3)
    monkeypatch.setattr(tasks, "WORKING", timedelta(0))
    for number in range(8):
        world.alert(f"Number{number}")

    assert [escalation_check()["signals"] for _minute in range(4)] == [3, 3, 2, 0]

    for _incident in range(8):
        world.expect_page("marta", level=1)


def test_when_nothing_is_due_then_the_check_asks_little_and_every_five_minutes_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def step(*, at: datetime, limit: int) -> int:
        asked.append(at.minute)
        return 0

    monkeypatch.setattr(tasks, "runs_step", step)

    for minute in range(9, 21):
        world.jump_to(world.now.replace(minute=minute))
        assert escalation_check()["stepped"] == 0

    assert asked == [10, 15, 20]


@pytest.mark.parametrize("fails_from", [1, 2])
def test_when_the_look_itself_fails_then_every_part_looks_for_itself_and_the_cluster_shows_that_it_lives(
    world: World, monkeypatch: pytest.MonkeyPatch, fails_from: int
) -> None:
    looks: list[int] = []

    def failing() -> Any:
        looks.append(1)
        if len(looks) >= fails_from:
            raise ValueError("prepared statement of another time")
        return glance()

    world.alert()
    world.jump_to(world.now.replace(minute=11))  # No minute in which every part looks anyway.
    monkeypatch.setattr(tasks, "glance", failing)

    done = escalation_check()

    assert (done["signals"], done["sent"]) == (1, 1)
    assert ProcessBeat.objects.filter(name="cluster", beat_at=world.now).exists()
    world.expect_page("marta", level=1)


def test_when_a_snoozed_incident_loses_its_next_step_then_it_is_flagged_once_the_snooze_is_over(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    until = world.now + timedelta(hours=1)
    incident_snooze(incident_id=world.incident.pk, until=until, actor=world.cast.marta, at=world.now)
    EscalationRun.objects.update(next_due_at=None)  # what must never happen, done by hand
    world.advance(minutes=59)
    escalation_check()
    world.expect_silence()

    world.advance(minutes=1)
    escalation_check()

    world.expect_page("hugo")
    assert (world.incident.exhausted_at, world.incident.snoozed_until) == (world.now, None)


def test_when_a_snoozed_incident_is_handed_to_somebody_then_it_is_snoozed_no_longer(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    until = world.now + timedelta(hours=1)
    incident_snooze(incident_id=world.incident.pk, until=until, actor=world.cast.marta, at=world.now)
    incident_reassign(incident_id=world.incident.pk, owner=world.cast.jonas, actor=world.cast.marta, at=world.now)
    world.advance(hours=2)

    world.expect_notice("jonas")
    assert (world.incident.state, world.incident.snoozed_until) == ("acknowledged", None)


def test_when_two_teams_name_each_other_as_parents_then_the_search_for_a_manager_ends(world: World) -> None:
    payments, platform = world.cast.payments, world.cast.platform
    payments.memberships.filter(user=world.cast.elena).delete()
    Team.objects.filter(pk=payments.pk).update(parent=platform)
    Team.objects.filter(pk=platform.pk).update(parent=payments)
    world.alert()
    world.settle()
    for username, minutes in (("marta", 5), ("jonas", 5)):
        world.expect_page(username)
        world.advance(minutes=minutes)

    world.expect_page("hugo", level=4)
    assert world.incident.timeline.filter(kind="escalation.skip_level", data__because="nobody_on_call").exists()


def test_when_somebody_has_left_then_the_link_in_their_old_page_acts_no_more(world: World) -> None:
    world.alert()
    world.settle()
    link = world.link_in(world.expect_page("marta", level=1))
    world.cast.marta.is_active = False
    world.cast.marta.save()

    for verb in ("acknowledge", "escalate", "decline"):
        assert world.client.post(f"{link}{verb}/").status_code == 404
    assert world.incident.state == "triggered"


def test_when_many_incidents_exhaust_at_once_then_the_administrators_are_looked_up_once(
    world: World, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        world.alert(instance=f"host-{number}")
    world.settle()
    for _incident in range(20):
        world.expect_page("marta")
    for username in ("jonas", "elena"):
        world.advance(minutes=5)
        for _incident in range(20):
            world.expect_page(username)
    world.jump(minutes=5)

    with django_assert_max_num_queries(60):
        assert runs_step(at=world.now) == 20

    world.settle()
    for _incident in range(20):
        world.expect_page("hugo")


def test_when_a_run_is_claimed_before_it_is_due_then_it_waits_again_and_is_not_claimed_for_ever(world: World) -> None:
    """The instant in the column is a copy. Were it wrong, the engine would turn around these runs and never come to others."""
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    due = world.run.next_due_at
    EscalationRun.objects.update(next_due_at=world.now)

    assert runs_step(at=world.now) == 1
    assert runs_step(at=world.now) == 0
    assert world.run.next_due_at == due
    world.expect_silence()
