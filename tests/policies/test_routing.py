"""Routing rules: which policy, how bad, from which level, who else, and why."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.conditions import Check, Operator, facts_of
from policies.definition import TargetDef, TargetKind
from policies.reading import DefinitionInvalid
from policies.routing import (
    Ask,
    AskOtherwise,
    Aspect,
    Effect,
    Route,
    Routing,
    RoutingDef,
    RoutingRule,
    decided_by,
    route_dump,
    route_reasons,
    routing_dump,
    routing_parse,
    routing_schema,
    routing_text,
)
from tests.policies.condition_worlds import AT, CALENDARS, conditions, facts_data, plainly_holds
from tests.policies.strategies import steady

SCHEMA = jsonschema.Draft202012Validator(routing_schema())
ACCOUNTS = {"kind": "user", "ref": "account-manager"}
COMPLIANCE = {"kind": "user", "ref": "compliance"}


def rule(key: str, when: object, /, *, stop: bool = False, enabled: bool = True, **then: Any) -> dict[str, Any]:
    return {"key": key, "name": key.title(), "when": when, "then": then, "stop": stop, "enabled": enabled}


def routing(*rules: dict[str, Any], **otherwise: Any) -> Routing:
    return Routing(routing_parse({"rules": rules, "otherwise": otherwise}))


def routed(rules: Routing, **data: Any) -> Route:
    return rules.route(facts_of(data, at=AT, calendars=CALENDARS))


def is_(fact: str, value: object) -> dict[str, Any]:
    return {"fact": fact, "operator": "is", "value": value}


# --- Paths --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R061")
@pytest.mark.requirement("R062")
@pytest.mark.requirement("R063")
@pytest.mark.requirement("R064")
@pytest.mark.parametrize(
    ("fact", "value", "other"),
    [
        ("service", "payments", "billing"),
        ("team", "database", "network"),
        ("segment", "external", "internal"),
        ("vip", True, False),
    ],
)
def test_when_two_incidents_differ_in_one_fact_then_they_take_different_paths(
    fact: str, value: object, other: object
) -> None:
    rules = routing(rule("special", is_(fact, value), policy="special"), policy="usual")

    assert routed(rules, **{fact: value}).policy == "special"
    assert routed(rules, **{fact: other}).policy == "usual"


@pytest.mark.requirement("R051")
@pytest.mark.requirement("R065")
def test_when_the_domain_is_network_then_the_network_team_responds() -> None:
    rules = routing(rule("network", is_("domain", "network"), team="network"))

    assert routed(rules, domain="Network", team="shop").team == "network"
    assert routed(rules, domain="database", team="shop").team is None


@pytest.mark.requirement("R067")
@pytest.mark.requirement("R068")
def test_when_an_alert_names_the_failing_service_then_its_own_team_is_the_first_to_be_told() -> None:
    rules = routing(
        rule(
            "payments",
            {"all": [is_("service", "payment"), {"fact": "text", "value": ["latency"]}]},
            policy="payments",
            team="payments",
        ),
        rule(
            "billing",
            {"all": [is_("service", "billing"), {"fact": "text", "operator": "contains", "value": "error"}]},
            policy="billing",
            team="billing",
        ),
    )

    assert routed(rules, service="payment", title="Latency spike").team == "payments"
    assert routed(rules, service="billing", title="Backend errors 5xx").team == "billing"


@pytest.mark.requirement("R053")
def test_when_the_impact_rises_to_customers_then_another_policy_and_a_higher_level_are_decided() -> None:
    rules = routing(
        rule("customers", is_("impact_class", "customer outage"), policy="impact", start_level=2, severity_at_least=1),
        policy="usual",
    )

    before = routed(rules, impact_class="minor", severity=3)
    after = routed(rules, impact_class="customer outage", severity=3)

    assert (before.policy, before.start_level, before.severity) == ("usual", None, 3)
    assert (after.policy, after.start_level, after.severity) == ("impact", 2, 1)


@pytest.mark.requirement("R074")
def test_when_one_subsystem_fails_again_and_again_then_timers_are_shortened_and_a_problem_record_is_proposed() -> None:
    rules = routing(
        rule(
            "again",
            {"fact": "component_incidents", "operator": "ge", "value": 3, "within": "24h"},
            timers_percent=50,
            problem=True,
        )
    )

    fourth = routed(rules, component_incidents=[60, 3600, 80_000])
    third = routed(rules, component_incidents=[60, 3600])

    assert (fourth.timers_percent, fourth.problem) == (50, True)
    assert (third.timers_percent, third.problem) == (None, False)


@pytest.mark.requirement("R075")
def test_when_a_vip_customer_is_affected_then_the_account_manager_is_informed_besides() -> None:
    rules = routing(rule("vip", {"fact": "vip"}, tell=[ACCOUNTS]), rule("all", {"all": []}, policy="usual"))

    vip = routed(rules, vip=True)

    assert vip.tell == (TargetDef(TargetKind.USER, "account-manager"),)
    assert vip.policy == "usual"
    assert routed(rules, vip=False).tell == ()


@pytest.mark.requirement("R082")
def test_when_no_criterion_is_met_then_nobody_is_paged_and_the_reason_can_be_shown() -> None:
    rules = routing(
        rule("bad", {"fact": "severity", "operator": "at_least", "value": 3}, escalate=True), escalate=False
    )

    calm = routed(rules, severity=5)

    assert not calm.escalate
    assert route_reasons(calm, rules.definition) == ("No rule matched.",)
    assert decided_by(calm, Aspect.ESCALATE, rules.definition) == "by what holds otherwise"
    assert routed(rules, severity=2).escalate


@pytest.mark.parametrize(
    "flag",
    [
        pytest.param("outage", marks=pytest.mark.requirement("R083")),
        pytest.param("payment_failure", marks=pytest.mark.requirement("R084")),
        pytest.param("authentication_failure", marks=pytest.mark.requirement("R085")),
        pytest.param("data_corruption", marks=pytest.mark.requirement("R086")),
        pytest.param("security", marks=pytest.mark.requirement("R087")),
    ],
)
def test_when_a_criterion_holds_then_the_severity_is_at_least_the_one_that_was_set(flag: str) -> None:
    rules = routing(rule("threshold", {"fact": flag}, severity_at_least="SEV-2"))

    assert routed(rules, **{flag: True}, severity=4).severity == 2
    assert routed(rules, **{flag: True}, severity=1).severity == 1
    assert routed(rules, **{flag: True}).severity == 2
    assert routed(rules, **{flag: False}, severity=4).severity == 4


@pytest.mark.parametrize(
    "impact",
    [
        pytest.param("customer outage", marks=pytest.mark.requirement("R088")),
        pytest.param("internal degradation", marks=pytest.mark.requirement("R089")),
        pytest.param("partner API", marks=pytest.mark.requirement("R090")),
    ],
)
def test_when_an_impact_class_is_chosen_then_its_rules_follow(impact: str) -> None:
    rules = routing(rule("impact", is_("impact_class", impact), policy="impact", tell=[ACCOUNTS]))

    assert routed(rules, impact_class=impact).rules == ("impact",)
    assert routed(rules, impact_class="something else").rules == ()


@pytest.mark.parametrize(
    ("when", "data"),
    [
        pytest.param(
            {"fact": "slo_burn", "operator": "gt", "value": 14.4},
            {"slo_burn": 20},
            marks=pytest.mark.requirement("R288"),
        ),
        pytest.param(
            {"fact": "anomaly", "operator": "ge", "value": 3}, {"anomaly": 4}, marks=pytest.mark.requirement("R289")
        ),
        pytest.param(is_("customer_tier", 1), {"customer_tier": 1}, marks=pytest.mark.requirement("R290")),
        pytest.param({"fact": "regulated"}, {"regulated": True}, marks=pytest.mark.requirement("R291")),
    ],
)
def test_when_a_criterion_is_not_negotiable_then_it_escalates_is_protected_and_compliance_is_told(
    when: dict[str, Any], data: dict[str, Any]
) -> None:
    rules = routing(rule("strict", when, escalate=True, protected=True, tell=[COMPLIANCE]), escalate=False)

    route = routed(rules, **data)

    assert (route.escalate, route.protected) == (True, True)
    assert [target.ref for target in route.tell] == ["compliance"]
    assert not routed(rules).protected


def test_when_an_exception_goes_straight_to_a_specialist_then_that_one_is_paged_besides_the_first_level() -> None:
    rules = routing(rule("dba", {"fact": "data_corruption"}, straight_to=[{"kind": "user", "ref": "dba"}]))

    assert [target.ref for target in routed(rules, data_corruption=True).straight_to] == ["dba"]


@pytest.mark.requirement("R331")
def test_when_an_incident_is_ambiguous_then_the_first_rule_that_says_so_has_a_person_asked_for_a_limited_time() -> None:
    mailbox = {"targets": [{"kind": "team_lead"}], "within": "10m", "otherwise": "proceed"}
    rules = routing(
        rule("mailbox", is_("source", "mailbox"), ask=mailbox),
        rule("all", {"all": []}, ask={"targets": [ACCOUNTS], "within": "1h", "otherwise": "leave"}),
    )

    assert routed(rules, source="mailbox").ask == Ask((TargetDef(TargetKind.TEAM_LEAD),), 600, AskOtherwise.PROCEED)
    assert routed(rules, source="probe").ask == Ask(
        (TargetDef(TargetKind.USER, "account-manager"),), 3_600, AskOtherwise.LEAVE
    )
    assert route_dump(routed(rules, source="mailbox"))["ask"]["within"] == "10m"


@pytest.mark.requirement("R091")
def test_when_compliance_or_security_is_at_risk_then_what_automation_would_do_waits_for_a_person() -> None:
    rules = routing(
        rule("compliance", {"fact": "regulated"}, guarded=True, tell=[COMPLIANCE]),
        rule("security", {"fact": "security"}, guarded=True, major=True, severity_at_least="SEV-2"),
    )

    risky = routed(rules, regulated=True, security=True, severity=4)

    assert (risky.guarded, risky.major, risky.severity) == (True, True, 2)
    assert risky.because[Aspect.GUARDED] == ("compliance", "security")
    assert not routed(rules, regulated=False, security=False).guarded


# --- How rules come together ----------------------------------------------------------------------------------------


def test_when_several_rules_match_then_the_first_decides_and_later_ones_add_what_is_open() -> None:
    rules = routing(
        rule("vip", {"fact": "vip"}, policy="vip", tell=[ACCOUNTS], severity_at_least=2),
        rule("off", {"all": []}, enabled=False, policy="off", protected=True),
        rule("regulated", {"fact": "regulated"}, policy="strict", start_level=2, tell=[COMPLIANCE, ACCOUNTS]),
        rule("security", {"fact": "security"}, severity_at_least=1),
        team="operations",
    )

    route = routed(rules, vip=True, regulated=True, security=True, severity=3)

    assert (route.policy, route.start_level, route.severity, route.team) == ("vip", 2, 1, "operations")
    assert [target.ref for target in route.tell] == ["account-manager", "compliance"]
    assert route.rules == ("vip", "regulated", "security")
    assert route.because == {
        Aspect.POLICY: ("vip",),
        Aspect.START_LEVEL: ("regulated",),
        Aspect.SEVERITY_AT_LEAST: ("security",),
        Aspect.TELL: ("vip", "regulated"),
        Aspect.TEAM: ("",),
    }
    assert decided_by(route, Aspect.POLICY, rules.definition) == "by the rule “Vip”"
    assert decided_by(route, Aspect.TIMERS_PERCENT, rules.definition) == "as the service has it"


def test_when_a_rule_stops_then_no_later_rule_adds_anything() -> None:
    rules = routing(
        rule("noise", is_("environment", "lab"), stop=True, escalate=False), rule("all", {"all": []}, team="t")
    )

    assert routed(rules, environment="lab").team is None
    assert not routed(rules, environment="lab").escalate
    assert routed(rules, environment="production").team == "t"


@pytest.mark.requirement("R228")
def test_when_a_policy_changes_with_time_then_the_branch_that_was_taken_is_on_record_with_its_reason() -> None:
    night = {"fact": "time", "operator": "within", "value": {"from": "22:00", "to": "06:00"}, "zone": "Europe/Rome"}
    rules = routing(rule("night", night, policy="night"), rule("bad", is_("severity", 1), policy="day", start_level=2))

    record = json.loads(json.dumps(route_dump(rules.explain(facts_of({"severity": 1}, at=AT)))))

    assert record["policy"] == "night"
    assert record["rules"] == ["night", "bad"]
    assert record["because"] == {"policy": ["night"], "start_level": ["bad"]}
    assert record["traces"]["night"]["held"] is True
    assert record["traces"]["night"]["saw"] == "sat 23:30"


# --- Documents ------------------------------------------------------------------------------------------------------

_TARGET = st.sampled_from(
    [TargetDef(TargetKind.USER, "sam"), TargetDef(TargetKind.TEAM, 7), TargetDef(TargetKind.MANAGER)]
)
_TARGETS = st.lists(_TARGET, max_size=2, unique=True).map(tuple)

_ASKS = st.builds(
    Ask,
    st.lists(_TARGET, min_size=1, max_size=2, unique=True).map(tuple),
    st.sampled_from([60, 600, 5_400, 86_400]),
    st.sampled_from(list(AskOtherwise)),
)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


_EFFECTS = (
    st.builds(
        Effect,
        policy=_maybe(st.sampled_from(["night", "day", 3])),
        severity=_maybe(st.integers(1, 5)),
        start_level=_maybe(st.integers(1, 5)),
        team=_maybe(st.sampled_from(["payments", 9])),
        straight_to=_TARGETS,
        tell=_TARGETS,
        timers_percent=_maybe(st.integers(1, 100)),
        escalate=st.sampled_from([None, True]),
        ask=_maybe(_ASKS),
        guarded=st.booleans(),
        protected=st.booleans(),
        major=st.booleans(),
        problem=st.booleans(),
    )
    | st.builds(Effect, severity_at_least=st.integers(1, 5))
    | st.builds(Effect, escalate=st.just(False), tell=_TARGETS)
)
_RULES = st.builds(
    RoutingRule,
    key=st.just(""),
    name=st.sampled_from(["Night", "VIP"]),
    when=conditions(),
    then=_EFFECTS.filter(lambda effect: bool(effect.aspects)),
    reason=st.sampled_from(["", "It is night."]),
    stop=st.booleans(),
    enabled=st.booleans(),
)


def _numbered(rules: list[RoutingRule], otherwise: Effect) -> RoutingDef:
    return RoutingDef(
        tuple(
            RoutingRule(f"r{number}", one.name, one.when, one.then, one.reason, one.stop, one.enabled)
            for number, one in enumerate(rules)
        ),
        otherwise,
    )


_ROUTINGS = st.builds(_numbered, st.lists(_RULES, max_size=5), _EFFECTS)


@steady
@given(_ROUTINGS)
def test_when_any_rules_are_written_and_read_then_they_are_the_same_fit_the_schema_and_can_be_said(
    definition: RoutingDef,
) -> None:
    data = json.loads(json.dumps(routing_dump(definition)))

    assert routing_parse(data) == definition
    assert list(SCHEMA.iter_errors(data)) == []
    text = routing_text(definition, lambda target: str(target.ref))
    assert all(sentence.endswith(".") for one in text.rules for sentence in one.then)


@steady
@given(_ROUTINGS, facts_data())
def test_when_any_rules_meet_any_facts_then_the_explained_route_is_the_one_that_is_taken(
    definition: RoutingDef, data: dict[str, Any]
) -> None:
    rules, facts = Routing(definition), facts_of(data, at=AT, calendars=CALENDARS)

    route = rules.route(facts)
    explained = rules.explain(facts)

    matching = [one for one in definition.rules if one.enabled and plainly_holds(one.when, data)]
    stops = next((number for number, one in enumerate(matching, 1) if one.stop), len(matching))
    assert list(route.rules) == [one.key for one in matching[:stops]]
    effects = [*(one.then for one in matching[:stops]), definition.otherwise]
    assert route.policy == next((effect.policy for effect in effects if effect.policy is not None), None)
    assert route.escalate == next((effect.escalate for effect in effects if effect.escalate is not None), True)
    assert route.ask == next((effect.ask for effect in effects if effect.ask is not None), None)
    for mark in ("guarded", "protected", "major", "problem"):
        assert getattr(route, mark) == any(getattr(effect, mark) for effect in effects)
    assert explained.route == route
    json.dumps(route_dump(explained))
    assert route_reasons(route, definition)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"rules": [rule("a", {"fact": "vip"}), rule("b", {"fact": "vip"}, stop=True)]}, "rules[0].then: decides nothing"),
        (
            {"rules": [rule("a", {"fact": "vip"}, team="t"), rule("a", {"fact": "vip"}, team="t")]},
            "rules[1].key: is the key of an earlier rule too",
        ),
        (
            {"rules": [rule("A b", {"fact": "vip"}, team="t")]},
            "rules[0].key: must be small letters, digits, “-” and “_” only, at most 60",
        ),
        ({"rules": [rule("a", {"fact": "vipp"}, team="t")]}, "rules[0].when.fact: names no fact that is known"),
        (
            {"rules": [rule("a", {"fact": "vip"}, severity=9)]},
            "rules[0].then.severity: must be one of SEV-1, SEV-2, SEV-3, SEV-4, SEV-5",
        ),
        (
            {"rules": [rule("a", {"fact": "vip"}, severity=3, severity_at_least=2)]},
            "rules[0].then.severity_at_least: cannot stand beside a severity that is set",
        ),
        (
            {"rules": [rule("a", {"fact": "vip"}, escalate=False, straight_to=[ACCOUNTS])]},
            "rules[0].then.straight_to: pages people, while “escalate” says that nobody is paged",
        ),
        (
            {"rules": [rule("a", {"fact": "vip"}, escalate=False, ask={"targets": [ACCOUNTS], "within": "5m"})]},
            "rules[0].then.ask: asks whether to escalate, while “escalate” says that nobody is paged",
        ),
        (
            {"rules": [rule("a", {"fact": "vip"}, ask={"targets": [], "within": "5m"})]},
            "rules[0].then.ask.targets: needs at least one entry",
        ),
        (
            {"rules": [rule("a", {"fact": "vip"}, ask={"targets": [ACCOUNTS], "within": "59s"})]},
            "rules[0].then.ask.within: must be from 1 minute to 24 hours",
        ),
        (
            {"rules": [rule("a", {"fact": "vip"}, ask={"targets": [ACCOUNTS], "within": "25h"})]},
            "rules[0].then.ask.within: must be from 1 minute to 24 hours",
        ),
        (
            {"rules": [rule("a", {"fact": "vip"}, ask={"targets": [ACCOUNTS], "within": "5m", "otherwise": "guess"})]},
            "rules[0].then.ask.otherwise: must be one of proceed, leave",
        ),
        ({"rules": [rule("a", {"fact": "vip"}, timers_percent=0)]}, "rules[0].then.timers_percent: must be a whole number from 1 to 100"),
        ({"otherwise": {"polcy": "x"}}, None),
    ],
)  # fmt: skip
def test_when_rules_are_wrong_then_the_message_says_where_and_what(data: object, problem: str | None) -> None:
    with pytest.raises(DefinitionInvalid) as caught:
        routing_parse(data)

    assert problem is None or problem in str(caught.value).split("\n")


def test_when_rules_are_read_then_the_facts_they_ask_for_are_known() -> None:
    rules = routing(
        rule("vip", {"fact": "vip"}, team="t"),
        rule("off", {"fact": "regulated"}, enabled=False, team="t"),
        rule("again", {"fact": "refires", "operator": "ge", "value": 2, "within": "1h"}, team="t"),
    )

    assert rules.needs.facts == {"vip", "refires"}
    assert rules.needs.history == {"refires": 3600}


def test_when_a_rule_is_said_then_each_thing_that_follows_is_a_sentence() -> None:
    definition = RoutingDef(
        (
            RoutingRule(
                "vip",
                "VIP customers",
                Check("vip", Operator.IS, True),
                Effect(
                    "vip",
                    severity_at_least=2,
                    start_level=2,
                    timers_percent=50,
                    escalate=True,
                    ask=Ask((TargetDef(TargetKind.USER, "Ann"),), 600),
                    guarded=True,
                    protected=True,
                    major=True,
                ),
                stop=True,
            ),
        )
    )

    text = routing_text(definition, lambda target: str(target.ref))

    assert text.rules[0].when.text == "A VIP customer is affected."
    assert text.rules[0].then == (
        "Follow the policy vip.",
        "Make it at least SEV-2.",
        "Start at level 2; the levels below are informed.",
        "Timers run for 50 % of their time.",
        "Escalate.",
        "First ask Ann whether to escalate; without a decision within 10 minutes, escalate.",
        "What automation would do to it waits for a person’s word.",
        "Only owners of the service may silence it.",
        "Declare it a major incident.",
        "No later rule is looked at.",
    )
    assert text.otherwise == ("The service’s own policy is followed from its first level.",)
