"""The workload page: figures per person, limits, fairness, weeks ahead, and who sees whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oncall.load import capacity_warnings, overload_text, overloads_brought
from oncall.load.capacity import Overload
from oncall.models import Membership, Schedule, Team, User
from oncall.rota import Override, OverrideKind
from oncall.selectors import Loaded, schedules_load
from oncall.services import override_create, schedule_publish
from tests.world.harness import World

PAGE = "/oncall/workload/"
WEEK = timedelta(weeks=1)


def rota(*people: User, start: str = "2025-01-06T09:00", role: str = "primary") -> dict[str, Any]:
    return {
        "time_zone": "Europe/Rome",
        "layers": [
            {
                "name": "Weeks",
                "role": role,
                "start": start,
                "rotation": "weekly",
                "participants": [user.pk for user in people],
            }
        ],
    }


def shown(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return " ".join(str(response.content.decode()).split())


def add_schedule(world: World, name: str, *people: User, team: Team | None = None) -> Schedule:
    """A weekly schedule that has said the same since long before."""
    schedule = Schedule.objects.create(name=name, slug=name.lower(), team=team, time_zone="Europe/Rome")
    schedule_publish(
        schedule=schedule,
        definition=rota(*people),
        author=world.cast.hugo,
        at=world.now,
        effective_from=datetime(2025, 1, 1, tzinfo=UTC),
    )
    return schedule


def row(response: Any, username: str) -> Any:
    return next(one for one in response.context["page"].object_list if one.user.username == username)


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """A manager's browser."""
    client.force_login(world.cast.elena)
    return client


def test_the_page_gives_hours_nights_weekends_stretches_and_the_longest(world: World, elena: Client) -> None:
    add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    response = elena.get(PAGE, {"range": "custom", "first": "2026-11-02", "last": "2026-11-15", "schedule": "data"})
    nils = row(response, "nils")
    # Nils has the week from Monday 2 November, 09:00 in Rome; Oslo's clock shows the same.
    assert (nils.hours, nils.stretches, nils.longest) == (168, 1, "7 d")
    assert (nils.weekends, nils.nights) == (48, 56)
    assert "Tomás Oliveira" in shown(response)


@pytest.mark.requirement("R198")
def test_when_the_load_passes_the_capacity_then_the_bar_turns_over_limit_in_words_and_shape(
    world: World, elena: Client
) -> None:
    add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    User.objects.filter(username="nils").update(capacity_hours=300)
    User.objects.filter(username="tomas").update(capacity_hours=336)
    response = elena.get(PAGE, {"range": "next12", "schedule": "data"})
    page = shown(response)
    assert "36 h over the limit: 336 h of 300 h in the 4 weeks from" in page
    assert "336 h of 336 h in the heaviest 4 weeks" in page
    assert "1 person over the limit" in page
    assert page.count('class="over"') == 1
    assert response.context["page"].object_list[0].user.username == "nils"


@pytest.mark.requirement("R198")
def test_when_another_schedule_fills_the_limit_then_the_bar_counts_it_too(world: World, elena: Client) -> None:
    add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    add_schedule(world, "Search", world.cast.nils, world.cast.jonas)
    User.objects.filter(username="nils").update(capacity_hours=400)
    response = elena.get(PAGE, {"range": "next12", "schedule": "data"})
    assert row(response, "nils").bar.is_over
    # All of the time, every second week by each of the two schedules.
    assert "272 h over the limit: 672 h of 400 h" in shown(response)
    assert row(response, "nils").hours == pytest.approx(6 * 168, abs=24)


