"""What the executor makes of the finer points of a policy: who gets what, and who gets nothing more."""

from typing import Any

import pytest

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import EscalationRun, Incident, Page, Service, TimelineEvent
from incidents.selectors.ladder import Rung, ladder_of
from incidents.selectors.phone import Look, look_of, phone_page
from incidents.selectors.preview import preview_of
from incidents.services.lifecycle import incident_acknowledge, incident_unacknowledge
from incidents.services.pages import page_decline
from incidents.services.runs import runs_step
from incidents.services.severity import incident_severity
from incidents.timeline_words import WORDINGS
from notifications.models import Message
from oncall.models import User
from policies.services import policy_publish
from reports.ledger_words import ACTIONS
from tests.world.harness import World

MARTA: dict[str, Any] = {"kind": "schedule", "ref": "payments", "role": "primary"}
JONAS: dict[str, Any] = {"kind": "user", "ref": "jonas"}
ELENA: dict[str, Any] = {"kind": "manager"}


def level(*targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "A level", "targets": list(targets), "ack_timeout": "10m", **more}


def publish(world: World, *levels: dict[str, Any], **more: Any) -> None:
    definition = {"levels": list(levels), **more}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)


def acknowledged(world: World, actor: User) -> Incident:
    incident = incident_acknowledge(incident_id=world.incident.pk, actor=actor, at=world.now)
    world.settle()
    return incident


def every_word_is_known() -> None:
    assert set(TimelineEvent.objects.values_list("kind", flat=True)) <= set(WORDINGS)
    assert set(LedgerEntry.objects.values_list("action", flat=True)) <= set(ACTIONS)


@pytest.mark.requirement("R136")
@pytest.mark.requirement("R137")
def test_when_a_critical_level_repeats_then_its_people_are_paged_again_until_one_answers(world: World) -> None:
    publish(world, level(MARTA, ack_timeout=None, repeat="5m"), level(ELENA))
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)

    world.advance(minutes=10)
    world.expect_page("marta", level=1)
    world.expect_page("marta", level=1)
    acknowledged(world, world.cast.marta)
    world.advance(minutes=60)

    assert list(Page.objects.order_by("pk").values_list("repeat", flat=True)) == [0, 1, 2]
    assert Message.objects.filter(kind="page").values("idempotency_key").distinct().count() == 3
    every_word_is_known()


@pytest.mark.requirement("R138")
def test_when_the_incident_is_not_critical_then_the_level_is_paged_once(world: World) -> None:
    publish(world, level(MARTA, repeat="2m"), level(ELENA))
    world.alert(severity="warning")
    world.settle()
    world.expect_page("marta", level=1)

    world.advance(minutes=9)

    world.expect_silence()


def test_when_one_of_a_level_cannot_take_it_then_only_the_other_is_told_again(world: World) -> None:
    publish(world, level(MARTA, JONAS, repeat="5m"))
    world.alert()
    world.settle()
    world.expect_page("marta")
    world.page_of(world.expect_page("jonas"))
    page_decline(page=Page.objects.get(recipient=world.cast.jonas), at=world.now)

    world.advance(minutes=5)

    world.expect_page("marta")


def test_when_everybody_cannot_take_it_even_from_a_repeated_page_then_the_next_level_is_called_at_once(
    world: World,
) -> None:
    publish(world, level(MARTA, repeat="5m"), level(ELENA))
    world.alert()
    world.settle()
    world.expect_page("marta")
    world.advance(minutes=5)
    world.expect_page("marta")

    page_decline(page=Page.objects.get(repeat=1), at=world.now)
    world.settle()

    world.expect_page("elena", level=2)


def test_when_a_level_is_handed_off_between_two_repeats_then_whoever_is_on_call_then_is_told(world: World) -> None:
    """Targets are looked up each time (R040)."""
    publish(world, level({"kind": "team_lead"}, repeat="5m"))
    world.alert()
    world.settle()
    world.expect_page("jonas")
    world.cast.payments.memberships.filter(role="lead").update(role="member")
    world.cast.payments.memberships.filter(user=world.cast.marta).update(role="lead")

    world.advance(minutes=5)

    world.expect_page("marta")


# Everybody must answer.


