"""The manager's dashboard: figures, filters, the incidents behind them, export."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from oncall.models import User
from reports.dashboard import dashboard
from reports.metrics import figures
from reports.period import period_of
from reports.selectors import Scope, incident_rows, is_night, page_loads
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
    assert incident_rows(scope_of(world)) == []


def test_when_level_two_was_called_then_the_incident_is_past_level_one(world: World, elena: Client) -> None:
    world.alert()
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    found = figures(incident_rows(scope_of(world)))
    assert (found.past_first.part, found.again.part) == (1, 0)
    assert world.incident.reference in shown(elena.get(f"{PAGE}incidents/?which=past-level-1"))
    assert "No incident in this range" in shown(elena.get(f"{PAGE}incidents/?which=again"))


def test_when_a_restricted_incident_is_another_teams_then_the_manager_sees_it_in_no_figure(world: World) -> None:
    restricted = answered(world, after=1, restricted=True)
    Incident.objects.filter(pk=restricted.pk).update(team=world.cast.platform)
    assert incident_rows(scope_of(world)) == []
    assert [row.id for row in incident_rows(scope_of(world, world.cast.amara))] == [restricted.pk]


def test_when_the_period_before_was_slower_then_the_change_says_faster(world: World, elena: Client) -> None:
    slow = answered(world, after=10)
    earlier = world.now - timedelta(days=30)
    Incident.objects.filter(pk=slow.pk).update(started_at=earlier, acknowledged_at=earlier + timedelta(minutes=10))
    answered(world, after=4)
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


def test_when_exported_then_the_csv_has_the_filtered_incidents_in_utc_and_seconds(world: World, elena: Client) -> None:
    answered(world, after=4, resolved_after=90, title="=HYPERLINK(1)")
    answered(world, after=4, severity=4)
    response: Any = elena.get(f"{PAGE}incidents.csv?severity=2")
    rows = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode())))
    assert response["Content-Disposition"] == 'attachment; filename="incidents-2026-10-26-2026-11-22.csv"'
    assert len(rows) == 1
    assert rows[0]["title"] == "'=HYPERLINK(1)"
    assert rows[0]["severity"] == "SEV2"
    assert (rows[0]["seconds_to_acknowledge"], rows[0]["seconds_to_resolve"]) == ("240", "5400")
    assert rows[0]["started_at"] == "2026-11-22T02:09:00+00:00"


def test_when_people_were_paged_at_night_then_their_load_says_so(world: World) -> None:
    world.alert()
    world.advance(minutes=1)
    world.expect_page("marta")
    (load,) = page_loads(scope_of(world))
    assert (load.name, load.total, load.nights) == ("Marta Ferri", 1, 1)


def test_night_is_from_ten_to_six_where_the_person_lives() -> None:
    assert is_night(datetime(2026, 11, 22, 5, 59, tzinfo=UTC), UTC)
    assert not is_night(datetime(2026, 11, 22, 6, 0, tzinfo=UTC), UTC)
    assert is_night(datetime(2026, 11, 22, 22, 0, tzinfo=UTC), UTC)


def test_when_nothing_ever_happened_then_the_dashboard_is_there_without_figures(world: World) -> None:
    board = dashboard(scope_of(world))
    assert [part.value for part in board.cards[0].parts] == ["–", "–"]
    assert board.heat.lines == ()


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}?period=12m", f"{PAGE}incidents/"])
def test_the_dashboard_takes_at_most_fifteen_queries(
    world: World, elena: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for minutes in (1, 2, 3):
        answered(world, after=minutes, severity=minutes)
    with django_assert_max_num_queries(15):
        assert elena.get(path).status_code == 200


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}incidents/", f"{PAGE}incidents.csv"])
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
