"""Acting on an incident from its page: each verb, its form, its refusals, and writing an update."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from incidents.models import Incident, Stage
from incidents.services.lifecycle import incident_acknowledge, incident_mitigate, incident_resolve
from tests.incidents.views.cast import HTMX
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
FORMLESS = ("acknowledge", "unacknowledge", "mitigate")
ASKING = ("escalate", "reassign", "snooze", "resolve", "reopen", "stage", "severity")


def to(incident: Incident, verb: str) -> str:
    return f"{incident.get_absolute_url()}{verb}/"


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_when_a_responder_acknowledges_then_it_is_theirs(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    response = browser_of("marta").post(to(incident, "acknowledge"))
    assert (response.status_code, response.headers["Location"]) == (303, incident.get_absolute_url())
    incident.refresh_from_db()
    assert (incident.state, incident.owner) == ("acknowledged", night.cast.marta)


def test_when_somebody_else_has_it_then_the_page_says_who(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    incident_acknowledge(incident_id=incident.pk, actor=night.cast.jonas, at=night.now)
    response = browser_of("marta").post(to(incident, "acknowledge"))
    assert response.status_code == 409
    assert "Jonas de Wit has it already." in text_of(response)


def test_when_htmx_acknowledges_then_the_fragments_and_an_undo_come(browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    response = browser_of("marta").post(to(incident, "acknowledge"), headers=HTMX)
    page = text_of(response)
    assert response.headers["HX-Trigger"] == "wb:done"
    assert 'id="incident-head" hx-swap-oob="true"' in page
    assert to(incident, "unacknowledge") in page
    assert "data-undo" in page


def test_when_htmx_is_refused_then_the_reason_comes_as_a_toast(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    incident_resolve(incident_id=incident.pk, actor=night.cast.jonas, at=night.now)
    response = browser_of("marta").post(to(incident, "acknowledge"), headers=HTMX)
    assert response.status_code == 409
    assert 'hx-swap-oob="beforeend:#toasts"' in text_of(response)
    assert "It is resolved already." in text_of(response)


def test_when_it_is_given_back_then_nobody_has_it(night: World, browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    marta = browser_of("marta")
    marta.post(to(incident, "acknowledge"))
    assert marta.post(to(incident, "unacknowledge")).status_code == 303
    incident.refresh_from_db()
    assert (incident.state, incident.owner) == ("triggered", None)


def test_when_it_is_escalated_with_a_reason_then_the_next_level_is_paged(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    assert browser_of("marta").post(to(incident, "escalate"), {"reason": "I am on a train"}).status_code == 303
    assert incident.pages.filter(level=1, recipient=night.cast.jonas).exists()
    assert incident.timeline.filter(kind="incident.escalate", text="I am on a train").exists()


def test_when_the_reason_is_missing_then_the_form_comes_back(browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    response = browser_of("marta").post(to(incident, "escalate"), {"reason": ""})
    assert response.status_code == 422
    assert response.context["form"].errors["reason"]
    assert not incident.pages.filter(level=1).exists()


def test_when_there_is_no_further_level_then_the_reason_typed_stays(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    night.advance(minutes=20)
    response = browser_of("marta").post(to(incident, "escalate"), {"reason": "Somebody must come"}, headers=HTMX)
    assert response.status_code == 409
    assert "There is no further level" in text_of(response)
    assert "Somebody must come" in text_of(response)


def test_when_it_is_handed_over_then_the_other_has_it(night: World, browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    assert browser_of("marta").post(to(incident, "reassign"), {"owner": night.cast.nils.pk}).status_code == 303
    incident.refresh_from_db()
    assert incident.owner == night.cast.nils


@pytest.mark.parametrize(
    ("given", "minutes"), [({"minutes": "30"}, 30), ({"minutes": "60", "until": "2026-11-22T05:00"}, 111)]
)
def test_when_it_is_snoozed_then_it_sleeps_that_long(
    night: World, browser_of: Browser, file_incident: File, given: dict[str, str], minutes: int
) -> None:
    incident = file_incident()
    assert browser_of("marta").post(to(incident, "snooze"), given).status_code == 303
    incident.refresh_from_db()
    assert incident.snoozed_until == night.now + timedelta(minutes=minutes)


@pytest.mark.parametrize("given", [{"minutes": ""}, {"until": "yesterday"}, {"until": "2020-01-01T00:00"}])
def test_when_the_snooze_makes_no_sense_then_the_form_says_so(
    browser_of: Browser, file_incident: File, given: dict[str, str]
) -> None:
    incident = file_incident()
    assert browser_of("marta").post(to(incident, "snooze"), given).status_code == 422
    incident.refresh_from_db()
    assert incident.snoozed_until is None


def test_when_it_is_mitigated_then_resolving_is_offered_first(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    marta = browser_of("marta")
    assert marta.post(to(incident, "mitigate")).status_code == 303
    assert marta.get(incident.get_absolute_url()).context["offer"].first.key == "resolve"


def test_when_it_is_resolved_with_cause_and_fix_then_both_are_kept(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    assert browser_of("marta").post(to(incident, "resolve"), {"resolution": "A full disk."}).status_code == 303
    incident.refresh_from_db()
    assert (incident.state, incident.resolution, incident.resolved_by) == ("resolved", "A full disk.", night.cast.marta)


def test_when_it_is_reopened_then_it_rings_again(night: World, browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    incident_resolve(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    assert browser_of("jonas").post(to(incident, "reopen"), {"reason": "It came back"}).status_code == 303
    incident.refresh_from_db()
    assert incident.state == "triggered"


def test_when_the_stage_is_changed_then_it_shows(night: World, browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    key = Stage.objects.exclude(key__in=("new", "resolved", "closed")).values_list("key", flat=True)[0]
    assert browser_of("marta").post(to(incident, "stage"), {"stage": key}).status_code == 303
    incident.refresh_from_db()
    assert incident.stage.key == key


@pytest.mark.parametrize("verb", ASKING)
def test_when_a_verb_asks_something_then_its_form_opens_as_page_and_as_dialog(
    browser_of: Browser, file_incident: File, verb: str
) -> None:
    incident = file_incident()
    marta = browser_of("marta")
    assert "<html" in text_of(marta.get(to(incident, verb)))
    fragment = text_of(marta.get(to(incident, verb), headers=HTMX))
    assert "<html" not in fragment
    assert 'hx-target="#act-body"' in fragment


@pytest.mark.parametrize("verb", [*FORMLESS, "comment"])
def test_when_a_verb_that_asks_nothing_is_read_then_it_is_refused_and_nothing_changes(
    browser_of: Browser, file_incident: File, verb: str
) -> None:
    incident = file_incident()
    assert browser_of("marta").get(to(incident, verb)).status_code == 405
    incident.refresh_from_db()
    assert incident.state == "triggered"


def test_when_a_verb_does_not_exist_then_there_is_no_such_page(browser_of: Browser, file_incident: File) -> None:
    assert browser_of("marta").post(to(file_incident(), "explode")).status_code == 404


@pytest.mark.parametrize("username", ["amara", "sofie"])
@pytest.mark.parametrize("verb", [*FORMLESS, *ASKING])
def test_when_somebody_may_only_read_then_no_verb_works(
    night: World, browser_of: Browser, file_incident: File, username: str, verb: str
) -> None:
    incident = file_incident()
    response = browser_of(username).post(
        to(incident, verb), {"reason": "x", "resolution": "x", "minutes": "30", "owner": night.cast.nils.pk}
    )
    assert response.status_code == 403
    incident.refresh_from_db()
    assert (incident.state, incident.owner) == ("triggered", None)


@pytest.mark.parametrize("verb", ["acknowledge", "escalate", "comment"])
def test_when_a_responder_of_another_team_acts_on_a_restricted_incident_then_it_is_not_there(
    browser_of: Browser, file_incident: File, verb: str
) -> None:
    incident = file_incident(restricted=True)
    assert browser_of("nils").post(to(incident, verb), {"reason": "x", "text": "x"}).status_code == 404


def test_when_nobody_is_signed_in_then_acting_leads_to_the_sign_in(night: World, file_incident: File) -> None:
    incident = file_incident()
    assert night.client.post(to(incident, "acknowledge")).status_code == 302
    incident.refresh_from_db()
    assert incident.state == "triggered"


def test_when_the_token_is_missing_then_a_browser_cannot_act(night: World, file_incident: File) -> None:
    incident = file_incident()
    client = Client(enforce_csrf_checks=True)
    client.force_login(night.cast.marta, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(to(incident, "acknowledge")).status_code == 403


@pytest.mark.parametrize("username", ["marta", "sofie"])
def test_when_an_update_is_written_then_it_is_in_the_timeline(
    browser_of: Browser, file_incident: File, username: str
) -> None:
    incident = file_incident()
    assert browser_of(username).post(to(incident, "comment"), {"text": "Looking at it"}).status_code == 303
    assert incident.timeline.get(kind="incident.comment").text == "Looking at it"


def test_when_htmx_writes_an_update_then_the_timeline_and_an_empty_composer_come(
    browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    page = text_of(browser_of("marta").post(to(incident, "comment"), {"text": "Looking at it"}, headers=HTMX))
    assert page.count("Looking at it") == 1
    assert 'id="composer"' in page


def test_when_an_update_is_empty_then_it_is_not_written(browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    assert browser_of("marta").post(to(incident, "comment"), {"text": "  "}).status_code == 422
    assert not incident.timeline.filter(kind="incident.comment").exists()


def test_when_an_auditor_writes_then_it_is_refused(browser_of: Browser, file_incident: File) -> None:
    incident = file_incident()
    assert browser_of("amara").post(to(incident, "comment"), {"text": "x"}).status_code == 403
    assert not incident.timeline.filter(kind="incident.comment").exists()


@pytest.mark.parametrize(
    ("prepare", "first"),
    [
        (None, "acknowledge"),
        (incident_acknowledge, "mitigate"),
        (incident_mitigate, "resolve"),
        (incident_resolve, "close"),
    ],
)
def test_when_the_state_changes_then_the_first_button_follows(
    night: World, browser_of: Browser, file_incident: File, prepare: Callable[..., object] | None, first: str
) -> None:
    incident = file_incident()
    if prepare is not None:
        prepare(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    assert browser_of("marta").get(incident.get_absolute_url()).context["offer"].first.key == first
