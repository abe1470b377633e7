"""New incidents are routed by the rules of the house, by whatever door they come, and nothing the rules say loses one."""

import pytest

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError
from incidents.models import EscalationRun, Incident, RoutingDecision
from incidents.services.lifecycle import incident_open, incident_resolve
from notifications.models import Message
from tests.incidents.routing_rules import (
    ALWAYS,
    ELENA,
    JONAS,
    MARTA,
    NILS,
    TOMAS,
    filed,
    is_,
    lines,
    policy,
    publish,
    rule,
    told,
)
from tests.world.harness import World

# --- Which path, how bad, whose


@pytest.mark.requirement("R293")
@pytest.mark.requirement("R329")
def test_when_severity_impact_and_time_differ_then_each_incident_takes_the_path_that_was_laid_for_it(
    world: World,
) -> None:
    policy(world, "critical", [ELENA])
    policy(world, "customers", [JONAS])
    policy(world, "weekend", [NILS])
    publish(
        world,
        rule("critical", is_("severity", "SEV-1"), policy="critical"),
        rule("customers", {"fact": "impact", "operator": "at_least", "value": 2}, policy="customers"),
        rule("weekend", {"fact": "weekday", "operator": "one_of", "value": ["sat", "sun"]}, policy="weekend"),
    )

    filed(world, severity=1)
    world.expect_page("elena", level=1)
    filed(world, impact=2)
    world.expect_page("jonas", level=1)
    incident = filed(world)
    world.expect_page("nils", level=1)

    run = EscalationRun.objects.get(incident=incident)
    assert run.policy_version.policy.slug == "weekend"
    assert RoutingDecision.objects.count() == 3
    assert LedgerEntry.objects.filter(action="routing.decide").count() == 3


@pytest.mark.requirement("R293")
def test_when_no_rule_matches_then_the_ledger_says_which_version_decided_so_and_the_timeline_is_spared(
    world: World,
) -> None:
    version = publish(world, rule("critical", is_("severity", "SEV-1"), protected=True))

    incident = filed(world, severity=3)

    world.expect_page("marta", level=1)
    entry = LedgerEntry.objects.get(action="routing.decide", subject=incident.subject)
    assert entry.data == {"version": version.number, "rules": [], "because": {}}
    assert RoutingDecision.objects.get(incident=incident).book_version == version
    assert not incident.timeline.filter(kind="routing.decide").exists()


def test_when_the_house_has_no_rules_then_the_ledger_has_no_decision_of_theirs(world: World) -> None:
    filed(world)

    world.expect_page("marta", level=1)
    assert not LedgerEntry.objects.filter(action="routing.decide").exists()


@pytest.mark.requirement("R330")
@pytest.mark.parametrize("fact", ["outage", "security"])
def test_when_an_alert_meets_a_clear_criterion_then_it_escalates_without_anybody_deciding(
    world: World, fact: str
) -> None:
    publish(world, rule("clear", {"fact": fact}, "It is clear.", severity_at_least="SEV-1", straight_to=[TOMAS]))

    world.alert(severity="warning", **{fact: "true"})
    world.settle()

    assert world.incident.severity == 1
    assert {world.email.got[-1].address.split("@")[0], world.email.got[-2].address.split("@")[0]} == {"marta", "tomas"}
    world.expect_page("marta", level=1)
    world.expect_page("tomas", level=1)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        pytest.param("outage", "true", marks=pytest.mark.requirement("R083")),
        pytest.param("payment_failure", "yes", marks=pytest.mark.requirement("R084")),
        pytest.param("authentication_failure", "1", marks=pytest.mark.requirement("R085")),
        pytest.param("data_corruption", "true", marks=pytest.mark.requirement("R086")),
        pytest.param("security", "true", marks=pytest.mark.requirement("R087")),
        pytest.param("impact_class", "customer outage", marks=pytest.mark.requirement("R088")),
        pytest.param("impact_class", "internal degradation", marks=pytest.mark.requirement("R089")),
        pytest.param("impact_class", "partner API", marks=pytest.mark.requirement("R090")),
    ],
)
def test_when_an_alert_meets_a_threshold_then_it_is_as_severe_as_was_set_and_follows_that_policy(
    world: World, fact: str, value: str
) -> None:
    policy(world, "specialists", [NILS])
    when = {"fact": fact} if value in ("true", "yes", "1") else is_(fact, value)
    publish(world, rule("threshold", when, "The threshold is met.", severity_at_least="SEV-2", policy="specialists"))

    world.alert("Mild", severity="warning", **{fact: value})
    world.alert("Other", severity="warning")
    world.settle()

    first, second = Incident.objects.order_by("pk")
    assert (first.severity, second.severity) == (2, 4)
    world.expect_page("nils", level=1)
    world.expect_page("marta", level=1)
    assert RoutingDecision.objects.get(incident=first).decision["because"]["severity_at_least"] == ["threshold"]


