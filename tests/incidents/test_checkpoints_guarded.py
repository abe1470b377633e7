"""Guarded incidents: what an automation would do to them waits for a named person, with a time limit (R298)."""

from typing import Any

import pytest

from audit.models import LedgerEntry
from incidents.models import Checkpoint, EscalationRun, Incident
from incidents.services.deciding import checkpoint_decide
from incidents.services.lifecycle import incident_acknowledge, incident_escalate, incident_resolve
from incidents.services.severity import incident_severity
from incidents.services.watch import stalled
from policies.books import ROUTING, book_publish
from tests.incidents.asking import lines
from tests.world.harness import World

Outcome = Checkpoint.Outcome
KINDS = {
    "customer data": (
        {"fact": "labels.exposes", "operator": "is", "value": "customer-data"},
        {"exposes": "customer-data"},
    ),
    "payments": ({"fact": "payment_failure"}, {"payment_failure": "true"}),
    "a regulated flow": ({"fact": "regulated"}, {}),
}


def ruled(world: World, *rules: tuple[Any, dict[str, Any]]) -> None:
    """Publish these rules, each a condition and what follows."""
    definition = {
        "rules": [
            {
                "key": f"rule-{number}",
                "name": f"Rule {number}",
                "reason": f"Because of rule {number}.",
                "when": when,
                "then": then,
            }
            for number, (when, then) in enumerate(rules, start=1)
        ]
    }
    book_publish(shape=ROUTING, definition=definition, author=world.cast.hugo, at=world.now)


@pytest.fixture
def guarded(world: World) -> Incident:
    """A SEV-1 alert about payments, guarded by a rule; Marta is paged as ever."""
    ruled(world, ({"fact": "payment_failure"}, {"guarded": True}))
    world.alert(payment_failure="true")
    world.settle()
    world.expect_page("marta", level=1)
    return world.incident


def recover(world: World) -> Checkpoint:
    """The monitor says it is over; whoever is asked has the message."""
    world.recover(payment_failure="true")
    world.settle()
    return Checkpoint.objects.get()


# --- an automation wants a guarded action


@pytest.mark.requirement("R298")
@pytest.mark.parametrize("kind", KINDS)
def test_when_a_monitor_would_resolve_a_high_risk_incident_then_it_waits_for_a_named_person(
    world: World, kind: str
) -> None:
    when, labels = KINDS[kind]
    ruled(world, (when, {"guarded": True}))
    gateway = world.cast.gateway
    gateway.regulated = kind == "a regulated flow"
    gateway.save()
    world.alert(**labels)
    world.settle()
    world.expect_page("marta", level=1)

    world.recover(**labels)
    world.settle()

    message = world.expect_notice("marta")
    assert message.body.startswith("Is it really over?")
    assert "If nobody decides: It stays open." in message.body
    checkpoint = Checkpoint.objects.get()
    assert world.incident.is_open
    assert [ask.user for ask in checkpoint.asks.all()] == [world.cast.marta]

    checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="confirm", actor=world.cast.marta, at=world.now)
    assert (world.incident.state, world.incident.resolved_by) == ("resolved", world.cast.marta)
    assert LedgerEntry.objects.get(action="checkpoint.confirm").actor_label == "Marta Ferri"


@pytest.mark.requirement("R298")
def test_when_nobody_confirms_in_time_then_a_guarded_incident_stays_open(world: World, guarded: Incident) -> None:
    incident_acknowledge(incident_id=guarded.pk, actor=world.cast.jonas, at=world.now)
    checkpoint = recover(world)
    world.expect_notice("jonas")

    world.advance(minutes=30)

    checkpoint.refresh_from_db()
    assert checkpoint.outcome == Outcome.TIMED_OUT
    assert world.incident.is_open
    assert lines(guarded)[-1] == "checkpoint.time_out"


@pytest.mark.requirement("R298")
def test_while_a_recovery_waits_for_a_word_people_go_on_being_paged(world: World, guarded: Incident) -> None:
    recover(world)
    world.expect_notice("marta")

    world.advance(minutes=5)

    world.expect_page("jonas", level=2)


def test_when_a_person_says_that_it_is_not_over_then_it_stays_open(world: World, guarded: Incident) -> None:
    checkpoint = recover(world)
    world.expect_notice("marta")

    checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="decline", actor=world.cast.marta, at=world.now)

    assert world.incident.is_open


def test_an_acknowledgement_does_not_answer_the_question(world: World, guarded: Incident) -> None:
    checkpoint = recover(world)
    world.expect_notice("marta")

    incident_acknowledge(incident_id=guarded.pk, actor=world.cast.marta, at=world.now)

    checkpoint.refresh_from_db()
    assert checkpoint.outcome == Outcome.OPEN


