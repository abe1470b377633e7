"""The manager's dashboard: figures, filters, the incidents behind them, export."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from incidents.models import Incident, Page
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.surveys import survey_answer
from oncall.models import User
from policies.models import WorkCalendar
from reports.dashboard import bearers, board
from reports.figures.counting import Share
from reports.figures.definitions import METRICS
from reports.figures.keeping import figures_follow, figures_rebuild
from reports.links import Links
from reports.names import Names
from reports.panels import Data
from reports.period import period_of
from reports.selectors import Scope, is_night
from tests.world.harness import World

PAGE = "/reports/"


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """The manager's browser."""
    client.force_login(world.cast.elena)
    return client


def opened(world: World, title: str = "Card payments failing", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


def answered(world: World, *, after: float, resolved_after: float | None = None, **more: Any) -> Incident:
    """An incident that Marta acknowledges (and resolves) so many minutes after it began; the engine stands still meanwhile."""
    incident, began = opened(world, **more), world.now
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=began + timedelta(minutes=after))
    if resolved_after is not None:
        incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=began + timedelta(minutes=resolved_after))
    return incident


def scope_of(world: World, user: User | None = None) -> Scope:
    return Scope(user or world.cast.elena, period_of("28d", at=world.now, zone=UTC))


def data_of(world: World, user: User | None = None) -> Data:
    figures_rebuild(at=world.now)
    return Data(scope_of(world, user), Names(), Links(QueryDict()))


def counted(world: World, user: User | None = None) -> list[int]:
    return list(data_of(world, user).now()["id"])


def shown(response: Any) -> str:
    return str(response.content.decode())


def test_when_incidents_were_answered_then_the_dashboard_shows_median_and_p90(world: World, elena: Client) -> None:
    for minutes in range(1, 11):
        answered(world, after=minutes, resolved_after=60 + minutes)
    page = shown(elena.get(PAGE))
    assert "5:00" in page
    assert "9:00" in page
    assert "1 h 05" in page


def test_when_an_incident_is_open_then_it_is_counted_beside_the_figure(world: World, elena: Client) -> None:
    answered(world, after=4)
    opened(world)
    page = shown(elena.get(PAGE))
    assert "1 not acknowledged" in page
    assert "2 still open" in page


def test_when_an_incident_is_a_test_then_it_is_in_no_figure(world: World) -> None:
    opened(world, is_test=True)
    assert counted(world) == []


@pytest.mark.requirement("R313")
@pytest.mark.requirement("R314")
def test_when_level_two_was_called_then_the_incident_is_past_level_one(world: World, elena: Client) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    data = data_of(world)
    past, again = (data.value(METRICS[key], data.now()) for key in ("escalated", "again"))
    assert (past, again) == (Share(1, 1), Share(0, 1))
    assert world.incident.reference in shown(elena.get(f"{PAGE}incidents/?which=past-level-1"))
    assert "No incident in this range" in shown(elena.get(f"{PAGE}incidents/?which=again"))


def test_when_a_restricted_incident_is_another_teams_then_the_manager_sees_it_in_no_figure(world: World) -> None:
    restricted = answered(world, after=1, restricted=True)
    Incident.objects.filter(pk=restricted.pk).update(team=world.cast.platform)
    assert counted(world) == []
    assert counted(world, world.cast.amara) == [restricted.pk]


def test_when_the_period_before_was_slower_then_the_change_says_faster(world: World, elena: Client) -> None:
    slow = answered(world, after=10)
    earlier = world.now - timedelta(days=30)
    Incident.objects.filter(pk=slow.pk).update(started_at=earlier, acknowledged_at=earlier + timedelta(minutes=10))
    answered(world, after=4)
    figures_rebuild(at=world.now)  # What was written past the services has no ledger entry to follow.
    assert "6 min faster" in shown(elena.get(PAGE))


def test_when_filtered_by_severity_then_only_those_count(world: World, elena: Client) -> None:
    answered(world, after=1, severity=1, title="The worst")
    answered(world, after=9, severity=3, title="A middling one")
    page = shown(elena.get(f"{PAGE}incidents/?which=all&severity=1"))
    assert "The worst" in page
    assert "A middling one" not in page


def test_when_filtered_by_another_team_then_nothing_is_left_and_the_page_says_so(world: World, elena: Client) -> None:
    answered(world, after=1)
    page = shown(elena.get(f"{PAGE}?team=platform"))
    assert "No incident started in this period." in page


def test_when_a_custom_range_ends_before_it_begins_then_the_field_says_so(world: World, elena: Client) -> None:
    page = shown(elena.get(f"{PAGE}?period=custom&first=2026-11-20&last=2026-11-01"))
    assert "The last day must not come before the first." in page


