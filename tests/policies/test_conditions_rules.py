"""Ordered rules: the first that matches, all that match, and why."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policies.conditions import ALWAYS, Check, Condition, Operator, Rule, RuleSet, all_of, any_of, facts_of
from tests.policies.condition_worlds import AT, CALENDARS, conditions, facts_data, plainly_holds
from tests.policies.strategies import steady

PAYMENTS = Check("service", Operator.IS, "payments-api")
BILLING = Check("service", Operator.IS, "billing")
VIP = Check("vip", Operator.IS, True)


@steady
@given(st.lists(st.tuples(conditions(), st.booleans()), max_size=8), facts_data())
def test_when_any_rules_meet_any_facts_then_those_match_whose_conditions_hold(
    written: list[tuple[Condition, bool]], data: dict[str, Any]
) -> None:
    rules = [Rule(str(number), when, number, enabled) for number, (when, enabled) in enumerate(written)]
    rule_set, known = RuleSet(rules), facts_of(data, at=AT, calendars=CALENDARS)

    matching = [rule for rule in rules if rule.enabled and plainly_holds(rule.when, data)]

    assert list(rule_set.all_matches(known)) == matching
    assert rule_set.first_match(known) == (matching[0] if matching else None)
    traces = rule_set.explain(known)
    assert [trace.rule for trace in traces if trace.matched] == matching
    assert [trace.rule for trace in traces if trace.chosen] == matching[:1]


def test_when_several_rules_match_then_the_first_in_order_is_chosen() -> None:
    rule_set = RuleSet([Rule("billing", BILLING, "b"), Rule("vip", VIP, "v"), Rule("rest", ALWAYS, "r")])

    first = rule_set.first_match(facts_of({"service": "payments-api", "vip": True}))

    assert first is not None
    assert first.key == "vip"
    assert [rule.key for rule in rule_set.all_matches(facts_of({}))] == ["rest"]


def test_when_a_rule_asks_for_two_values_at_once_then_it_never_matches_and_does_no_harm() -> None:
    rule_set = RuleSet([Rule("both", all_of(PAYMENTS, BILLING), 1), Rule("either", any_of(PAYMENTS, BILLING), 2)])

    assert [rule.then for rule in rule_set.all_matches(facts_of({"service": "billing"}))] == [2]


def test_when_there_are_no_rules_then_none_matches() -> None:
    assert RuleSet[int]([]).first_match(facts_of({})) is None
