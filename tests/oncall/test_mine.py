"""My duty: what one holds, taking on-call and giving it back, public holidays."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from oncall.absences import absence_create
from oncall.holidays_sync import holiday_calendar_choose, holidays_sync
from oncall.models import Absence, Override, Schedule
from oncall.people import user_activate, user_deactivate
from oncall.selectors import holders_at
from oncall.services import override_create, schedule_publish
from oncall.swaps import swap_create
from tests.world.cast import rota
from tests.world.harness import World

MINE = "/oncall/mine/"
TAKE_OVER = "/oncall/payments/take-over/"
ROME = ZoneInfo("Europe/Rome")


@pytest.fixture
def jonas(world: World, client: Client) -> Client:
    """The browser of the backup, a responder of the team."""
    client.force_login(world.cast.jonas)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def on_call(world: World, role: str = "primary", *, at: datetime | None = None) -> list[str]:
    holders = holders_at(schedules=[world.cast.schedule], at=at or world.now)[world.cast.schedule.pk]
    return [holder.user.username for holder in holders if holder.role == role]


def test_the_page_says_what_one_holds_now_and_next(jonas: Client) -> None:
    page = shown(jonas.get(MINE))
    assert "backup" in page
    assert "Ask for a swap" in page
    assert "Take on-call now" in page


@pytest.mark.requirement("R270")
def test_when_on_call_is_taken_then_it_moves_at_once_both_are_told_and_it_can_be_given_back(
    world: World, jonas: Client
) -> None:
    response = jonas.post(TAKE_OVER, {"length": "4h", "role": "primary", "from": "mine"})
    assert (response.status_code, response["Location"]) == (302, MINE)
    assert on_call(world) == ["jonas"]
    world.advance(seconds=1)
    assert world.notices() == [
        ("jonas", "You are on call: Payments (primary)"),
        ("marta", "Jonas de Wit has taken on-call from you"),
    ]

    world.jump(minutes=30)
    assert "Give it back" in shown(jonas.get(MINE))
    override = Override.objects.get()
    assert jonas.post(f"/oncall/overrides/{override.pk}/cancel/", {"from": "mine"})["Location"] == MINE
    assert on_call(world) == ["marta"]
    world.advance(seconds=1)
    assert world.notices() == [
        ("jonas", "You have given on-call back: Payments (primary)"),
        ("marta", "You are on call again: Payments (primary)"),
    ]


@pytest.mark.requirement("R270")
def test_when_the_second_role_is_taken_then_only_that_moves(world: World, client: Client) -> None:
    client.force_login(world.cast.elena)
    client.post(TAKE_OVER, {"length": "1h", "role": "secondary"})
    assert (on_call(world), on_call(world, "secondary")) == (["marta"], ["elena"])
    world.advance(seconds=1)
    assert [username for username, _subject in world.notices()] == ["elena", "jonas"]


def test_when_a_role_is_not_the_schedules_then_it_is_refused(world: World, jonas: Client) -> None:
    assert jonas.post(TAKE_OVER, {"length": "1h", "role": "captain"}).status_code == 422


def test_when_an_override_has_not_begun_then_ending_it_moves_nothing_now(world: World, jonas: Client) -> None:
    start = world.now + timedelta(hours=2)
    override = override_create(
        schedule=world.cast.schedule,
        user=world.cast.jonas,
        start=start,
        end=start + timedelta(hours=1),
        actor=world.cast.jonas,
        at=world.now,
    )
    jonas.post(f"/oncall/overrides/{override.pk}/cancel/")
    override.refresh_from_db()
    assert override.cancelled_at == world.now


@pytest.mark.parametrize(("username", "status"), [("marta", 200), ("elena", 200), ("amara", 200), ("sofie", 403)])
def test_staff_see_their_own_page(world: World, client: Client, username: str, status: int) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(MINE).status_code == status


def test_the_page_is_only_read(jonas: Client) -> None:
    assert jonas.post(MINE).status_code == 405


def test_the_page_takes_as_many_queries_for_many_schedules_as_for_one(
    world: World, jonas: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def populate(number: int) -> None:
        schedule = Schedule.objects.create(name=f"More {number}", slug=f"more-{number}", team=world.cast.payments)
        schedule_publish(schedule=schedule, definition=rota(world.cast.people), author=world.cast.hugo, at=world.now)
        start = world.now + timedelta(days=number + 1)
        swap_create(
            schedule=schedule,
            role="secondary",
            requester=world.cast.jonas,
            start=start,
            end=start + timedelta(hours=1),
            asked=[world.cast.marta],
            at=world.now,
        )
        absence_create(
            user=world.cast.jonas,
            start=start + timedelta(days=30),
            end=start + timedelta(days=30, hours=6),
            actor=world.cast.jonas,
            at=world.now,
        )

    populate(0)
    jonas.get(MINE)
    with django_assert_max_num_queries(40) as few:
        jonas.get(MINE)
    most = len(few)
    for number in range(1, 5):
        populate(number)
    jonas.get(MINE)  # The process keeps the schedules until one changes.
    with django_assert_max_num_queries(most):
        assert jonas.get(MINE).status_code == 200
    world.advance(seconds=1)
    world.notices()


# --- public holidays


@pytest.mark.requirement("R294")
def test_when_a_public_holiday_of_ones_region_comes_then_one_is_skipped_and_covered(world: World) -> None:
    marta = world.cast.marta
    schedule_publish(
        schedule=world.cast.schedule,
        definition={
            "time_zone": "Europe/Rome",
            "layers": [
                {
                    "name": "Weekly",
                    "start": "2025-01-06T09:00",
                    "rotation": "weekly",
                    "every": 500,
                    "participants": [marta.pk, world.cast.jonas.pk],
                }
            ],
        },
        author=world.cast.hugo,
        at=world.now,
        accept_gaps=True,
    )
    holiday_calendar_choose(user=marta, calendar="IT", at=world.now)
    immaculate = datetime(2026, 12, 8, tzinfo=ROME)
    assert on_call(world, at=immaculate - timedelta(seconds=1)) == ["marta"]
    assert on_call(world, at=immaculate) == ["jonas"]
    assert on_call(world, at=immaculate + timedelta(hours=23, minutes=59)) == ["jonas"]
    assert on_call(world, at=immaculate + timedelta(days=1)) == ["marta"]
    holder = holders_at(schedules=[world.cast.schedule], at=immaculate)[world.cast.schedule.pk][0]
    assert holder.why == "holiday_cover"
    world.advance(seconds=1)
    world.notices()


def days_off(world: World) -> list[date]:
    rows = world.cast.marta.absences.filter(kind=Absence.Kind.HOLIDAY, state=Absence.State.APPROVED)
    return [row.start.astimezone(ROME).date() for row in rows.order_by("start")]


def calendar_of(world: World, calendar: str) -> None:
    world.cast.marta.holiday_calendar = calendar
    world.cast.marta.save()
    holidays_sync(at=world.now)


def test_when_holidays_are_entered_twice_then_they_stand_once(world: World) -> None:
    calendar_of(world, "IT")
    once = days_off(world)
    holidays_sync(at=world.now)
    assert days_off(world) == once
    assert {date(2026, 12, 8), date(2026, 12, 25), date(2027, 8, 15)} <= set(once)
    entry = LedgerEntry.objects.get(action="absence.holidays")
    assert entry.after
    assert entry.after["entered"] == len(once)


def test_when_another_calendar_is_kept_then_coming_days_follow_it_and_begun_ones_stay(world: World) -> None:
    calendar_of(world, "IT")
    world.jump_to(datetime(2026, 12, 8, 12, tzinfo=ROME))
    calendar_of(world, "NL")
    assert days_off(world)[0] == date(2026, 12, 8)
    assert date(2027, 4, 27) in days_off(world)
    assert date(2027, 8, 15) not in days_off(world)
    calendar_of(world, "")
    assert days_off(world) == [date(2026, 12, 8)]


@pytest.mark.parametrize("somebody_else_is_looked_at", [True, False])
def test_when_somebody_has_left_then_their_holidays_are_left_alone(
    world: World, somebody_else_is_looked_at: bool
) -> None:
    calendar_of(world, "IT")
    user_deactivate(user=world.cast.marta, actor=world.cast.hugo, at=world.now)
    kept = days_off(world)
    holidays_sync(at=world.now, users=[world.cast.jonas] if somebody_else_is_looked_at else None)
    assert kept
    assert days_off(world) == kept
    assert LedgerEntry.objects.filter(action="absence.holidays").count() == 1
    world.settle()
    world.notices()


def test_when_a_calendar_is_chosen_on_a_holiday_then_only_the_rest_of_the_day_is_off_and_stays_so(
    world: World,
) -> None:
    world.jump_to(datetime(2026, 12, 8, 12, tzinfo=ROME))
    calendar_of(world, "IT")
    first = world.cast.marta.absences.order_by("start").first()
    assert first
    assert (first.start, first.end) == (world.now, datetime(2026, 12, 9, tzinfo=ROME))
    world.jump(hours=1)
    holidays_sync(at=world.now)
    assert days_off(world).count(date(2026, 12, 8)) == 1


def test_when_one_works_on_a_holiday_then_it_does_not_come_back_by_itself(world: World, client: Client) -> None:
    calendar_of(world, "IT")
    absence = world.cast.marta.absences.get(start=datetime(2026, 12, 8, tzinfo=ROME))
    client.force_login(world.cast.marta)
    assert client.post(f"/oncall/absences/{absence.pk}/cancel/").status_code == 302
    holidays_sync(at=world.now)
    assert date(2026, 12, 8) not in days_off(world)
    client.post(f"/oncall/absences/{absence.pk}/keep/")
    assert date(2026, 12, 8) in days_off(world)


def test_when_a_calendar_is_chosen_on_the_page_then_its_days_are_shown(world: World, client: Client) -> None:
    client.force_login(world.cast.marta)
    assert client.post("/oncall/mine/holidays/", {"calendar": "it"}).status_code == 302
    assert "Christmas Day" in shown(client.get(MINE))
    refused = client.post("/oncall/mine/holidays/", {"calendar": "ATLANTIS"})
    assert refused.status_code == 422
    assert "No such calendar is known" in shown(refused)


def test_when_a_zone_changes_then_coming_holidays_move_with_it(world: World) -> None:
    calendar_of(world, "IT")
    world.cast.marta.time_zone = "America/New_York"
    world.cast.marta.save()
    holidays_sync(at=world.now)
    starts = [row.start for row in world.cast.marta.absences.filter(reason="Christmas Day", start__year=2026)]
    assert starts == [datetime(2026, 12, 25, tzinfo=ZoneInfo("America/New_York"))]


# --- leaving


@pytest.mark.requirement("R058")
def test_when_an_account_is_switched_off_then_the_next_in_turn_is_on_call_until_it_is_switched_on(
    world: World,
) -> None:
    definition = rota(world.cast.people)
    definition["layers"][0]["participants"].append(world.cast.elena.pk)
    definition["layers"][0]["every"] = 500
    schedule_publish(
        schedule=world.cast.schedule, definition=definition, author=world.cast.hugo, at=world.now, accept_gaps=True
    )
    start = world.now + timedelta(days=1)
    override_create(
        schedule=world.cast.schedule,
        user=world.cast.marta,
        start=start,
        end=start + timedelta(hours=1),
        actor=world.cast.marta,
        at=world.now,
    )
    world.jump(minutes=1)
    user_deactivate(user=world.cast.marta, actor=world.cast.hugo, at=world.now)
    assert on_call(world) == ["elena"]
    assert on_call(world, at=start) == ["elena"]
    assert on_call(world, at=world.now - timedelta(seconds=1)) == ["marta"]
    assert Override.objects.get().cancelled_at == world.now
    world.jump(days=1)
    user_activate(user=world.cast.marta, actor=world.cast.hugo, at=world.now)
    assert on_call(world) == ["marta"]
    assert on_call(world, at=world.now - timedelta(seconds=1)) == ["elena"]
    world.advance(seconds=1)
    world.notices()