@pytest.mark.requirement("R198")
def test_when_a_change_would_pass_the_capacity_then_assignment_can_warn(world: World) -> None:
    cast = world.cast
    data = add_schedule(world, "Data", cast.tomas, cast.nils)
    User.objects.filter(username="nils").update(capacity_hours=340)
    nils = User.objects.get(username="nils")
    loaded = schedules_load([data], since=world.now)[data.pk]
    assert capacity_warnings(after=[loaded], people={nils.pk: nils}, at=world.now) == []
    assert overloads_brought(changed=[loaded], at=world.now) == []
    start = datetime(2026, 11, 23, 8, tzinfo=UTC)
    longer = loaded.with_overrides(
        Override(kind=OverrideKind.COVER, user_id=nils.pk, start=start, end=start + 2 * WEEK)
    )
    (warning,) = capacity_warnings(after=[longer], people={nils.pk: nils}, at=world.now)
    assert (warning.user, warning.limit, warning.hours) == (nils, 340, 504)
    assert overloads_brought(changed=[longer], at=world.now) == [warning]
    assert "Nils Aaker would be on call 504 h in the four weeks from" in overload_text(warning, at=world.now)


def test_when_somebody_was_over_before_then_only_a_change_for_the_worse_is_named(world: World) -> None:
    data = add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    User.objects.filter(username="nils").update(capacity_hours=100)
    loaded = schedules_load([data], since=world.now)[data.pk]
    assert overloads_brought(changed=[loaded], at=world.now) == []
    assert isinstance(loaded, Loaded)
    nils = User.objects.get(username="nils")
    (warning,) = capacity_warnings(after=[loaded], people={nils.pk: nils}, at=world.now)
    assert isinstance(warning, Overload)


def test_when_people_have_no_limit_then_nothing_is_computed_for_a_warning(world: World) -> None:
    data = add_schedule(world, "Data", world.cast.tomas)
    loaded = schedules_load([data], since=world.now)[data.pk]
    assert overloads_brought(changed=[loaded], at=world.now) == []


def test_when_a_team_is_chosen_then_its_sub_teams_count_and_others_do_not(world: World, elena: Client) -> None:
    cast = world.cast
    below = Team.objects.create(name="Storage", slug="storage", parent=cast.platform)
    add_schedule(world, "Data", cast.tomas, team=below)
    response = elena.get(PAGE, {"range": "next4", "team": "platform"})
    assert [one.user.username for one in response.context["page"].object_list] == ["tomas"]
    wrong = shown(elena.get(PAGE, {"range": "next4", "team": "platform", "schedule": "payments"}))
    assert "This schedule is not of that team." in wrong


def test_when_the_range_makes_no_sense_then_it_is_said_and_the_last_four_weeks_are_shown(elena: Client) -> None:
    page = shown(elena.get(PAGE, {"range": "custom", "first": "2026-11-22", "last": "2026-11-01"}))
    assert "The last day must not come before the first." in page
    assert "Sun 25 Oct 2026 to Sat 21 Nov 2026" in page
    assert "At most two years" in shown(
        elena.get(PAGE, {"range": "custom", "first": "2020-01-01", "last": "2026-11-01"})
    )
    assert "Give a day." in shown(elena.get(PAGE, {"range": "custom", "first": "2020-01-01"}))
    assert "Select a valid choice" in shown(elena.get(PAGE, {"range": "for ever"}))


def test_when_from_to_is_just_chosen_then_the_days_are_offered_without_complaint(elena: Client) -> None:
    page = shown(elena.get(PAGE, {"range": "custom"}))
    assert 'type="date"' in page
    assert "Give a day." not in page


@pytest.mark.requirement("R198")
def test_when_the_burden_is_one_sided_then_the_score_says_who_bears_most_and_least_and_why(
    world: World, elena: Client
) -> None:
    cast = world.cast
    data = add_schedule(world, "Data", cast.tomas, cast.tomas)
    joined = datetime(2026, 10, 26, 8, tzinfo=UTC)
    schedule_publish(schedule=data, definition=rota(cast.tomas, cast.nils), author=cast.hugo, at=joined)
    response = elena.get(PAGE, {"range": "last12", "schedule": "data"})
    page = shown(response)
    assert "one-sided" in page
    assert "Tomás Oliveira has most, " in page
    assert "Nils Aaker has least, " in page
    assert "above the even share of 1008 h" in page
    assert "Nils Aaker joined the rotation on 26 Oct 2026." in page


