"""The simulator on the terms that rules, calendars and SLA targets give an incident; and from facts to the last page."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from policies.books import SLA, book_publish
from policies.conditions import facts_of
from policies.definition import PolicyDef
from policies.models import EscalationPolicy
from policies.routing import Aspect, RoutingDef, routing_parse
from policies.services import policy_publish, version_definition
from policies.simulation import Question, Routed, Simulation, StepKind, served, served_by, simulate, simulate_route
from policies.simulation.serving import promised
from tests.incidents.test_run_starts import MONDAY, office
from tests.world.harness import NIGHT, World

PAGE = "/policies/critical-payments/simulate/"
API = "/api/v1/policies/critical-payments/simulate/"
MINUTE = timedelta(minutes=1)
PERSON: dict[str, Any] = {"kind": "user", "ref": "marta"}
JONAS: dict[str, Any] = {"kind": "user", "ref": "jonas"}


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    client.force_login(world.cast.elena)
    return client


def level(*targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "A level", "targets": list(targets), "ack_timeout": "10m", **more}


def publish(world: World, *levels: dict[str, Any], **more: Any) -> None:
    definition = {"levels": list(levels), **more}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=NIGHT)
    world.cast.policy.refresh_from_db()


def rules(*rules: dict[str, Any], otherwise: dict[str, Any] | None = None) -> RoutingDef:
    return routing_parse({"rules": list(rules), **({"otherwise": otherwise} if otherwise else {})})


def rule(key: str, then: dict[str, Any], when: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"key": key, "name": key.upper(), "when": when or {"fact": "vip"}, "then": then, **more}


def followed(world: World, definition: RoutingDef, *, at: datetime = NIGHT, severity: int = 2, **facts: Any) -> Routed:
    """What becomes of an incident on the gateway for a VIP."""
    service = served("payments-gateway")
    assert service is not None
    given = facts_of({"vip": True, "severity": severity, **facts}, at=at, zone="Europe/Rome", calendars={})
    return simulate_route(definition, given, service=service, at=at)


def told(found: Simulation | None) -> list[tuple[int, str]]:
    """Minutes after the start, and who is paged."""
    assert found is not None
    kinds = (StepKind.PAGE, StepKind.CATCH_ALL)
    return [
        ((step.at - found.started_at) // MINUTE, one.name)
        for step in found.steps
        if step.kind in kinds
        for one in step.people
    ]


# From facts to the walk


@pytest.mark.requirement("R076")
@pytest.mark.requirement("R075")
def test_a_rule_s_exceptions_are_walked_and_each_says_which_rule_it_is(world: World) -> None:
    exception = {"start_level": 2, "timers_percent": 50, "straight_to": [{"kind": "user", "ref": "tomas"}]}

    found = followed(world, rules(rule("vip", exception)))

    assert told(found.simulation) == [
        (0, "Jonas de Wit"),
        (0, "Tomás Oliveira"),
        (2, "Elena Conti"),
        (5, "Hugo Brandt"),
    ]
    assert found.route.because[Aspect.START_LEVEL] == ("vip",)
    assert found.simulation is not None
    informed = [step for step in found.simulation.steps if step.kind is StepKind.INFORM]
    assert [one.name for step in informed for one in step.people] == ["Marta Ferri"]


def test_the_policy_and_the_team_that_a_rule_names_are_walked(world: World) -> None:
    other = EscalationPolicy.objects.create(name="Other", slug="other")
    policy_publish(
        policy=other, definition={"levels": [level({"kind": "team_lead"})]}, author=world.cast.hugo, at=NIGHT
    )

    found = followed(world, rules(rule("vip", {"policy": "other", "team": "platform"})))

    assert (found.policy, found.team, found.gone) == (other, world.cast.platform, ())
    assert told(found.simulation)[0] == (0, "Tomás Oliveira")


def test_a_policy_and_a_team_that_are_gone_are_named_and_the_service_s_own_hold(world: World) -> None:
    EscalationPolicy.objects.create(name="Without a version", slug="empty")

    found = followed(world, rules(rule("vip", {"policy": "empty", "team": "gone"})))

    assert (found.policy, found.team, found.gone) == (world.cast.policy, world.cast.payments, ("empty", "gone"))
    assert told(found.simulation)[0] == (0, "Marta Ferri")


def test_where_a_rule_pages_nobody_there_is_no_walk_and_where_a_person_is_asked_there_is_one(world: World) -> None:
    ask = {"targets": [PERSON], "within": "10m", "otherwise": "proceed"}

    quiet = followed(world, rules(rule("vip", {"escalate": False})))
    guarded = followed(world, rules(rule("vip", {"escalate": False, "guarded": True})))
    asked = followed(world, rules(rule("vip", {"ask": ask})))

    assert (quiet.pages_nobody, quiet.asks_first, quiet.simulation) == (True, False, None)
    assert (guarded.pages_nobody, guarded.asks_first, guarded.simulation is None) == (False, True, False)
    assert (asked.pages_nobody, asked.asks_first, asked.simulation is None) == (False, True, False)


def test_a_guarded_incident_keeps_its_severity_until_a_person_makes_it_milder(world: World) -> None:
    found = followed(world, rules(rule("vip", {"severity": "SEV-4", "guarded": True})))
    worse = followed(world, rules(rule("vip", {"severity": "SEV-1", "guarded": True})))

    assert (found.severity, found.held_severity) == (2, 4)
    assert (worse.severity, worse.held_severity) == (1, None)


def test_no_rules_lead_to_the_service_s_own_policy_and_nothing_is_asked_of_a_service_that_is_none(world: World) -> None:
    assert told(followed(world, rules()).simulation)[0] == (0, "Marta Ferri")
    assert served("no-such-service") is None


@pytest.mark.requirement("R052")
def test_the_sla_of_the_severity_that_a_rule_makes_it_counts(world: World) -> None:
    targets = [
        {"name": "Worst", "severity": ["SEV-1"], "resolve": "1h"},
        {"name": "Else", "resolve": "8h"},
    ]
    book_publish(shape=SLA, definition={"targets": targets}, author=None, at=NIGHT)
    publish(world, level(PERSON), level(JONAS, start={"delay": "15m", "measured_from": "before_sla"}))

    found = followed(world, rules(rule("vip", {"severity_at_least": "SEV-1"})), severity=3)

    assert found.promise is not None
    assert (found.promise.target, found.promise.due_at) == ("Worst", NIGHT + timedelta(hours=1))
    assert told(found.simulation) == [(0, "Marta Ferri"), (45, "Jonas de Wit"), (55, "Hugo Brandt")]


# The page, the API and the command of a policy


def test_business_hours_are_those_of_the_service_s_calendar(world: World) -> None:
    office()
    publish(world, level(PERSON, ack_timeout={"after": "30m", "hours": "business"}), level(JONAS))
    service = served_by(world.cast.policy, "payments-gateway")
    definition = served_definition(world)

    question = Question(at=NIGHT, severity=3, team=service.team).on(service.calendar_for(definition))

    assert simulate(definition, question).steps[1].at == MONDAY + 30 * MINUTE


def served_definition(world: World) -> PolicyDef:
    version = world.cast.policy.current_version
    assert version is not None
    return version_definition(version)


def test_an_sla_in_working_hours_ends_in_them(world: World) -> None:
    office()
    target = {"name": "Office", "resolve": "2h", "hours": "business"}
    book_publish(shape=SLA, definition={"targets": [target]}, author=None, at=NIGHT)

    found = promised(served_by(world.cast.policy, ""), severity=3, at=NIGHT)

    assert found is not None
    assert found.due_at == MONDAY + timedelta(hours=2)


def test_the_page_takes_a_starting_level_the_time_people_get_and_the_end_of_the_sla(
    world: World, elena: Client
) -> None:
    response = elena.get(PAGE, {"start_level": "2", "timers_percent": "50", "sla": "4h"})

    page = response.context["page"]
    assert told(page.shown.simulation) == [(0, "Jonas de Wit"), (2, "Elena Conti"), (5, "Hugo Brandt")]
    assert page.promise.due_at - page.shown.simulation.started_at == timedelta(hours=4)
    assert page.more_is_open
    assert not elena.get(PAGE).context["page"].more_is_open


@pytest.mark.parametrize(("name", "value"), [("timers_percent", "0"), ("timers_percent", "101"), ("sla", "soon")])
def test_the_page_refuses_what_makes_no_sense_and_shows_where(
    world: World, elena: Client, name: str, value: str
) -> None:
    response = elena.get(PAGE, {name: value})

    assert response.status_code == 422
    assert response.context["page"].form.errors.keys() == {name}


def test_the_api_and_the_command_take_the_same(world: World, elena: Client) -> None:
    publish(world, level(PERSON), level(JONAS, start={"delay": "15m", "measured_from": "before_sla"}), level(PERSON))
    asked = {"at": NIGHT.isoformat(), "severity": 2, "start_level": 1, "timers_percent": 50}
    due = (NIGHT + timedelta(hours=1)).isoformat()

    answer = elena.post(API, {**asked, "sla_due_at": due}, content_type="application/json").json()
    out = StringIO()
    call_command(
        "simulate_policy", "critical-payments", "--at", NIGHT.isoformat(), "--severity", "2", "--timers-percent", "50",
        "--start-level", "1", "--sla-due", due, "--json", stdout=out,
    )  # fmt: skip

    for given in (answer, json.loads(out.getvalue())):
        pages = [(step["seconds"], one["username"]) for step in given["steps"] for one in step["people"]]
        assert pages == [(0, "marta"), (2700, "jonas"), (3000, "marta"), (3300, "hugo")]
        assert datetime.fromisoformat(given["sla_due_at"]) == NIGHT + timedelta(hours=1)


@pytest.mark.requirement("R135")
def test_the_simulator_shows_when_it_is_declared_a_major_incident_and_who_oversees_it(
    world: World, elena: Client
) -> None:
    publish(world, level(PERSON), level(JONAS, major=True))

    response = elena.get(PAGE, {"severity": "2"})

    found = response.context["page"].shown.simulation
    step = next(one for one in found.steps if one.kind is StepKind.MAJOR)
    assert (step.level, [one.name for one in step.people]) == (1, ["Jonas de Wit"])
    assert "It is declared a major incident, and whoever oversees it is told" in response.content.decode()
