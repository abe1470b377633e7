"""Dashboards that people put together: cards, sharing, filters; and the tabs every reader has."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.tasks import task_create
from oncall.models import User
from reports.cards import FIRST, TOLD, Drawn
from reports.models import Dashboard
from tests.world.harness import World

BOARDS = "/reports/boards/"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def elena(world: World) -> Client:
    """The manager's browser."""
    return browser(world.cast.elena)


def opened(world: World, **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title="Cards fail", at=world.now, **{**values, **more})


def made(client: Client, name: str = "Nights", **more: str) -> Dashboard:
    client.post(BOARDS, {"name": name, **more})
    return Dashboard.objects.get(name=name)


def shown(response: Any) -> str:
    return str(response.content.decode())


def card(client: Client, board: Dashboard, **values: Any) -> Any:
    return client.post(f"{BOARDS}{board.pk}/card/", values)


def metrics_of(board: Dashboard) -> list[str]:
    board.refresh_from_db()
    return [one["metric"] for one in board.cards]


@pytest.mark.requirement("R263")
@pytest.mark.requirement("R322")
@pytest.mark.requirement("R323")
def test_when_cards_of_every_kind_are_added_then_the_dashboard_draws_them(world: World, elena: Client) -> None:
    incident = opened(world)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=4))
    board = made(elena)
    for kind in Drawn:
        metric = {Drawn.PIE: "incidents", Drawn.HOURS: "incidents", Drawn.WORDS: "summary"}.get(kind, "acknowledge")
        assert card(elena, board, action="add", metric=metric, kind=kind, dimension="team").status_code == 302
    page = shown(elena.get(f"{BOARDS}{board.pk}/"))
    assert len(metrics_of(board)) == len(FIRST) + len(Drawn)
    for expected in ("4:00", "MTTA, time to acknowledge by team", "Incidents by hour and day of the week"):
        assert expected in page
    assert LedgerEntry.objects.filter(action="dashboard.change", object_id=str(board.pk)).count() == len(Drawn)


@pytest.mark.requirement("R324")
def test_when_a_card_tells_in_words_then_each_line_leads_to_its_record(world: World, elena: Client) -> None:
    late, over = opened(world), opened(world)
    incident_resolve(incident_id=over.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=90))
    due = world.now - timedelta(hours=2)
    task = task_create(incident_id=late.pk, title="Ring the bank", actor=world.cast.marta, at=world.now, due_at=due)
    board = made(elena)
    for metric in TOLD:
        card(elena, board, action="add", metric=metric, kind=Drawn.WORDS)
    page = shown(elena.get(f"{BOARDS}{board.pk}/"))
    for title in ("Executive summary", "Update on the work", "Stand-up"):
        assert title in page
    assert f'<a class="link" href="/incidents/{late.pk}/">{late.reference} Cards fail</a>' in page
    assert f'<a class="link" href="/incidents/{over.pk}/">{over.reference} Cards fail</a>' in page
    assert "resolved after 1 h 30 min" in page
    assert f'<a class="link" href="/incidents/{late.pk}/#task-{task.pk}">Ring the bank</a>' in page
    assert "late by 2 h" in page
    assert "1 not acknowledged" in page


@pytest.mark.requirement("R324")
def test_when_a_reader_may_not_see_an_incident_then_no_card_of_words_names_it(world: World, elena: Client) -> None:
    secret = opened(world, restricted=True)
    Incident.objects.filter(pk=secret.pk).update(team=world.cast.platform)
    task_create(incident_id=secret.pk, title="Call the regulator", actor=world.cast.hugo, at=world.now)
    board = made(elena)
    for metric in TOLD:
        card(elena, board, action="add", metric=metric, kind=Drawn.WORDS)
    page = shown(elena.get(f"{BOARDS}{board.pk}/"))
    assert secret.reference not in page
    assert "Call the regulator" not in page


def test_when_cards_are_moved_widened_and_taken_away_then_their_order_is_kept(world: World, elena: Client) -> None:
    board = made(elena)
    first, second, *rest = metrics_of(board)
    card(elena, board, action="down", place=0)
    assert metrics_of(board) == [second, first, *rest]
    card(elena, board, action="up", place=1)
    card(elena, board, action="wide", place=0)
    assert (metrics_of(board)[0], board.cards[0]["wide"]) == (first, True)
    card(elena, board, action="remove", place=0)
    card(elena, board, action="remove", place=99)
    assert metrics_of(board) == [second, *rest]


