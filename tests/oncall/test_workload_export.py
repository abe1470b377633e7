"""On-call hours for pay: a line for each shift, whose sums are the workload page's."""

import csv
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oncall.models import Schedule, User
from oncall.services import override_create, schedule_publish
from tests.oncall.test_workload import PAGE, add_schedule
from tests.world.harness import World

EXPORT = "/oncall/workload/export.csv"
BEFORE = datetime(2025, 1, 1, tzinfo=UTC)


def lines(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(StringIO(text)))


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """A manager's browser, in an organisation where somebody is on two schedules and in two roles."""
    cast = world.cast
    definition = {
        "time_zone": "Europe/Rome",
        "layers": [
            {"name": name, "role": name, "start": "2025-01-06T09:00", "rotation": "weekly", "participants": people}
            for name, people in (
                ("primary", [cast.marta.pk, cast.jonas.pk]),
                ("secondary", [cast.jonas.pk, cast.marta.pk, cast.elena.pk]),
            )
        ],
    }
    schedule_publish(
        schedule=cast.schedule, definition=definition, author=cast.hugo, at=world.now, effective_from=world.now
    )
    add_schedule(world, "Data", cast.tomas, cast.marta)
    for name in ("marta", "nils"):
        User.objects.filter(username=name).update(holiday_calendar="IT")
    client.force_login(cast.elena)
    return client


@pytest.mark.parametrize(
    "asked",
    [
        {"range": "2026-12"},
        {"range": "next52"},
        {"range": "last4"},
        {"range": "2026-12", "team": "payments"},
        {"range": "custom", "first": "2027-03-22", "last": "2027-04-04", "schedule": "payments"},
    ],
)
def test_the_lines_of_each_person_add_up_to_what_the_workload_page_shows(elena: Client, asked: dict[str, str]) -> None:
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for line in lines(elena.get(EXPORT, asked)):
        for column in ("hours", "night_hours", "weekend_hours", "holiday_hours"):
            sums[line["username"]][column] += float(line[column])
    rows = elena.get(PAGE, asked).context["page"].object_list
    assert any(row.hours for row in rows)
    for row in rows:
        mine = sums[row.user.username]
        shown = (row.hours, row.nights, row.weekends, row.holidays)
        exported = (mine["hours"], mine["night_hours"], mine["weekend_hours"], mine["holiday_hours"])
        assert exported == pytest.approx(shown, abs=0.01), row.user.username


def test_when_on_call_twice_at_once_then_the_time_is_paid_once_and_the_other_line_says_so(elena: Client) -> None:
    theirs = [line for line in lines(elena.get(EXPORT, {"range": "2026-12"})) if line["username"] == "marta"]
    doubled = [line for line in theirs if float(line["hours_counted_in_another_line"])]
    assert doubled
    for line in theirs:
        whole = datetime.fromisoformat(line["end_utc"]) - datetime.fromisoformat(line["start_utc"])
        told = float(line["hours"]) + float(line["hours_counted_in_another_line"])
        assert told == pytest.approx(whole / timedelta(hours=1))


def test_a_line_says_who_where_as_what_when_on_both_clocks_and_why(world: World, elena: Client) -> None:
    data = Schedule.objects.get(slug="data")
    override_create(
        schedule=data,
        user=world.cast.nils,
        start=datetime(2026, 12, 7, 22, tzinfo=UTC),
        end=datetime(2026, 12, 8, 6, tzinfo=UTC),
        kind="replace",
        replaces=world.cast.tomas,
        actor=world.cast.elena,
        at=world.now,
    )
    (line,) = [one for one in lines(elena.get(EXPORT, {"range": "2026-12"})) if one["username"] == "nils"]
    assert line | {"layer": ""} == {
        "person": "Nils Aaker",
        "username": "nils",
        "email": "nils@brightquay.example",
        "schedule": "Data",
        "team": "",
        "role": "primary",
        "time_zone": "Europe/Oslo",
        "start_local": "2026-12-07T23:00:00+01:00",
        "end_local": "2026-12-08T07:00:00+01:00",
        "start_utc": "2026-12-07T22:00:00+00:00",
        "end_utc": "2026-12-08T06:00:00+00:00",
        "hours": "8.0",
        "night_hours": "7.0",
        "weekend_hours": "0.0",
        # 8 December is a holiday in Italy, whose calendar Nils keeps.
        "holiday_hours": "7.0",
        "hours_counted_in_another_line": "0.0",
        "why": "override",
        "layer": "",
        "instead_of": "Tomás Oliveira",
    }


def test_when_others_in_other_zones_export_then_the_month_is_the_same(world: World, elena: Client) -> None:
    here = lines(elena.get(EXPORT, {"range": "2026-12"}))
    User.objects.filter(username="amara").update(time_zone="Pacific/Auckland")
    elena.force_login(world.cast.amara)
    assert lines(elena.get(EXPORT, {"range": "2026-12"})) == here


def test_when_a_name_looks_like_a_formula_then_it_is_text(elena: Client) -> None:
    User.objects.filter(username="marta").update(first_name="=HYPERLINK(1)")
    names = {line["person"] for line in lines(elena.get(EXPORT, {"range": "2026-12"}))}
    assert "'=HYPERLINK(1) Ferri" in names


def test_when_a_responder_exports_then_only_their_own_hours_leave(world: World, elena: Client) -> None:
    elena.force_login(world.cast.marta)
    assert {line["username"] for line in lines(elena.get(EXPORT, {"range": "2026-12"}))} == {"marta"}


@pytest.mark.parametrize(("username", "status"), [("amara", 200), ("hugo", 200), ("sofie", 403)])
def test_who_audits_and_administers_exports_everybody_and_support_staff_nobody(
    world: World, elena: Client, username: str, status: int
) -> None:
    elena.force_login(world.cast.people[username])
    response = elena.get(EXPORT, {"range": "2026-12"})
    assert response.status_code == status
    if status == 200:
        assert {"marta", "tomas"} <= {line["username"] for line in lines(response)}
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert "on-call-hours-2026-12-01-2026-12-31.csv" in response["Content-Disposition"]


def test_when_there_are_more_shifts_and_schedules_then_there_are_not_more_queries(world: World, elena: Client) -> None:
    def queries(months: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            assert lines(elena.get(EXPORT, {"range": months}))
        return len(counted)

    before = queries("2026-12")
    for number in range(5):
        add_schedule(world, f"More{number}", world.cast.nils, world.cast.tomas)
    assert queries("next52") <= before
