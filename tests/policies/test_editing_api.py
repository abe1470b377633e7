"""Policies over the API: written, compared and refused as on their pages."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from policies.definition import TargetDef, TargetKind, policy_dump
from policies.editing.services import PolicyValues, policy_create
from policies.examples import EXAMPLES, People, simple_policy
from policies.models import EscalationPolicy, PolicyVersion
from policies.services import policy_publish
from tests.world.cast import levels
from tests.world.harness import World

API = "/api/v1/policies/"
ONE = f"{API}critical-payments/"
PEOPLE = People(schedule="payments", specialists="platform", senior=TargetDef(TargetKind.USER, "jonas"))


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    client.force_login(world.cast.elena)
    return client


def send(client: Client, method: str, path: str, **body: Any) -> Any:
    return getattr(client, method)(path, body, content_type="application/json")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.key)
def test_every_ready_example_can_be_published_and_read_back(world: World, elena: Client, example: Any) -> None:
    definition = policy_dump(example.build(PEOPLE))
    answer = send(
        elena, "post", API, name="Databases", team="payments", definition=definition, reason="The first of its kind"
    )
    assert answer.status_code == 201, answer.json()
    read = elena.get(f"{API}databases/").json()
    assert (read["version"], read["definition"], read["team"]) == (1, definition, "payments")


def test_when_a_definition_is_changed_then_the_version_has_its_author_and_reason(world: World, elena: Client) -> None:
    definition = levels(ack=("90s", "5m", "5m"))
    answer = send(elena, "patch", ONE, definition=definition, reason="Five minutes were too long", base=1)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["version"] == 2
    newest, first = elena.get(f"{ONE}versions/").json()["results"]
    assert (newest["number"], newest["author"]["name"]) == (2, "Elena Conti")
    assert newest["reason"] == "Five minutes were too long"
    assert first["number"] == 1
    assert elena.get(f"{ONE}diff/?from=1&to=2").json() == [
        {
            "field": "Primary on call: time",
            "before": "Time to acknowledge: 5 minutes.",
            "after": "Time to acknowledge: 90 seconds.",
        }
    ]


def test_when_a_newer_version_exists_then_the_change_is_a_conflict(world: World, elena: Client) -> None:
    policy_publish(policy=world.cast.policy, definition=levels(ack=("1m", "1m", "1m")), author=None, at=world.now)
    answer = send(elena, "patch", ONE, definition=levels(), base=1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "edited_meanwhile")
    assert PolicyVersion.objects.count() == 2


def test_when_guidelines_are_sent_then_they_replace_those_there_are(world: World, elena: Client) -> None:
    guide = {"title": "Runbook", "url": "https://docs.brightquay.example/runbook"}
    assert send(elena, "patch", ONE, guidelines=[guide]).json()["guidelines"] == [guide]
    assert send(elena, "patch", ONE, description="For what moves money").json()["guidelines"] == [guide]
    assert PolicyVersion.objects.count() == 1
    answer = send(elena, "patch", ONE, guidelines=[{"title": "x", "url": "javascript:alert(1)"}])
    assert answer.status_code == 400
    assert send(elena, "patch", ONE, guidelines=[]).json()["guidelines"] == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"levels": []}, "needs at least one entry"),
        ({"levels": [{"name": "x", "targets": [{"kind": "user", "ref": "nobody"}], "ack_timeout": "5m"}]}, "nobody"),
        ({"levels": [{"name": "x", "targets": [{"kind": "team_lead"}], "ack_timeout": "soon"}]}, "ack_timeout"),
        ([], "object"),
    ],
)
def test_a_definition_that_would_tell_nobody_is_refused(world: World, elena: Client, change: Any, named: str) -> None:
    answer = send(elena, "patch", ONE, definition=change)
    assert answer.status_code == 400
    assert named in str(answer.json())
    assert PolicyVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [("from=1&to=1", 200), ("from=1", 400), ("from=x&to=1", 400), ("from=1&to=2", 404), ("from=1&to=99999999999", 400)],
)
def test_a_diff_names_two_versions(world: World, elena: Client, query: str, status: int) -> None:
    assert elena.get(f"{ONE}diff/?{query}").status_code == status


@pytest.mark.parametrize(
    ("username", "status"), [("elena", 200), ("hugo", 200), ("marta", 403), ("amara", 403), ("sofie", 403)]
)
def test_managers_of_the_team_and_administrators_write_policies_over_the_api(
    world: World, client: Client, username: str, status: int
) -> None:
    client.force_login(world.cast.people[username])
    assert send(client, "patch", ONE, description="changed").status_code == status
    created = send(client, "post", API, name="Another", team="payments", definition=levels())
    assert created.status_code == (201 if status == 200 else 403)


def test_nobody_gives_a_policy_to_a_team_they_do_not_manage(world: World, elena: Client) -> None:
    assert send(elena, "patch", ONE, team="platform").status_code == 403
    assert send(elena, "post", API, name="Another", team="platform", definition=levels()).status_code == 403
    assert EscalationPolicy.objects.count() == 1


def test_the_list_takes_as_many_queries_for_ten_policies_as_for_one(
    world: World, elena: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    definition = policy_dump(simple_policy(schedule="payments", backup=TargetDef(TargetKind.TEAM_LEAD)))
    for number in range(10):
        policy_create(
            values=PolicyValues(name=f"Policy {number}", team=world.cast.payments),
            definition=definition,
            author=world.cast.elena,
            at=world.now,
        )
    with django_assert_max_num_queries(8):
        assert elena.get(API).json()["count"] == 11