def test_when_it_fires_again_then_nobody_need_say_whether_it_is_over(world: World, guarded: Incident) -> None:
    checkpoint = recover(world)
    world.expect_notice("marta")

    world.alert(payment_failure="true")
    world.settle()

    checkpoint.refresh_from_db()
    assert checkpoint.outcome == Outcome.WITHDRAWN
    assert Incident.objects.count() == 1
    world.recover(payment_failure="true")
    world.settle()
    world.expect_notice("marta")
    assert Checkpoint.objects.filter(outcome=Outcome.OPEN).count() == 1


def test_when_a_person_resolves_it_then_the_question_is_withdrawn(world: World, guarded: Incident) -> None:
    checkpoint = recover(world)
    world.expect_notice("marta")

    incident_resolve(incident_id=guarded.pk, actor=world.cast.marta, at=world.now)

    checkpoint.refresh_from_db()
    assert checkpoint.outcome == Outcome.WITHDRAWN


def test_an_incident_that_is_not_guarded_is_resolved_by_its_recovery_as_ever(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)

    world.recover()
    world.settle()

    assert not world.incident.is_open
    assert not Checkpoint.objects.exists()


@pytest.mark.requirement("R298")
def test_when_a_rule_would_lower_the_severity_of_a_guarded_incident_then_a_person_is_asked(world: World) -> None:
    ruled(world, ({"fact": "payment_failure"}, {"guarded": True, "severity": "SEV-4"}))
    world.alert(payment_failure="true")
    world.settle()

    assert world.incident.severity == 1
    world.expect_notice("marta")
    world.expect_page("marta", level=1)
    checkpoint = Checkpoint.objects.get(action="incident.severity")
    checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="confirm", actor=world.cast.marta, at=world.now)
    assert world.incident.severity == 4


@pytest.mark.requirement("R298")
def test_when_a_rule_would_page_nobody_for_a_guarded_incident_then_a_person_is_asked_and_silence_pages(
    world: World,
) -> None:
    ruled(world, ({"fact": "payment_failure"}, {"guarded": True, "escalate": False}))
    world.alert(payment_failure="true")
    world.settle()

    assert "Because of rule 1." in world.expect_notice("marta").body
    assert not EscalationRun.objects.exists()
    world.advance(minutes=10)
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R091")
def test_when_the_impact_class_is_compliance_or_security_then_the_human_checkpoint_is_set(world: World) -> None:
    when = {"any": [{"fact": "impact_class", "operator": "is", "value": "compliance"}, {"fact": "security"}]}
    ruled(world, (when, {"guarded": True, "severity_at_least": "SEV-2"}))
    for number, labels in enumerate(({"impact_class": "compliance"}, {"security": "true"}), start=1):
        world.alert(f"Alert{number}", severity="warning", **labels)
        world.settle()
        world.expect_page("marta", level=1)
        incident = Incident.objects.latest("id")
        assert incident.guarded
        assert incident.severity == 2

        world.recover(f"Alert{number}", severity="warning", **labels)
        world.settle()

        world.expect_notice("marta")
        assert Checkpoint.objects.filter(incident=incident, action="incident.resolve", outcome=Outcome.OPEN).exists()
        assert Incident.objects.get(pk=incident.pk).is_open


# --- rules that ask


@pytest.mark.requirement("R331")
def test_when_a_rule_finds_an_incident_ambiguous_then_it_asks_those_the_rule_names(world: World) -> None:
    ask = {"targets": [{"kind": "user", "ref": "elena"}], "within": "15m", "otherwise": "proceed"}
    ruled(world, ({"fact": "labels.sure", "operator": "is", "value": "no"}, {"ask": ask, "start_level": 2}))
    world.alert(sure="no")
    world.settle()

    world.expect_notice("elena")
    assert not stalled(at=world.now).exists()
    world.advance(minutes=14, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)

    world.expect_page("jonas", level=2)
    world.expect_notice("marta")


def test_an_incident_that_a_rule_pages_nobody_for_is_not_stalled_and_may_be_escalated_by_hand(world: World) -> None:
    ruled(world, ({"fact": "environment", "operator": "is", "value": "sandbox"}, {"escalate": False}))
    world.alert(environment="sandbox")
    world.advance(minutes=5)

    world.expect_silence()
    assert not stalled(at=world.now).exists()

    incident_escalate(incident_id=world.incident.pk, actor=world.cast.marta, reason="It leaks", at=world.now)
    world.settle()
    world.expect_page("marta", level=1)


def test_when_a_person_chooses_the_severity_then_nobody_need_say_whether_it_may_be_lowered(world: World) -> None:
    ruled(world, ({"fact": "payment_failure"}, {"guarded": True, "severity": "SEV-4"}))
    world.alert(payment_failure="true")
    world.settle()
    world.expect_notice("marta")
    world.expect_page("marta", level=1)

    incident_severity(incident_id=world.incident.pk, severity=2, actor=world.cast.marta, at=world.now, reason="Half")

    assert Checkpoint.objects.get().outcome == Outcome.WITHDRAWN
