"""The back-test by page and by API: the figures of the command, for whoever reads policies."""

import json

import pytest
from django.test import Client

from incidents.services.lifecycle import incident_acknowledge, incident_open
from policies.definition import policy_dump, policy_parse
from policies.services import policy_publish
from tests.world.cast import levels
from tests.world.harness import World

PATH = "/policies/critical-payments/backtest/"
QUICK = policy_dump(policy_parse(levels(ack=("2m", "2m", "2m"))))


def client_of(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username], backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def past(world: World) -> World:
    """One incident, answered by Marta after three minutes; a quicker version came before the one in force."""
    cast = world.cast
    policy_publish(policy=cast.policy, definition=QUICK, author=cast.elena, at=world.now)
    policy_publish(policy=cast.policy, definition=levels(), author=cast.elena, at=world.now)
    cast.gateway.refresh_from_db()
    incident = incident_open(title="A", summary="", severity=1, service=cast.gateway, reporter=None, at=world.now)
    world.jump(minutes=3)
    incident_acknowledge(incident_id=incident.pk, actor=cast.marta, at=world.now)
    world.jump(minutes=1)
    return world


@pytest.mark.requirement("R077")
def test_the_page_sets_a_version_beside_the_one_in_force(past: World) -> None:
    text = client_of(past, "elena").get(PATH, {"version": "2", "days": "30"}).content.decode()

    assert "On 1 incident" in text
    row = text.split('<th scope="row">Pages</th>')[1].split("</tr>")[0]
    assert row.count("<td>") == 2
    assert row.index("1") < row.index("less") < row.index("2")


def test_a_draft_that_the_editor_sent_is_walked_too(past: World) -> None:
    answer = client_of(past, "elena").post(PATH, {"draft": json.dumps(QUICK), "version": "draft", "days": "30"})

    assert answer.status_code == 200
    assert "The draft" in answer.content.decode()
    assert "On 1 incident" in answer.content.decode()


def test_a_draft_that_cannot_be_used_is_refused_with_the_reason(past: World) -> None:
    answer = client_of(past, "elena").post(PATH, {"draft": json.dumps({"levels": []}), "days": "30"})

    assert answer.status_code == 422
    assert "levels" in answer.content.decode()


def test_reporters_do_not_read_it(past: World) -> None:
    assert client_of(past, "sofie").get(PATH).status_code == 403


def test_the_api_gives_the_same_figures(past: World) -> None:
    client = client_of(past, "elena")
    url = "/api/v1/policies/critical-payments/backtest/"

    found = client.post(url, {"definition": QUICK, "days": 30}, content_type="application/json").json()

    assert (found["incidents"], found["cut"]) == (1, False)
    assert (found["current"]["pages"], found["draft"]["pages"]) == (1, 2)
    assert client.post(url, {"days": 30}, content_type="application/json").status_code == 400
    assert client.post(url, {"version": 99}, content_type="application/json").status_code == 400
