"""Impact rises, and the path that the rules lay for it starts at once, whatever the clocks of the one before say (R053)."""

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import EscalationRun, Incident, Page, RoutingDecision
from incidents.selectors.ladder import Flag, ladder_of, run_of
from incidents.selectors.phone import Look, look_of, phone_page
from incidents.selectors.severity import severity_effect
from incidents.selectors.timeline import Wanted, timeline_of
from incidents.services.facts import incident_facts
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_escalate,
    incident_mitigate,
    incident_snooze,
)
from incidents.services.severity import incident_severity
from policies.services import policy_publish
from tests.incidents.routing_rules import ELENA, NILS, TOMAS, filed, is_, lines, policy, publish, rule
from tests.world.cast import levels
from tests.world.harness import World

CUSTOMERS = is_("impact_class", "customer-facing")
MINOR = is_("impact_class", "minor")


def learn(world: World, incident: Incident, **values: object) -> None:
    """Marta says what is known now, and the engine does what follows."""
    incident_facts(incident_id=incident.pk, values=values, actor=world.cast.marta, at=world.now)
    world.settle()


@pytest.fixture
def minor(world: World) -> Incident:
    """Of minor impact, with an hour to answer; customer-facing ones are for Nils, and for Tomás after him."""
    slow = levels(ack=("60m", "60m", "60m"))
    policy_publish(policy=world.cast.policy, definition=slow, author=world.cast.elena, at=world.now)
    policy(world, "customers", [NILS], [TOMAS])
    publish(
        world,
        rule("customers", CUSTOMERS, "Customers notice it.", policy="customers"),
        rule("minor", MINOR, policy="critical-payments"),
    )
    incident = filed(world, facts={"impact_class": "minor"})
    world.expect_page("marta", level=1)
    world.advance(minutes=1)
    return incident


@pytest.mark.requirement("R053")
@pytest.mark.requirement("R056")
def test_when_impact_rises_from_minor_to_customer_facing_then_the_impact_policy_starts_at_once(
    world: World, minor: Incident
) -> None:
    learn(world, minor, impact_class="customer-facing")

    world.expect_page("nils", level=1)
    left, begun = EscalationRun.objects.filter(incident=minor).order_by("pk")
    assert (left.superseded, left.next_due_at) == (True, None)
    assert (begun.policy_version.policy.slug, begun.started_at) == ("customers", world.now)
    world.advance(minutes=5)
    world.expect_page("tomas", level=2)
    assert lines(minor, "routing.path") == [{"before": "Critical payments", "after": "Customers"}]
    assert LedgerEntry.objects.get(action="routing.path").data == {"before": "Critical payments", "after": "Customers"}
    assert RoutingDecision.objects.latest("pk").decision["goes_over_to"] == begun.policy_version_id
    incident_acknowledge(incident_id=minor.pk, actor=world.cast.tomas, at=world.now)
    world.advance(hours=2)  # The hour of the path before is over: it calls nobody.


@pytest.mark.requirement("R053")
def test_when_somebody_has_it_or_put_it_aside_then_the_path_of_the_greater_impact_begins_all_the_same(
    world: World, minor: Incident
) -> None:
    incident_acknowledge(incident_id=minor.pk, actor=world.cast.marta, at=world.now)

    learn(world, minor, impact_class="customer-facing")

    world.expect_page("nils", level=1)
    minor.refresh_from_db()
    assert minor.owner == world.cast.marta
    incident_acknowledge(incident_id=minor.pk, actor=world.cast.nils, at=world.now)


def test_when_it_was_snoozed_then_the_greater_impact_ends_the_snooze(world: World, minor: Incident) -> None:
    until = world.now.replace(hour=8)
    incident_snooze(incident_id=minor.pk, until=until, actor=world.cast.marta, at=world.now)

    learn(world, minor, impact_class="customer-facing")

    world.expect_page("nils", level=1)
    minor.refresh_from_db()
    assert minor.snoozed_until is None
    incident_acknowledge(incident_id=minor.pk, actor=world.cast.nils, at=world.now)


