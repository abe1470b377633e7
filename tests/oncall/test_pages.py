"""The on-call pages: who holds what now, two weeks of a schedule, taking over and giving back."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from oncall.models import Override, Schedule
from oncall.selectors import holders_at
from oncall.services import override_create, schedule_publish
from tests.world.harness import World

PAGE = "/oncall/"
SCHEDULE = "/oncall/payments/"
TAKE_OVER = "/oncall/payments/take-over/"


@pytest.fixture
def jonas(world: World, client: Client) -> Client:
    """The browser of the backup, a responder of the team."""
    client.force_login(world.cast.jonas)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def primary(world: World) -> str:
    """Who would be paged first at this moment."""
    holders = holders_at(schedules=[world.cast.schedule], at=world.now)[world.cast.schedule.pk]
    return next(holder.user.username for holder in holders if holder.role == "primary")


def test_the_overview_says_who_is_on_call_how_to_reach_them_and_what_their_clock_shows(jonas: Client) -> None:
    page = shown(jonas.get(PAGE))
    assert "Marta Ferri" in page
    assert "mailto:marta@brightquay.example" in page
    assert "03:09 there (Europe/Rome)" in page


def test_when_nobody_is_on_call_then_the_overview_says_so_and_names_the_gap(world: World, jonas: Client) -> None:
    office = {
        "time_zone": "Europe/Rome",
        "layers": [
            {
                "name": "Office hours",
                "start": "2025-01-06T09:00",
                "rotation": "weekly",
                "participants": [world.cast.marta.pk],
                "restrictions": [{"days": "mon-fri", "start": "09:00", "end": "18:00"}],
            }
        ],
    }
    desk = Schedule.objects.create(name="Desk", slug="desk", team=world.cast.payments, time_zone="Europe/Rome")
    schedule_publish(schedule=desk, definition=office, author=world.cast.hugo, at=world.now)
    page = shown(jonas.get(PAGE))
    assert "Nobody is on call now." in page
    assert "No primary for" in page
    assert "every layer is closed then" in page
    calendar = shown(jonas.get(desk.get_absolute_url()))
    assert "Nobody, 15 h: every layer is closed then" in calendar


def test_the_calendar_shows_the_final_schedule_over_its_layers_with_ones_own_shifts_outlined(jonas: Client) -> None:
    page = shown(jonas.get(SCHEDULE))
    assert "Marta Ferri" in page
    assert "You" in page
    assert " mine" in page
    assert "16 Nov" in page


def test_when_another_fortnight_is_asked_for_then_it_begins_on_its_monday(jonas: Client) -> None:
    assert "30 Nov – 13 Dec 2026" in shown(jonas.get(f"{SCHEDULE}?from=2026-12-03"))


@pytest.mark.parametrize("asked", ["nonsense", "2026-02-31", "0001-01-01", "9999-12-31"])
def test_when_an_impossible_day_is_asked_for_then_this_week_is_shown(jonas: Client, asked: str) -> None:
    assert "16 Nov – 29 Nov 2026" in shown(jonas.get(f"{SCHEDULE}?from={asked}"))


def test_when_a_responder_takes_over_for_an_hour_then_they_are_paged_in_that_hour_and_not_after(
    world: World, jonas: Client
) -> None:
    response = jonas.post(TAKE_OVER, {"length": "1h", "reason": "Marta is on a train"})
    assert response.status_code == 302
    assert primary(world) == "jonas"
    world.jump(minutes=61)
    assert primary(world) == "marta"
    entry = LedgerEntry.objects.get(action="override.create")
    assert entry.after
    assert (entry.actor_label, entry.after["reason"]) == ("Jonas de Wit", "Marta is on a train")


def test_when_taken_over_until_an_instant_then_it_is_read_on_ones_own_clock(world: World, jonas: Client) -> None:
    jonas.post(TAKE_OVER, {"length": "until", "until": "2026-11-22T08:00"})
    assert Override.objects.get().end.isoformat() == "2026-11-22T07:00:00+00:00"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"length": "until"}, "Say until when."),
        ({"length": "until", "until": "2026-11-22T01:00"}, "That is over already."),
        ({"length": "until", "until": "2027-11-22T01:00"}, "At most 31 days"),
        ({"length": "until", "until": "soon"}, "Enter a valid date/time."),
        ({"length": "for ever"}, "Select a valid choice."),
    ],
)
def test_when_the_length_makes_no_sense_then_the_form_says_why_and_keeps_what_was_typed(
    jonas: Client, data: dict[str, str], said: str
) -> None:
    response = jonas.post(TAKE_OVER, {**data, "reason": "kept words"})
    assert response.status_code == 422
    page = shown(response)
    assert said in page
    assert "kept words" in page
    assert not Override.objects.exists()


def test_when_nothing_ever_changes_then_there_is_no_next_handoff_to_wait_for(world: World, jonas: Client) -> None:
    """Marta is first for ever: her weekly turns follow each other."""
    response = jonas.post(TAKE_OVER, {"length": "handoff"})
    assert response.status_code == 422
    assert "no handoff to come" in shown(response)


def test_when_taken_over_until_the_next_handoff_then_it_ends_there(world: World, jonas: Client) -> None:
    later = world.now + timedelta(hours=5)
    override_create(
        schedule=world.cast.schedule,
        user=world.cast.elena,
        start=later,
        end=later + timedelta(hours=1),
        actor=world.cast.elena,
        at=world.now,
    )
    jonas.post(TAKE_OVER, {"length": "handoff"})
    assert Override.objects.get(user=world.cast.jonas).end == later


def test_when_ones_own_override_is_ended_then_the_rotation_decides_again(world: World, jonas: Client) -> None:
    jonas.post(TAKE_OVER, {"length": "4h"})
    world.jump(minutes=10)
    override = Override.objects.get()
    assert "End it now" in shown(jonas.get(SCHEDULE))
    assert jonas.post(f"/oncall/overrides/{override.pk}/cancel/").status_code == 302
    assert primary(world) == "marta"
    assert LedgerEntry.objects.filter(action="override.cancel").count() == 1


def test_when_an_override_is_anothers_then_only_a_manager_ends_it(world: World, jonas: Client) -> None:
    override = override_create(
        schedule=world.cast.schedule,
        user=world.cast.marta,
        start=world.now,
        end=world.now + timedelta(hours=1),
        actor=world.cast.marta,
        at=world.now,
    )
    path = f"/oncall/overrides/{override.pk}/cancel/"
    assert jonas.post(path).status_code == 403
    jonas.force_login(world.cast.elena)
    world.jump(minutes=1)
    assert jonas.post(path).status_code == 302
    override.refresh_from_db()
    assert override.end == world.now


def test_when_an_override_is_over_then_ending_it_does_nothing_and_says_so(world: World, jonas: Client) -> None:
    jonas.post(TAKE_OVER, {"length": "1h"})
    world.jump(hours=2)
    override = Override.objects.get()
    response = jonas.post(f"/oncall/overrides/{override.pk}/cancel/", follow=True)
    assert "the past is not rewritten" in shown(response)


@pytest.mark.parametrize(
    ("username", "status"),
    [("marta", 302), ("elena", 302), ("hugo", 302), ("tomas", 403), ("amara", 403), ("sofie", 403)],
)
def test_responders_of_the_team_and_managers_take_over(
    world: World, client: Client, username: str, status: int
) -> None:
    client.force_login(world.cast.people[username])
    assert client.post(TAKE_OVER, {"length": "1h"}).status_code == status


def test_whoever_may_not_take_over_sees_no_form(world: World, client: Client) -> None:
    client.force_login(world.cast.tomas)
    assert "Take over now" not in shown(client.get(SCHEDULE))


@pytest.mark.parametrize("path", [PAGE, SCHEDULE])
@pytest.mark.parametrize(("username", "status"), [("marta", 200), ("amara", 200), ("sofie", 403)])
def test_staff_read_the_on_call_pages(world: World, client: Client, path: str, username: str, status: int) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(path).status_code == status


def test_a_schedule_that_is_not_there_is_not_found(jonas: Client) -> None:
    assert jonas.get("/oncall/nowhere/").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"), [("post", PAGE), ("post", SCHEDULE), ("get", TAKE_OVER), ("get", "/oncall/overrides/1/cancel/")]
)
def test_the_wrong_method_is_refused(jonas: Client, method: str, path: str) -> None:
    assert getattr(jonas, method)(path).status_code == 405


@pytest.mark.parametrize("path", [PAGE, SCHEDULE])
def test_the_on_call_pages_take_at_most_eighteen_queries(
    jonas: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    jonas.post(TAKE_OVER, {"length": "1h"})
    with django_assert_max_num_queries(18):
        assert jonas.get(path).status_code == 200
