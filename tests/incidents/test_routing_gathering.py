"""The facts that rules ask for: where each comes from, what labels mean, what was before, and at what cost."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents.models import Alert, Incident
from incidents.routing import WELL_KNOWN, Subject, alert_facts, facts_gather, routes_of
from incidents.services.lifecycle import incident_resolve
from policies.conditions import VOCABULARY, Facts, Needs, condition_parse, needs
from policies.models import WorkCalendar
from tests.incidents.routing_rules import filed, is_, publish, rule
from tests.world.cast import integration
from tests.world.harness import World


def asking(*names: str) -> Needs:
    return Needs(frozenset(names), {})


def known(incident: Incident, *names: str, at: datetime) -> dict[str, Any]:
    (facts,) = facts_gather([Subject(incident)], asking(*names), at=at)
    return dict(facts.given)


def past(world: World, incident: Incident, fact: str, within: str) -> int:
    """How many times a rule that counts `fact` would count."""
    (facts,) = facts_gather(
        [Subject(incident)],
        needs(condition_parse({"fact": fact, "operator": "ge", "value": 1, "within": within})),
        at=world.now,
    )
    ages = facts.values.get(fact)
    return -1 if ages is None else len(ages)


def reported(world: World, **labels: str) -> Incident:
    """An alert's incident, acted on: nobody is paged any more."""
    world.alert(str(world.now.timestamp()), **{"alert_rule": "Latency", **labels})
    world.settle()
    world._expected = len(world.email.got)
    return Incident.objects.latest("pk")


# --- What labels mean


def test_every_fact_that_labels_say_is_one_that_conditions_know() -> None:
    assert all(VOCABULARY.find(name) is not None for name in WELL_KNOWN)


@pytest.mark.parametrize(
    ("labels", "facts"),
    [
        ({"subsystem": "ledger", "component": "cards"}, {"component": "cards"}),
        ({"alertname": "High", "class": "ping"}, {"rule": "High"}),
        ({"vip": "TRUE", "outage": "no", "security": "perhaps"}, {"vip": True, "outage": False}),
        ({"impact": "2", "urgency": "nine", "customer_tier": "1"}, {"impact": 2, "customer_tier": 1}),
        ({"affected_customers": "4200", "burn_rate": "14.4", "anomaly": "nan"}, {"affected_customers": 4200.0, "slo_burn": 14.4}),
        ({"tags": "eu, cards ,", "segment": "Internal"}, {"tags": ["eu", "cards"], "segment": "internal"}),
        ({"tenant": " acme "}, {"customer": "acme"}),
        ({"pod": "x-1"}, {}),
    ],
)  # fmt: skip
def test_well_known_labels_are_facts_and_others_stay_labels(labels: dict[str, str], facts: dict[str, Any]) -> None:
    assert alert_facts(labels, {}) == facts


def test_a_label_goes_before_what_the_tool_put_in_its_details() -> None:
    details = {
        "custom_details": {"component": "b", "vip": True, "slo_burn": 2, "tags": ["x", 1]},
        "annotations": {"component": "c", "region": "eu"},
    }

    assert alert_facts({"component": "a"}, details) == {
        "component": "a",
        "vip": True,
        "slo_burn": 2.0,
        "tags": ["x"],
        "region": "eu",
    }
    assert alert_facts({}, {"custom_details": ["no object"], "annotations": None}) == {}


# --- Where facts come from


def test_facts_come_from_the_incident_its_service_and_what_was_said_of_it(world: World) -> None:
    incident = filed(
        world, "Cards fail", summary="Since noon", severity=2, impact=1, facts={"vip": True, "region": "us"}
    )
    world.expect_page("marta", level=1)

    names = ("severity", "impact", "urgency", "service", "tier", "team", "environment", "region", "origin", "source")
    assert known(incident, *names, at=world.now) == {
        "severity": 2,
        "impact": 1,
        "service": "payments-gateway",
        "tier": 1,
        "team": "payments",
        "environment": "production",
        "region": "us",
        "origin": "person",
    }
    assert known(incident, "text", "vip", "custom.plan", at=world.now) == {
        "severity": 2,
        "text": "Cards fail\nSince noon",
        "vip": True,
    }


