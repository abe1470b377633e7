"""Findings and reviews over the API: as on their pages, in the caller's language, closed by those who manage."""

from typing import Any

import pytest
from django.test import Client

from policies.models import PolicyReview
from reports.care.findings import findings_check
from reports.care.reviews import review_open
from tests.world.harness import World

FINDINGS = "/api/v1/policies/findings/"
REVIEWS = "/api/v1/policies/reviews/"


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The browser of a manager."""
    client.force_login(world.cast.elena)
    return client


def review(world: World) -> PolicyReview:
    return review_open(policy=world.cast.policy, cause=PolicyReview.Cause.BY_HAND, actor=world.cast.elena, at=world.now)


def close(client: Client, pk: int, **body: Any) -> Any:
    return client.post(f"{REVIEWS}{pk}/close/", body, content_type="application/json")


@pytest.mark.requirement("R186")
def test_the_findings_come_the_worst_first_with_cost_and_address(world: World, elena: Client) -> None:
    type(world.cast.gateway).objects.filter(pk=world.cast.gateway.pk).update(policy=None)
    findings_check(at=world.now)
    found = elena.get(FINDINGS).json()["results"]
    assert found[0]["weight"] == "stalls"
    missing = next(one for one in found if one["code"] == "no_policy")
    assert missing["title"] == "Payments gateway has no escalation policy"
    assert "page nobody" in missing["cost"]
    assert missing["fix"] == "/incidents/services/payments-gateway/"


def test_findings_are_narrowed_to_a_policy_and_an_unknown_one_is_refused(world: World, elena: Client) -> None:
    findings_check(at=world.now)
    named = elena.get(f"{FINDINGS}?policy=critical-payments").json()["results"]
    assert all("Critical payments" in one["policies"] for one in named)
    answer = elena.get(f"{FINDINGS}?policy=nowhere")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "policy")


def test_reviews_are_read_with_their_evidence_open_ones_first(world: World, elena: Client) -> None:
    found = review(world)
    (listed,) = elena.get(f"{REVIEWS}?open=1&policy=critical-payments").json()["results"]
    assert (listed["id"], listed["policy"], listed["cause"], listed["overdue"]) == (
        found.pk,
        "critical-payments",
        "by_hand",
        False,
    )
    assert elena.get(f"{REVIEWS}{found.pk}/").json()["evidence"]["incidents"] == 0


def test_a_manager_closes_a_review_once(world: World, elena: Client) -> None:
    found = review(world)
    answer = close(elena, found.pk, outcome="kept", note="Still right")
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["outcome"], answer.json()["closed_by"]["name"]) == ("kept", "Elena Conti")
    assert close(elena, found.pk, outcome="kept", note="Again").status_code == 409
    assert elena.get(f"{REVIEWS}?open=1").json()["results"] == []


def test_half_an_answer_names_the_field_and_responders_close_none(world: World, elena: Client) -> None:
    found = review(world)
    assert "note" in str(close(elena, found.pk, outcome="kept").json())
    assert close(elena, found.pk, outcome="", note="x").status_code == 400
    elena.force_login(world.cast.marta)
    assert close(elena, found.pk, outcome="kept", note="Still right").status_code == 403
    elena.force_login(world.cast.sofie)
    assert elena.get(FINDINGS).status_code == 403
    assert PolicyReview.objects.get().closed_at is None


def test_the_page_of_a_policy_leads_to_its_findings(world: World, elena: Client) -> None:
    assert "?policy=critical-payments" not in elena.get("/policies/critical-payments/").content.decode()
    findings_check(at=world.now)
    assert "/policies/findings/?policy=critical-payments" in elena.get("/policies/critical-payments/").content.decode()