def test_when_the_impact_falls_again_then_the_incident_stays_on_the_path_it_is_on(
    world: World, minor: Incident
) -> None:
    learn(world, minor, impact_class="customer-facing")
    world.expect_page("nils", level=1)

    learn(world, minor, impact_class="minor")
    learn(world, minor, impact_class="customer-facing")

    world.expect_silence()
    assert EscalationRun.objects.filter(incident=minor).count() == 2
    incident_acknowledge(incident_id=minor.pk, actor=world.cast.nils, at=world.now)


@pytest.mark.parametrize(("was", "now"), [(1, 3), (2, 4)])
def test_when_it_gets_milder_then_no_rule_leads_it_to_another_path(world: World, was: int, now: int) -> None:
    policy(world, "mild", [NILS])
    publish(world, rule("mild", {"fact": "impact", "operator": "at_most", "value": 3}, policy="mild"))
    incident = filed(world, impact=was)
    world.expect_page("marta", level=1)

    learn(world, incident, impact=now)

    world.expect_silence()
    assert EscalationRun.objects.get().policy_version.policy == world.cast.policy
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)


@pytest.mark.parametrize("published_before", [True, False])
def test_when_rules_are_published_while_it_is_open_then_what_they_say_anew_calls_nobody_for_it(
    world: World, published_before: bool
) -> None:
    policy(world, "customers", [NILS])
    if published_before:
        publish(world, rule("customers", {"fact": "outage"}, policy="customers"))
    incident = filed(world, facts={"impact_class": "customer-facing"})
    world.expect_page("marta", level=1)
    publish(world, rule("customers", CUSTOMERS, policy="customers"))

    learn(world, incident, vip=True)

    world.expect_silence()
    assert EscalationRun.objects.get().policy_version.policy == world.cast.policy
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)


def test_when_the_severity_is_raised_by_hand_then_its_policy_starts_at_once_and_pages_nobody_twice(
    world: World,
) -> None:
    definition = {**levels(), "starts_at": {"SEV-1": 3}}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    policy(world, "critical", [NILS])
    publish(world, rule("critical", is_("severity", "SEV-1"), policy="critical"))
    incident = filed(world)
    world.expect_page("marta", level=1)

    run = run_of(incident)
    assert run is not None
    effect = severity_effect(incident, run, severity=1, at=world.now)
    incident_severity(incident_id=incident.pk, severity=1, actor=world.cast.marta, at=world.now)
    world.settle()

    world.expect_page("nils", level=1)
    assert (effect.goes_over_to, effect.informed) == ("Critical", [])
    assert [(one.title, list(one.names)) for one in effect.paged] == [("Level 1: Level 1", ["Nils Aaker"])]
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.nils, at=world.now)


def test_when_a_rule_raises_the_severity_too_then_the_other_path_begins_where_that_severity_does(world: World) -> None:
    policy(world, "customers", [NILS], [ELENA], starts_at={"SEV-1": 2})
    publish(world, rule("customers", CUSTOMERS, policy="customers", severity_at_least="SEV-1"))
    incident = filed(world)
    world.expect_page("marta", level=1)

    learn(world, incident, impact_class="customer-facing")

    world.expect_page("elena", level=2)
    world.expect_notice("nils")
    incident.refresh_from_db()
    run = EscalationRun.objects.get(superseded=False)
    assert (incident.severity, run.priority) == (1, 1)
    assert list(Page.objects.filter(run=run).values_list("recipient__username", flat=True)) == ["elena"]
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.elena, at=world.now)


def test_when_it_is_mitigated_already_then_the_resolution_timeout_of_the_other_path_waits(world: World) -> None:
    made = policy(world, "customers", [NILS])
    rung = {"name": "Level 1", "targets": [NILS], "ack_timeout": "5m", "resolve_timeout": "10m"}
    policy_publish(policy=made, definition={"levels": [rung]}, author=world.cast.hugo, at=world.now)
    publish(world, rule("customers", CUSTOMERS, policy="customers"))
    incident = filed(world)
    world.expect_page("marta", level=1)
    incident_mitigate(incident_id=incident.pk, actor=world.cast.marta, at=world.now)

    learn(world, incident, impact_class="customer-facing")
    world.expect_page("nils", level=1)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.nils, at=world.now)

    world.advance(hours=1)
    world.expect_silence()


