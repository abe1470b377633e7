"""Another severity, from the page and over the API: who is paged, who is informed, who may, and what the preview said before."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import EscalationRun, Incident, Page
from incidents.selectors.ladder import run_of
from incidents.selectors.severity import severity_effect
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from oncall.tokens import token_create
from policies.services import policy_publish
from tests.incidents.views.cast import HTMX
from tests.world.harness import World

MARTA: dict[str, Any] = {"kind": "schedule", "ref": "payments", "role": "primary"}
JONAS: dict[str, Any] = {"kind": "user", "ref": "jonas"}
ELENA: dict[str, Any] = {"kind": "manager"}
WORSE = {"severity": "1", "reason": "All shops are down", "seen": "3"}
MOST_QUERIES = 30


def level(*targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "A level", "targets": list(targets), "ack_timeout": "10m", **more}


@pytest.fixture
def filed(world: World) -> Incident:
    """A SEV-3 on a policy whose SEV-1 starts at the third of its levels, with Marta paged."""
    definition = {"levels": [level(MARTA), level(JONAS), level(ELENA)], "starts_at": {"SEV-1": 3}}
    return filed_on(world, definition)


def filed_on(world: World, definition: dict[str, Any], severity: str = "sev3") -> Incident:
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.alert(severity=severity)
    world.settle()
    world.expect_page("marta", level=1)
    return world.incident


def browser(world: World, username: str, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(world.cast.people[username], backend="django.contrib.auth.backends.ModelBackend")
    return client


def to(incident: Incident) -> str:
    return f"{incident.get_absolute_url()}severity/"


def text_of(response: Any) -> str:
    return str(response.content.decode())


def paged(incident: Incident) -> list[str]:
    return list(Page.objects.filter(incident=incident).order_by("pk").values_list("recipient__username", flat=True))


def api(world: World, username: str, incident: Incident, **body: Any) -> Any:
    person = world.cast.people[username]
    _token, plain = token_create(owner=person, name="test", actor=person, at=world.now)
    client = Client(headers={"authorization": f"Bearer {plain}"})
    return client.post(f"/api/v1/incidents/{incident.pk}/severity/", body, content_type="application/json")


# --- what follows


@pytest.mark.requirement("R056")
@pytest.mark.parametrize("username", ["marta", "elena", "hugo"])
def test_when_severity_is_edited_from_3_to_1_then_the_sev_1_path_starts_and_skips_lower_steps(
    world: World, filed: Incident, username: str
) -> None:
    response = browser(world, username).post(to(filed), WORSE)
    world.settle()

    assert (response.status_code, response.headers["Location"]) == (303, filed.get_absolute_url())
    world.expect_page("elena", level=3)
    world.expect_notice("jonas")
    assert world.incident.severity == 1
    line = filed.timeline.get(kind="incident.severity")
    assert (line.text, line.actor, line.data["after"]) == (
        "All shops are down",
        world.cast.people[username],
        "SEV-1",
    )
    entry = LedgerEntry.objects.get(action="incident.severity")
    assert (entry.before, entry.after, entry.data) == (
        {"severity": 3},
        {"severity": 1},
        {"reason": "All shops are down"},
    )


def test_when_it_becomes_milder_then_nobody_is_paged_and_no_level_is_gone_back(world: World) -> None:
    definition = {
        "levels": [level(MARTA, ack_timeout={"after": "30m", "by_severity": {"SEV-1": "5m"}}), level(JONAS)],
    }
    incident = filed_on(world, definition, severity="sev1")
    world.advance(minutes=3)

    response = browser(world, "marta").post(to(incident), {"severity": "3", "reason": "One shop only", "seen": "1"})
    world.advance(minutes=26)

    assert response.status_code == 303
    world.expect_silence()
    assert paged(incident) == ["marta"]
    world.advance(minutes=1)
    world.expect_page("jonas", level=2)


@pytest.mark.requirement("R042")
def test_when_severities_have_5_15_and_30_minutes_then_unanswered_incidents_escalate_after_that_time(
    world: World,
) -> None:
    times = {"after": "30m", "by_severity": {"SEV-1": "5m", "SEV-2": "15m"}}
    definition = {"levels": [level(MARTA, ack_timeout=times), level(JONAS, ack_timeout="2h")]}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    began = world.now
    for number in (1, 2, 3):
        world.alert(f"Alert{number}", severity=f"sev{number}")
    world.settle()
    for _number in range(3):
        world.expect_page("marta", level=1)

    world.advance(minutes=30)

    for _number in range(3):
        world.expect_page("jonas", level=2)
    called = Page.objects.filter(level=1).order_by("pk").values_list("incident__severity", "created_at")
    assert list(called) == [(rank, began + timedelta(minutes=span)) for rank, span in ((1, 5), (2, 15), (3, 30))]


def test_when_its_answerer_makes_it_a_sev_1_then_they_keep_it_and_the_page_shows_who_is_called(
    world: World, filed: Incident
) -> None:
    incident_acknowledge(incident_id=filed.pk, actor=world.cast.marta, at=world.now)
    world.settle()

    response = browser(world, "marta").post(to(filed), WORSE, headers=HTMX)
    world.settle()

    world.expect_page("elena", level=3)
    world.expect_notice("jonas")
    page = text_of(response)
    assert response.headers["HX-Trigger"] == "wb:done"
    assert 'id="incident-head" hx-swap-oob="true"' in page
    assert "SEV-1" in page
    assert "Elena Conti" in page
    assert world.incident.owner == world.cast.marta


# --- what is asked, and who may


def test_when_the_form_opens_then_the_present_severity_is_chosen_and_the_preview_is_asked_for(
    world: World, filed: Incident
) -> None:
    marta = browser(world, "marta")
    dialog = text_of(marta.get(to(filed), headers=HTMX))
    assert 'value="3" checked' in dialog
    assert 'name="seen" value="3"' in dialog
    assert f'hx-get="{to(filed)}preview/"' in dialog
    page = text_of(marta.get(filed.get_absolute_url()))
    assert page.count(f'hx-get="{to(filed)}"') == 2
    assert 'id="more-severity"' in page


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"severity": "3"}, "severity"),
        ({"severity": "6"}, "severity"),
        ({"severity": ""}, "severity"),
        ({"reason": " "}, "reason"),
    ],
)
def test_when_something_is_missing_or_makes_no_sense_then_the_form_says_where(
    world: World, filed: Incident, given: dict[str, str], field: str
) -> None:
    response = browser(world, "marta").post(to(filed), WORSE | given)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not filed.timeline.filter(kind="incident.severity").exists()


@pytest.mark.parametrize("username", ["sofie", "amara"])
def test_when_somebody_does_not_respond_then_they_change_no_severity_and_see_no_preview(
    world: World, filed: Incident, username: str
) -> None:
    client = browser(world, username)
    Incident.objects.update(reporter=world.cast.sofie)
    assert client.post(to(filed), WORSE).status_code == 403
    assert client.get(f"{to(filed)}preview/?severity=1").status_code == 403
    assert "head-severity" not in text_of(client.get(filed.get_absolute_url()))
    assert api(world, username, filed, severity=1, reason="x").status_code == 403
    assert world.incident.severity == 3


def test_when_a_stranger_looks_at_a_restricted_incident_then_it_is_not_there(world: World, filed: Incident) -> None:
    Incident.objects.update(restricted=True)
    nils = browser(world, "nils")
    assert nils.post(to(filed), WORSE).status_code == 404
    assert nils.get(f"{to(filed)}preview/?severity=1").status_code == 404


def test_when_it_is_resolved_then_its_severity_stays(world: World, filed: Incident) -> None:
    incident_resolve(incident_id=filed.pk, actor=world.cast.marta, at=world.now)
    marta = browser(world, "marta")
    response = marta.post(to(filed), WORSE)
    assert response.status_code == 409
    assert "It is resolved already." in text_of(response)
    assert "head-severity" not in text_of(marta.get(filed.get_absolute_url()))
    assert api(world, "marta", filed, severity=1, reason="x").status_code == 409
    assert world.incident.severity == 3


def test_when_somebody_raised_it_meanwhile_then_the_second_does_not_lower_it_unawares(
    world: World, filed: Incident
) -> None:
    browser(world, "elena").post(to(filed), WORSE)
    world.settle()
    world.expect_page("elena", level=3)
    world.expect_notice("jonas")
    marta = browser(world, "marta")
    slower = WORSE | {"severity": "2", "reason": "Many shops"}

    response = marta.post(to(filed), slower)

    assert response.status_code == 409
    assert "Somebody made it SEV-1 meanwhile." in text_of(response)
    assert "Many shops" in text_of(response)
    assert 'name="seen" value="1"' in text_of(response)
    assert world.incident.severity == 1
    assert marta.post(to(filed), slower | {"seen": "1"}).status_code == 303
    assert world.incident.severity == 2


# --- the preview


def test_when_another_severity_is_chosen_then_the_preview_names_who_will_be_paged_and_the_run_matches_it(
    world: World, filed: Incident
) -> None:
    said = text_of(browser(world, "marta").get(f"{to(filed)}preview/?severity=1"))
    assert "Elena Conti (Level 3: A level)" in said
    assert "Informed by a notice, not paged: Jonas de Wit" in said

    browser(world, "marta").post(to(filed), WORSE)
    world.settle()

    world.expect_page("elena", level=3)
    world.expect_notice("jonas")
    assert paged(filed) == ["marta", "elena"]


def test_when_nobody_holds_the_level_of_a_severity_then_the_preview_goes_on_as_the_engine_does(world: World) -> None:
    nobody = {"kind": "user", "ref": "nobody-of-that-name"}
    incident = filed_on(world, {"levels": [level(MARTA), level(nobody), level(ELENA)], "starts_at": {"SEV-1": 2}})
    run = EscalationRun.objects.select_related("policy_version").get()

    effect = severity_effect(incident, run, severity=1, at=world.now)

    assert [(step.title, list(step.names)) for step in effect.paged] == [
        ("Level 2: A level", []),
        ("Level 3: A level", ["Elena Conti"]),
    ]
    browser(world, "marta").post(to(incident), WORSE)
    world.settle()
    world.expect_page("elena", level=3)


def test_when_only_the_time_changes_then_the_preview_says_when_and_instead_of_what(world: World) -> None:
    times = {"after": "30m", "by_severity": {"SEV-1": "5m"}}
    incident = filed_on(world, {"levels": [level(MARTA, ack_timeout=times), level(JONAS)]})
    run = run_of(incident)
    assert run is not None

    effect = severity_effect(incident, run, severity=1, at=world.now)

    assert (effect.paged, effect.informed) == ([], [])
    assert effect.next_title == "Level 2: A level"
    assert effect.next_at == world.now + timedelta(minutes=5)
    assert effect.next_before == world.now + timedelta(minutes=30)
    said = text_of(browser(world, "marta").get(f"{to(incident)}preview/?severity=1"))
    assert "nobody is paged by this" in said
    assert "instead of" in said


@pytest.mark.parametrize("asked", ["", "9", "banana", "3"])
def test_when_no_other_severity_is_chosen_then_the_preview_asks_for_one(
    world: World, filed: Incident, asked: str
) -> None:
    response = browser(world, "marta").get(f"{to(filed)}preview/?severity={asked}")
    assert response.status_code == 200
    assert "It is SEV-3 now." in text_of(response)


def test_when_many_levels_are_passed_over_then_the_preview_stays_within_its_queries(
    world: World, filed: Incident, django_assert_max_num_queries: Any
) -> None:
    marta = browser(world, "marta")
    with django_assert_max_num_queries(MOST_QUERIES):
        marta.get(f"{to(filed)}preview/?severity=1")


# --- over the API


def test_when_a_program_raises_it_then_the_same_follows_and_the_timeline_says_by_which_way(
    world: World, filed: Incident
) -> None:
    response = api(world, "marta", filed, severity=1, reason="All shops are down", seen=3)
    world.settle()

    assert (response.status_code, response.json()["severity"]) == (200, 1)
    world.expect_page("elena", level=3)
    world.expect_notice("jonas")
    assert filed.timeline.get(kind="incident.severity").data["source"] == "api"
    assert api(world, "marta", filed, severity=2, reason="Better", seen=3).status_code == 409
    assert api(world, "marta", filed, severity=1, reason="Again", seen=3).status_code == 200
    assert filed.timeline.filter(kind="incident.severity").count() == 1


@pytest.mark.parametrize("body", [{"reason": "x"}, {"severity": 1}, {"severity": 9, "reason": "x"}])
def test_when_a_program_leaves_something_out_then_it_is_told_what(
    world: World, filed: Incident, body: dict[str, Any]
) -> None:
    response = api(world, "marta", filed, **body)
    assert response.status_code == 400
    assert response.json()["error"]["field"] in {"severity", "reason"}
