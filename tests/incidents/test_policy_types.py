"""The five types of escalation, their triggers and their times, from a signal to whoever is paged for it."""

import re
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError
from incidents.models import Customer, Incident, Page, RoutingDecision, Service
from incidents.services.lifecycle import incident_acknowledge, incident_escalate
from oncall.models import Membership, Team, User
from policies.definition import TargetDef, TargetKind, policy_dump
from policies.examples import People, time_based_policy
from policies.services import policy_publish
from reports.care.evidence import evidence_gather
from tests.incidents.routing_rules import JONAS, MARTA, TOMAS, filed, lines, policy, publish, rule
from tests.world.harness import NIGHT, World

WITHIN_A_DAY = {"operator": "ge", "value": 3, "within": "24h"}


def publish_policy(world: World, *levels: dict[str, Any], **more: Any) -> None:
    definition = {"levels": list(levels), **more}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.cast.gateway.refresh_from_db()


def taken(incident: Incident, who: User, world: World) -> None:
    incident_acknowledge(incident_id=incident.pk, actor=who, at=world.now)


def level(*targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "A level", "targets": list(targets), "ack_timeout": "10m", **more}


# --- The types


@pytest.mark.requirement("R049")
def test_a_path_up_the_line_calls_the_next_manager_each_time(world: World) -> None:
    """Elena manages Payments, Nils the team above it: each rung is the next manager in the line."""
    nils = world.cast.nils
    nils.role = User.Role.MANAGER
    nils.save()
    world.cast.payments.parent = world.cast.platform
    world.cast.payments.save()
    publish_policy(world, level(MARTA), level({"kind": "manager"}), level({"kind": "manager", "up": 1}))

    incident = filed(world)

    world.expect_page("marta", level=1)
    world.advance(minutes=10)
    world.expect_page("elena", level=2)
    world.advance(minutes=10)
    world.expect_page("nils", level=3)
    taken(incident, nils, world)


@pytest.mark.requirement("R054")
def test_a_level_of_three_teams_pages_all_at_once_and_each_answers_for_itself(world: World) -> None:
    network = Team.objects.create(name="Network", slug="network", time_zone="UTC")
    Membership.objects.create(team=network, user=world.cast.elena, role="lead")
    teams = [{"kind": "functional_team", "ref": slug} for slug in ("payments", "platform", "network")]
    publish_policy(world, level(*teams, ack_mode="all"), level({"kind": "user", "ref": "hugo"}))

    incident = filed(world)

    for name in ("marta", "jonas", "tomas", "elena"):
        world.expect_page(name, level=1)
    pages = list(Page.objects.filter(incident=incident).select_related("recipient"))
    assert {page.created_at for page in pages} == {world.now}
    taken(incident, world.cast.marta, world)
    answered = Page.objects.filter(incident=incident).exclude(answered_at=None)
    assert [page.recipient.username for page in answered] == ["marta"]
    world.advance(minutes=10)
    world.expect_page("hugo", level=2)
    taken(incident, world.cast.hugo, world)


# --- The times


