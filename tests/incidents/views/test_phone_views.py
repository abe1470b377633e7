"""The page behind the link in a page: shows on GET, acts on POST, works once, without signing in."""

import re
from typing import Any

import pytest
from django.test import Client

from incidents.models import Incident, Page
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from tests.world.harness import World

VERBS = ("acknowledge", "escalate", "decline", "undo")


@pytest.fixture
def incident(night: World) -> Incident:
    night.alert()
    night.settle()
    return night.incident


@pytest.fixture
def link(night: World, incident: Incident) -> str:
    """The link in Marta's page."""
    return night.link_in(night.expect_page("marta", level=1))


@pytest.fixture
def phone() -> Client:
    """A browser inside a mail program: signed out, and as strict about forgery as a real server."""
    return Client(enforce_csrf_checks=True)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_when_the_link_is_opened_then_it_says_what_why_and_who_is_next_and_changes_nothing(
    night: World, phone: Client, link: str, incident: Incident
) -> None:
    before = Page.objects.get()
    response = phone.get(link)
    page = text_of(response)
    assert response.status_code == 200
    assert "Page for Marta Ferri" in page
    assert "level 1 of 3" in page
    assert "on call for Payments" in page
    assert "until the call to <b>Jonas de Wit</b>" in page
    assert "03:09:00 CET" in page, "in the zone of the person who was paged"
    incident.refresh_from_db()
    assert incident.state == "triggered"
    assert Page.objects.get().link_used_at == before.link_used_at is None


def test_when_the_link_is_shown_then_its_address_stays_secret(phone: Client, link: str) -> None:
    response = phone.get(link)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response.headers["Cache-Control"]
    assert "noindex" in response.headers["X-Robots-Tag"]


def test_when_a_mail_scanner_follows_every_link_then_nothing_happens(
    phone: Client, link: str, incident: Incident
) -> None:
    addresses = re.findall(r'(?:href|action)="([^"]+)"', phone.get(link).content.decode())
    for address in addresses:
        phone.get(address)
        phone.head(address)
    incident.refresh_from_db()
    assert incident.state == "triggered"
    assert not incident.timeline.filter(actor__isnull=False).exists()


@pytest.mark.parametrize("verb", VERBS)
def test_when_an_action_is_read_instead_of_posted_then_it_is_refused(phone: Client, link: str, verb: str) -> None:
    assert phone.get(f"{link}{verb}/").status_code == 405


@pytest.mark.requirement("R079")
def test_when_the_button_is_pressed_then_it_is_theirs_without_signing_in(
    night: World, phone: Client, link: str, incident: Incident
) -> None:
    response = phone.post(f"{link}acknowledge/")
    assert (response.status_code, response.headers["Location"]) == (303, link)
    incident.refresh_from_db()
    assert incident.owner == night.cast.marta
    page = text_of(phone.get(link))
    assert "It’s yours, Marta Ferri." in page
    assert f"{link}undo/" in page
    night.advance(hours=1)
    night.expect_silence()


def test_when_the_button_is_pressed_twice_then_the_second_press_shows_that_it_is_theirs(
    phone: Client, link: str
) -> None:
    phone.post(f"{link}acknowledge/")
    response = phone.post(f"{link}acknowledge/")
    assert response.status_code == 409
    assert "It’s yours" in text_of(response)


def test_when_it_is_undone_in_time_then_it_rings_again_and_the_link_works_again(
    night: World, phone: Client, link: str, incident: Incident
) -> None:
    phone.post(f"{link}acknowledge/")
    night.jump(seconds=29)
    assert phone.post(f"{link}undo/").status_code == 303
    incident.refresh_from_db()
    assert (incident.state, incident.owner) == ("triggered", None)
    assert f"{link}acknowledge/" in text_of(phone.get(link))


def test_when_half_a_minute_has_passed_then_it_is_no_longer_undone_here(
    night: World, phone: Client, link: str, incident: Incident
) -> None:
    phone.post(f"{link}acknowledge/")
    night.jump(seconds=31)
    assert f"{link}undo/" not in text_of(phone.get(link))
    assert phone.post(f"{link}undo/").status_code == 409
    incident.refresh_from_db()
    assert incident.owner == night.cast.marta


def test_when_somebody_else_has_it_then_the_page_says_who_and_since_when(
    night: World, phone: Client, link: str, incident: Incident
) -> None:
    incident_acknowledge(incident_id=incident.pk, actor=night.cast.jonas, at=night.now)
    page = text_of(phone.get(link))
    assert "Jonas de Wit has it." in page
    assert "03:09:00" in page
    assert "acknowledge/" not in page
    assert phone.post(f"{link}acknowledge/").status_code == 409


def test_when_it_is_resolved_then_the_page_says_so(night: World, phone: Client, link: str, incident: Incident) -> None:
    incident_resolve(incident_id=incident.pk, actor=night.cast.jonas, at=night.now)
    assert "It is resolved." in text_of(phone.get(link))
    assert phone.post(f"{link}acknowledge/").status_code == 409


def test_when_the_link_is_a_day_old_then_it_leads_to_the_sign_in(
    night: World, phone: Client, link: str, incident: Incident
) -> None:
    night.jump(hours=24, seconds=1)
    response = phone.get(link)
    assert response.status_code == 410
    assert "This link is too old." in text_of(response)
    assert "/accounts/login/" in text_of(response)
    assert phone.post(f"{link}acknowledge/").status_code == 409
    incident.refresh_from_db()
    assert incident.owner is None


def test_when_they_escalate_then_the_next_level_is_paged_and_they_may_still_take_it(
    night: World, phone: Client, link: str, incident: Incident
) -> None:
    answer = phone.post(f"{link}escalate/")
    assert answer.status_code == 303, text_of(answer)[1800:2600]
    night.settle()
    night.expect_page("jonas", level=2)
    assert phone.post(f"{link}acknowledge/").status_code == 303


def test_when_they_cannot_take_it_then_the_next_level_is_paged_at_once(
    night: World, phone: Client, link: str, incident: Incident
) -> None:
    assert phone.post(f"{link}decline/").status_code == 303
    night.settle()
    night.expect_page("jonas", level=2)
    assert "Noted: you can’t take it." in text_of(phone.get(link))


@pytest.mark.parametrize("token", ["nonsense", "AAAAAAAAAAAAAAAAAAAAAA:forged"])
@pytest.mark.parametrize("verb", ["", *(f"{verb}/" for verb in VERBS)])
def test_when_the_link_is_not_ours_then_it_leads_nowhere(night: World, phone: Client, token: str, verb: str) -> None:
    address = f"/p/{token}/{verb}"
    response = phone.post(address) if verb else phone.get(address)
    assert response.status_code == 404
    assert "This link leads nowhere" in text_of(response)


def test_when_the_person_has_left_then_their_link_leads_nowhere(night: World, phone: Client, link: str) -> None:
    night.cast.marta.is_active = False
    night.cast.marta.save()
    assert phone.get(link).status_code == 404
    assert phone.post(f"{link}acknowledge/").status_code == 404


def test_when_the_page_is_shown_then_the_queries_stay_few(
    phone: Client, link: str, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        phone.get(link)


def test_when_scripts_are_off_then_every_action_is_a_plain_form(phone: Client, link: str) -> None:
    page = phone.get(link).content.decode()
    forms = re.findall(r'<form method="post" action="([^"]+)"', page)
    assert [address.rsplit("/", 2)[1] for address in forms] == ["acknowledge", "escalate", "decline"]
    assert "hx-" not in page