def test_when_everybody_bears_the_same_then_the_score_is_100(world: World, elena: Client) -> None:
    add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    response = elena.get(PAGE, {"range": "custom", "first": "2026-11-02", "last": "2026-11-29", "schedule": "data"})
    (one,) = response.context["fairnesses"]
    assert {score.label: score.value for score in one.scores}["Weekends"] == 100
    assert "Everybody has 96 h." in shown(response)


def test_when_looking_52_weeks_ahead_then_every_week_has_a_cell_and_christmas_a_name(
    world: World, elena: Client
) -> None:
    add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    User.objects.filter(username="nils").update(holiday_calendar="NO")
    response = elena.get(PAGE, {"range": "next52", "schedule": "data"})
    page, heat = shown(response), response.context["heat"]
    assert len(heat.weeks) == 53  # Today is a Sunday: its week has one day.
    assert all(len(line.cells) == 53 for line in heat.lines)
    assert sum(cell.hours for line in heat.lines for cell in line.cells) == pytest.approx(364 * 24, abs=60)
    christmas = next(one for one in response.context["holidays"] if (one.day.month, one.day.day) == (12, 25))
    assert [duty.own for duty in christmas.duties if duty.user.username == "nils"] in ([True], [])
    assert "Christmas Eve" in page
    assert "New Year’s Eve" in page
    assert not any(one.pages is not None for one in response.context["page"].object_list)


def test_when_on_call_on_a_public_holiday_then_its_hours_are_counted_where_the_person_lives(
    world: World, elena: Client
) -> None:
    add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    User.objects.filter(username="tomas").update(holiday_calendar="PT")
    response = elena.get(PAGE, {"range": "2026-12", "schedule": "data"})
    # Tomás has the weeks from 7 and from 21 December: the 8th and the 25th are holidays in Portugal.
    assert row(response, "tomas").holidays == 48
    assert row(response, "nils").holidays == 0


def test_when_a_responder_looks_then_they_see_their_own_figures_only(world: World, client: Client) -> None:
    add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    client.force_login(world.cast.nils)
    page = shown(client.get(PAGE, {"range": "next12"}))
    assert "You see your own figures." in page
    assert "Tomás" not in page
    assert "Marta" not in page
    assert "You have " in page


@pytest.mark.parametrize(("username", "status"), [("amara", 200), ("hugo", 200), ("marta", 200), ("sofie", 403)])
def test_the_page_is_open_to_staff_and_closed_to_support_staff(
    world: World, client: Client, username: str, status: int
) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(PAGE).status_code == status
    assert client.post(PAGE).status_code == 405


def test_when_there_are_more_schedules_and_people_then_there_are_not_more_queries(world: World, elena: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            shown(elena.get(PAGE, {"range": "next4"}))
        return len(counted)

    add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    User.objects.filter(username="nils").update(capacity_hours=40)
    queries()
    before = queries()
    for number in range(6):
        more = User.objects.create_user(username=f"more{number}", role="responder", capacity_hours=40)
        Membership.objects.create(team=world.cast.platform, user=more)
        add_schedule(world, f"More{number}", more, world.cast.nils, team=world.cast.platform)
    queries()  # The absences of somebody who is new to the schedules are asked for once (oncall.loading_all).
    assert queries() <= before


def test_when_somebody_took_over_then_the_reasons_say_so(world: World, elena: Client) -> None:
    data = add_schedule(world, "Data", world.cast.tomas, world.cast.nils)
    override_create(
        schedule=data,
        user=world.cast.nils,
        start=world.now,
        end=world.now + timedelta(hours=30),
        kind="replace",
        replaces=world.cast.tomas,
        actor=world.cast.elena,
        at=world.now,
    )
    page = shown(elena.get(PAGE, {"range": "next4", "schedule": "data"}))
    assert ("Nils Aaker took over" in page) == ("from Tomás Oliveira" in page)


def test_when_nobody_is_on_call_then_the_page_says_so(world: World, elena: Client) -> None:
    Schedule.objects.create(name="Empty", slug="empty", time_zone="UTC")
    assert "Nobody is on call in this range" in shown(elena.get(PAGE, {"schedule": "empty"}))
