"""Filing an incident by hand: what stops people, what is stored, who is told beforehand that they will be paged."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from incidents.models import Incident, Service
from tests.incidents.views.cast import HTMX, MOST_QUERIES
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
NEW = "/incidents/new/"
PREVIEW = "/incidents/new/preview/"
SIMILAR = "/incidents/new/similar/"
MOST_FORM = 20
"""The form, its lists, the questions of the house, the draft, and what stands beside it."""
FILLED = {"title": "Cards fail", "summary": "All of them", "service": "payments-gateway", "severity": "1"}


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.mark.parametrize("username", ["sofie", "marta", "elena", "hugo"])
def test_when_somebody_files_an_incident_then_its_policy_starts(
    night: World, browser_of: Browser, username: str
) -> None:
    response = browser_of(username).post(NEW, FILLED)
    incident = night.incident
    assert (response.status_code, response.headers["Location"]) == (303, incident.get_absolute_url())
    assert (incident.source, incident.reporter, incident.severity) == ("person", night.cast.people[username], 1)
    night.settle()
    night.expect_page("marta", level=1)


@pytest.mark.parametrize("method", ["get", "post"])
def test_when_an_auditor_would_file_then_it_is_refused(night: World, browser_of: Browser, method: str) -> None:
    assert getattr(browser_of("amara"), method)(NEW, FILLED).status_code == 403
    assert not Incident.objects.exists()


@pytest.mark.parametrize("missing", ["title", "summary", "service", "severity"])
def test_when_a_required_field_is_empty_then_the_form_keeps_the_rest(browser_of: Browser, missing: str) -> None:
    response = browser_of("sofie").post(NEW, FILLED | {missing: ""})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [missing]
    assert 'role="alert"' in text_of(response)
    assert not Incident.objects.exists()


@pytest.mark.parametrize("given", [{"severity": "9"}, {"service": "no-such"}, {"title": "x" * 201}])
def test_when_a_field_makes_no_sense_then_it_is_refused(browser_of: Browser, given: dict[str, str]) -> None:
    response = browser_of("sofie").post(NEW, FILLED | given)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == list(given)


def test_when_evidence_is_given_then_it_opens_the_timeline(night: World, browser_of: Browser) -> None:
    browser_of("sofie").post(NEW, FILLED | {"evidence": "HTTP 503 from the carrier"})
    assert night.incident.timeline.get(kind="incident.comment").text == "HTTP 503 from the carrier"


def test_when_every_field_is_filled_then_every_field_is_stored(night: World, browser_of: Browser) -> None:
    more = {"detection": "customer", "environment": "staging", "customer_impact": "No labels", "is_test": "on"}
    browser_of("sofie").post(NEW, FILLED | more)
    incident = night.incident
    assert (incident.detection, incident.environment, incident.customer_impact) == ("customer", "staging", "No labels")
    assert incident.is_test


def test_when_a_restricted_incident_of_another_team_is_filed_then_the_reporter_keeps_sight_of_it(
    night: World, browser_of: Browser
) -> None:
    Service.objects.create(name="Wiki", slug="wiki", team=night.cast.platform)
    sofie = browser_of("sofie")
    response = sofie.post(NEW, FILLED | {"service": "wiki", "restricted": "on"}, follow=True)
    assert response.redirect_chain[0][0] == night.incident.get_absolute_url()
    assert (response.status_code, f"Filed as {night.incident.reference}." in text_of(response)) == (200, True)


def test_when_a_service_is_chosen_then_the_preview_says_who_is_paged_when(browser_of: Browser) -> None:
    page = text_of(browser_of("sofie").get(PREVIEW, {"service": "payments-gateway", "severity": "1"}, headers=HTMX))
    assert "<html" not in page
    assert "Marta Ferri (Level 1: Primary on call)" in page
    assert "Jonas de Wit (Level 2: Backup and senior)" in page
    assert "Level 3: Manager" in page


def test_when_the_service_has_no_policy_then_the_preview_warns(night: World, browser_of: Browser) -> None:
    Service.objects.create(name="Wiki", slug="wiki", team=night.cast.platform)
    page = text_of(browser_of("sofie").get(PREVIEW, {"service": "wiki"}, headers=HTMX))
    assert "Wiki has no escalation policy" in page


def test_when_nothing_is_chosen_then_the_preview_says_what_to_do(browser_of: Browser) -> None:
    for given in ({}, {"service": "no-such", "severity": "banana"}):
        assert "Choose a service" in text_of(browser_of("sofie").get(PREVIEW, given))


def test_when_a_title_is_typed_then_what_is_open_like_it_shows_but_nothing_restricted(
    browser_of: Browser, file_incident: File
) -> None:
    known = file_incident("Carrier answers 503 for parcel labels")
    file_incident("Carrier secrets leak with parcel labels", restricted=True)
    typed = {"title": "Parcel label does not print, carrier 503"}
    for given in (typed, typed | {"service": "payments-gateway"}):
        page = text_of(browser_of("nils").get(SIMILAR, given, headers=HTMX))
        assert known.reference in page
        assert "Very close" in page
        assert "secrets" not in page
    assert "Nothing like it" in text_of(
        browser_of("tomas").get(SIMILAR, {"title": "Coffee is cold", "service": "wiki"})
    )
    assert known.reference in text_of(browser_of("sofie").get(SIMILAR, typed))


def test_when_an_auditor_asks_for_the_preview_then_it_is_refused(browser_of: Browser) -> None:
    assert browser_of("amara").get(PREVIEW).status_code == 403


@pytest.mark.parametrize("address", [NEW, PREVIEW])
def test_when_nobody_is_signed_in_then_filing_leads_to_the_sign_in(night: World, address: str) -> None:
    assert night.client.get(address).status_code == 302


def test_when_the_preview_is_posted_to_then_it_is_refused(browser_of: Browser) -> None:
    assert browser_of("sofie").post(PREVIEW).status_code == 405


def test_when_a_link_names_the_service_then_it_is_chosen(browser_of: Browser) -> None:
    response = browser_of("sofie").get(NEW, {"service": "payments-gateway"})
    assert 'value="payments-gateway" selected' in text_of(response)
    assert "Pages Marta Ferri on Payments" in text_of(response)


def test_when_the_form_is_drawn_then_the_queries_stay_few(
    browser_of: Browser, django_assert_max_num_queries: Any
) -> None:
    marta = browser_of("marta")
    typed = "?service=payments-gateway&title=Cards+are+declined"
    for address, most in ((NEW, MOST_FORM), (f"{PREVIEW}{typed}", MOST_QUERIES), (f"{SIMILAR}{typed}", MOST_QUERIES)):
        with django_assert_max_num_queries(most):
            marta.get(address)
