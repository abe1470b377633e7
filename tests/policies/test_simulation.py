"""The simulator: what would happen, by page, API and command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident
from notifications.models import Message
from oncall.models import Absence, Override
from policies.definition import policy_parse
from policies.editing.documents import draft_of
from policies.editing.draft import sent_of
from policies.services import policy_publish, version_definition
from policies.simulation import Act, Deed, Question, Simulation, StepKind, simulate
from policies.simulation.presets import clock_changes, next_sunday
from tests.world.cast import levels
from tests.world.harness import NIGHT, World

PAGE = "/policies/critical-payments/simulate/"
API = "/api/v1/policies/critical-payments/simulate/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    client.force_login(world.cast.elena)
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def asked(world: World, *acts: Act, at: datetime = NIGHT, unreachable: frozenset[int] = frozenset()) -> Simulation:
    version = world.cast.policy.current_version
    assert version is not None
    question = Question(at=at, severity=1, team=world.cast.payments, acts=acts, unreachable=unreachable)
    return simulate(version_definition(version), question)


def told(found: Simulation) -> list[tuple[int, str]]:
    """Minutes after the start, and who is paged."""
    return [
        ((step.at - found.started_at) // MINUTE, one.name)
        for step in found.steps
        if step.kind in (StepKind.PAGE, StepKind.CATCH_ALL)
        for one in step.people
    ]


@pytest.mark.requirement("R047")
def test_when_nobody_answers_then_the_levels_are_called_in_order_and_the_catch_all_last(world: World) -> None:
    found = asked(world)

    assert told(found) == [(0, "Marta Ferri"), (5, "Jonas de Wit"), (10, "Elena Conti"), (15, "Hugo Brandt")]
    assert found.phase == "exhausted"


def test_when_somebody_acknowledges_after_being_told_then_the_rest_is_not_called(world: World) -> None:
    found = asked(world, Act(Deed.ACKNOWLEDGE, world.cast.jonas.pk, 2 * MINUTE))

    assert told(found) == [(0, "Marta Ferri"), (5, "Jonas de Wit")]
    assert (found.steps[-1].deed, found.steps[-1].at) == (Deed.ACKNOWLEDGE, NIGHT + 7 * MINUTE)


def test_when_somebody_is_never_told_then_they_do_nothing(world: World) -> None:
    found = asked(world, Act(Deed.ACKNOWLEDGE, world.cast.tomas.pk, MINUTE))

    assert found.phase == "exhausted"


def test_when_somebody_cannot_be_reached_then_their_level_is_skipped_at_once(world: World) -> None:
    found = asked(world, unreachable=frozenset({world.cast.marta.pk}))

    assert [step.kind for step in found.steps[:3]] == [StepKind.PAGE, StepKind.SKIP, StepKind.PAGE]
    assert told(found)[1] == (0, "Jonas de Wit")
    assert found.first_page == timedelta(0)


@pytest.mark.requirement("R041")
def test_when_the_next_level_is_called_by_hand_then_it_is_told_at_once(world: World) -> None:
    found = asked(world, Act(Deed.ESCALATE, world.cast.marta.pk, 3 * MINUTE))

    assert told(found)[:2] == [(0, "Marta Ferri"), (3, "Jonas de Wit")]


def test_when_two_people_do_something_at_one_instant_then_they_do_it_in_the_order_given(world: World) -> None:
    """Also where one counts from the start, and the other from when they are told."""
    escalates = Act(Deed.ESCALATE, world.cast.marta.pk, MINUTE)
    acknowledges = Act(Deed.ACKNOWLEDGE, world.cast.elena.pk, MINUTE, from_start=True)

    for acts in ((escalates, acknowledges), (acknowledges, escalates)):
        found = asked(world, *acts)
        assert [step.deed for step in found.steps if step.deed] == [act.deed for act in acts]


@pytest.mark.requirement("R040")
def test_people_are_looked_up_at_the_instant_of_each_step(world: World) -> None:
    """Tomás takes over the backup's place three minutes in: level 2, at five minutes, finds him."""
    Override.objects.create(
        schedule=world.cast.schedule,
        role="secondary",
        user=world.cast.tomas,
        start=NIGHT + 3 * MINUTE,
        end=NIGHT + 30 * MINUTE,
        created_by=world.cast.elena,
        created_at=NIGHT,
    )

    assert (5, "Tomás Oliveira") in told(asked(world))


def test_on_the_night_the_clocks_change_no_timer_moves(world: World) -> None:
    before = next(iter(clock_changes(datetime(2027, 1, 1, tzinfo=UTC), "Europe/Rome")))
    assert before == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)

    found = asked(world, at=before - 3 * MINUTE)

    assert [minutes for minutes, _name in told(found)] == [0, 5, 10, 15]


def test_a_simulation_stores_nothing_and_tells_nobody(world: World) -> None:
    asked(world)

    assert not Incident.objects.exists()
    assert not Message.objects.exists()


def test_next_sunday_is_the_coming_one_on_the_readers_clock() -> None:
    assert next_sunday(NIGHT, "Europe/Rome") == datetime(2026, 11, 22, 2, 10, tzinfo=UTC)
    assert next_sunday(NIGHT + 2 * MINUTE, "Europe/Rome") == datetime(2026, 11, 29, 2, 10, tzinfo=UTC)