def test_an_alert_s_labels_tool_and_own_fields_are_known_now_and_later(world: World) -> None:
    world.event("trigger", "disk", component="db", custom_details={"plan": "gold", "vip": "yes"})
    world.settle()
    world.expect_page("marta", level=1)

    incident = Incident.objects.get()
    assert incident.facts == {"component": "db", "vip": True}
    found = known(incident, "source", "component", "labels.component", "custom.plan", "stage", at=world.now)
    assert found == {
        "severity": 1,
        "source": "payments-gateway-pagerduty",
        "component": "db",
        "labels.component": "db",
        "custom.plan": "gold",
        "stage": "new",
    }


def test_time_in_state_and_age_are_measured_from_what_happened(world: World) -> None:
    incident = filed(world)
    world.expect_page("marta", level=1)
    world.jump(minutes=3)

    def times() -> tuple[float, float]:
        (facts,) = facts_gather([Subject(incident)], asking("time_in_state", "age"), at=world.now)
        return facts.values["time_in_state"], facts.values["age"]

    assert times() == (180, 180)
    incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
    incident = Incident.objects.get()
    world.jump(minutes=1)
    assert times() == (60, 240)


def test_business_hours_are_those_of_the_service_s_calendar_or_of_the_house(world: World) -> None:
    day = [{"days": ["sun"], "start": "00:00", "end": "12:00"}]
    WorkCalendar.objects.create(name="House", slug="house", zone="UTC", windows=day, is_default=True)
    own = WorkCalendar.objects.create(
        name="Own",
        slug="own",
        zone="UTC",
        windows=[{"days": ["mon"], "start": "09:00", "end": "18:00"}],
        holidays=[{"date": world.now.date().isoformat(), "name": "A day off"}],
    )
    incident = filed(world)
    world.expect_page("marta", level=1)

    def now() -> Facts:
        return facts_gather([Subject(Incident.objects.get())], asking("business_hours", "holiday"), at=world.now)[0]

    house = now().business_day("")
    assert house is not None
    assert (house.business_hours, house.holiday) == (True, False)
    incident.service.calendar = own
    incident.service.save()
    of_service = now().business_day("")
    assert of_service is not None
    assert (of_service.business_hours, of_service.holiday) == (False, True)


# --- What was before


@pytest.mark.requirement("R074")
def test_incidents_of_the_same_rule_subsystem_or_service_are_counted_as_far_back_as_asked(world: World) -> None:
    reported(world, component="ledger")
    world.jump(hours=10)
    reported(world, component="Ledger")
    world.jump(hours=10)
    reported(world, component="cards", alert_rule="Errors")
    world.jump(hours=1)
    at_hand = reported(world, component="ledger")

    assert past(world, at_hand, "service_incidents", "24h") == 3
    assert past(world, at_hand, "service_incidents", "5h") == 1
    assert past(world, at_hand, "component_incidents", "24h") == 2
    assert past(world, at_hand, "component_incidents", "12h") == 1


def test_similar_incidents_are_those_of_the_same_alert_rule_and_unknown_where_there_is_none(world: World) -> None:
    world.alert("Latency", pod="a")
    world.alert("Latency", pod="b")
    world.alert("Errors")
    by_hand = filed(world)
    world.settle()
    world._expected = len(world.email.got)
    latency = Incident.objects.filter(facts__rule="Latency").latest("pk")

    assert past(world, latency, "similar_incidents", "1h") == 1
    assert past(world, by_hand, "similar_incidents", "1h") == -1
    assert past(world, by_hand, "service_incidents", "1h") == 3