@pytest.mark.requirement("R059")
@pytest.mark.requirement("R060")
def test_the_shipped_policy_by_time_pages_the_senior_at_15_minutes_and_the_manager_at_75(world: World) -> None:
    """The senior takes it and does not solve it within the hour that follows."""
    people = People(schedule="payments", specialists="platform", senior=TargetDef(TargetKind.USER, "tomas"))
    definition = policy_dump(time_based_policy(people))
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.cast.gateway.refresh_from_db()

    incident = filed(world, severity=2)

    world.expect_page("marta", level=1)
    world.advance(minutes=14, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("jonas", level=2)
    world.expect_page("tomas", level=2)
    taken(incident, world.cast.tomas, world)
    world.advance(minutes=59, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("elena", level=3)
    taken(incident, world.cast.elena, world)


# --- The triggers: what a rule asks for leads to its own path, and nothing else does


def routed(world: World, when: dict[str, Any]) -> None:
    """Incidents that fit go to Tomás; the others to Marta, as their service has it."""
    policy(world, "special", [TOMAS])
    publish(world, rule("special", when, "It fits", policy="special"))


def alerted(world: World, name: str = "PaymentErrorRateHigh", **labels: str) -> Incident:
    world.alert(name, **labels)
    world.settle()
    return Incident.objects.latest("pk")


TRIGGERS: list[Any] = [
    pytest.param(
        {"fact": "segment", "value": "external"},
        {"segment": "external"},
        {"segment": "internal"},
        marks=pytest.mark.requirement("R063"),
    ),
    pytest.param({"fact": "vip"}, {"vip": "yes"}, {"vip": "no"}, marks=pytest.mark.requirement("R064")),
    pytest.param(
        {"fact": "domain", "value": "network"},
        {"domain": "network"},
        {"domain": "database"},
        marks=pytest.mark.requirement("R065"),
    ),
    pytest.param(
        {"fact": "customer", "value": "acme"},
        {"tenant": "acme"},
        {"tenant": "other"},
        marks=pytest.mark.requirement("R070"),
    ),
    pytest.param(
        {"fact": "region", "value": "us-east-1"},
        {"region": "us-east-1"},
        {"region": "eu-south-1"},
        marks=pytest.mark.requirement("R071"),
    ),
    pytest.param(
        {"fact": "labels.squad", "value": "core"},
        {"squad": "core"},
        {"squad": "edge"},
        marks=pytest.mark.requirement("R073"),
    ),
]


@pytest.mark.parametrize(("when", "fits", "does_not"), TRIGGERS)
def test_what_an_alert_says_chooses_the_path(
    world: World, when: dict[str, Any], fits: dict[str, str], does_not: dict[str, str]
) -> None:
    routed(world, when)

    alerted(world, **fits)
    world.expect_page("tomas", level=1)
    alerted(world, **does_not)
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R064")
def test_when_an_incident_names_a_customer_whose_record_says_vip_then_the_vip_path_is_used(world: World) -> None:
    dear = Customer.objects.create(name="Acme", slug="acme", vip=True)
    usual = Customer.objects.create(name="Brook", slug="brook")
    routed(world, {"fact": "vip"})

    filed(world, customer=dear)
    world.expect_page("tomas", level=1)
    filed(world, customer=usual)
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R061")
@pytest.mark.requirement("R062")
def test_the_service_and_its_owner_choose_the_path_and_the_owner_s_on_call_is_paged(world: World) -> None:
    """A rule on the service of Platform has the team on call for Payments paged; another service keeps its own path."""
    cast = world.cast
    ledger = Service.objects.create(name="Ledger", slug="ledger", team=cast.platform, policy=cast.policy)
    policy(world, "owners", [{"kind": "functional_team", "ref": "payments"}])
    policy(world, "leads", [{"kind": "service_owner"}])
    policy(world, "on-call", [MARTA])
    publish(
        world,
        rule("service", {"fact": "service", "value": "payments-gateway"}, policy="owners"),
        rule("owner", {"fact": "team", "value": "platform"}, policy="leads"),
        rule("other", {"fact": "team", "value": "payments"}, policy="on-call"),
    )

    filed(world)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=1)
    filed(world, service=ledger)
    world.expect_page("tomas", level=1)
    refunds = Service.objects.create(name="Refunds", slug="refunds", team=cast.payments)
    filed(world, service=refunds)
    world.expect_page("marta", level=1)  # On call for the team that owns it.


@pytest.mark.requirement("R069")
def test_the_tool_and_the_rule_that_fired_are_matched_exactly(world: World) -> None:
    tool = {"fact": "source", "value": "payments-gateway-alertmanager"}
    routed(world, {"all": [tool, {"fact": "rule", "value": "LatencyHigh"}]})

    alerted(world, "LatencyHigh")
    world.expect_page("tomas", level=1)
    alerted(world, "LatencyHighest")
    world.expect_page("marta", level=1)
    world.event("trigger", "LatencyHigh")
    world.settle()
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R072")
def test_the_fourth_similar_incident_within_a_day_takes_the_other_path_and_its_number_is_shown(
    world: World, client: Client
) -> None:
    routed(world, {"fact": "similar_incidents", **WITHIN_A_DAY})
    for host in ("a", "b", "c"):
        alerted(world, "LatencyHigh", host=host)
        world.expect_page("marta", level=1)
        world.jump(minutes=1)

    fourth = alerted(world, "LatencyHigh", host="d")

    world.expect_page("tomas", level=1)
    decision = RoutingDecision.objects.get(incident=fourth).decision
    assert decision["facts"]["similar_incidents"] == 3
    client.force_login(world.cast.marta)
    around = client.get(f"{fourth.get_absolute_url()}around/").content.decode()
    seen = re.search(
        r"<span>The number of similar incidents is 3 or more[^<]*</span> <span[^>]*>([^<]*)</span>", around
    )
    assert seen is not None, around
    assert "3" in seen[1]


@pytest.mark.requirement("R074")
def test_the_fourth_incident_of_a_subsystem_within_a_day_has_half_the_time_and_a_problem_record_is_proposed(
    world: World,
) -> None:
    again = {"fact": "component_incidents", **WITHIN_A_DAY}
    publish(world, rule("again", again, "The store fails again and again.", timers_percent=50, problem=True))
    for number in (1, 2, 3):
        incident = alerted(world, f"Failure{number}", component="store")
        world.expect_page("marta", level=1)
        assert not lines(incident, "problem.propose")
        taken(incident, world.cast.marta, world)
        world.jump(minutes=1)

    fourth = alerted(world, "Failure4", component="store")

    world.expect_page("marta", level=1)
    assert fourth.timeline.get(kind="problem.propose").text == "The store fails again and again."
    world.advance(minutes=2, seconds=29)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("jonas", level=2)
    taken(fourth, world.cast.jonas, world)


@pytest.mark.requirement("R076")
def test_a_rule_of_all_and_any_over_severity_time_context_and_metadata_shows_what_became_of_each_condition(
    world: World, client: Client
) -> None:
    """Sunday at 03:09: the second part of the time holds, the first does not."""
    night = {"fact": "time", "operator": "within", "value": {"from": "22:00", "to": "06:00"}}
    when = {
        "all": [
            {"fact": "severity", "operator": "at_least", "value": "SEV-2"},
            {"any": [{"fact": "weekday", "operator": "one_of", "value": ["sat"]}, night]},
            {"fact": "tier", "value": 1},
            {"none": [{"fact": "labels.squad", "value": "edge"}]},
        ]
    }
    routed(world, when)
    Service.objects.filter(pk=world.cast.gateway.pk).update(tier=1)

    incident = alerted(world, severity="sev2", squad="core")

    world.expect_page("tomas", level=1)
    trace = RoutingDecision.objects.get(incident=incident).decision["traces"]["special"]
    severity, either, tier, neither = trace["all"]
    assert [part["held"] for part in (trace, severity, either, tier, neither)] == [True] * 5
    assert [part["held"] for part in either["any"]] == [False, True]
    assert (neither["none"][0]["held"], neither["none"][0]["saw"]) == (False, "core")
    client.force_login(world.cast.marta)
    around = client.get(f"{incident.get_absolute_url()}around/").content.decode()
    for part in ("The severity is SEV-1 or SEV-2.", "The day is Saturday.", "The tier of the service is tier 1."):
        assert part in around
    alerted(world, "Other", severity="sev3", squad="core")
    world.expect_page("marta", level=1)


@pytest.mark.requirement("R077")
def test_a_rule_may_be_quick_where_it_matters_and_quiet_where_it_does_not(world: World) -> None:
    publish(
        world,
        rule(
            "sandbox", {"fact": "environment", "value": "sandbox"}, "A sandbox wakes nobody", escalate=False, stop=True
        ),
        rule("vip", {"fact": "vip"}, "A customer waits", timers_percent=50, straight_to=[JONAS]),
    )

    alerted(world, environment="sandbox", vip="yes")
    world.expect_silence()
    alerted(world, vip="yes")
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=1)
    world.advance(minutes=2, seconds=30)
    world.expect_page("jonas", level=2)
    taken(Incident.objects.latest("pk"), world.cast.jonas, world)