# --- the page


@pytest.mark.requirement("R038")
def test_the_page_says_who_when_how_and_why(elena: Client) -> None:
    page = text(elena.get(PAGE))

    assert "Level 1, Primary on call, is called" in page
    assert "on call for Payments; by" in page
    assert "after 5 minutes" in page
    assert "Cause: nobody acknowledged in time." in page
    assert "The clocks go forward in Europe/Rome" in page


def test_when_facts_are_chosen_then_the_page_follows_them(elena: Client, world: World) -> None:
    asked_for = {
        "at": "2026-12-24T23:00",
        "severity": "2",
        "act0-who": str(world.cast.marta.pk),
        "act0-does": "acknowledge",
        "act0-after": "4m",
        "act0-since": "told",
    }

    page = text(elena.get(PAGE, asked_for))

    assert "Marta Ferri acknowledges" in page
    assert "Level 2" not in page.partition("What would happen")[2]


def test_when_a_time_is_no_time_then_the_field_says_so(elena: Client, world: World) -> None:
    response = elena.get(PAGE, {"act0-who": str(world.cast.marta.pk), "act0-after": "soon"})

    assert response.status_code == 422
    assert "Write a time such as 7m or 1h30m." in text(response)


def test_two_versions_stand_side_by_side_with_the_differences_in_words(elena: Client, world: World) -> None:
    definition = levels(ack=("5m", "15m", "5m"))
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=NIGHT)

    page = text(elena.get(PAGE, {"version": "2", "against": "1"}))

    assert "The same" in page
    assert "Different" in page
    assert "Both do the same" not in page
    assert "Both do the same" in text(elena.get(PAGE, {"version": "1", "against": "1"}))


def test_a_draft_is_tried_beside_the_version_in_force(elena: Client) -> None:
    response = elena.post(PAGE, {"draft": json.dumps(levels(ack=("2m", "5m", "5m"))), "against": "1"})

    assert response.status_code == 200
    assert "after 2 minutes" in text(response)
    assert "The draft" in text(response)


def test_what_is_in_the_editor_is_tried_as_it_stands(elena: Client) -> None:
    draft = draft_of(policy_parse(levels(ack=("2m", "5m", "5m"))))

    response = elena.post(PAGE, {**sent_of(draft), "base": "1", "against": "1"})

    assert response.status_code == 200
    assert "after 2 minutes" in text(response)
    assert "Different" in text(response)


def test_the_page_asks_the_database_no_more_often_for_more_versions(elena: Client, world: World) -> None:
    elena.get(PAGE)
    with CaptureQueriesContext(
        connection,
    ) as few:
        elena.get(PAGE)
    for minutes in range(6, 12):
        definition = levels(ack=("5m", "5m", f"{minutes}m"))
        policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=NIGHT)
    with CaptureQueriesContext(connection) as many:
        elena.get(PAGE)

    assert len(many) <= len(few)


def test_a_reporter_sees_no_simulator(world: World, client: Client) -> None:
    client.force_login(world.cast.sofie)

    assert client.get(PAGE).status_code == 403
    assert client.post(API, {}, content_type="application/json").status_code == 403


# --- API and command


def test_the_api_answers_with_the_steps_and_the_differences(elena: Client, world: World) -> None:
    body = {
        "at": "2026-11-22T03:10:00+01:00",
        "severity": 1,
        "definition": levels(ack=("2m", "5m", "5m")),
        "against": 1,
        "acts": [{"who": "jonas", "after": "3m"}],
        "unreachable": ["marta"],
    }

    answer = elena.post(API, body, content_type="application/json").json()

    assert [step["kind"] for step in answer["steps"]] == ["page", "skip", "page", "deed"]
    assert answer["steps"][0]["people"][0]["username"] == "marta"
    assert not answer["steps"][0]["people"][0]["reachable"]
    assert answer["steps"][-1]["seconds"] == 180
    assert answer["differences"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"unreachable": ["nobody"]}, "unreachable"),
        ({"version": 99}, "version"),
        ({"definition": {"levels": []}}, "levels"),
        ({"severity": 9}, "severity"),
    ],
)
def test_when_the_question_makes_no_sense_then_the_api_names_the_field(
    elena: Client, change: dict[str, Any], field: str
) -> None:
    body = {"at": "2026-11-22T03:10:00+01:00", "severity": 1, **change}

    response = elena.post(API, body, content_type="application/json")

    assert response.status_code in (400, 422)
    assert field in text(response)


def test_the_command_shows_the_steps_as_text(world: World) -> None:
    out = StringIO()

    call_command(
        "simulate_policy", "critical-payments", "--at", "2026-11-22T03:10+01:00", "--answer", "jonas:1m", stdout=out
    )

    assert "Level 2, Backup and senior, is called" in out.getvalue()
    assert "Jonas de Wit acknowledges" in out.getvalue()
    with pytest.raises(CommandError, match="no-such"):
        call_command("simulate_policy", "no-such")


def test_whoever_is_away_is_not_called_in_the_simulation_either(world: World) -> None:
    away = {"start": NIGHT - timedelta(days=1), "end": NIGHT + timedelta(days=1), "created_at": NIGHT}
    Absence.objects.create(user=world.cast.marta, **away)

    assert world.cast.marta.name not in [name for _minutes, name in told(asked(world))]