def test_when_all_must_answer_then_the_level_goes_on_for_the_one_who_has_not(world: World) -> None:
    publish(world, level(MARTA, JONAS, ack_mode="all", repeat="4m"), level(ELENA))
    world.alert()
    world.settle()
    world.expect_page("marta")
    world.expect_page("jonas")

    incident = acknowledged(world, world.cast.marta)
    assert incident.owner == world.cast.marta
    world.advance(minutes=8)
    world.expect_page("jonas")
    world.expect_page("jonas")
    world.advance(minutes=2)

    world.expect_page("elena", level=2)
    called = TimelineEvent.objects.filter(kind="escalation.enter_level").order_by("pk")
    assert list(called.values_list("data__because", flat=True)) == ["started", "partly_answered"]
    every_word_is_known()


def test_when_all_have_answered_then_nobody_is_told_any_more(world: World) -> None:
    publish(world, level(MARTA, JONAS, ack_mode="all", repeat="4m"), level(ELENA))
    world.alert()
    world.settle()
    world.expect_page("marta")
    world.expect_page("jonas")

    acknowledged(world, world.cast.marta)
    acknowledged(world, world.cast.jonas)
    world.advance(minutes=60)

    assert EscalationRun.objects.get().phase == "acknowledged"


def test_when_one_answer_is_given_back_then_that_person_is_told_again_with_the_others(world: World) -> None:
    publish(world, level(MARTA, JONAS, ack_mode="all", repeat="4m"), level(ELENA))
    world.alert()
    world.settle()
    world.expect_page("marta")
    world.expect_page("jonas")
    acknowledged(world, world.cast.marta)

    incident_unacknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    world.advance(minutes=4)

    world.expect_page("marta")
    world.expect_page("jonas")


# Beginnings and ends.


@pytest.mark.requirement("R056")
@pytest.mark.requirement("R241")
def test_when_a_sev_1_begins_higher_up_then_those_below_get_a_notice_and_no_page(world: World) -> None:
    publish(world, level(MARTA), level(JONAS), level(ELENA), starts_at={"SEV-1": 3})
    world.alert()
    world.settle()

    world.expect_page("elena", level=3)
    world.expect_notice("marta")
    notice = world.expect_notice("jonas")

    assert "you are not paged" in notice.body
    assert list(Page.objects.values_list("recipient__username", flat=True)) == ["elena"]
    every_word_is_known()


@pytest.mark.requirement("R078")
def test_when_the_ladder_ends_then_the_final_decision_maker_is_paged_until_somebody_answers(world: World) -> None:
    final = {"target": {"kind": "user", "ref": "amara"}, "every": "15m", "times": 3}
    publish(world, level(MARTA), catch_all=[JONAS], final=final)
    world.alert()
    world.settle()
    world.expect_page("marta")
    world.advance(minutes=10)
    world.expect_page("jonas")
    page = world.expect_page("amara")
    assert "the last word is yours" in page.body
    rungs = [step for step in ladder_of(world.incident, world.run, at=world.now).steps if isinstance(step, Rung)]
    assert (rungs[-1].title, [one.name for one in rungs[-1].people]) == ("Final decision-maker", ["Amara Okafor"])

    world.advance(minutes=15)
    world.expect_page("amara")
    assert world.incident.exhausted_at is not None
    acknowledged(world, world.cast.elena)
    world.advance(minutes=60)

    every_word_is_known()


# Nobody can be reached.


@pytest.mark.requirement("R273")
@pytest.mark.parametrize(("rule", "minutes"), [("next_level", 0), ("wait", 10)])
def test_when_no_page_reaches_anybody_then_the_level_does_what_it_says(world: World, rule: str, minutes: int) -> None:
    world.cast.marta.contact_methods.all().delete()
    publish(world, level(MARTA, if_unreachable=rule), level(ELENA))
    world.alert()
    world.settle()

    world.advance(minutes=minutes)

    world.expect_page("elena", level=2)
    assert TimelineEvent.objects.filter(kind="escalation.skip_level").exists() is (rule == "next_level")


def test_when_whoever_was_told_cannot_take_it_then_even_a_level_that_waits_is_left_at_once(world: World) -> None:
    publish(world, level(MARTA, if_unreachable="wait"), level(ELENA))
    world.alert()
    world.settle()
    page_decline(page=world.page_of(world.expect_page("marta")), at=world.now)
    world.settle()

    world.expect_page("elena", level=2)
    assert TimelineEvent.objects.filter(kind="escalation.enter_level", data__because="declined").exists()


