"""Whom the rules of the house tell of a new incident, whom they do not page, and when a person is asked first."""

from datetime import timedelta

import pytest

from incidents.models import Checkpoint, EscalationRun, RoutingDecision
from incidents.routing import Wish
from incidents.services.lifecycle import incident_escalate
from incidents.services.watch import stalled
from policies.routing import Ask
from tests.incidents.routing_rules import (
    ALWAYS,
    ELENA,
    NILS,
    filed,
    is_,
    lines,
    publish,
    rule,
    told,
)
from tests.world.harness import World

# --- Whom to tell, and whom not to page


@pytest.mark.requirement("R075")
@pytest.mark.requirement("R092")
def test_when_a_high_value_customer_is_affected_then_it_is_worse_and_the_account_manager_knows(world: World) -> None:
    publish(
        world,
        rule("vip", {"fact": "vip"}, "A VIP customer is affected.", severity_at_least="SEV-2", tell=[NILS]),
    )

    incident = filed(world, facts={"vip": True, "customer": "acme"})

    assert incident.severity == 2
    world.expect_page("marta", level=1)
    message = world.expect_notice("nils")
    assert "A VIP customer is affected." in message.body
    assert "you are not paged" in message.body
    assert lines(incident, "routing.tell") == [{"people": ["Nils Aaker"]}]

    usual = filed(world, facts={"vip": False})
    assert usual.severity == 3
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R093")
@pytest.mark.requirement("R094")
@pytest.mark.parametrize("flag", ["revenue_flow", "high_risk", "regulated"])
def test_when_the_service_earns_money_or_is_risky_then_its_flag_raises_the_severity_and_informs(
    world: World, flag: str
) -> None:
    publish(world, rule("flag", {"fact": flag}, severity_at_least="SEV-1", tell=[NILS]))
    calm = filed(world)
    world.expect_page("marta", level=1)
    setattr(world.cast.gateway, flag, True)
    world.cast.gateway.save()

    flagged = filed(world)

    assert (calm.severity, flagged.severity) == (3, 1)
    world.expect_page("marta", level=1)
    world.expect_notice("nils")


def test_when_nobody_is_to_be_told_then_the_incident_says_so(world: World) -> None:
    publish(world, rule("all", ALWAYS, tell=[{"kind": "user", "ref": "gone"}]))

    incident = filed(world)

    world.expect_page("marta", level=1)
    assert lines(incident, "routing.tell_nobody") == [{}]


def test_when_it_is_restricted_then_nobody_is_told_who_may_not_see_it(world: World) -> None:
    publish(world, rule("all", ALWAYS, tell=[NILS, ELENA]))

    incident = filed(world, restricted=True)

    world.expect_page("marta", level=1)
    assert told(world) == ["elena"]
    assert lines(incident, "routing.tell_barred") == [{"name": "Nils Aaker"}]


@pytest.mark.requirement("R082")
def test_when_a_rule_pages_nobody_then_nobody_is_and_that_is_no_fault(world: World) -> None:
    publish(world, rule("sandbox", is_("environment", "sandbox"), "Sandboxes can wait.", escalate=False))

    incident = filed(world, environment="sandbox")
    world.advance(hours=1)

    world.expect_silence()
    assert not EscalationRun.objects.exists()
    assert not stalled(at=world.now).exists()
    line = incident.timeline.get(kind="routing.page_nobody")
    assert line.text == "Sandboxes can wait."
    assert RoutingDecision.objects.get().decision["pages_nobody"] is True

    incident_escalate(incident_id=incident.pk, actor=world.cast.marta, reason="It spreads", at=world.now)
    world.settle()
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R082")
def test_when_a_person_says_that_no_criterion_is_met_then_nobody_is_paged_unless_a_rule_escalates(world: World) -> None:
    wish = Wish(escalate=False, reason="No criterion for paging anybody is met.")

    filed(world, wish=wish)
    world.expect_silence()

    publish(world, rule("outage", {"fact": "outage"}, escalate=True))
    filed(world, wish=wish, facts={"outage": True})
    world.expect_page("marta", level=1)


# --- People first


@pytest.mark.requirement("R331")
def test_when_an_incident_is_ambiguous_then_a_person_is_asked_before_anybody_is_paged(world: World) -> None:
    ask = {"targets": [ELENA], "within": "10m", "otherwise": "proceed"}
    publish(world, rule("unclear", {"fact": "rule", "operator": "unknown"}, "It came without a rule.", ask=ask))

    incident = filed(world)

    message = world.expect_notice("elena")
    assert "It came without a rule." in message.body
    checkpoint = Checkpoint.objects.get(incident=incident)
    assert checkpoint.due_at - checkpoint.created_at == timedelta(minutes=10)
    world.expect_silence()
    world.advance(minutes=10)
    world.expect_page("marta", level=1)


def test_when_whoever_files_it_cannot_tell_then_the_first_level_is_asked_and_a_rule_goes_before(world: World) -> None:
    wish = Wish(ask=Ask((), 300), ask_severity=2, reason="The answers fit no severity.")

    incident = filed(world, wish=wish)

    assert world.expect_notice("marta").subject.startswith("[SEV-3]")
    world.advance(minutes=5)
    world.expect_page("marta", level=1)
    incident.refresh_from_db()
    assert incident.severity == 2

    publish(world, rule("all", ALWAYS, escalate=True))
    filed(world, wish=wish)
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R091")
def test_when_compliance_or_security_is_at_risk_then_a_rule_cannot_leave_it_unpaged_or_make_it_milder(
    world: World,
) -> None:
    publish(
        world,
        rule("compliance", {"fact": "regulated"}, guarded=True, tell=[NILS]),
        rule("lab", ALWAYS, "Nothing runs there.", escalate=False, severity="SEV-5"),
    )
    world.cast.gateway.regulated = True
    world.cast.gateway.save()

    incident = filed(world)

    assert incident.guarded
    assert incident.severity == 3
    asked = list(Checkpoint.objects.filter(incident=incident).order_by("action").values_list("action", flat=True))
    assert asked == ["escalation.start", "incident.severity"]
    assert sorted(told(world)) == ["marta", "marta", "nils"]
    world.advance(minutes=10)
    world.expect_page("marta", level=1)
    world.advance(minutes=20)
    incident.refresh_from_db()
    assert incident.severity == 3
    world.email.got.clear()
    world._expected = 0


@pytest.mark.requirement("R098")
def test_when_a_rule_says_so_then_it_is_a_major_incident_and_a_problem_record_is_proposed(world: World) -> None:
    publish(world, rule("worst", is_("severity", 1), "All customers are affected.", major=True, problem=True))

    incident = filed(world, severity=1)

    world.expect_page("marta", level=1)
    assert world.expect_notice("elena").body.startswith("This is a major incident")
    incident.refresh_from_db()
    assert (incident.major_at, incident.overseer) == (world.now, world.cast.elena)
    assert incident.timeline.get(kind="problem.propose").text == "All customers are affected."
