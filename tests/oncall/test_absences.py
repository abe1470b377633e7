"""Absences: seen before they are saved, approved where the team says so, ended and never rewritten."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from oncall.absences import (
    absence_approve,
    absence_cancel,
    absence_changes,
    absence_create,
    absence_decline,
)
from oncall.models import Absence
from oncall.selectors import holders_at
from oncall.services import override_create, schedule_publish
from tests.world.harness import World

NEW = "/oncall/absences/new/"
LIST = "/oncall/absences/"
ROME = ZoneInfo("Europe/Rome")
DAY = timedelta(days=1)


@pytest.fixture
def weekly(world: World) -> World:
    """Marta, then Jonas, then Elena by the week; Marta's lasts until Monday 23 November, 09:00 in Rome."""
    publish(world, "marta", "jonas", "elena")
    return world


def publish(world: World, *names: str) -> None:
    definition = {
        "time_zone": "Europe/Rome",
        "layers": [
            {
                "name": "Weekly",
                "start": "2026-11-16T09:00",
                "rotation": "weekly",
                "participants": [world.cast.people[name].pk for name in names],
            }
        ],
    }
    schedule_publish(
        schedule=world.cast.schedule, definition=definition, author=world.cast.hugo, at=world.now, accept_gaps=True
    )
    heard(world)


def heard(world: World) -> list[tuple[str, str]]:
    world.advance(seconds=1)
    return world.notices()


def on_call(world: World, at: datetime) -> list[str]:
    return [one.user.username for one in holders_at(schedules=[world.cast.schedule], at=at)[world.cast.schedule.pk]]


def tuesday(hour: int = 0) -> datetime:
    """Of Jonas' week."""
    return datetime(2026, 11, 24, hour, tzinfo=ROME)


def away(world: World, username: str = "jonas", **changes: Any) -> Absence:
    values: dict[str, Any] = {
        "user": world.cast.people[username],
        "start": tuesday(),
        "end": tuesday() + DAY,
        "actor": world.cast.people[username],
        "at": world.now,
    }
    return absence_create(**{**values, **changes})


@pytest.mark.requirement("R058")
def test_when_somebody_is_away_then_the_next_in_turn_is_on_call_and_is_told(weekly: World) -> None:
    away(weekly)
    moments = (tuesday() - timedelta(seconds=1), tuesday(), tuesday() + DAY)
    assert [on_call(weekly, at) for at in moments] == [["jonas"], ["elena"], ["jonas"]]
    assert heard(weekly) == [("elena", "Your on-call shifts have changed: Payments")]
    entry = LedgerEntry.objects.get(action="absence.create")
    assert entry.after
    assert "reason" not in entry.after


