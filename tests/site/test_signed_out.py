"""What an answer is once the session is over: nothing where a part of a page was asked for, the way back where a form was sent."""

import pytest
from django.test import Client

from tests.incidents.asking import filed
from tests.world.harness import World

HTMX = {"HX-Request": "true"}
HERE = "http://testserver/incidents/?severity=1&tab=open"


def test_when_a_part_is_asked_for_then_it_is_refused_and_no_sign_in_page_comes_in_its_place(world: World) -> None:
    incident = filed(world)
    stranger = Client(headers=HTMX)
    for answer in (
        stranger.get("/incidents/"),
        stranger.get(f"/incidents/{incident.pk}/live/"),
        stranger.post(f"/incidents/{incident.pk}/comment/", {"text": "Lost?"}),
        stranger.post(f"/incidents/{incident.pk}/acknowledge/"),
    ):
        assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize(
    ("referrer", "back"),
    [
        (HERE, "/incidents/%3Fseverity%3D1%26tab%3Dopen"),
        ("http://testserver/incidents/7/", "/incidents/7/"),
        ("https://elsewhere.example/incidents/7/", "/"),
        ("", "/"),
    ],
)
def test_when_a_form_is_sent_then_signing_in_leads_back_to_the_page_it_was_sent_from(
    world: World, referrer: str, back: str
) -> None:
    answer = Client().post("/incidents/bulk/", {"verb": "resolve"}, headers={"Referer": referrer} if referrer else {})
    assert answer.status_code == 302
    assert answer.headers["Location"].replace("%2F", "/") == f"/accounts/login/?next={back}"


def test_when_a_page_is_asked_for_then_signing_in_leads_to_it(world: World) -> None:
    assert Client().get("/incidents/?tab=open").headers["Location"] == "/accounts/login/?next=/incidents/%3Ftab%3Dopen"
    # Whoever signed out on purpose goes where they went before.
    client = Client()
    client.force_login(world.cast.marta, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/accounts/logout/", headers={"Referer": HERE}).headers["Location"] == "/accounts/login/"
