"""Planning an override: any window and kind, seen before it is saved, on the reader's clock with the schedule's beside it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from oncall.absences import absence_create
from oncall.models import GapAcceptance, Override
from oncall.selectors import holders_at
from oncall.services import override_create, schedule_publish
from tests.world.cast import rota
from tests.world.harness import World

PAGE = "/oncall/payments/override/"
HOUR = timedelta(hours=1)


@pytest.fixture
def jonas(world: World, client: Client) -> Client:
    """The browser of the backup, in Amsterdam."""
    client.force_login(world.cast.jonas)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def on_call(world: World, at: datetime, role: str = "primary") -> list[str]:
    holders = holders_at(schedules=[world.cast.schedule], at=at)[world.cast.schedule.pk]
    return [holder.user.username for holder in holders if holder.role == role]


def heard(world: World) -> list[tuple[str, str]]:
    world.advance(seconds=1)
    return world.notices()


def planned(world: World, **changes: Any) -> dict[str, Any]:
    """Jonas takes Tuesday 24 November from 09:00 to 13:00 on his clock, 08:00 to 12:00 UTC."""
    values: dict[str, Any] = {
        "kind": "cover",
        "user": world.cast.jonas.pk,
        "start": "2026-11-24T09:00",
        "length": "4",
    }
    return {**values, **changes}


TUESDAY = datetime.fromisoformat("2026-11-24T08:00+00:00")


@pytest.mark.requirement("R271")
def test_when_an_override_is_planned_then_its_result_is_seen_before_it_is_saved(world: World, jonas: Client) -> None:
    preview = jonas.post(PAGE, planned(world))
    page = shown(preview)
    assert preview.status_code == 200
    assert "What changes" in page
    assert "Marta Ferri" in page
    assert not Override.objects.exists()
    assert jonas.post(PAGE, planned(world, step="save")).status_code == 302
    assert [on_call(world, at) for at in (TUESDAY - HOUR, TUESDAY, TUESDAY + 4 * HOUR)] == [
        ["marta"],
        ["jonas"],
        ["marta"],
    ]
    assert heard(world) == [("marta", "Your on-call shifts have changed: Payments")]


def test_the_form_opens_with_now_for_an_hour(jonas: Client) -> None:
    page = shown(jonas.get(PAGE))
    assert 'value="2026-11-22T03:09"' in page
    assert "Europe/Amsterdam" in page


def test_when_the_schedules_clock_shows_another_time_then_both_are_shown(world: World, client: Client) -> None:
    client.force_login(world.cast.hugo)
    page = shown(client.post(PAGE, planned(world, user=world.cast.marta.pk, kind="add")))
    assert "Europe/Lisbon" in page
    assert "Europe/Rome" in page
    assert "Tue 24 Nov, 09:00" in page
    assert "Tue 24 Nov, 10:00" in page


def test_when_planned_until_an_instant_then_both_ends_are_read_on_ones_own_clock(world: World, jonas: Client) -> None:
    jonas.post(PAGE, planned(world, length="until", end="2026-11-24T10:30", step="save", role="primary"))
    override = Override.objects.get()
    assert (override.start, override.end - override.start) == (TUESDAY, 1.5 * HOUR)
    heard(world)


def test_when_one_hands_over_ones_own_shift_then_only_that_role_moves(world: World, client: Client) -> None:
    client.force_login(world.cast.marta)
    data = planned(
        world, kind="replace", replaces=world.cast.marta.pk, user=world.cast.elena.pk, role="primary", step="save"
    )
    assert client.post(PAGE, data).status_code == 302
    assert (on_call(world, TUESDAY), on_call(world, TUESDAY, "secondary")) == (["elena"], ["jonas"])
    assert heard(world) == [("elena", "Your on-call shifts have changed: Payments")]


def test_when_it_would_leave_nobody_then_the_gap_is_named_and_has_to_be_accepted(world: World, client: Client) -> None:
    client.force_login(world.cast.elena)
    data = planned(world, kind="remove", user=world.cast.marta.pk, step="save", reason="Training")
    refused = client.post(PAGE, data)
    assert refused.status_code == 422
    page = shown(refused)
    assert "It leaves nobody on call." in page
    assert "Payments gateway" in page
    assert not Override.objects.exists()
    assert client.post(PAGE, {**data, "accept_gaps": "on"}).status_code == 302
    accepted = GapAcceptance.objects.get()
    assert (accepted.start, accepted.role, accepted.accepted_by) == (TUESDAY, "primary", world.cast.elena)
    heard(world)


def test_when_it_overlaps_another_then_that_is_shown_with_the_rule(world: World, jonas: Client) -> None:
    override_create(
        schedule=world.cast.schedule,
        user=world.cast.elena,
        start=TUESDAY + HOUR,
        end=TUESDAY + 9 * HOUR,
        actor=world.cast.elena,
        at=world.now,
    )
    page = shown(jonas.post(PAGE, planned(world)))
    assert "It overlaps an override" in page
    assert "has the last word" in page
    heard(world)


def test_when_the_person_is_away_meanwhile_then_that_is_said_and_it_counts_all_the_same(
    world: World, jonas: Client
) -> None:
    absence_create(user=world.cast.jonas, start=TUESDAY, end=TUESDAY + HOUR, actor=world.cast.jonas, at=world.now)
    assert "Jonas de Wit is away meanwhile" in shown(jonas.post(PAGE, planned(world)))
    heard(world)


def test_when_it_takes_somebody_over_their_limit_or_to_two_places_then_that_is_said(
    world: World, jonas: Client
) -> None:
    definition = rota(world.cast.people)
    definition["layers"].pop()
    schedule_publish(
        schedule=world.cast.schedule, definition=definition, author=world.cast.hugo, at=world.now, accept_gaps=True
    )
    world.cast.jonas.capacity_hours = 2
    world.cast.jonas.save()
    assert "the limit is 2 h" in shown(jonas.post(PAGE, planned(world)))
    heard(world)


def test_when_it_changes_nothing_then_that_is_said(world: World, client: Client) -> None:
    client.force_login(world.cast.marta)
    assert "It changes nothing" in shown(client.post(PAGE, planned(world, user=world.cast.marta.pk)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "replace"}, "Say whom it replaces."),
        ({"length": "until"}, "Say until when."),
        ({"length": "until", "end": "2026-11-24T09:00"}, "The end must come after the start."),
        ({"length": "until", "end": "2028-11-24T09:00"}, "At most a year"),
        ({"start": "2026-11-20T09:00"}, "the past is not rewritten"),
        ({"start": "soon"}, "Give a day and a time."),
        ({"start": "9999-12-31T23:59"}, "Give a day and a time."),
        ({"length": "handoff"}, "no handoff to come"),
        ({"role": "captain"}, "Select a valid choice."),
    ],
)
def test_when_the_form_makes_no_sense_then_it_says_why_and_keeps_what_was_typed(
    world: World, jonas: Client, changes: dict[str, Any], said: str
) -> None:
    response = jonas.post(PAGE, planned(world, reason="kept words", step="save", **changes))
    assert response.status_code == 422
    assert said in shown(response)
    assert "kept words" in shown(response)
    assert not Override.objects.exists()


@pytest.mark.parametrize(
    ("username", "data", "status"),
    [
        ("marta", {"user": "marta", "kind": "add"}, 302),
        ("marta", {"user": "jonas", "kind": "cover"}, 403),
        ("marta", {"user": "jonas", "kind": "replace", "replaces": "marta"}, 302),
        ("marta", {"user": "elena", "kind": "replace", "replaces": "jonas"}, 403),
        ("marta", {"user": "jonas", "kind": "remove"}, 403),
        ("elena", {"user": "tomas", "kind": "cover"}, 302),
        ("tomas", {"user": "tomas", "kind": "cover"}, 403),
        ("amara", {"user": "marta", "kind": "cover"}, 403),
        ("sofie", {"user": "sofie", "kind": "cover"}, 403),
    ],
)
def test_one_plans_for_oneself_and_managers_for_everybody(
    world: World, client: Client, username: str, data: dict[str, str], status: int
) -> None:
    client.force_login(world.cast.people[username])
    named = {name: world.cast.people[value].pk if name != "kind" else value for name, value in data.items()}
    assert client.post(PAGE, planned(world, **named, step="save", accept_gaps="on")).status_code == status
    heard(world)


def test_a_link_fills_the_form_in(world: World, jonas: Client) -> None:
    page = shown(jonas.get(f"{PAGE}?start=2026-11-24T08:00:00%2B00:00&end=2026-11-24T10:00:00%2B00:00&role=secondary"))
    assert 'value="2026-11-24T09:00"' in page
    assert 'value="2026-11-24T11:00"' in page
    assert jonas.get(f"{PAGE}?start=soon&user=nobody&kind=x").status_code == 200