@pytest.mark.requirement("R050")
@pytest.mark.parametrize("cause", ["expertise", "authority", "visibility", "other"])
def test_what_a_person_calls_the_next_level_for_is_kept_and_told(world: World, client: Client, cause: str) -> None:
    incident = filed(world)
    world.expect_page("marta", level=1)
    client.force_login(world.cast.marta)

    client.post(f"{incident.get_absolute_url()}escalate/", {"reason": "We are stuck", "cause": cause})

    world.settle()
    world.expect_page("jonas", level=2)
    entry = LedgerEntry.objects.get(subject=incident.subject, action="incident.escalate")
    assert entry.data == {"reason": "We are stuck", "cause": cause}
    assert lines(incident, "incident.escalate")[0]["cause"] == cause
    told = {
        "expertise": "called the next level for its expertise",
        "authority": "called the next level for a decision",
        "visibility": "called the next level so that it knows",
    }
    assert told.get(cause, "called the next level") in client.get(incident.get_absolute_url()).content.decode()
    taken(incident, world.cast.jonas, world)


@pytest.mark.requirement("R050")
def test_what_levels_are_called_for_is_counted_for_the_review_of_the_policy(world: World) -> None:
    for cause in ("expertise", "expertise", "authority"):
        incident = filed(world)
        incident_escalate(
            incident_id=incident.pk, actor=world.cast.marta, reason="We are stuck", cause=cause, at=world.now
        )
        taken(incident, world.cast.jonas, world)
    world.email.got.clear()
    world.jump(minutes=1)

    found = evidence_gather(policy=world.cast.policy, since=NIGHT, at=world.now)

    assert found["by_hand"] == {"authority": 1, "expertise": 2}