def test_when_no_rules_were_published_then_nothing_is_decided_and_nothing_is_kept(world: World) -> None:
    world.alert()
    world.settle()

    world.expect_page("marta", level=1)
    assert not RoutingDecision.objects.exists()
    assert not world.incident.timeline.filter(kind__startswith="routing.").exists()


@pytest.mark.parametrize("door", ["alert", "form"])
def test_when_a_rule_decides_severity_team_and_policy_then_both_doors_obey_before_the_row_is_stored(
    world: World, door: str
) -> None:
    policy(world, "platform", [NILS])
    publish(world, rule("all", ALWAYS, severity="SEV-2", team="platform", policy="platform", protected=True))

    if door == "alert":
        world.alert(severity="info")
        world.settle()
    else:
        filed(world, severity=5)

    world.expect_page("nils", level=1)
    incident = world.incident
    assert (incident.severity, incident.team, incident.protected) == (2, world.cast.platform, True)
    opened = LedgerEntry.objects.get(action="incident.open")
    assert opened.after is not None
    assert (opened.after["severity"], opened.after["team"]) == (2, "Platform")
    assert incident.history.count() == 1
    assert lines(incident, "routing.severity")[0]["after"] == "SEV-2"


@pytest.mark.requirement("R329")
def test_when_a_rule_starts_higher_up_with_shorter_times_then_the_run_does(world: World) -> None:
    publish(world, rule("vip", {"fact": "vip"}, start_level=2, timers_percent=20))

    filed(world, facts={"vip": True})

    world.expect_page("jonas", level=2)
    assert told(world) == ["marta"]
    world.advance(seconds=61)
    world.expect_page("elena", level=3)


def test_when_a_policy_or_team_is_gone_then_the_service_s_own_are_used_and_the_incident_says_so(world: World) -> None:
    publish(world, rule("all", ALWAYS, policy="nowhere", team="nobody"))

    incident = filed(world)

    world.expect_page("marta", level=1)
    assert incident.team == world.cast.payments
    assert lines(incident, "routing.policy_gone") == [{"name": "nowhere"}]
    assert lines(incident, "routing.team_gone") == [{"name": "nobody"}]


def test_when_a_policy_says_nothing_yet_then_the_service_s_own_is_followed(world: World) -> None:
    made = policy(world, "empty", [NILS])
    made.current_version = None
    made.save()
    publish(world, rule("all", ALWAYS, policy=made.pk))

    filed(world)

    world.expect_page("marta", level=1)


# --- What is kept, and what happens when rules fail


def test_what_was_decided_is_kept_with_its_reasons_and_the_facts_that_were_asked_for(world: World) -> None:
    version = publish(
        world,
        rule("bad", {"all": [is_("component", "ledger"), {"fact": "tier", "value": 1}]}, severity_at_least="SEV-1"),
        rule("other", is_("region", "mars"), team="platform"),
    )

    world.alert(component="ledger")
    world.settle()
    world.expect_page("marta", level=1)

    row = RoutingDecision.objects.get()
    assert (row.book_version, row.cause) == (version, "opened")
    assert row.decision["rules"] == ["bad"]
    assert row.decision["traces"]["bad"]["all"][0]["saw"] == "ledger"
    assert row.decision["facts"] == {"severity": 1, "component": "ledger", "tier": 1, "region": "eu-south-1"}
    assert row.decision["start"]["version"] == world.run.policy_version_id


def test_when_the_same_incident_is_told_twice_then_each_person_gets_one_notice(world: World) -> None:
    publish(world, rule("all", ALWAYS, tell=[NILS]), rule("more", ALWAYS, tell=[{"kind": "team", "ref": "platform"}]))

    filed(world)

    world.expect_page("marta", level=1)
    assert told(world) == ["nils", "tomas"]
    assert Message.objects.filter(idempotency_key__startswith="route:").count() == 2


def test_when_a_rule_sends_for_somebody_then_the_page_says_so(world: World) -> None:
    publish(world, rule("dba", {"fact": "data_corruption"}, straight_to=[TOMAS, MARTA]))

    incident = filed(world, facts={"data_corruption": True})

    world.expect_page("marta", level=1)
    page = world.page_of(world.expect_page("tomas", level=1))
    assert page.why["kind"] == "rule"
    assert incident.pages.count() == 2
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)


def test_when_incidents_are_opened_by_api_values_that_are_no_facts_then_the_field_is_named(world: World) -> None:
    for facts, field in (({"vipp": True}, "vipp"), ({"vip": "perhaps"}, "vip"), ({"service": "x"}, "service")):
        with pytest.raises(DomainError) as caught:
            incident_open(
                title="x", summary="", severity=3, service=world.cast.gateway, reporter=None, at=world.now, facts=facts
            )
        assert caught.value.field == field
