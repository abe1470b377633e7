"""The page on which a person decides: who reads it, who answers, what it says; and where else questions show."""

from typing import Any

import pytest
from django.test import Client

from incidents.models import Checkpoint, EscalationRun, Incident
from incidents.services.checkpoints import SEVERITY
from incidents.services.deciding import checkpoint_decide
from oncall.tokens import token_create
from tests.incidents.asking import asked, filed, waiting
from tests.incidents.views.cast import HTMX
from tests.world.harness import World

BACKEND = "django.contrib.auth.backends.ModelBackend"


def browser(world: World, username: str, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(world.cast.people[username], backend=BACKEND)
    return client


def api(world: World, username: str) -> Client:
    person = world.cast.people[username]
    _token, plain = token_create(owner=person, name="test", actor=person, at=world.now)
    return Client(headers={"authorization": f"Bearer {plain}"})


def to(checkpoint: Checkpoint) -> str:
    return f"/incidents/{checkpoint.incident_id}/checkpoints/{checkpoint.pk}/"


def text_of(response: Any) -> str:
    return str(response.content.decode())


# --- the page


def test_the_page_names_the_question_why_the_limit_and_what_happens_otherwise(world: World) -> None:
    checkpoint = waiting(world)

    page = text_of(browser(world, "elena").get(to(checkpoint)))

    for words in (
        "Should people be paged for it?",
        "The criteria give no severity.",
        "If nobody decides: The first level is paged.",
        "Page people",
        "Page nobody",
        "Choose another severity",
        "Odd figures at checkout",
    ):
        assert words in page, words
    assert f'data-due="{checkpoint.due_at.isoformat()}"' in page


def test_when_the_answer_is_posted_then_it_is_done_and_the_incident_is_shown(world: World) -> None:
    checkpoint = waiting(world)

    answer = {"verdict": "confirm", "severity": "2", "note": "Half of the shops."}
    response = browser(world, "elena").post(f"{to(checkpoint)}decide/", answer)
    world.settle()

    assert (response.status_code, response.headers["Location"]) == (303, checkpoint.incident.get_absolute_url())
    world.expect_page("marta", level=1)
    assert world.incident.severity == 2


@pytest.mark.parametrize("wrong", [{}, {"verdict": "perhaps"}, {"verdict": "confirm", "severity": "9"}])
def test_an_answer_that_is_none_shows_the_question_again_with_what_was_typed(
    world: World, wrong: dict[str, str]
) -> None:
    checkpoint = waiting(world)

    response = browser(world, "elena").post(f"{to(checkpoint)}decide/", {"note": "What I typed", **wrong})

    assert response.status_code == 422
    assert "What I typed" in text_of(response)
    assert not EscalationRun.objects.exists()


def test_reading_the_address_of_the_decision_decides_nothing(world: World) -> None:
    checkpoint = waiting(world)

    assert browser(world, "elena").get(f"{to(checkpoint)}decide/").status_code == 405
    checkpoint.refresh_from_db()
    assert checkpoint.outcome == ""


def test_whoever_comes_second_reads_who_was_first(world: World) -> None:
    checkpoint = waiting(world)
    checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="decline", actor=world.cast.elena, at=world.now)

    response = browser(world, "jonas").post(f"{to(checkpoint)}decide/", {"verdict": "confirm"})

    assert response.status_code == 409
    assert "Elena Conti" in text_of(response)
    assert "Nobody is paged." in text_of(response)


def test_readers_who_may_not_decide_see_the_question_without_buttons(world: World) -> None:
    checkpoint = waiting(world)

    for username in ("tomas", "amara"):
        page = text_of(browser(world, username).get(to(checkpoint)))
        assert "Should people be paged for it?" in page
        assert 'name="verdict"' not in page
        refused = browser(world, username).post(f"{to(checkpoint)}decide/", {"verdict": "confirm"})
        assert refused.status_code == 403
    assert not EscalationRun.objects.exists()


def test_a_question_about_a_restricted_incident_shows_to_those_asked_and_to_nobody_else_outside(world: World) -> None:
    checkpoint = asked(world, filed(world, restricted=True), world.cast.tomas)
    world.settle()
    world.expect_notice("tomas")

    assert browser(world, "tomas").get(to(checkpoint)).status_code == 200
    assert browser(world, "nils").get(to(checkpoint)).status_code == 404
    assert browser(world, "tomas").get(checkpoint.incident.get_absolute_url()).status_code == 200