def test_when_the_last_card_is_taken_away_then_the_dashboard_stays_and_is_empty(world: World, elena: Client) -> None:
    board = made(elena)
    for _card in FIRST:
        card(elena, board, action="remove", place=0)
    assert metrics_of(board) == []
    assert "No card yet" in shown(elena.get(f"{BOARDS}{board.pk}/"))


def test_when_a_card_cannot_be_drawn_so_then_the_field_says_why(world: World, elena: Client) -> None:
    board = made(elena)
    answer = card(elena, board, action="add", metric="resolve", kind="pie", dimension="team")
    assert (answer.status_code, len(metrics_of(board))) == (400, len(FIRST))
    assert "This cannot be drawn so" in shown(answer)


def test_when_a_dashboard_keeps_filters_then_it_counts_only_those(world: World, elena: Client) -> None:
    opened(world, severity=1)
    opened(world, severity=4)
    board = made(elena, query="severity=1&page=3")
    assert board.query == "severity=1"
    answer: Any = elena.get(f"{BOARDS}{board.pk}/")
    assert answer.context["cards"][0].body.parts[0].value == "1"
    answer = elena.get(f"{BOARDS}{board.pk}/?period=28d")
    assert answer.context["cards"][0].body.parts[0].value == "2"
    elena.post(f"{BOARDS}{board.pk}/change/", {"keep": "1", "query": "period=28d"})
    board.refresh_from_db()
    assert board.query == "period=28d"


@pytest.mark.requirement("R215")
def test_when_a_dashboard_is_shared_then_others_read_and_copy_it_and_cannot_change_it(
    world: World, elena: Client
) -> None:
    board, amara = made(elena), browser(world.cast.amara)
    address = f"{BOARDS}{board.pk}/"
    assert amara.get(address).status_code == 404
    elena.post(f"{address}change/", {"name": "Nights", "shared": "everybody"})
    assert amara.get(address).status_code == 200
    card(amara, board, action="remove", place=0)
    amara.post(f"{address}delete/")
    assert len(metrics_of(board)) == len(FIRST)
    amara.post(f"{address}copy/")
    assert Dashboard.objects.get(owner=world.cast.amara).cards == board.cards
    elena.post(f"{address}delete/")
    assert not Dashboard.objects.filter(pk=board.pk).exists()


def test_when_a_name_is_taken_then_the_form_says_so(world: World, elena: Client) -> None:
    made(elena)
    answer = elena.post(BOARDS, {"name": "Nights"})
    assert (answer.status_code, Dashboard.objects.count()) == (400, 1)
    assert "You have a dashboard of that name already." in shown(answer)


@pytest.mark.parametrize(
    "path", ["tabs/speed/", "tabs/escalation/", "tabs/quality/", "tabs/load/", "by/team/", "definitions/"]
)
def test_every_tab_has_its_figures_and_says_what_they_mean(world: World, elena: Client, path: str) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    answer = elena.get(f"/reports/{path}")
    assert answer.status_code == 200
    assert any(word in shown(answer) for word in ("Left out", "Payments"))
    assert elena.post(f"/reports/{path}").status_code == 405


@pytest.mark.parametrize("path", ["tabs/luck/", "by/luck/"])
def test_a_tab_that_is_not_there_is_not_found(elena: Client, path: str) -> None:
    assert elena.get(f"/reports/{path}").status_code == 404


@pytest.mark.requirement("R321")
def test_when_a_nudge_asks_then_the_figures_alone_are_answered(world: World, elena: Client) -> None:
    opened(world)
    answer = shown(elena.get("/reports/", headers={"HX-Request": "true"}))
    assert 'id="board"' in answer
    assert "<html" not in answer


def test_whoever_may_not_read_reports_has_no_dashboards(world: World) -> None:
    marta = browser(world.cast.marta)
    assert marta.get(BOARDS).status_code == 403
    assert marta.post(BOARDS, {"name": "Mine"}).status_code == 403
