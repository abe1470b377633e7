"""Conditions: what holds, and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.conditions import (
    ALWAYS,
    VOCABULARY,
    Check,
    Condition,
    FactDef,
    Facts,
    Group,
    Join,
    Kind,
    Operator,
    Rule,
    RuleSet,
    Trace,
    all_of,
    any_of,
    condition_compile,
    condition_parse,
    condition_sentence,
    facts_ignored,
    facts_of,
    needs,
    none_of,
    trace_dump,
    trace_text,
)
from tests.policies.condition_worlds import AT, CALENDARS, conditions, facts_data, plainly_holds
from tests.policies.strategies import steady

WITHIN_A_DAY = {"operator": "ge", "value": 3, "within": "24h"}


def facts(**data: Any) -> Facts:
    return facts_of(data, at=AT, calendars=CALENDARS)


def holds(document: object, **data: Any) -> bool:
    return condition_compile(condition_parse(document)).holds(facts(**data))


# --- One definition, two readings ---------------------------------------------------------------------------------


@steady
@given(conditions(), facts_data())
def test_when_any_condition_meets_any_facts_then_it_holds_as_a_plain_reading_says(
    condition: Condition, data: dict[str, Any]
) -> None:
    assert condition_compile(condition).holds(facts(**data)) is plainly_holds(condition, data)


@steady
@given(conditions(), facts_data())
def test_when_a_condition_explains_itself_then_it_says_what_it_answered(
    condition: Condition, data: dict[str, Any]
) -> None:
    compiled, known = condition_compile(condition), facts(**data)

    trace = compiled.explain(known)

    assert trace.held is compiled.holds(known)
    assert_traced(trace, known)
    json.dumps(trace_dump(trace))
    assert trace_text(trace).held is trace.held


def assert_traced(trace: Trace, known: Facts) -> None:
    """Every part says what that part says alone."""
    assert trace.held is condition_compile(trace.condition).holds(known)
    for part in trace.parts:
        assert_traced(part, known)


@steady
@given(st.lists(conditions(), min_size=1, max_size=3), facts_data())
def test_when_all_any_and_none_are_turned_around_then_they_agree(parts: list[Condition], data: dict[str, Any]) -> None:
    def answer(condition: Condition) -> bool:
        return condition_compile(condition).holds(facts(**data))

    opposites = [none_of(part) for part in parts]

    assert answer(none_of(*parts)) is answer(all_of(*opposites))
    assert answer(none_of(all_of(*parts))) is answer(any_of(*opposites))
    assert answer(any_of(*parts)) is not answer(none_of(*parts))


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -(10**400), float("nan"), float("inf"), "", " ", "30m", "\x00", "\ud800", "x" * 30_000])
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_ANY_FACTS = st.dictionaries(
    st.sampled_from([*(fact.name for fact in VOCABULARY), "labels", "custom", "labels.team", "nonsense"]), _JSON
)


@steady
@given(st.lists(conditions(), max_size=4), _ANY_FACTS, st.sampled_from([AT, None, datetime.max.replace(tzinfo=UTC)]))
def test_when_facts_are_anything_at_all_then_nothing_is_raised(
    parts: list[Condition], data: dict[str, Any], at: datetime | None
) -> None:
    known = facts_of(data, at=at, zone="Europe/Rome", calendars=CALENDARS)
    compiled = condition_compile(Group(Join.ANY, tuple(parts)))

    assert compiled.explain(known).held is compiled.holds(known)
    trace_text(compiled.explain(known))
    facts_ignored(data)


# --- What is unknown ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "check",
    [
        {"fact": "environment", "operator": "is", "value": "production"},
        {"fact": "environment", "operator": "is_not", "value": "production"},
        {"fact": "environment", "operator": "none_of", "value": ["production"]},
        {"fact": "severity", "operator": "at_most", "value": 1},
        {"fact": "tags", "operator": "none_of", "value": ["noise"]},
        {"fact": "slo_burn", "operator": "lt", "value": 100},
        {"fact": "similar_incidents", "operator": "ge", "value": 0, "within": "1h"},
        {"fact": "vip", "operator": "is", "value": False},
        {"fact": "holiday", "operator": "is", "value": False, "calendar": "nobody's"},
        {"fact": "environment", "operator": "known"},
    ],
)
def test_when_a_fact_is_unknown_then_no_check_on_it_holds_and_its_opposite_does(check: dict[str, Any]) -> None:
    assert not holds(check)
    assert holds({"none": [check]})


def test_when_a_fact_is_unknown_then_that_can_be_asked() -> None:
    assert holds({"fact": "environment", "operator": "unknown"})
    assert not holds({"fact": "environment", "operator": "unknown"}, environment="stage")


def test_when_a_fact_makes_no_sense_then_it_is_unknown_and_named() -> None:
    data = {"severity": "lots", "vip": "yes", "labels": {"a": [], "b": "x"}, "sevrity": 1, "tier": None}

    assert holds({"fact": "severity", "operator": "unknown"}, **data)
    assert facts_ignored(data) == ("severity", "vip", "labels.a", "sevrity")


def test_when_a_condition_is_always_then_it_holds_without_any_fact() -> None:
    assert condition_compile(ALWAYS).holds(facts())
    assert condition_parse({"all": []}) == ALWAYS


def test_when_a_fact_was_removed_from_the_vocabulary_then_the_check_does_not_hold_and_nothing_stops() -> None:
    gone = Check("custom_tier", Operator.IS, "gold")

    assert not condition_compile(gone).holds(facts())
    assert condition_sentence(gone) == "“custom_tier”, which is not known any more, holds."


@pytest.mark.parametrize(
    "check",
    [
        Check("custom.budget", Operator.STARTS_WITH, "1"),
        Check("custom.budget", Operator.IS, "10"),
        Check("custom.budget", Operator.GE, None),
        Check("severity", Operator.IS, 9),
        Check("title", Operator.MATCHES, "("),
        Check("time", Operator.WITHIN, None, zone="Mars/Base"),
    ],
)
def test_when_a_check_would_be_refused_today_then_it_does_not_hold_and_nothing_stops(check: Check) -> None:
    vocabulary = VOCABULARY.extended(FactDef("custom.budget", Kind.NUMBER, "Ours", "Budget", "the budget"))
    known = facts_of({"custom": {"budget": 10}, "severity": 1, "title": "("}, at=AT, vocabulary=vocabulary)

    assert not condition_compile(check, vocabulary=vocabulary).holds(known)
    assert not RuleSet([Rule("one", check, 1)], vocabulary=vocabulary).all_matches(known)


# --- The facts the requirements name --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "yes", "no"),
    [
        pytest.param(
            {"fact": "service", "value": "payments"},
            {"service": "payments"},
            {"service": "billing"},
            marks=pytest.mark.requirement("R061"),
        ),
        pytest.param(
            {"fact": "team", "value": "database"},
            {"team": "database"},
            {"team": "network"},
            marks=pytest.mark.requirement("R062"),
        ),
        pytest.param(
            {"fact": "segment", "value": "external"},
            {"segment": "external"},
            {"segment": "internal"},
            marks=pytest.mark.requirement("R063"),
        ),
        pytest.param({"fact": "vip"}, {"vip": True}, {"vip": False}, marks=pytest.mark.requirement("R064")),
        pytest.param(
            {"fact": "domain", "value": "network"},
            {"domain": "Network"},
            {"domain": "database"},
            marks=pytest.mark.requirement("R065"),
        ),
        pytest.param(
            {"all": [{"fact": "source", "value": "prometheus"}, {"fact": "rule", "value": "HighLatency"}]},
            {"source": "prometheus", "rule": "HighLatency"},
            {"source": "prometheus", "rule": "highlatency"},
            marks=pytest.mark.requirement("R069"),
        ),
        pytest.param(
            {"fact": "customer", "operator": "one_of", "value": ["acme", "4711"]},
            {"customer": 4711},
            {"customer": "other"},
            marks=pytest.mark.requirement("R070"),
        ),
        pytest.param(
            {"fact": "region", "value": "eu-west"},
            {"region": "EU-West"},
            {"region": "us-east"},
            marks=pytest.mark.requirement("R071"),
        ),
        pytest.param(
            {"fact": "similar_incidents", **WITHIN_A_DAY},
            {"similar_incidents": [60, 3600, 86_400]},
            {"similar_incidents": [60, 3600, 86_401]},
            marks=pytest.mark.requirement("R072"),
        ),
        pytest.param(
            {"fact": "labels.team", "value": "core"},
            {"labels": {"team": "core"}},
            {"labels": {"team": "edge"}},
            marks=pytest.mark.requirement("R073"),
        ),
        pytest.param(
            {"fact": "component_incidents", **WITHIN_A_DAY},
            {"component_incidents": [60, 120, 180]},
            {"component_incidents": [60]},
            marks=pytest.mark.requirement("R074"),
        ),
        pytest.param(
            {"fact": "slo_burn", "operator": "gt", "value": 14.4},
            {"slo_burn": 15},
            {"slo_burn": 14.4},
            marks=pytest.mark.requirement("R288"),
        ),
        pytest.param(
            {"fact": "anomaly", "operator": "ge", "value": 3},
            {"anomaly": 3.2},
            {"anomaly": 1},
            marks=pytest.mark.requirement("R289"),
        ),
        pytest.param(
            {"fact": "customer_tier", "operator": "at_least", "value": 1},
            {"customer_tier": 1},
            {"customer_tier": 2},
            marks=pytest.mark.requirement("R290"),
        ),
        pytest.param(
            {"fact": "regulated"}, {"regulated": True}, {"regulated": False}, marks=pytest.mark.requirement("R291")
        ),
        (
            {"fact": "impact_class", "value": "partner API"},
            {"impact_class": "Partner API"},
            {"impact_class": "customer outage"},
        ),
        ({"fact": "severity", "operator": "at_least", "value": 2}, {"severity": 1}, {"severity": 3}),
        ({"fact": "severity", "operator": "at_most", "value": 2}, {"severity": 3}, {"severity": 1}),
        ({"fact": "labels.cpu", "operator": "ge", "value": 90}, {"labels": {"cpu": "97.5"}}, {"labels": {"cpu": "hot"}}),
        ({"fact": "custom.shop", "value": 5}, {"custom": {"shop": 5.0}}, {"custom": {"shop": "5.0"}}),
        ({"fact": "tags", "value": "db"}, {"tags": ["DB", "slow"]}, {"tags": []}),
        ({"fact": "time_in_state", "operator": "gt", "value": "30m"}, {"time_in_state": 1801}, {"time_in_state": 1800}),
        (
            {"fact": "affected_customers", "operator": "between", "value": {"from": 10, "to": 20}},
            {"affected_customers": 20},
            {"affected_customers": 21},
        ),
    ],
)  # fmt: skip
def test_when_a_fact_is_tested_then_it_matches_those_and_not_others(
    check: dict[str, Any], yes: dict[str, Any], no: dict[str, Any]
) -> None:
    assert holds(check, **yes)
    assert not holds(check, **no)


@pytest.mark.parametrize("flag", ["outage", "payment_failure", "authentication_failure", "data_corruption", "security"])
def test_when_a_criterion_is_answered_yes_then_a_rule_on_it_matches(flag: str) -> None:
    assert holds({"fact": flag}, **{flag: True})
    assert not holds({"fact": flag}, **{flag: False})


@pytest.mark.requirement("R072")
def test_when_similar_incidents_are_counted_then_the_trace_shows_the_number() -> None:
    compiled = condition_compile(condition_parse({"fact": "similar_incidents", **WITHIN_A_DAY}))

    text = trace_text(compiled.explain(facts(similar_incidents=[60, 7200, 90_000])))

    assert text.text == "The number of similar incidents is 3 or more within 1 day."
    assert (text.held, text.saw) == (False, "It is 2.")


def test_when_a_site_declares_a_custom_field_then_it_has_its_kind() -> None:
    vocabulary = VOCABULARY.extended(FactDef("custom.budget", Kind.NUMBER, "Ours", "Budget", "the budget"))
    condition = condition_parse({"fact": "custom.budget", "operator": "ge", "value": 10}, vocabulary=vocabulary)

    known = facts_of({"custom": {"budget": 12}}, at=AT, vocabulary=vocabulary)

    assert condition_compile(condition, vocabulary=vocabulary).holds(known)
    assert condition_sentence(condition, vocabulary=vocabulary) == "The budget is 10 or more."


def test_when_facts_are_gathered_then_only_those_asked_for_are_needed_and_histories_as_far_back_as_asked() -> None:
    first = condition_parse(
        {"all": [{"fact": "vip"}, {"fact": "refires", "operator": "ge", "value": 2, "within": "1h"}]}
    )
    second = condition_parse({"fact": "refires", "operator": "lt", "value": 9, "within": "2d"})

    asked = needs(first, second)

    assert asked.facts == {"vip", "refires"}
    assert asked.history == {"refires": 172_800}
