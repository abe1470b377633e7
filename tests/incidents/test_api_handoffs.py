"""Handoffs over the API: who sees which, accepting with the brief, rating."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from oncall.models import Handoff
from tests.world.harness import World

pytestmark = pytest.mark.django_db

PATH = "/api/v1/handoffs/"


def signed_in(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username])
    return client


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(PATH + path, body, content_type="application/json")


@pytest.fixture
def handoff(world: World) -> Handoff:
    """Marta has just taken over from Jonas."""
    cast = world.cast
    return Handoff.objects.create(
        schedule=cast.schedule, role="primary", at=world.now, outgoing=cast.jonas, incoming=cast.marta,
        until=world.now + timedelta(days=7), created_at=world.now,
    )  # fmt: skip


@pytest.mark.requirement("R016")
def test_whoever_has_come_on_call_accepts_and_rates_over_the_api(world: World, handoff: Handoff) -> None:
    marta = signed_in(world, "marta")
    assert post(marta, f"{handoff.pk}/rate/", complete=True).status_code == 409
    accepted = post(marta, f"{handoff.pk}/accept/")
    assert accepted.status_code == 200
    assert accepted.json()["accepted_at"]
    handoff.refresh_from_db()
    assert handoff.brief
    assert post(marta, f"{handoff.pk}/rate/", complete=False).json()["error"]["field"] == "remark"
    rated = post(marta, f"{handoff.pk}/rate/", complete=False, remark="Which certificate?").json()
    assert (rated["complete"], rated["remark"]) == (False, "Which certificate?")
    listed = signed_in(world, "amara").get(PATH, {"schedule": "payments"}).json()["results"]
    assert [one["remark"] for one in listed] == ["Which certificate?"]


def test_nobody_else_accepts_and_strangers_do_not_find_it(world: World, handoff: Handoff) -> None:
    assert post(signed_in(world, "elena"), f"{handoff.pk}/accept/").status_code == 403
    assert post(signed_in(world, "nils"), f"{handoff.pk}/accept/").status_code == 404
    assert signed_in(world, "jonas").get(PATH, {"unaccepted": "true"}).json()["count"] == 1
    assert signed_in(world, "sofie").get(PATH).status_code == 403
