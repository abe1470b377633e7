"""New incidents are routed by the rules of the house, by whatever door they come, and nothing the rules say loses one."""

from datetime import timedelta

import pytest

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError
from incidents.models import Checkpoint, EscalationRun, Incident, RoutingDecision
from incidents.routing import Wish
from incidents.services.lifecycle import incident_escalate, incident_open, incident_resolve
from incidents.services.watch import stalled
from notifications.models import Message
from policies.routing import Ask
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
)
from tests.world.harness import World


def told(world: World) -> list[str]:
    """Who has got a notice since the last expected message."""
    return [name for name, _subject in world.notices()]


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
