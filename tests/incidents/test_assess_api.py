"""The severity criteria over the API: the same answers, the same proposal, the same service."""

from typing import Any

import pytest

from incidents.models import Checkpoint, Incident
from policies.books import CRITERIA, book_publish
from tests.incidents.test_api import INCIDENTS, Caller, refusal
from tests.incidents.test_api import caller as caller
from tests.incidents.test_api import filed as filed
from tests.world.harness import World

PROPOSAL = "/api/v1/severity/proposal/"
NEW = {"title": "Cards fail", "service": "payments-gateway"}
Callers = Any


@pytest.mark.requirement("R080")
def test_when_answers_are_sent_then_the_severity_and_the_reason_come_back(world: World, caller: Callers) -> None:
    response = caller("sofie").post(PROPOSAL, service="payments-gateway", answers={"outage": True, "stuck": True})
    assert response.status_code == 200
    found = response.json()
    assert (found["severity"], found["urgency"], found["unclear"], found["version"]) == (1, 2, False, 0)
    assert found["because"] == "A critical service is down, and there is no way around."
    assert found["trace"]["held"] is True
    assert not Incident.objects.exists()


def test_when_the_answers_leave_it_open_then_the_open_questions_are_named(caller: Callers) -> None:
    found = caller("marta").post(PROPOSAL, answers={"outage": None}).json()
    assert (found["severity"], found["unclear"]) == (None, True)
    assert found["open"][0] == {"key": "outage", "text": "Is a service down?", "answer": "yes_no"}
    assert found["trace"] is None


def test_when_everything_else_is_no_then_nobody_would_be_paged(caller: Callers) -> None:
    found = caller("marta").post(PROPOSAL, rest_no=True).json()
    assert (found["severity"], found["escalate"], found["unclear"]) == (5, False, False)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"answers": {"outage": "perhaps"}}, "answers.outage"),
        ({"answers": {"nonsense": True}}, "answers.nonsense"),
        ({"answers": [1]}, "answers"),
        ({"service": "no-such"}, "service"),
    ],
)
def test_when_the_answers_make_no_sense_then_the_field_is_named(
    caller: Callers, body: dict[str, Any], field: str
) -> None:
    status, _code, named = refusal(caller("marta").post(PROPOSAL, **body))
    assert (status, named) == (400, field)


def test_when_nobody_is_signed_in_then_nothing_is_proposed(world: World) -> None:
    assert Caller("nonsense").post(PROPOSAL, answers={}).status_code == 401


def test_when_an_incident_is_filed_with_answers_then_they_give_its_severity_and_facts(
    world: World, caller: Callers
) -> None:
    sent = {
        **NEW,
        "answers": {"payment-failure": True, "stuck": False},
        "facts": {"customer": "lumen-retail", "custom.shop": "eu"},
        "impact": 2,
    }
    response = caller("sofie").post(INCIDENTS, **sent)
    assert response.status_code == 201
    incident = world.incident
    assert (incident.severity, incident.impact) == (2, 2)
    assert incident.facts["customer"] == "lumen-retail"
    assert incident.facts["custom.shop"] == "eu"
    assert incident.facts["payment_failure"] is True
    assert incident.facts["criteria"]["answers"] == {"payment-failure": True, "stuck": False}
    assert response.json()["impact"] == 2
    world.settle()
    world.expect_page("marta", level=1)


def test_when_nothing_is_said_then_the_service_gives_the_severity_as_before(world: World, caller: Callers) -> None:
    assert caller("sofie").post(INCIDENTS, **NEW).status_code == 201
    assert world.incident.severity == world.cast.gateway.default_severity
    assert "criteria" not in world.incident.facts


@pytest.mark.requirement("R331")
def test_when_the_answers_leave_it_open_then_a_person_is_asked_before_anybody_is_paged(
    world: World, caller: Callers
) -> None:
    assert caller("sofie").post(INCIDENTS, **NEW, answers={"outage": None}).status_code == 201
    world.settle()
    assert Checkpoint.objects.get().action == "escalation.start"
    world.expect_notice("marta")
    world.expect_silence()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"answers": {"outage": True}, "severity": 4}, "why"),
        ({"answers": {"outage": 3}}, "answers.outage"),
        ({"impact": 9}, "impact"),
        ({"facts": {"nonsense": 1}}, "nonsense"),
        ({"facts": {"outage": "perhaps"}}, "outage"),
    ],
)
def test_when_something_is_wrong_then_the_field_is_named_and_nothing_filed(
    caller: Callers, more: dict[str, Any], field: str
) -> None:
    status, _code, named = refusal(caller("sofie").post(INCIDENTS, **NEW, **more))
    assert (status, named) == (400, field)
    assert not Incident.objects.exists()


def test_when_an_incident_is_assessed_then_its_severity_follows(world: World, caller: Callers, filed: Any) -> None:
    incident = filed(severity=3)
    address = f"{INCIDENTS}{incident.pk}/assess/"
    response = caller("marta").post(address, answers={"outage": True}, seen=3)
    assert (response.status_code, response.json()["severity"]) == (200, 2)
    assert response.json()["facts"]["outage"] is True
    status, _code, field = refusal(caller("marta").post(address, answers={"outage": True}, severity=4))
    assert (status, field) == (400, "why")
    assert caller("marta").post(address, answers={}, severity=1, seen=5).status_code == 409
    assert caller("sofie").post(address, answers={}).status_code == 403


def test_when_the_house_published_its_own_criteria_then_the_api_asks_by_them(world: World, caller: Callers) -> None:
    document = {
        "questions": [{"key": "dark", "fact": "custom.dark", "text": "Is the shop dark?"}],
        "severity": [{"severity": "SEV-2", "when": {"fact": "custom.dark"}, "reason": "The shop is dark."}],
    }
    book_publish(shape=CRITERIA, definition=document, author=world.cast.elena, at=world.now)
    found = caller("marta").post(PROPOSAL, answers={"dark": True}).json()
    assert (found["version"], found["severity"], found["because"]) == (1, 2, "The shop is dark.")