def test_when_many_repeat_at_once_then_the_number_of_queries_does_not_grow_with_them(
    world: World, django_assert_max_num_queries: Any
) -> None:
    publish(world, level(MARTA, repeat="5m", ack_timeout="1h"))
    for number in range(30):
        world.alert(f"Alert{number}")
    world.settle()
    for _message in range(30):
        world.expect_page("marta")
    world.jump(minutes=5)

    with django_assert_max_num_queries(40):
        assert runs_step(at=world.now) == 30

    world.settle()
    for _message in range(30):
        world.expect_page("marta")


# What pages show of it.


def test_when_one_of_all_has_answered_then_the_others_link_still_rings_and_its_tap_counts(world: World) -> None:
    publish(world, level(MARTA, JONAS, ack_mode="all"), level(ELENA))
    world.alert()
    world.settle()
    first, second = world.expect_page("marta"), world.expect_page("jonas")
    acknowledged(world, world.cast.marta)

    assert look_of(world.page_of(first), at=world.now) is Look.MINE
    assert look_of(world.page_of(second), at=world.now) is Look.RINGING
    page = world.page_of(second)
    incident_acknowledge(incident_id=page.incident_id, actor=page.recipient, at=world.now, page=page)
    world.settle()

    assert look_of(world.page_of(second), at=world.now) is Look.TAKEN
    assert world.run.phase == "acknowledged"


def test_when_a_level_was_told_again_then_its_ladder_shows_each_person_once(world: World) -> None:
    publish(world, level(MARTA, JONAS, repeat="5m"), level(ELENA))
    world.alert()
    world.settle()
    world.advance(minutes=5)
    for name in ("marta", "jonas", "marta", "jonas"):
        message = world.expect_page(name)

    ladder = ladder_of(world.incident, world.run, at=world.now)
    rung = next(step for step in ladder.steps if isinstance(step, Rung))
    phone = phone_page(world.page_of(message), at=world.now)

    assert [(told.name, len(told.receipts)) for told in rung.people] == [("Marta Ferri", 2), ("Jonas de Wit", 2)]
    assert phone.others == [world.cast.marta]


def test_when_a_sev_1_is_about_to_be_filed_then_the_preview_names_who_is_paged_for_that_severity(world: World) -> None:
    publish(world, level(MARTA), level(JONAS), level(ELENA), starts_at={"SEV-1": 3})
    service = Service.objects.select_related("team", "policy__current_version").get(pk=world.cast.gateway.pk)

    assert preview_of(service, at=world.now, severity=1).first_names == ["Elena Conti"]
    assert preview_of(service, at=world.now, severity=3).first_names == ["Marta Ferri"]


# The severity changes.

MAJOR = {"starts_at": {"SEV-1": 3}}


def worse(world: World, severity: int = 1, actor: User | None = None) -> None:
    incident_severity(
        incident_id=world.incident.pk, severity=severity, actor=actor, at=world.now, reason="All shops are down"
    )
    world.settle()


@pytest.mark.requirement("R056")
@pytest.mark.requirement("R057")
def test_when_an_answered_incident_becomes_a_sev_1_then_its_path_starts_at_once_and_the_skipped_are_informed(
    world: World,
) -> None:
    publish(world, level(MARTA), level(JONAS), level(ELENA), **MAJOR)
    world.alert(severity="warning")
    world.settle()
    world.expect_page("marta", level=1)
    acknowledged(world, world.cast.marta)

    worse(world, actor=world.cast.marta)

    world.expect_page("elena", level=3)
    world.expect_notice("jonas")
    assert world.incident.owner == world.cast.marta
    assert world.run.priority == 1
    every_word_is_known()


@pytest.mark.requirement("R042")
def test_when_the_severity_changes_then_the_running_clock_has_the_time_of_the_new_one(world: World) -> None:
    publish(world, level(MARTA, ack_timeout={"after": "30m", "by_severity": {"SEV-1": "5m"}}), level(ELENA))
    world.alert(severity="warning")
    world.settle()
    world.expect_page("marta")
    world.advance(minutes=3)

    worse(world)
    world.advance(minutes=2)

    world.expect_page("elena", level=2)


def test_when_the_severity_stays_the_same_or_is_none_or_it_is_resolved_then_nothing_is_changed(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta")

    worse(world, severity=1)
    assert not TimelineEvent.objects.filter(kind="incident.severity").exists()
    with pytest.raises(DomainError):
        worse(world, severity=6)
    with pytest.raises(NotAllowed):
        worse(world, severity=2, actor=world.cast.sofie)
    world.recover()
    world.settle()
    with pytest.raises(Conflict):
        worse(world, severity=2)
