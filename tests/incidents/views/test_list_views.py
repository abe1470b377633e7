"""The incident list: tabs, filters, next steps, and what is done to several incidents at once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from escalation_site.kernel.instants import now
from incidents.models import Incident, Service
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from incidents.views import bulk
from oncall.models import User
from tests.incidents.views.cast import HTMX, MOST_QUERIES
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
LIST = "/incidents/"
BULK = "/incidents/bulk/"


def text_of(response: Any) -> str:
    return str(response.content.decode())


def test_when_a_stranger_opens_the_list_then_they_are_sent_to_sign_in(night: World) -> None:
    response = night.client.get(LIST)
    assert response.status_code == 302
    assert "login" in response.headers["Location"]


def test_when_a_list_is_posted_to_then_it_is_refused(browser_of: Browser) -> None:
    assert browser_of("marta").post(LIST).status_code == 405


def test_when_incidents_are_open_then_they_show_by_state_with_their_counts(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    ringing, taken = file_incident("Ringing"), file_incident("Taken")
    incident_acknowledge(incident_id=taken.pk, actor=night.cast.marta, at=night.now)
    response = browser_of("marta").get(LIST)
    assert [(group.state, group.total) for group in response.context["groups"]] == [
        ("triggered", 1),
        ("acknowledged", 1),
    ]
    assert [tab["count"] for tab in response.context["tabs"]] == [2, 1, 1, 0]
    assert ringing.reference in text_of(response)


@pytest.mark.requirement("R023")
def test_when_an_incident_rings_then_the_row_says_whom_the_clock_leads_to(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    file_incident()
    page = text_of(browser_of("marta").get(LIST))
    assert "to Level 2: Backup and senior" in page
    assert "ringing: Marta Ferri" in page
    assert "Level 1 of 3" in page


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("?severity=1", {"Cards"}),
        ("?severity=1&severity=4", {"Cards", "Slow page"}),
        ("?team=platform", {"Slow page"}),
        ("?service=payments-gateway", {"Cards"}),
        ("?whose=mine", {"Slow page"}),
        ("?whose=team", {"Cards"}),
        ("?whose=nobody", {"Cards"}),
        ("?q=slow", {"Slow page"}),
        ("?environment=Staging", {"Slow page"}),
        ("?severity=banana", {"Cards", "Slow page"}),
    ],
)
def test_when_a_filter_is_on_then_only_what_it_names_shows(
    night: World, browser_of: Browser, file_incident: File, query: str, titles: set[str]
) -> None:
    file_incident("Cards")
    wiki = Service.objects.create(name="Wiki", slug="wiki", team=night.cast.platform)
    slow = file_incident("Slow page", severity=4, service=wiki, environment="staging")
    incident_acknowledge(incident_id=slow.pk, actor=night.cast.marta, at=night.now)
    groups = browser_of("marta").get(LIST + query).context["groups"]
    assert {row.incident.title for group in groups for row in group.rows} == titles


def test_when_a_reference_is_searched_then_that_incident_shows(browser_of: Browser, file_incident: File) -> None:
    file_incident("Other")
    wanted = file_incident("Wanted")
    groups = browser_of("marta").get(f"{LIST}?q={wanted.reference.lower()}").context["groups"]
    assert [row.incident.pk for row in groups[0].rows] == [wanted.pk]


@pytest.mark.parametrize("words", ["", "&q=cards"])
def test_when_somebody_is_in_no_team_then_nothing_is_their_teams(
    night: World, browser_of: Browser, file_incident: File, words: str
) -> None:
    file_incident("Cards")
    night.cast.marta.memberships.all().delete()
    response = browser_of("marta").get(f"{LIST}?whose=team{words}")
    assert response.context["groups"] == []
    assert {one["shown"] for one in response.context["whose"] if one["current"]} == {"0"}


def test_when_a_step_is_sooner_then_sorting_by_next_step_puts_it_first(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    first = file_incident("First", severity=3)
    night.advance(minutes=2)
    file_incident("Second", severity=1)
    marta = browser_of("marta")
    by_severity = marta.get(LIST).context["groups"][0].rows
    by_step = marta.get(f"{LIST}?sort=next").context["groups"][0].rows
    assert by_severity[0].incident.title == "Second"
    assert by_step[0].incident.pk == first.pk


def test_when_nothing_is_open_then_the_last_fact_is_named(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    done = file_incident("Done")
    incident_resolve(incident_id=done.pk, actor=night.cast.marta, at=night.now)
    page = text_of(browser_of("marta").get(LIST))
    assert "Nothing is open" in page
    assert f"{done.reference} Done" in page


def test_when_an_incident_is_restricted_then_other_teams_do_not_see_it(
    browser_of: Browser, file_incident: File
) -> None:
    file_incident("Secret", restricted=True)
    assert "Secret" not in text_of(browser_of("nils").get(LIST))
    assert "Secret" in text_of(browser_of("marta").get(LIST))
    assert "Secret" in text_of(browser_of("amara").get(LIST))


def test_when_htmx_asks_then_only_the_table_comes(browser_of: Browser, file_incident: File) -> None:
    file_incident()
    response = browser_of("marta").get(LIST, headers=HTMX)
    assert "<html" not in text_of(response)
    assert 'id="incident-list"' in text_of(response)
    assert "HX-Request" in response.headers["Vary"]


def test_when_many_are_resolved_by_people_then_the_queries_stay_few(
    browser_of: Browser, file_incident: File, django_assert_max_num_queries: Any
) -> None:
    marta = browser_of("marta")
    for number in range(20):
        incident = file_incident(f"Incident {number}")
        incident_resolve(incident_id=incident.pk, actor=User.objects.get(username="marta"), at=now())
    marta.get(f"{LIST}?tab=resolved")
    with django_assert_max_num_queries(MOST_QUERIES):
        marta.get(f"{LIST}?tab=resolved")


def test_when_fifty_incidents_show_then_the_queries_stay_few(
    browser_of: Browser, file_incident: File, django_assert_max_num_queries: Any
) -> None:
    for number in range(52):
        file_incident(f"Incident {number}")
    marta = browser_of("marta")
    marta.get(LIST)
    with django_assert_max_num_queries(MOST_QUERIES):
        response = marta.get(LIST)
    assert len(response.context["groups"][0].rows) == 50
    with django_assert_max_num_queries(MOST_QUERIES):
        assert len(marta.get(f"{LIST}?page=2").context["groups"][0].rows) == 2


def test_when_a_responder_acknowledges_several_then_each_result_is_told(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    ringing, done = file_incident("Ringing"), file_incident("Done")
    incident_resolve(incident_id=done.pk, actor=night.cast.marta, at=night.now)
    marta = browser_of("marta")
    given = {"verb": "acknowledge", "incident": [ringing.pk, done.pk], "next": "/incidents/?team=payments"}
    response = marta.post(BULK, given)
    assert (response.status_code, response.headers["Location"]) == (303, "/incidents/?team=payments")
    ringing.refresh_from_db()
    assert ringing.owner == night.cast.marta
    page = text_of(marta.get(LIST))
    assert f"Acknowledged {ringing.reference}." in page
    assert f"{done.reference}: It is resolved already." in page


def test_when_several_are_escalated_then_the_next_level_is_paged(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    browser_of("marta").post(BULK, {"verb": "escalate", "incident": [incident.pk], "reason": "Needs a database person"})
    assert incident.pages.filter(level=1, recipient=night.cast.jonas).exists()


def test_when_several_are_escalated_without_a_reason_then_nothing_happens(
    browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident()
    marta = browser_of("marta")
    marta.post(BULK, {"verb": "escalate", "incident": [incident.pk]})
    assert not incident.pages.filter(level=1).exists()
    assert "Say why" in text_of(marta.get(LIST))


@pytest.mark.requirement("R194")
def test_when_a_storm_fills_pages_then_all_that_the_filters_find_are_chosen_at_once_the_worst_first(
    browser_of: Browser, file_incident: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BULK_MOST", 3)
    storm = [file_incident(f"Storm {n}", severity=4 if n else 2) for n in range(4)]
    other = file_incident("Other", severity=3)
    secret = file_incident("Storm in secret", severity=1, restricted=True)
    nils = browser_of("nils")
    page = nils.get(f"{LIST}?q=storm")
    assert f'action="{BULK}?q=storm"' in text_of(page)
    assert 'data-total="4"' in text_of(page)

    nils.post(f"{BULK}?q=storm", {"verb": "resolve", "all": "yes", "incident": [storm[0].pk]})

    over = set(Incident.objects.exclude(resolved_at=None).values_list("pk", flat=True))
    assert len(over) == 3
    assert storm[0].pk in over
    assert not over & {other.pk, secret.pk}
    assert "These were the first 3 of them." in text_of(nils.get(LIST))
    nils.post(f"{BULK}?q=storm", {"verb": "resolve", "all": "yes"})
    assert Incident.objects.filter(resolved_at=None).count() == 2
    assert "These were the first" not in text_of(nils.get(LIST))
    # Whoever may act on none is refused as before.
    assert browser_of("sofie").post(f"{BULK}?tab=open", {"verb": "resolve", "all": "yes"}).status_code == 403


@pytest.mark.parametrize("username", ["amara", "sofie"])
def test_when_somebody_who_only_reads_acts_on_several_then_it_is_refused(
    browser_of: Browser, file_incident: File, username: str
) -> None:
    incident = file_incident()
    response = browser_of(username).post(BULK, {"verb": "resolve", "incident": [incident.pk]})
    assert response.status_code == 403
    incident.refresh_from_db()
    assert incident.is_open


def test_when_a_bulk_action_names_a_foreign_address_then_it_goes_back_to_the_list(
    browser_of: Browser, file_incident: File
) -> None:
    given = {"verb": "acknowledge", "incident": [file_incident().pk], "next": "https://evil.example/incidents/"}
    assert browser_of("marta").post(BULK, given).headers["Location"] == LIST


def test_when_a_bulk_action_is_read_instead_of_posted_then_it_is_refused(browser_of: Browser) -> None:
    assert browser_of("marta").get(BULK).status_code == 405