def test_when_the_policy_is_gone_or_pages_nobody_then_the_incident_stays_on_its_path(world: World) -> None:
    publish(world, rule("customers", CUSTOMERS, policy="nowhere"))
    incident = filed(world)
    world.expect_page("marta", level=1)
    learn(world, incident, impact_class="customer-facing")
    policy(world, "customers", [NILS])
    publish(world, rule("quiet", {"fact": "vip"}, policy="customers", escalate=False))

    learn(world, incident, vip=True)

    world.expect_silence()
    assert EscalationRun.objects.get().policy_version.policy == world.cast.policy
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now)


def test_when_a_person_is_asked_first_and_impact_rises_meanwhile_then_it_is_escalated_by_the_other_path(
    world: World,
) -> None:
    policy(world, "customers", [NILS])
    ask = {"targets": [ELENA], "within": "10m", "otherwise": "proceed"}
    publish(
        world,
        rule("customers", CUSTOMERS, policy="customers"),
        rule("unclear", {"fact": "rule", "operator": "unknown"}, ask=ask),
    )
    incident = filed(world)
    world.expect_notice("elena")

    learn(world, incident, impact_class="customer-facing")

    world.expect_silence()
    world.advance(minutes=10)
    world.expect_page("nils", level=1)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.nils, at=world.now)


def test_when_nobody_was_paged_and_impact_rises_then_a_person_who_escalates_it_calls_the_other_path(
    world: World,
) -> None:
    policy(world, "customers", [NILS], [TOMAS])
    publish(
        world,
        rule("customers", CUSTOMERS, policy="customers", start_level=2),
        rule("quiet", {"fact": "severity", "operator": "at_most", "value": 3}, escalate=False),
    )
    incident = filed(world)
    incident_escalate(incident_id=filed(world).pk, actor=world.cast.marta, reason="It spreads", at=world.now)
    world.settle()
    world.expect_page("marta", level=1)
    publish(world, rule("customers", CUSTOMERS, policy="customers", start_level=2))
    learn(world, incident, impact_class="customer-facing")

    incident_escalate(incident_id=incident.pk, actor=world.cast.marta, reason="It spreads", at=world.now)
    world.settle()

    world.expect_page("tomas", level=2)
    world.expect_notice("nils")
    for one in Incident.objects.all():
        incident_acknowledge(incident_id=one.pk, actor=world.cast.tomas, at=world.now)


def test_when_it_went_over_then_whoever_was_paged_before_may_still_take_it_and_the_pages_say_what_happened(
    world: World, client: Client, minor: Incident
) -> None:
    page = Page.objects.get(recipient=world.cast.marta)
    learn(world, minor, impact_class="customer-facing")
    world.expect_page("nils", level=1)
    page.refresh_from_db()

    assert look_of(page, at=world.now) is Look.RINGING
    seen = phone_page(page, at=world.now)
    assert (seen.level_name, [link.name for link in seen.chain]) == ("Level 1: Primary on call", ["Marta Ferri"])
    run = run_of(minor)
    assert run is not None
    ladder = ladder_of(minor, run, at=world.now)
    assert ladder.policy == "Customers"
    assert "By another policy before: 1 person was paged" in [
        step.text for step in ladder.steps if isinstance(step, Flag)
    ]
    client.force_login(world.cast.elena)
    around = client.get(f"{minor.get_absolute_url()}around/").content.decode()
    assert "It went over to the policy they name, which began at once; its team stays as it was." in around
    said = [line.sentence for line in timeline_of(minor, reader=world.cast.elena, wanted=Wanted(), at=world.now).lines]
    assert any("from the policy <b>Critical payments</b> to <b>Customers</b>" in str(one) for one in said)

    incident_acknowledge(incident_id=minor.pk, actor=world.cast.marta, at=world.now, page=page)
    world.advance(hours=1)
    world.expect_silence()