def test_when_a_custom_range_is_chosen_then_its_days_are_the_readers(world: World, elena: Client) -> None:
    """03:09 in Rome on the 22nd: an incident of that moment is in the 22nd there, and in no range that ends on the 21st."""
    answered(world, after=1, title="At night")
    assert "At night" in shown(elena.get(f"{PAGE}incidents/?period=custom&first=2026-11-22&last=2026-11-22"))
    assert "At night" not in shown(elena.get(f"{PAGE}incidents/?period=custom&first=2026-11-01&last=2026-11-21"))


def test_when_working_hours_are_asked_for_then_nights_and_weekends_are_no_time(world: World, elena: Client) -> None:
    """It is Sunday night; Monday at 09:10 in Rome is ten minutes of work later."""
    WorkCalendar.objects.create(
        name="House",
        slug="house",
        zone="Europe/Rome",
        windows=[{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "18:00"}],
        is_default=True,
    )
    monday = datetime(2026, 11, 23, 8, 10, tzinfo=UTC)
    answered(world, after=(monday - world.now).total_seconds() / 60)

    def mtta(query: str) -> str:
        cards: Any = elena.get(f"{PAGE}{query}").context["board"].cards
        return str(next(card for card in cards if card.key == "acknowledge").parts[0].value)

    assert mtta("?clock=work") == "10:00"
    assert mtta("") == "1 d 6 h"
    assert "count working hours only" in shown(elena.get(f"{PAGE}?clock=work"))


@pytest.mark.requirement("R252")
def test_when_taken_out_from_the_dashboard_then_its_filters_go_along_and_it_is_put_on_record(
    world: World, elena: Client
) -> None:
    """The address that people kept leads there too, and takes nothing out by itself."""
    answered(world, after=4, resolved_after=90, title="=HYPERLINK(1)")
    answered(world, after=4, severity=4)
    kept: Any = elena.get(f"{PAGE}incidents.csv?severity=2&which=resolve.done")
    assert (kept.status_code, kept.url) == (301, "/reports/exports/take/?severity=2&which=resolve.done&of=report")
    assert "1 row" in shown(elena.get(kept.url))
    assert not LedgerEntry.objects.filter(action="data_export.take").exists()
    response: Any = elena.post(kept.url, {"format": "csv"})
    (row,) = csv.DictReader(StringIO(b"".join(response.streaming_content).decode()))
    assert (row["title"], row["severity"]) == ("'=HYPERLINK(1)", "SEV2")
    assert (row["seconds_to_acknowledge"], row["seconds_to_resolve"]) == ("240", "5400")
    assert row["started_at"] == "2026-11-22T02:09:00+00:00"
    assert LedgerEntry.objects.filter(action="data_export.take").count() == 1
    assert 'href="/reports/exports/take/?severity=2&amp;of=figures"' in shown(elena.get(f"{PAGE}?severity=2"))


def test_when_people_were_paged_at_night_then_their_load_says_so(world: World) -> None:
    world.alert()
    world.advance(minutes=1)
    world.expect_page("marta")
    (one,) = bearers(data_of(world))
    assert (one.name, one.load.pages, one.load.sleep) == ("Marta Ferri", 1, 1)


@pytest.mark.requirement("R024")
def test_the_load_report_names_each_person_with_pages_nights_and_the_period_before(world: World, elena: Client) -> None:
    """Each number leads to exactly the pages it counts, and to nobody else's."""
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    earlier = opened(world)
    world.advance(minutes=1)
    world.expect_page("marta")
    old = Page.objects.get(incident=earlier, recipient=world.cast.marta)
    Page.objects.filter(pk=old.pk).update(created_at=world.now - timedelta(days=30))
    figures_rebuild(at=world.now)
    page: Any = elena.get(f"{PAGE}tabs/load/")
    by_name = {one.name: one for one in page.context["board"].bearers}
    marta = by_name["Marta Ferri"]
    assert (marta.load.pages, marta.load.off, marta.load.sleep, marta.load.shifts, marta.before) == (1, 1, 1, 1, 1)
    assert by_name["Jonas de Wit"].before == 0
    for one in by_name.values():
        for borne in one.numbers:
            found: Any = elena.get(borne.link)
            listed = list(found.context["page"].object_list)
            assert {row.person_id for row in listed} <= {one.load.person}
            if borne is one.numbers[3]:
                assert len({row.shift for row in listed}) == borne.number
            elif borne is one.heavy:
                assert len({row.shift for row in listed}) == borne.number == 0
            else:
                assert len(listed) == borne.number