def test_when_an_absence_begins_in_the_past_then_it_counts_from_now_on(weekly: World) -> None:
    at = weekly.now
    absence = away(weekly, "marta", start=at - DAY, end=at + DAY)
    assert absence.start == at
    assert on_call(weekly, at - timedelta(seconds=1)) == ["marta"]
    heard(weekly)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start": tuesday() - 9 * DAY, "end": tuesday() - 8 * DAY}, "end"),
        ({"end": tuesday() - timedelta(hours=1)}, "end"),
        ({"end": tuesday() + 401 * DAY}, "end"),
        ({"start": tuesday() + 900 * DAY, "end": tuesday() + 901 * DAY}, "start"),
    ],
)
def test_when_the_time_makes_no_sense_then_the_field_is_named(
    weekly: World, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(DomainError) as refused:
        away(weekly, **changes)
    assert refused.value.field == field


def test_when_the_same_is_planned_already_then_it_is_not_planned_twice(weekly: World) -> None:
    away(weekly)
    with pytest.raises(Conflict):
        away(weekly, end=tuesday(12))
    heard(weekly)


def test_when_a_running_absence_is_taken_back_then_it_ends_now_and_the_past_stays(weekly: World) -> None:
    absence = away(weekly)
    weekly.jump_to(tuesday(12))
    absence_cancel(absence=absence, actor=weekly.cast.jonas, at=weekly.now)
    assert [on_call(weekly, tuesday(11)), on_call(weekly, tuesday(12))] == [["elena"], ["jonas"]]
    absence.refresh_from_db()
    assert (absence.state, absence.end) == ("approved", tuesday(12))
    weekly.jump(minutes=1)
    with pytest.raises(Conflict):
        absence_cancel(absence=absence, actor=weekly.cast.jonas, at=weekly.now)
    heard(weekly)


def test_when_a_coming_absence_is_taken_back_then_it_is_as_if_never_planned(weekly: World) -> None:
    absence = absence_cancel(absence=away(weekly), actor=weekly.cast.jonas, at=weekly.now)
    assert absence.state == "cancelled"
    assert on_call(weekly, tuesday()) == ["jonas"]
    heard(weekly)


def test_a_colleague_neither_plans_nor_takes_back_anothers_absence(weekly: World) -> None:
    with pytest.raises(NotAllowed):
        away(weekly, actor=weekly.cast.marta)
    absence = away(weekly)
    with pytest.raises(NotAllowed):
        absence_cancel(absence=absence, actor=weekly.cast.marta, at=weekly.now)
    heard(weekly)


def test_when_a_manager_enters_it_then_the_person_is_told(weekly: World) -> None:
    away(weekly, actor=weekly.cast.elena)
    assert ("jonas", "You are marked as away") in heard(weekly)


def test_what_an_absence_changes_is_known_before_it_is_saved(weekly: World) -> None:
    found = absence_changes(user=weekly.cast.jonas, start=tuesday(), end=tuesday() + DAY, at=weekly.now)
    assert [(one.start, one.end, one.before, one.after) for one in found] == [
        (tuesday(), tuesday() + DAY, (weekly.cast.jonas.pk,), (weekly.cast.elena.pk,))
    ]
    assert not Absence.objects.exists()


# --- a manager's word


@pytest.fixture
def approving(weekly: World) -> World:
    """As weekly, with a team whose absences a manager approves."""
    weekly.cast.payments.approves_absences = True
    weekly.cast.payments.save()
    return weekly


def test_when_the_team_wants_a_managers_word_then_it_counts_once_approved(approving: World) -> None:
    absence = away(approving)
    assert (absence.state, on_call(approving, tuesday())) == ("pending", ["jonas"])
    assert heard(approving) == [("elena", "An absence waits for your word: Jonas de Wit")]
    with pytest.raises(NotAllowed):
        absence_approve(absence=absence, actor=approving.cast.jonas, at=approving.now)
    absence_approve(absence=absence, actor=approving.cast.hugo, at=approving.now)
    assert on_call(approving, tuesday()) == ["elena"]
    assert ("jonas", "Your absence is approved") in heard(approving)
    with pytest.raises(Conflict):
        absence_decline(absence=absence, actor=approving.cast.elena, at=approving.now)


def test_when_it_is_declined_then_nothing_changes_and_the_person_is_told(approving: World) -> None:
    absence = away(approving)
    heard(approving)
    absence_decline(absence=absence, actor=approving.cast.elena, at=approving.now)
    assert on_call(approving, tuesday()) == ["jonas"]
    assert heard(approving) == [("jonas", "Your absence is declined")]


def test_when_it_is_approved_late_then_it_counts_from_then_on(approving: World) -> None:
    absence = away(approving)
    approving.jump_to(tuesday(12))
    absence_approve(absence=absence, actor=approving.cast.elena, at=approving.now)
    assert [on_call(approving, tuesday(11)), on_call(approving, tuesday(12))] == [["jonas"], ["elena"]]
    other = away(approving, start=tuesday() + 3 * DAY, end=tuesday() + 4 * DAY)
    approving.jump_to(tuesday() + 5 * DAY)
    with pytest.raises(Conflict, match="over"):
        absence_approve(absence=other, actor=approving.cast.elena, at=approving.now)
    heard(approving)


def test_when_a_manager_plans_then_that_is_their_word(approving: World) -> None:
    absence = away(approving, "elena", start=tuesday() + 8 * DAY, end=tuesday() + 9 * DAY)
    assert (absence.state, absence.decided_by) == ("approved", approving.cast.elena)
    heard(approving)


# --- the pages


def shown(response: Any) -> str:
    return str(response.content.decode())


ONE_DAY = {"first": "2026-11-24", "last": "2026-11-24"}


def test_when_planned_on_the_page_then_whoever_steps_in_is_shown_first_and_saved_after(
    weekly: World, client: Client
) -> None:
    client.force_login(weekly.cast.jonas)
    preview = client.post(NEW, ONE_DAY)
    assert preview.status_code == 200
    assert "Elena Conti" in shown(preview)
    assert not Absence.objects.exists()
    assert client.post(NEW, {**ONE_DAY, "step": "save"})["Location"] == "/oncall/mine/"
    absence = Absence.objects.get()
    amsterdam = ZoneInfo("Europe/Amsterdam")
    assert (absence.start, absence.end) == (
        datetime(2026, 11, 24, tzinfo=amsterdam),
        datetime(2026, 11, 25, tzinfo=amsterdam),
    )
    assert "Elena Conti" in shown(client.get("/oncall/mine/"))
    heard(weekly)


def test_when_an_override_keeps_somebody_on_call_then_the_page_says_so_before_they_leave(
    weekly: World, client: Client
) -> None:
    override_create(
        schedule=weekly.cast.schedule,
        user=weekly.cast.marta,
        start=tuesday(10),
        end=tuesday(12),
        actor=weekly.cast.marta,
        at=weekly.now,
    )
    client.force_login(weekly.cast.marta)
    page = shown(client.post(NEW, ONE_DAY))
    assert "By an override, Payments (primary) stays with whoever is away:" in page
    assert "nobody needs to step in" not in page
    heard(weekly)


def test_when_times_are_given_then_they_count_on_the_clock_of_whoever_is_away(weekly: World, client: Client) -> None:
    client.force_login(weekly.cast.hugo)
    times = {**ONE_DAY, "first_time": "09:30", "last_time": "12:00", "user": weekly.cast.jonas.pk, "step": "save"}
    assert client.post(NEW, times)["Location"] == LIST
    absence = Absence.objects.get()
    assert (absence.start.isoformat(), absence.end.isoformat()) == (
        "2026-11-24T08:30:00+00:00",
        "2026-11-24T11:00:00+00:00",
    )
    heard(weekly)


def test_when_nobody_steps_in_then_the_gap_is_named_with_its_services_and_has_to_be_accepted(
    world: World, client: Client
) -> None:
    publish(world, "jonas")
    client.force_login(world.cast.jonas)
    refused = client.post(NEW, {**ONE_DAY, "step": "save"})
    assert refused.status_code == 422
    page = shown(refused)
    assert "Nobody steps in for some of the time." in page
    assert "Payments gateway" in page
    assert not Absence.objects.exists()
    assert client.post(NEW, {**ONE_DAY, "step": "save", "accept_gaps": "on"}).status_code == 302
    heard(world)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"first": "2026-11-24"}, "This field is required."),
        ({"first": "2026-11-24", "last": "2026-11-23"}, "The end must come after the start."),
        ({"first": "2026-11-01", "last": "2026-11-02"}, "the past is not rewritten"),
        ({"first": "1000-11-01", "last": "2026-12-02"}, "That year is out of range."),
        ({"first": "2026-11-24", "last": "2029-11-24", "step": "save", "accept_gaps": "on"}, "At most 400 days"),
    ],
)
def test_when_the_form_makes_no_sense_then_it_says_why_and_keeps_what_was_typed(
    weekly: World, client: Client, data: dict[str, str], said: str
) -> None:
    client.force_login(weekly.cast.jonas)
    response = client.post(NEW, {**data, "reason": "kept words"})
    assert response.status_code == 422
    assert said in shown(response)
    assert "kept words" in shown(response)


