"""The path through the whole house: a real alert pages a real person, escalates, is acknowledged, and can be proven."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import NotAllowed
from incidents.models import EscalationRun, Incident, Page
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_comment,
    incident_mitigate,
    incident_reopen,
    incident_resolve,
)
from incidents.tasks import escalation_check
from notifications.channels import Refused
from notifications.models import ContactMethod
from policies.services import policy_publish
from tests.world.cast import Timings, levels
from tests.world.harness import World


def policy_is(world: World, *, ack: Timings, resolve: Timings = (None, None, None)) -> None:
    definition = levels(ack=ack, resolve=resolve)
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)


def until(instant: datetime | None, since: datetime) -> timedelta:
    assert instant is not None
    return instant - since


@pytest.mark.requirement("R047")
@pytest.mark.requirement("R022")
@pytest.mark.requirement("R142")
def test_when_nobody_answers_then_three_levels_are_paged_in_order_and_the_incident_is_exhausted(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=4, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("jonas", level=2)
    world.advance(minutes=5)
    world.expect_page("elena", level=3)
    world.advance(minutes=5)
    world.expect_page("hugo", level=4)  # the catch-all: nobody is above
    assert world.incident.exhausted_at == world.now
    world.advance(days=2)


@pytest.mark.requirement("R029")
@pytest.mark.requirement("R020")
def test_when_it_is_acknowledged_in_time_then_nobody_else_is_paged(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=4)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    world.advance(days=1)
    assert world.incident.owner == world.cast.marta
    assert until(world.incident.acknowledged_at, world.incident.started_at) == timedelta(minutes=4)


@pytest.mark.requirement("R131")
def test_when_only_the_acknowledgement_is_met_then_only_the_resolution_timer_goes_on(world: World) -> None:
    policy_is(world, ack=("5m", "5m", "5m"), resolve=("60m", None, None))
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=2)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    world.advance(minutes=57, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("jonas", level=2)
    assert world.incident.owner == world.cast.marta
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)
    world.advance(days=1)


@pytest.mark.requirement("R141")
@pytest.mark.parametrize("satisfies", [True, False])
def test_when_it_is_mitigated_in_time_then_the_resolution_escalation_fires_only_where_the_policy_says_so(
    world: World, satisfies: bool
) -> None:
    definition = levels(resolve=("60m", None, None)) | {"mitigated_satisfies_resolution": satisfies}
    policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    world.jump(minutes=59)
    incident_mitigate(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)

    world.advance(minutes=1)

    if not satisfies:
        world.expect_page("jonas", level=2)
        incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)
    world.advance(days=1)
    world.expect_silence()


@pytest.mark.requirement("R132")
@pytest.mark.requirement("R133")
@pytest.mark.requirement("R134")
@pytest.mark.parametrize(("measured_from", "minute"), [("start", 20), ("previous", 30)])
def test_the_example_path_fires_stage_two_by_either_reading_and_stage_three_an_hour_after_it(
    world: World, measured_from: str, minute: int
) -> None:
    definition = levels(ack=("10m", "15m", "15m"), resolve=(None, "60m", None))
    definition["levels"][1]["start"] = {"delay": "20m", "measured_from": measured_from}
    policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=minute, seconds=-1)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("jonas", level=2)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)
    world.advance(minutes=60)
    world.expect_page("elena", level=3)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.elena, at=world.now)


@pytest.mark.requirement("R040")
def test_the_people_of_a_level_are_looked_up_when_it_is_entered_not_before(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.cast.payments.memberships.filter(user=world.cast.elena).update(user=world.cast.tomas)
    world.cast.people["tomas"].role = "manager"
    world.cast.people["tomas"].save()
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    world.advance(minutes=5)
    world.expect_page("tomas", level=3)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.hugo, at=world.now)


def test_when_a_policy_is_edited_then_a_run_keeps_the_version_it_began_with(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    policy_is(world, ack=("1h", "1h", "1h"))
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)


def test_a_level_nobody_can_be_reached_at_is_skipped_at_once_and_the_skip_is_shown_and_audited(world: World) -> None:
    ContactMethod.objects.filter(user=world.cast.marta).delete()
    world.alert()
    world.settle()
    world.expect_page("jonas", level=2)
    page = Page.objects.get(recipient=world.cast.marta)
    assert (page.state, page.state_reason) == ("failed", "no_contact_method")
    assert world.incident.timeline.filter(kind="escalation.skip_level", data__because="nobody_reachable").exists()
    assert LedgerEntry.objects.filter(action="escalation.skip_level", subject=world.incident.subject).exists()
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)


def test_when_the_provider_refuses_the_only_address_then_the_next_level_is_paged_without_waiting(world: World) -> None:
    world.email.script("marta@brightquay.example", Refused("550 no such person"))
    world.alert()
    world.settle()
    world.expect_page("jonas", level=2)
    assert world.incident.started_at == world.now
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)


@pytest.mark.requirement("R041")
def test_when_a_responder_escalates_with_a_reason_then_the_next_level_starts_at_once_and_the_reason_is_logged(
    world: World, client: Client
) -> None:
    """She has acknowledged it, and presses "escalate" on its page."""
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    client.force_login(world.cast.marta)
    client.post(f"{world.incident.get_absolute_url()}escalate/", {"reason": "Needs the acquirer", "cause": "other"})
    world.settle()
    world.expect_page("jonas", level=2)
    assert LedgerEntry.objects.get(action="incident.escalate").data == {
        "reason": "Needs the acquirer",
        "cause": "other",
    }
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)


@pytest.mark.requirement("R325")
@pytest.mark.requirement("R035")
def test_from_alert_to_recovery_every_step_is_in_the_ledger_with_actor_time_and_source(world: World) -> None:
    world.alert()
    world.settle()
    link = world.link_in(world.expect_page("marta", level=1))
    world.advance(minutes=3)
    assert world.client.get(link).status_code == 200
    assert world.incident.state == "triggered"  # a mail scanner that follows links changes nothing
    assert world.client.post(link + "acknowledge/").status_code in (200, 302, 303)
    assert world.incident.owner == world.cast.marta
    world.advance(minutes=30)
    world.recover()
    world.advance(hours=1)
    assert world.incident.state == "resolved"
    assert until(world.incident.resolved_at, world.incident.started_at) == timedelta(minutes=33)
    entries = list(LedgerEntry.objects.filter(subject=world.incident.subject).order_by("pk"))
    actions = [entry.action for entry in entries]
    for step in (
        "alert.receive",
        "incident.open",
        "escalation.enter_level",
        "page.create",
        "incident.acknowledge",
        "alert.recover",
        "incident.resolve",
    ):
        assert step in actions, f"{step} is missing from {actions}"
    acknowledged = next(entry for entry in entries if entry.action == "incident.acknowledge")
    assert (acknowledged.actor_label, acknowledged.source) == ("Marta Ferri", "email")
    assert acknowledged.before
    assert acknowledged.before["state"] == "triggered"
    assert acknowledged.after
    assert acknowledged.after["state"] == "acknowledged"
    assert acknowledged.at - entries[0].at == timedelta(minutes=3)
    received = next(entry for entry in entries if entry.action == "alert.receive")
    assert received.actor_kind == "integration"
    of_itself = {entry.actor_label for entry in entries if entry.action.startswith(("escalation.", "page."))}
    assert of_itself == {"engine"}, "nobody but Watchbell called a level and paged"


@pytest.mark.requirement("R019")
def test_the_same_incident_at_two_in_the_afternoon_and_at_three_at_night_runs_the_same_steps(world: World) -> None:
    offsets = []
    for name in ("AtNight", "InTheAfternoon"):
        world.alert(name)
        begun = world.now
        world.advance(minutes=20)
        incident = Incident.objects.get(title=f"{name} is bad")
        entries = LedgerEntry.objects.filter(subject=incident.subject, action__startswith="escalation.").order_by("pk")
        offsets.append([(entry.action, entry.at - begun) for entry in entries])
        for username in ("marta", "jonas", "elena", "hugo"):
            world.expect_page(username)
        world.advance(hours=10, minutes=31)
    assert offsets[0] == offsets[1]


@pytest.mark.requirement("R021")
def test_on_the_night_the_clocks_change_steps_fire_at_the_configured_elapsed_times(world: World) -> None:
    world.jump_to(datetime(2027, 3, 28, 0, 57, tzinfo=UTC))  # three minutes before 02:00 becomes 03:00 in Rome
    world.alert()
    begun = world.now
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    assert world.now - begun == timedelta(minutes=5)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)


def test_when_the_engine_was_down_then_overdue_steps_fire_once_when_it_is_back(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    world.jump(minutes=30)
    world.engine = world.engine_start()
    world.settle()
    world.expect_page("jonas", level=2)
    world.settle()
    world.expect_silence()
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)


def test_when_it_is_reopened_then_the_ladder_is_walked_again_from_level_one(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_resolve(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now, resolution="Rolled back")
    world.advance(hours=1)
    incident_reopen(incident_id=world.incident.pk, actor=world.cast.marta, reason="It is back", at=world.now)
    world.settle()
    world.expect_page("marta", level=1)
    assert EscalationRun.objects.count() == 1
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)


@pytest.mark.requirement("R039")
def test_when_an_incident_has_no_next_step_and_no_owner_then_it_is_flagged_and_the_catch_all_is_told(
    world: World,
) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    EscalationRun.objects.update(next_due_at=None)  # what must never happen, done by hand
    world.advance(minutes=1)
    escalation_check()
    world.expect_page("hugo", level=4)
    assert world.incident.exhausted_at == world.now
    assert LedgerEntry.objects.filter(action="incident.stall").count() == 1
    escalation_check()
    world.expect_silence()


def test_when_an_auditor_writes_on_an_incident_then_it_is_refused(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    with pytest.raises(NotAllowed):
        incident_comment(incident_id=world.incident.pk, text="Noted", actor=world.cast.amara, at=world.now)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)


@pytest.mark.requirement("R039")
def test_when_a_service_has_no_policy_then_the_administrators_are_told_of_its_incident(world: World) -> None:
    world.cast.gateway.policy = None
    world.cast.gateway.save()
    world.alert()
    world.settle()
    world.advance(minutes=1)
    escalation_check()
    world.settle()
    message = world.email.got[0]
    world.expect_notice("hugo")
    assert "no escalation policy" in message.body
    assert world.incident.exhausted_at == world.now
    escalation_check()


def test_when_an_acknowledgement_runs_out_then_nobody_has_it_and_its_level_is_told_again(world: World) -> None:
    definition = {**levels(), "ack_expires": "2h"}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    first = world.now

    world.advance(hours=2)

    world.expect_page("marta", level=1)
    incident = world.incident
    assert (incident.state, incident.owner, incident.acknowledged_at) == ("triggered", None, first)
    assert LedgerEntry.objects.filter(action="incident.ack_expire").count() == 1
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)
    assert (world.incident.owner, world.incident.acknowledged_at) == (world.cast.jonas, first)


@pytest.mark.requirement("R096")
def test_when_the_first_level_acts_then_acknowledgement_triage_and_mitigation_are_stamped_and_count_for_it(
    world: World,
) -> None:
    world.alert()
    world.settle()
    page = world.page_of(world.expect_page("marta", level=1))
    world.advance(minutes=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now, page=page)
    world.jump(minutes=4)
    incident_mitigate(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)

    incident = world.incident
    assert until(incident.acknowledged_at, incident.started_at) == timedelta(minutes=1)
    assert until(incident.mitigated_at, incident.started_at) == timedelta(minutes=5)
    entries = {entry.action: entry for entry in LedgerEntry.objects.filter(subject=incident.subject)}
    acknowledged = entries["incident.acknowledge"]
    assert (acknowledged.actor_label, acknowledged.data) == ("Marta Ferri", {"page": page.pk, "level": 1})
    assert acknowledged.after
    assert acknowledged.before
    assert acknowledged.after["stage"] != acknowledged.before["stage"]  # from new to triage
    assert entries["incident.mitigate"].actor_label == "Marta Ferri"
    assert list(Page.objects.filter(answered_at__isnull=False).values_list("level", flat=True)) == [0]