def test_what_is_no_cause_is_refused(world: World) -> None:
    incident = filed(world)
    world.expect_page("marta", level=1)

    with pytest.raises(DomainError) as error:
        incident_escalate(incident_id=incident.pk, actor=world.cast.marta, reason="So", cause="boredom", at=world.now)

    assert error.value.field == "cause"
    taken(incident, world.cast.marta, world)


# --- Told again, or once


@pytest.mark.requirement("R136")
def test_a_level_told_three_times_more_every_five_minutes_is_then_left_for_the_next(world: World) -> None:
    publish_policy(world, level(MARTA, ack_timeout=None, repeat={"every": "5m", "times": 3}), level(JONAS))

    incident = filed(world, severity=1)

    world.expect_page("marta", level=1)
    for _again in range(3):
        world.advance(minutes=5)
        world.expect_page("marta", level=1)
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    taken(incident, world.cast.jonas, world)


@pytest.mark.requirement("R137")
def test_a_critical_level_told_until_answered_rings_for_two_hours_and_counts_how_often(
    world: World, client: Client
) -> None:
    publish_policy(world, level(MARTA, ack_timeout=None, repeat="10m"), level(JONAS))

    incident = filed(world, severity=1)
    world.advance(hours=2)

    for _time in range(13):
        world.expect_page("marta", level=1)
    assert list(Page.objects.filter(incident=incident).order_by("pk").values_list("repeat", flat=True)) == [*range(13)]
    client.force_login(world.cast.jonas)
    assert "told 13 times" in client.get(incident.get_absolute_url()).content.decode()
    taken(incident, world.cast.marta, world)


@pytest.mark.requirement("R138")
def test_a_milder_incident_goes_through_the_levels_once_and_is_then_listed_as_exhausted(
    world: World, client: Client
) -> None:
    publish_policy(
        world, level(MARTA, repeat="2m"), level(JONAS, repeat="2m"), cycles=3, cycle_severities=["SEV-1", "SEV-2"]
    )

    incident = filed(world, severity=3)
    world.advance(minutes=20)

    for name in ("marta", "jonas", "hugo"):
        world.expect_page(name)
    incident.refresh_from_db()
    assert incident.exhausted_at == world.now
    world.advance(days=1)
    world.expect_silence()
    client.force_login(world.cast.marta)
    listed = client.get("/incidents/").content.decode()
    assert incident.title in listed
    assert "catch-all told" in listed
