"""The ready routing rules do what they say, on the facts they are made for, and nothing on others."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from policies.conditions import BusinessCalendar, facts_of
from policies.conditions.times import OFFICE_HOURS
from policies.routing import Aspect, Route, Routing, RoutingDef
from policies.routing_examples import EXAMPLES, Place, example_rule

PLACE = Place("payments-gateway", "platform")
SATURDAY = datetime(2026, 3, 7, 12, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 12, tzinfo=UTC)
CHRISTMAS = datetime(2026, 12, 25, 12, tzinfo=UTC)


def routed(key: str, at: datetime = TUESDAY, **facts: Any) -> Route:
    example = next(one for one in EXAMPLES if one.key == key)
    calendar = BusinessCalendar("UTC", OFFICE_HOURS, frozenset({date(2026, 12, 25)}))
    given = facts_of({"severity": 4, **facts}, at=at, zone="UTC", calendars={"": calendar})
    return Routing(RoutingDef((example_rule(example, PLACE),))).route(given)


def decides(route: Route) -> bool:
    return bool(route.rules)


@pytest.mark.parametrize(
    ("key", "facts", "severity"),
    [
        pytest.param("slo-burn", {"slo_burn": 20}, 2, marks=pytest.mark.requirement("R288")),
        pytest.param("anomaly", {"anomaly": 4.5}, 3, marks=pytest.mark.requirement("R289")),
        pytest.param("first-tier-customer", {"customer_tier": 1}, 2, marks=pytest.mark.requirement("R290")),
        ("payments-vip", {"service": "payments-gateway", "vip": True, "payment_failure": True}, 1),
        ("again-and-again", {"similar_incidents": [60, 3600]}, 2),
        ("major", {"outage": True, "revenue_flow": True}, 1),
        ("security", {"text": "We saw a data leak"}, 2),
    ],
)
def test_a_measured_signal_makes_it_as_bad_as_the_rule_says(key: str, facts: dict[str, Any], severity: int) -> None:
    assert routed(key, **facts).severity == severity
    assert not decides(routed(key))


@pytest.mark.requirement("R288")
@pytest.mark.requirement("R289")
@pytest.mark.requirement("R290")
@pytest.mark.parametrize(
    ("key", "facts"),
    [("slo-burn", {"slo_burn": 20}), ("anomaly", {"anomaly": 4.5}), ("first-tier-customer", {"customer_tier": 1})],
)
def test_a_criterion_that_is_measured_is_not_negotiable(key: str, facts: dict[str, Any]) -> None:
    route = routed(key, **facts)
    assert (route.escalate, route.protected) == (True, True)
    assert route.because[Aspect.ESCALATE] == (key,)


@pytest.mark.requirement("R291")
def test_regulated_flows_escalate_are_guarded_and_protected_and_somebody_who_answers_for_them_is_told() -> None:
    route = routed("regulated", regulated=True)
    assert (route.escalate, route.guarded, route.protected) == (True, True, True)
    assert [target.kind.value for target in route.tell] == ["manager"]
    assert not decides(routed("regulated", regulated=False))


@pytest.mark.requirement("R293")
def test_at_the_weekend_a_serious_incident_goes_to_the_manager_too() -> None:
    assert [one.kind.value for one in routed("weekend", SATURDAY, severity=2).straight_to] == ["manager"]
    assert not decides(routed("weekend", TUESDAY, severity=2))
    assert not decides(routed("weekend", SATURDAY, severity=4))


@pytest.mark.requirement("R294")
def test_on_a_holiday_the_next_level_is_told_after_half_the_time() -> None:
    assert routed("holiday", CHRISTMAS).timers_percent == 50
    assert not decides(routed("holiday", TUESDAY))


def test_the_sandbox_pages_nobody_and_mail_asks_a_person_first() -> None:
    assert routed("sandbox", environment="Sandbox").escalate is False
    ask = routed("mailbox", source="mailbox").ask
    assert ask is not None
    assert ask.within_seconds == 600


@pytest.mark.requirement("R074")
def test_the_fourth_incident_of_a_subsystem_in_a_day_goes_faster_and_the_third_does_not() -> None:
    fourth = routed("same-subsystem", component_incidents=[60, 3600, 7200])
    assert (fourth.timers_percent, fourth.problem) == (50, True)
    assert not decides(routed("same-subsystem", component_incidents=[60, 3600]))
    assert not decides(routed("same-subsystem", component_incidents=[60, 3600, 30 * 3600]))


def test_the_third_similar_incident_in_a_day_proposes_a_problem_and_the_second_does_not() -> None:
    assert routed("again-and-again", similar_incidents=[60, 3600]).problem
    assert not decides(routed("again-and-again", similar_incidents=[60]))
    assert not decides(routed("again-and-again", similar_incidents=[60, 30 * 3600]))
