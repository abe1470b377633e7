"""Calendar feeds: what calendar programs get, and that it is what the page and the API say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError, NotAllowed
from oncall.calendars.feeds import MOST_FEEDS, feed_create, feed_revoke
from oncall.models import CalendarFeed, Schedule, User
from oncall.people import user_deactivate
from oncall.selectors import schedules_load
from oncall.services import override_create, schedule_publish
from tests.world.harness import World

pytestmark = pytest.mark.django_db


def address(world: World, owner: User, schedule: Schedule | None = None) -> str:
    _feed, plain = feed_create(owner=owner, schedule=schedule, actor=owner, at=world.now)
    return f"/calendar/{plain}.ics"


def fetched(client: Client, path: str, **headers: str) -> Any:
    return client.get(path, headers=headers)


def events(response: Any) -> list[Any]:
    calendar = icalendar.Calendar.from_ical(response.content)
    return list(calendar.walk("VEVENT"))


def shifting(world: World, zone: str, *, every: str = "daily", time: str = "02:30") -> Schedule:
    """Marta and Jonas in turn; the handoff lies in the hour the clock of Rome shows twice, or never."""
    schedule = Schedule.objects.create(name=f"Night {zone}", slug="night", team=world.cast.payments, time_zone=zone)
    definition = {
        "time_zone": zone,
        "layers": [
            {
                "name": "Nights",
                "start": f"2026-01-01T{time}",
                "rotation": every,
                "participants": [world.cast.marta.pk, world.cast.jonas.pk],
            }
        ],
    }
    at = datetime(2026, 1, 1, tzinfo=UTC)
    schedule_publish(schedule=schedule, definition=definition, author=None, at=at, effective_from=at)
    return schedule


@pytest.mark.requirement("R034")
@pytest.mark.parametrize("zone", ["Europe/Rome", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"])
def test_the_feed_and_the_api_say_what_the_rota_says_also_when_the_clocks_change(
    world: World, client: Client, zone: str
) -> None:
    schedule = shifting(world, zone)
    world.jump_to(datetime(2027, 3, 15, 12, tzinfo=UTC))
    feed = events(fetched(client, address(world, world.cast.jonas, schedule)))
    since, until = datetime(2027, 3, 25, tzinfo=UTC), datetime(2027, 4, 8, tzinfo=UTC)
    said = {
        (max(event.decoded("dtstart"), since), min(event.decoded("dtend"), until))
        for event in feed
        if event.decoded("dtstart") < until and event.decoded("dtend") > since
    }
    client.force_login(world.cast.jonas)
    rows = client.get(
        f"/api/v1/schedules/{schedule.slug}/shifts/", {"since": since.isoformat(), "until": until.isoformat()}
    ).json()
    assert said == {(datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"])) for row in rows}
    final = schedules_load([schedule], since=since)[schedule.pk].shifts(since=since, until=until)
    assert said == {(shift.start, shift.end) for shift in final}


@pytest.mark.requirement("R034")
def test_when_the_clock_shows_an_hour_twice_then_the_handoff_of_the_feed_is_its_first(
    world: World, client: Client
) -> None:
    schedule = shifting(world, "Europe/Rome")
    world.jump_to(datetime(2026, 10, 20, 12, tzinfo=UTC))
    starts = {event.decoded("dtstart") for event in events(fetched(client, address(world, world.cast.jonas, schedule)))}
    assert datetime(2026, 10, 25, 0, 30, tzinfo=UTC) in starts  # 02:30 in summer time
    assert datetime(2026, 10, 25, 1, 30, tzinfo=UTC) not in starts
    client.force_login(world.cast.jonas)
    for instant in ("2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"):
        at = datetime.fromisoformat(instant)
        said = client.get("/api/v1/on-call/", {"at": instant}).json()
        holder = next(row for row in said if row["schedule"]["slug"] == "night")["holders"][0]["person"]["name"]
        feed = events(fetched(client, address(world, world.cast.jonas, schedule)))
        named = [event for event in feed if event.decoded("dtstart") <= at < event.decoded("dtend")]
        assert [str(event["summary"]).startswith(holder) for event in named] == [True]


def test_the_feed_of_a_person_holds_their_own_shifts_with_the_reason_in_their_language(
    world: World, client: Client
) -> None:
    cast = world.cast
    override_create(
        schedule=cast.schedule, user=cast.jonas, start=world.now, end=world.now + timedelta(hours=2), actor=cast.jonas,
        at=world.now, role="primary",
    )  # fmt: skip
    User.objects.filter(pk=cast.jonas.pk).update(language="it")
    cast.jonas.refresh_from_db()
    response = fetched(client, address(world, cast.jonas))
    assert response.status_code == 200
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert response["Cache-Control"] == "private, no-cache"
    found = events(response)
    calendar: Any = icalendar.Calendar.from_ical(response.content)
    assert "Jonas de Wit" in str(calendar["X-WR-CALNAME"])
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=1)
    assert {str(event["transp"]) for event in found} == {"TRANSPARENT"}
    until = world.now + timedelta(hours=2)
    covering = [event for event in found if event.decoded("dtend") == until]
    assert [event.decoded("dtstart") for event in covering] == [world.now]
    assert str(covering[0]["description"]).endswith(".")
    assert not any("Marta Ferri" in str(event["summary"]) for event in found)
    assert all("http" in str(event["url"]) for event in found)


def test_when_fetched_again_then_events_keep_their_names_and_an_unchanged_feed_is_not_sent_again(
    world: World, client: Client
) -> None:
    cast = world.cast
    path = address(world, cast.marta, cast.schedule)
    first = fetched(client, path)
    assert fetched(client, path, if_none_match=first["ETag"]).status_code == 304
    world.jump(hours=3)
    assert fetched(client, path, if_none_match=first["ETag"]).status_code == 304
    override_create(
        schedule=cast.schedule, user=cast.nils, start=world.now + timedelta(days=2),
        end=world.now + timedelta(days=2, hours=1), actor=cast.hugo, at=world.now,
    )  # fmt: skip
    second = fetched(client, path, if_none_match=first["ETag"])
    assert second.status_code == 200
    before, after = (
        {(str(event["uid"]), event.decoded("dtstart")) for event in events(one)} for one in (first, second)
    )
    assert len(before & after) == len(before)  # the shift that was cut keeps its start and with it its name
    assert len(after - before) == 2  # Nils, and Marta once more afterwards
    assert len({uid for uid, _start in after}) == len(after)


def test_when_a_schedule_has_no_turns_then_its_long_shift_keeps_its_name_from_day_to_day(
    world: World, client: Client
) -> None:
    everyone = Schedule.objects.create(name="All", slug="all", team=world.cast.payments)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    definition = {"time_zone": "UTC", "kind": "everyone", "members": [world.cast.marta.pk]}
    schedule_publish(schedule=everyone, definition=definition, author=None, at=long_ago, effective_from=long_ago)
    path = address(world, world.cast.marta, everyone)
    first = {str(event["uid"]) for event in events(fetched(client, path))}
    world.jump(days=3)
    assert {str(event["uid"]) for event in events(fetched(client, path))} == first
    assert len(first) == 1


@pytest.mark.parametrize("why", ["unknown", "revoked", "left", "may not"])
def test_when_an_address_is_not_good_any_more_then_it_is_as_if_it_had_never_been(
    world: World, client: Client, why: str
) -> None:
    cast = world.cast
    path = address(world, cast.marta)
    assert fetched(client, path).status_code == 200
    match why:
        case "unknown":
            path = "/calendar/nonsense.ics"
        case "revoked":
            feed_revoke(feed=CalendarFeed.objects.get(), actor=cast.marta, at=world.now)
        case "left":
            user_deactivate(user=cast.marta, actor=cast.hugo, at=world.now)
        case _:
            User.objects.filter(pk=cast.marta.pk).update(role="reporter")
    assert fetched(client, path).status_code == 404
    assert client.post(path).status_code == 405


def test_the_secret_is_stored_as_a_digest_and_its_making_and_end_enter_the_ledger(world: World, client: Client) -> None:
    cast = world.cast
    feed, plain = feed_create(owner=cast.marta, schedule=cast.schedule, actor=cast.marta, at=world.now)
    assert plain not in (feed.digest, str(feed))
    with pytest.raises(NotAllowed):
        feed_revoke(feed=feed, actor=cast.jonas, at=world.now)
    feed_revoke(feed=feed, actor=cast.hugo, at=world.now)
    feed_revoke(feed=feed, actor=cast.hugo, at=world.now)
    entries = LedgerEntry.objects.filter(object_type="calendar_feed").order_by("id")
    assert [(entry.action, entry.actor_label) for entry in entries] == [
        ("calendar_feed.create", "Marta Ferri"),
        ("calendar_feed.revoke", "Hugo Brandt"),
    ]
    assert plain not in str([(entry.data, entry.object_label) for entry in entries])


def test_when_support_staff_ask_for_a_feed_or_somebody_for_another_then_they_get_none(world: World) -> None:
    with pytest.raises(NotAllowed):
        feed_create(owner=world.cast.sofie, schedule=world.cast.schedule, actor=world.cast.sofie, at=world.now)
    with pytest.raises(NotAllowed):
        feed_create(owner=world.cast.marta, schedule=None, actor=world.cast.hugo, at=world.now)


def test_when_too_many_feeds_are_in_use_then_one_has_to_go_first(world: World) -> None:
    for _number in range(MOST_FEEDS):
        feed_create(owner=world.cast.marta, schedule=None, actor=world.cast.marta, at=world.now)
    with pytest.raises(DomainError, match="revoke one first"):
        feed_create(owner=world.cast.marta, schedule=None, actor=world.cast.marta, at=world.now)


def test_a_fetch_costs_the_same_queries_however_many_schedules_there_are(
    world: World, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    path = address(world, world.cast.marta)
    definition = world.cast.schedule.versions.get().definition
    for number in range(12):
        more = Schedule.objects.create(name=f"More {number}", slug=f"more-{number}", team=world.cast.payments)
        schedule_publish(schedule=more, definition=definition, author=None, at=world.now)
    fetched(client, path)
    with django_assert_max_num_queries(12):
        assert len(events(fetched(client, path))) > 13 * 25
