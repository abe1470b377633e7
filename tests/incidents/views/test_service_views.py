"""The catalogue of services, and the counts of the navigation."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.test import Client

from incidents.models import Incident, Service
from incidents.selectors import navigation_counts
from tests.incidents.views.cast import HTMX, MOST_QUERIES
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
SERVICES = "/incidents/services/"


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_when_the_list_is_opened_then_each_service_shows_with_what_is_open(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    Service.objects.create(name="Wiki", slug="wiki", team=night.cast.platform)
    file_incident(severity=2)
    file_incident(severity=4)
    rows = browser_of("amara").get(SERVICES).context["rows"]
    assert [(row.service.name, row.open_count, row.worst) for row in rows] == [
        ("Payments gateway", 2, 2),
        ("Wiki", 0, None),
    ]


def test_when_an_incident_is_restricted_then_strangers_do_not_count_it(
    browser_of: Browser, file_incident: File
) -> None:
    file_incident(restricted=True)
    assert browser_of("nils").get(SERVICES).context["rows"][0].open_count == 0
    assert browser_of("marta").get(SERVICES).context["rows"][0].open_count == 1


def test_when_services_are_searched_then_only_those_show(night: World, browser_of: Browser) -> None:
    Service.objects.create(name="Wiki", slug="wiki", team=night.cast.platform)
    marta = browser_of("marta")
    page = marta.get(SERVICES, {"q": "wik"}, headers=HTMX)
    assert [row.service.slug for row in page.context["rows"]] == ["wiki"]
    assert "<html" not in text_of(page)
    assert [row.service.slug for row in marta.get(SERVICES, {"team": "payments"}).context["rows"]] == [
        "payments-gateway"
    ]
    assert "No service is called that" in text_of(marta.get(SERVICES, {"q": "zzz"}))


def test_when_a_service_is_opened_then_its_doors_show_without_their_keys(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    page = text_of(browser_of("marta").get(night.cast.gateway.get_absolute_url()))
    assert "/integrations/alertmanager/…cdef/" in page
    assert "/v2/enqueue" in page
    assert night.cast.alertmanager.key_digest not in page
    assert incident.reference in page
    assert "Jonas de Wit" in page


def test_when_a_service_does_not_exist_then_there_is_no_such_page(browser_of: Browser) -> None:
    assert browser_of("marta").get(f"{SERVICES}no-such/").status_code == 404


def test_when_the_catalogue_is_posted_to_then_it_is_refused(night: World, browser_of: Browser) -> None:
    marta = browser_of("marta")
    assert marta.post(SERVICES).status_code == 405
    assert marta.post(night.cast.gateway.get_absolute_url()).status_code == 405


def test_when_nobody_is_signed_in_then_the_catalogue_leads_to_the_sign_in(night: World) -> None:
    assert night.client.get(SERVICES).status_code == 302
    assert night.client.get(night.cast.gateway.get_absolute_url()).status_code == 302


def test_when_the_catalogue_is_drawn_then_the_queries_stay_few(
    night: World, browser_of: Browser, file_incident: File, django_assert_max_num_queries: Any
) -> None:
    file_incident()
    for number in range(30):
        Service.objects.create(name=f"Service {number}", slug=f"s-{number}", team=night.cast.platform)
    marta = browser_of("marta")
    for address in (SERVICES, night.cast.gateway.get_absolute_url()):
        marta.get(address)
        with django_assert_max_num_queries(MOST_QUERIES):
            marta.get(address)


def test_when_the_navigation_counts_then_it_counts_what_the_reader_may_see(
    night: World, file_incident: File, django_assert_max_num_queries: Any
) -> None:
    file_incident()
    file_incident(restricted=True)
    with django_assert_max_num_queries(1):
        counts = navigation_counts(night.cast.marta)
    assert counts.triggered == 2
    assert [(team.name, team.url, team.open_count) for team in counts.teams] == [
        ("Payments", "/incidents/?team=payments", 2)
    ]
    assert navigation_counts(night.cast.nils).triggered == 1
    assert navigation_counts(AnonymousUser()).triggered == 0
