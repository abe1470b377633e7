"""The board: cards by stage, team and person; moving them; and what a stakeholder sees of it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from incidents.models import EscalationRun, Incident, Service, Stage
from incidents.selectors.load import OPEN_AT_ONCE
from incidents.services.handing import incident_reassign
from incidents.services.lifecycle import incident_acknowledge, incident_comment
from incidents.services.teams import incident_team
from tests.incidents.views.cast import HTMX, MOST_QUERIES
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
BOARD = "/incidents/board/"


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def placed(response: Any) -> dict[str, list[str]]:
    """The titles on the board, by column; columns without cards left out."""
    columns = response.context["board"].columns
    return {one.title: [card.incident.title for card in one.cards] for one in columns if one.cards}


@pytest.mark.requirement("R196")
def test_when_an_incident_is_handed_over_then_its_card_moves_and_says_from_whom_to_whom(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("Cards")
    marta = browser_of("marta")
    assert placed(marta.get(f"{BOARD}?by=team")) == {"Payments": ["Cards"]}
    move = f"/incidents/{incident.pk}/move/team/"
    # Dropped without a reason it is refused, says why, and is where it was.
    refused = marta.post(f"{move}?severity=1", {"team": "platform", "dropped": "yes"}, headers=HTMX)
    assert refused.status_code == 422
    assert placed(refused) == {"Payments": ["Cards"]}
    assert "required" in text_of(refused)
    # Its form asks for it; without scripts it leads back to the board with the same filters.
    assert "platform" in text_of(marta.get(f"{move}?to=platform"))
    done = marta.post(f"{move}?severity=1", {"team": "platform", "reason": "It is their cluster."})
    assert (done.status_code, done.headers["Location"]) == (303, f"{BOARD}?severity=1&by=team")
    for username in ("nils", "marta"):
        response = browser_of(username).get(f"{BOARD}?by=team")
        assert placed(response) == {"Platform": ["Cards"]}
        assert "<b>Payments</b> → <b>Platform</b>" in text_of(response)
    # The run keeps its policy, the old team stays with it, and the books know.
    assert EscalationRun.objects.get(incident=incident, superseded=False).policy_version.policy == night.cast.policy
    assert [one.team for one in incident.responding_teams.select_related("team")] == [night.cast.payments]
    entry = LedgerEntry.objects.get(action="incident.team")
    assert entry.data is not None
    assert entry.data["reason"] == "It is their cluster."
    assert incident.timeline.get(kind="incident.team").data["before"] == "Payments"
    night.settle()
    night.expect_page("marta")
    assert "handed" in night.expect_notice("tomas").subject
    # After some hours it is no news any more.
    night.jump(hours=5)
    assert "→ <b>Platform" not in text_of(browser_of("marta").get(f"{BOARD}?by=team"))


def test_when_a_restricted_one_is_handed_over_then_both_teams_see_it_and_others_do_not(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("Secret", restricted=True)
    hidden = file_incident("Hidden", restricted=True)
    incident_team(incident_id=incident.pk, team=night.cast.platform, actor=night.cast.jonas, reason="x", at=night.now)
    assert "Secret" in placed(browser_of("nils").get(f"{BOARD}?by=team"))["Platform"]
    assert "Secret" in placed(browser_of("marta").get(f"{BOARD}?by=team"))["Platform"]
    assert hidden.title not in text_of(browser_of("nils").get(f"{BOARD}?by=team"))
    assert browser_of("nils").post(f"/incidents/{hidden.pk}/move/stage/", {"stage": "triage"}).status_code == 404


def test_when_cards_are_dropped_on_stages_and_people_then_the_same_services_decide(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("Cards")
    marta = browser_of("marta")
    answer = marta.post(
        f"/incidents/{incident.pk}/move/stage/", {"stage": "investigating", "dropped": "yes"}, headers=HTMX
    )
    assert placed(answer) == {"Investigating": ["Cards"]}
    assert answer.headers["HX-Retarget"] == "#board"
    answer = marta.post(
        f"/incidents/{incident.pk}/move/person/", {"owner": night.cast.jonas.pk, "dropped": "yes"}, headers=HTMX
    )
    assert placed(answer) == {"Jonas de Wit": ["Cards"]}
    incident.refresh_from_db()
    assert (incident.owner, incident.stage.key) == (night.cast.jonas, "investigating")
    refused = marta.post(f"/incidents/{incident.pk}/move/person/", {"owner": "nobody", "dropped": "yes"}, headers=HTMX)
    assert refused.status_code == 422
    assert placed(refused) == {"Jonas de Wit": ["Cards"]}


def test_when_words_hold_markup_then_a_card_shows_it_as_words(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    bad = '"><script>alert(1)</script>'
    incident = file_incident(f"Cards fail {bad}")
    Service.objects.filter(pk=incident.service_id).update(name=f"Gateway {bad}")
    type(night.cast.marta).objects.filter(pk=night.cast.marta.pk).update(last_name=bad)
    marta = browser_of("marta")
    incident_acknowledge(incident_id=incident.pk, actor=night.cast.people["marta"], at=night.now)
    for by in ("stage", "team", "person"):
        page = marta.get("/incidents/board/", {"by": by}, headers=HTMX).content.decode()
        assert "<script>alert" not in page, by
        assert page.count("&gt;&lt;script&gt;alert(1)") >= 3, by


def test_when_somebody_may_only_read_then_cards_cannot_be_moved(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("Cards")
    for username in ("sofie", "amara"):
        page = text_of(browser_of(username).get(BOARD))
        assert "Cards" in page
        assert 'draggable="true"' not in page
        answer = browser_of(username).post(f"/incidents/{incident.pk}/move/stage/", {"stage": "triage"})
        assert answer.status_code == 403
    assert browser_of("marta").get(f"/incidents/{incident.pk}/move/nowhere/").status_code == 404
    assert browser_of("marta").post(BOARD).status_code == 405


@pytest.mark.requirement("R198")
def test_when_somebody_carries_too_much_then_board_form_and_workload_say_so_and_name_who_carries_less(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    for number in range(OPEN_AT_ONCE + 1):
        one = file_incident(f"Number {number}", severity=3)
        incident_reassign(incident_id=one.pk, owner=night.cast.jonas, actor=night.cast.elena, at=night.now)
    one_more = file_incident("One more")
    elena = browser_of("elena")
    column = next(
        one for one in elena.get(f"{BOARD}?by=person").context["board"].columns if one.title == "Jonas de Wit"
    )
    assert (column.is_over, column.total, column.limit) == (True, OPEN_AT_ONCE + 1, OPEN_AT_ONCE)
    form = text_of(elena.get(f"/incidents/{one_more.pk}/move/person/?to={night.cast.jonas.pk}"))
    assert f"Jonas de Wit has {OPEN_AT_ONCE + 1} open incidents; the limit is {OPEN_AT_ONCE}." in form
    assert "Marta Ferri (0)" in form
    assert "6 open, over the limit" in text_of(elena.get(f"/incidents/{one_more.pk}/reassign/"))

    night.cast.marta.capacity_pages = 1
    night.cast.marta.save()
    page = elena.get("/incidents/workload/")
    rows = {row["load"].user.username: row for row in page.context["rows"]}
    assert rows["jonas"]["warnings"] == [f"{OPEN_AT_ONCE + 1} open incidents; the limit is {OPEN_AT_ONCE}."]
    assert rows["marta"]["warnings"] == [f"{rows['marta']['load'].pages} pages in 24 hours; the limit is 1."]
    assert (rows["jonas"]["within"], rows["jonas"]["over"]) == ("83.33%", "16.67%")
    assert [schedule.name for schedule in rows["marta"]["load"].duties] == ["Payments"]
    assert "2 people carry more than their limit." in text_of(page)
    assert browser_of("sofie").get("/incidents/workload/").status_code == 403


@pytest.mark.requirement("R306")
def test_when_a_stakeholder_looks_then_the_board_is_live_and_holds_no_internal_notes(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("Cards", customer_impact="Cards are declined.")
    incident_comment(incident_id=incident.pk, text="It is Jonas's deploy.", actor=night.cast.marta, at=night.now)
    sofie = browser_of("sofie")
    page = text_of(sofie.get(BOARD))
    assert 'data-live="incidents" hx-get="/incidents/board/?by=stage" hx-trigger="live"' in page
    incident_acknowledge(incident_id=incident.pk, actor=night.cast.marta, at=night.now)
    # What the nudge makes the browser read.
    after = sofie.get(f"{BOARD}?by=stage", headers=HTMX)
    assert placed(after) == {"Triage": ["Cards"]}
    for text in (page, text_of(after)):
        assert "deploy" not in text
    assert "<html" not in text_of(after)


def test_when_a_column_is_long_then_its_first_cards_show_and_the_rest_is_counted(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    first = file_incident("First")
    made = [
        Incident(
            title=f"Row {number}",
            severity=3,
            stage=Stage.objects.get(key="new"),
            service=night.cast.gateway,
            team=night.cast.payments,
            source="person",
            started_at=night.now - timedelta(minutes=number),
        )
        for number in range(60)
    ]
    Incident.objects.bulk_create(made)
    other = Service.objects.create(name="Wiki", slug="wiki", team=night.cast.platform)
    file_incident("Elsewhere", service=other, severity=5)
    marta = browser_of("marta")
    page = marta.get(BOARD)
    column = page.context["board"].columns[0]
    assert (column.total, len(column.cards), column.hidden) == (62, 50, 12)
    assert column.cards[0].incident == first
    assert "12 more" in text_of(page)
    whole = marta.get(f"{BOARD}?by=stage&column=new").context["board"]
    assert [len(one.cards) for one in whole.columns] == [62]
    assert placed(marta.get(f"{BOARD}?severity=5")) == {"New": ["Elsewhere"]}
    for way in ("stage", "team", "person"):
        with CaptureQueriesContext(connection) as queries:
            marta.get(f"{BOARD}?by={way}")
        assert len(queries) <= MOST_QUERIES, way
    assert "Nothing is open with these filters" in text_of(marta.get(f"{BOARD}?q=nothing-like-this"))


def test_when_a_board_is_read_then_its_filters_come_once_they_are_opened_and_keep_what_the_address_says(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    file_incident("Cards", severity=2)
    marta = browser_of("marta")
    for page, asked, stays in (
        (BOARD, "by=team&severity=2&stage=new&column=payments", {"by": "team", "stage": "new"}),
        ("/incidents/plan/", "zoom=weeks&severity=2", {"zoom": "weeks"}),
    ):
        shown = marta.get(f"{page}?{asked}")
        assert 'name="severity"' not in text_of(shown), "the form is not on the page"
        place = shown.context["filters_url"]
        assert place.startswith(f"{page}filters/?")
        # Without scripts the menu holds a link to the form as a page of its own.
        for headers in (HTMX, {}):
            form = text_of(marta.get(place, headers=headers))
            assert f'action="{page}"' in form
            assert form.count("<!doctype html>") == (0 if headers else 1)
            assert re.search(r'name="severity" value="2"[^>]* checked', form)
            hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', form))
            assert hidden.items() >= stays.items()
            assert "column" not in hidden


def test_when_a_program_hands_an_incident_over_then_the_same_rules_hold(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("Cards")
    address = f"/api/v1/incidents/{incident.pk}/team/"
    marta, sofie = browser_of("marta"), browser_of("sofie")
    wanted = {"team": "platform", "reason": "Theirs."}
    assert sofie.post(address, wanted, content_type="application/json").status_code == 403
    assert marta.post(address, {"team": "platform"}, content_type="application/json").status_code == 400
    assert marta.post(address, wanted, content_type="application/json").json()["team"]["slug"] == "platform"
    assert marta.post(address, wanted, content_type="application/json").status_code == 409