@pytest.mark.parametrize(
    ("username", "new", "listed"), [("marta", 200, 403), ("elena", 200, 200), ("amara", 403, 403), ("sofie", 403, 403)]
)
def test_responders_plan_and_managers_see_all(
    world: World, client: Client, username: str, new: int, listed: int
) -> None:
    client.force_login(world.cast.people[username])
    assert (client.get(NEW).status_code, client.get(LIST).status_code) == (new, listed)


@pytest.mark.parametrize(
    ("username", "verb", "status"),
    [
        ("elena", "approve", 302),
        ("jonas", "approve", 403),
        ("marta", "cancel", 403),
        ("jonas", "cancel", 302),
        ("amara", "cancel", 403),
        ("elena", "nonsense", 404),
    ],
)
def test_who_may_do_what_with_an_absence(
    approving: World, client: Client, username: str, verb: str, status: int
) -> None:
    absence = away(approving)
    client.force_login(approving.cast.people[username])
    assert client.post(f"{LIST}{absence.pk}/{verb}/").status_code == status
    assert client.get(f"{LIST}{absence.pk}/{verb}/").status_code == 405
    heard(approving)


def test_the_reason_is_shown_to_managers_and_to_nobody_else(weekly: World, client: Client) -> None:
    away(weekly, reason="a small operation")
    client.force_login(weekly.cast.elena)
    assert "a small operation" in shown(client.get(LIST))
    client.force_login(weekly.cast.marta)
    for page in ("/oncall/mine/", "/oncall/", "/oncall/payments/"):
        assert "a small operation" not in shown(client.get(page))
    assert not any("operation" in message.body for message in weekly.email.got)
    heard(weekly)


def test_the_managers_list_takes_as_many_queries_for_many_absences_as_for_one(
    approving: World, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(approving.cast.elena)
    away(approving)
    client.get(LIST)
    with django_assert_max_num_queries(25) as few:
        client.get(LIST)
    most = len(few)
    for number in range(2, 8):
        away(approving, start=tuesday() + number * DAY, end=tuesday() + (number + 1) * DAY)
        away(approving, "marta", start=tuesday() + number * DAY, end=tuesday() + (number + 1) * DAY)
    client.get(LIST)  # Who is on call is kept by the process until somebody's absence changes it.
    with django_assert_max_num_queries(most):
        client.get(LIST)
    heard(approving)