def test_tests_do_not_count_and_neither_do_other_services(world: World) -> None:
    filed(world, is_test=True)
    at_hand = filed(world)
    world._expected = len(world.email.got)

    assert past(world, at_hand, "service_incidents", "1h") == 0


def test_repeats_of_an_alert_and_earlier_firings_of_its_key_are_re_fires(world: World) -> None:
    for minutes in (0, 10, 10):
        world.jump(minutes=minutes)
        world.event("trigger", "flapping")
        world.settle()
    world.event("resolve", "flapping")
    world.settle()
    world.jump(minutes=10)
    world.event("trigger", "flapping")
    world.settle()
    world._expected = len(world.email.got)

    assert past(world, Incident.objects.latest("pk"), "refires", "1h") == 3
    assert past(world, filed(world), "refires", "1h") == -1
    world._expected = len(world.email.got)


@pytest.mark.requirement("R074")
def test_alerts_of_one_batch_count_those_before_them_as_if_each_had_come_alone(world: World) -> None:
    publish(
        world,
        rule("third", {"fact": "similar_incidents", "operator": "ge", "value": 2, "within": "1h"}, problem=True),
    )

    for pod in "abc":
        world.alert("Latency", pod=pod)
    world.settle()
    world._expected = len(world.email.got)

    proposed = [one.timeline.filter(kind="problem.propose").exists() for one in Incident.objects.order_by("pk")]
    assert proposed == [False, False, True]


# --- What it costs


def test_facts_that_no_rule_asks_for_are_not_looked_up(world: World) -> None:
    incidents = [filed(world) for _number in range(3)]
    world._expected = len(world.email.got)
    subjects = [Subject(one) for one in Incident.objects.select_related("service", "team", "stage", "integration")]

    def queries(*names: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            facts_gather(subjects, Needs(frozenset(names), dict.fromkeys(names, 3600)), at=world.now)
        return len(caught)

    assert len(incidents) == 3
    assert queries("service", "tier", "text", "vip", "age", "weekday") == 0
    assert queries("labels.cpu", "custom.plan") == 1
    assert queries("service_incidents", "similar_incidents", "component_incidents") == 1
    assert queries("business_hours", "holiday") == 1


def test_without_rules_asking_for_routes_is_one_small_query(world: World) -> None:
    incident = Incident(title="x", severity=3, service=world.cast.gateway, team=world.cast.payments)

    with CaptureQueriesContext(connection) as caught:
        routes_of([Subject(incident)] * 100, at=world.now)

    assert len(caught) == 1


def test_what_cannot_be_gathered_for_one_is_gathered_for_the_others(world: World) -> None:
    publish(world, rule("eu", is_("region", "eu-south-1"), protected=True))
    whole = Incident(title="x", severity=3, service=world.cast.gateway, team=world.cast.payments)
    broken = Incident(title="y", severity=3, team=world.cast.payments)

    first, second = routes_of([Subject(whole), Subject(broken)], at=world.now)

    assert first.route.protected
    assert second.error.startswith("RelatedObjectDoesNotExist")
    assert not second.route.protected


def test_labels_of_the_latest_alert_count_when_rules_are_asked_again(world: World) -> None:
    incident = reported(world, cpu="10")
    Alert.objects.create(
        integration=integration(world.cast.gateway, "alertmanager-2", "another-key-0123456789", world.now),
        incident=incident,
        dedup_key="later",
        summary="later",
        labels={"cpu": "99"},
        started_at=world.now,
        received_at=world.now,
        last_received_at=world.now,
    )

    assert known(incident, "labels.cpu", at=world.now)["labels.cpu"] == "99"


def test_the_wall_clock_is_that_of_the_site(world: World, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    incident = filed(world)
    world.expect_page("marta", level=1)

    (facts,) = facts_gather([Subject(incident)], asking("weekday"), at=datetime(2026, 11, 22, 12, tzinfo=UTC))

    shown = facts.wall("")
    assert shown is not None
    assert shown.day == date(2026, 11, 23)