@pytest.mark.requirement("R188")
def test_when_a_shift_had_three_incidents_then_its_number_leads_to_their_pages(world: World, elena: Client) -> None:
    for _incident in range(3):
        opened(world)
    world.advance(minutes=1)
    for _page in range(3):
        world.expect_page("marta")
    (marta,) = bearers(data_of(world))
    assert marta.heavy.number == 1
    found: Any = elena.get(marta.heavy.link)
    assert len({row.incident_id for row in found.context["page"].object_list}) == 3
    nobody: Any = elena.get(f"{PAGE}pages/?which=pages.heavy&person=jonas")
    unknown: Any = elena.get(f"{PAGE}pages/?which=pages.all&person=nobody-of-that-name")
    assert (nobody.context["page"].paginator.count, unknown.context["page"].paginator.count) == (0, 0)


def test_when_an_incident_is_restricted_then_a_stranger_finds_no_page_of_it(world: World, elena: Client) -> None:
    secret = opened(world, restricted=True)
    world.advance(minutes=1)
    world.expect_page("marta")
    Incident.objects.filter(pk=secret.pk).update(team=world.cast.platform)
    figures_rebuild(at=world.now)
    found: Any = elena.get(f"{PAGE}pages/?which=pages.all")
    assert found.context["page"].paginator.count == 0
    elena.force_login(world.cast.amara)
    seen: Any = elena.get(f"{PAGE}pages/?which=pages.all")
    assert seen.context["page"].paginator.count > 0


@pytest.mark.requirement("R312")
def test_the_eight_escalation_metrics_stand_in_three_classes_each_with_its_definition(
    world: World, elena: Client
) -> None:
    page: Any = elena.get(f"{PAGE}tabs/escalation/")
    families = page.context["board"].families
    assert [title.partition(":")[0] for title, _cards in families] == ["Volume", "Efficiency", "Quality"]
    eight = {"escalated", "again", "escalate", "handoff", "resolve_escalated", "csat", "context", "first_contact"}
    assert eight <= {card.key for _title, cards in families for card in cards}
    text = shown(page)
    for _title, cards in families:
        for card in cards:
            assert f'id="def-{card.key}"' in text
            assert escape(str(METRICS[card.key].rule)) in text


def test_when_incidents_were_judged_then_median_and_p90_of_the_marks_stand_beside_their_mean(
    world: World, elena: Client
) -> None:
    for score in (1, 4, 4, 5):
        made = answered(world, after=1, resolved_after=2)
        survey_answer(incident_id=made.pk, actor=world.cast.sofie, score=score, at=world.now)
    board_shown = elena.get(f"{PAGE}tabs/quality/").context["board"]
    (csat,) = (card for card in board_shown.cards if card.key == "csat")
    assert [(part.value, part.label) for part in csat.parts] == [
        ("3.5", "mean of 4"),
        ("4.0", "median"),
        ("5.0", "p90"),
    ]


def test_night_is_from_ten_to_six_where_the_person_lives() -> None:
    assert is_night(datetime(2026, 11, 22, 5, 59, tzinfo=UTC), UTC)
    assert not is_night(datetime(2026, 11, 22, 6, 0, tzinfo=UTC), UTC)
    assert is_night(datetime(2026, 11, 22, 22, 0, tzinfo=UTC), UTC)


def test_when_nothing_ever_happened_then_the_dashboard_is_there_without_figures(world: World) -> None:
    found = board(Data(scope_of(world), Names(), Links(QueryDict())), "overview")
    assert [part.value for part in found.cards[0].parts] == ["–", "–", "–"]
    assert found.heat is not None
    assert found.heat.lines == ()


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}?period=12m", f"{PAGE}incidents/"])
def test_the_dashboard_takes_at_most_twelve_queries(
    world: World, elena: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for minutes in (1, 2, 3):
        answered(world, after=minutes, severity=minutes)
    figures_follow(at=world.now)
    elena.get(f"{PAGE}definitions/")  # The frame remembers from page to page who is on call.
    with django_assert_max_num_queries(12):
        assert elena.get(path).status_code == 200


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}incidents/", f"{PAGE}pages/", f"{PAGE}tasks/"])
@pytest.mark.parametrize(
    ("username", "status"), [("elena", 200), ("amara", 200), ("hugo", 200), ("marta", 403), ("sofie", 403)]
)
def test_managers_auditors_and_administrators_read_reports(
    world: World, client: Client, path: str, username: str, status: int
) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(path).status_code == status


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}incidents/", f"{PAGE}incidents.csv"])
def test_reports_are_read_and_never_posted_to(elena: Client, path: str) -> None:
    assert elena.post(path).status_code == 405


def test_a_stranger_is_sent_to_sign_in(world: World, client: Client) -> None:
    response: Any = client.get(PAGE)
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/")