def test_a_question_is_found_under_its_own_incident_only(world: World) -> None:
    checkpoint = waiting(world)
    other = filed(world)

    assert browser(world, "elena").get(f"/incidents/{other.pk}/checkpoints/{checkpoint.pk}/").status_code == 404


# --- where else it shows


def test_the_incident_shows_what_waits_and_what_was_decided_before(world: World) -> None:
    checkpoint = waiting(world)
    marta = browser(world, "marta")

    page = text_of(marta.get(checkpoint.incident.get_absolute_url()))
    assert "Next: a person decides" in page
    assert f'href="{to(checkpoint)}"' in page
    assert "nobody will be" not in page

    checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="decline", actor=world.cast.elena, at=world.now)
    page = text_of(marta.get(checkpoint.incident.get_absolute_url()))
    assert "1 earlier decision" in page
    assert "Elena Conti decided: " in page.replace("<b>", "").replace("</b>", "")
    assert "by decision" in page
    assert 'id="incident-checkpoints"' in text_of(
        marta.get(f"{checkpoint.incident.get_absolute_url()}live/", headers=HTMX)
    )


def test_the_list_says_that_a_person_decides_first(world: World) -> None:
    waiting(world)

    assert "A person decides" in text_of(browser(world, "marta").get("/incidents/"))


@pytest.mark.parametrize("username", ["elena", "marta", "hugo", "sofie"])
def test_the_home_page_lists_what_asks_its_reader(world: World, username: str) -> None:
    person = world.cast.people[username]
    checkpoint = waiting(world, person)

    assert f'href="{to(checkpoint)}"' in text_of(browser(world, username).get("/"))
    checkpoint_decide(checkpoint_id=checkpoint.pk, verdict="decline", actor=person, at=world.now)
    assert "You are asked to decide" not in text_of(browser(world, username).get("/"))


def test_the_home_page_asks_nobody_else(world: World) -> None:
    waiting(world)

    assert "You are asked to decide" not in text_of(browser(world, "jonas").get("/"))


# --- over the API


def test_open_questions_are_listed_and_decided_over_the_api(world: World) -> None:
    checkpoint = waiting(world)
    elena = api(world, "elena")

    (found,) = elena.get("/api/v1/checkpoints/?open=1&mine=1").json()["results"]
    assert (found["id"], found["action"], found["question"]) == (
        checkpoint.pk,
        "escalation.start",
        "Should people be paged for it?",
    )
    assert [one["username"] for one in found["asked"]] == ["elena"]

    body = {"verdict": "confirm", "severity": 2}
    decided = elena.post(f"/api/v1/checkpoints/{checkpoint.pk}/decide/", body, content_type="application/json")
    world.settle()

    assert (decided.status_code, decided.json()["outcome"]) == (200, "confirmed")
    assert decided.json()["decided_by"]["username"] == "elena"
    world.expect_page("marta", level=1)
    assert elena.get("/api/v1/checkpoints/?open=1").json()["results"] == []
    assert len(elena.get(f"/api/v1/checkpoints/?open=0&incident={checkpoint.incident_id}").json()["results"]) == 1


def test_over_the_api_the_second_gets_409_and_who_may_not_403_or_404(world: World) -> None:
    checkpoint = waiting(world)
    secret = asked(world, filed(world, restricted=True), world.cast.elena)
    world.settle()
    world.expect_notice("elena")
    body = {"verdict": "decline"}

    def decided(username: str, one: Checkpoint, **more: Any) -> Any:
        return api(world, username).post(
            f"/api/v1/checkpoints/{one.pk}/decide/", {**body, **more}, content_type="application/json"
        )

    assert decided("tomas", checkpoint).status_code == 403
    assert decided("tomas", secret).status_code == 404
    assert decided("elena", checkpoint, verdict="perhaps").status_code == 400
    assert decided("elena", checkpoint).status_code == 200
    assert decided("jonas", checkpoint).status_code == 409


def test_a_lowering_of_severity_waits_and_is_done_when_confirmed(world: World) -> None:
    incident = filed(world, severity=2)
    checkpoint = asked(world, incident, world.cast.elena, action=SEVERITY, data={"severity": 4})
    world.settle()
    assert "May its severity be lowered to SEV-4?" in world.expect_notice("elena").body

    browser(world, "elena").post(f"{to(checkpoint)}decide/", {"verdict": "confirm"})

    assert Incident.objects.get().severity == 4
