"""Who is on call has one answer, whoever asks: overview, API, calendar feed, export for pay, and the engine that pages."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from django.test import Client

from oncall.calendars.feeds import feed_create
from oncall.models import Absence, Membership, Override, Schedule, User
from oncall.services import override_create, schedule_publish
from policies.definition import TargetDef, TargetKind
from policies.targets import TargetResolver
from tests.world.harness import World

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R034")]

ZONES = ("Europe/Rome", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "Antarctica/Troll")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NIGHTS = (datetime(2026, 10, 25, tzinfo=UTC), datetime(2027, 3, 28, tzinfo=UTC))
HOUR = timedelta(hours=1)


def made(world: World, slug: str, **definition: Any) -> Schedule:
    zone = definition.setdefault("time_zone", "Europe/Rome")
    schedule = Schedule.objects.create(name=slug.title(), slug=slug, team=world.cast.payments, time_zone=zone)
    schedule_publish(
        schedule=schedule, definition=definition, author=None, at=LONG_AGO, effective_from=LONG_AGO, accept_gaps=True
    )
    return schedule


@pytest.fixture
def planned(world: World, night: datetime) -> list[Schedule]:
    """One schedule in each odd zone, one that follows it, one of a whole team; people away, on holiday, covered, swapped."""
    cast = world.cast
    world.jump_to(night - timedelta(days=3))
    people = [user.pk for user in (cast.marta, cast.jonas, cast.nils, cast.tomas)]
    found = [
        made(
            world,
            zone.rpartition("/")[2].lower().replace("_", "-"),
            time_zone=zone,
            layers=[
                {"name": "Turns", "start": "2026-01-01T02:30", "rotation": "8h", "participants": people},
                {"name": "Second", "role": "secondary", "start": "2026-01-02", "participants": people[::-1]},
            ],
        )
        for zone in ZONES
    ]
    found.append(made(world, "follower", follow="rome"))
    found.append(made(world, "whole-team", everyone_in=cast.platform.pk))
    span = {"start": night - 5 * HOUR, "end": night + 4 * HOUR, "created_at": world.now}
    Absence.objects.create(user=cast.marta, **span)
    Absence.objects.create(user=cast.jonas, kind=Absence.Kind.HOLIDAY, **span)
    for number, schedule in enumerate(found[:-1]):
        start = night + (number - 2) * HOUR
        window: dict[str, Any] = {"start": start, "end": start + HOUR / 2, "actor": cast.elena, "at": world.now}
        override_create(schedule=schedule, user=cast.elena, role="primary", **window)
        swap: dict[str, Any] = {"kind": Override.Kind.REPLACE, "replaces": cast.nils, "cause": Override.Cause.SWAP}
        override_create(schedule=schedule, user=cast.hugo, role="secondary", **swap, **window)
    # Who is in a team at a time is known from its history.
    Membership.objects.create(team=cast.platform, user=cast.elena)
    return found


@pytest.mark.parametrize("night", NIGHTS, ids=["autumn", "spring"])
def test_when_the_clocks_change_then_every_surface_names_the_same_people(
    world: World, planned: list[Schedule], night: datetime
) -> None:
    feeds = {schedule.slug: feed_events(world, schedule) for schedule in planned}
    paid = export_rows(world, night)
    administrator = signed_in(world.cast.hugo)
    for quarter in range(-10, 14, 3):
        at = night + quarter * HOUR / 4
        said = by_api(administrator, at)
        assert by_overview(administrator, at) == said, at
        for schedule in planned:
            people = {name for name, _role in said[schedule.slug]}
            assert by_feed(feeds[schedule.slug], at) == people, (schedule.slug, at)
            assert by_export(paid, schedule, at) == said[schedule.slug], (schedule.slug, at)
            assert by_engine(schedule, at) == people, (schedule.slug, at)
            assert by_shifts(administrator, schedule, at) == said[schedule.slug], (schedule.slug, at)
    assert by_api(administrator, night)["follower"] == by_api(administrator, night)["rome"]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def by_api(client: Client, at: datetime) -> dict[str, set[tuple[str, str]]]:
    rows = client.get("/api/v1/on-call/", {"at": at.isoformat()}).json()
    return {
        row["schedule"]["slug"]: {(holder["person"]["name"], holder["role"]) for holder in row["holders"]}
        for row in rows
    }


def by_overview(client: Client, at: datetime) -> dict[str, set[tuple[str, str]]]:
    words = {"primary": "primary", "backup": "secondary"}
    standings = client.get("/oncall/", {"at": at.isoformat()}).context["standings"]
    return {
        one.schedule.slug: {(holder.user.name, words[str(holder.role)]) for holder in one.holders} for one in standings
    }


def by_shifts(client: Client, schedule: Schedule, at: datetime) -> set[tuple[str, str]]:
    span = {"since": at.isoformat(), "until": (at + timedelta(seconds=1)).isoformat()}
    rows = client.get(f"/api/v1/schedules/{schedule.slug}/shifts/", span).json()
    return {(row["person"]["name"], row["role"]) for row in rows}


def feed_events(world: World, schedule: Schedule) -> list[Any]:
    _feed, plain = feed_create(owner=world.cast.hugo, schedule=schedule, actor=world.cast.hugo, at=world.now)
    answer = Client().get(f"/calendar/{plain}.ics")
    return list(icalendar.Calendar.from_ical(answer.content).walk("VEVENT"))


def by_feed(events: list[Any], at: datetime) -> set[str]:
    here = [str(event["summary"]) for event in events if event.decoded("dtstart") <= at < event.decoded("dtend")]
    names = [user.name for user in User.objects.all()]
    return {name for summary in here for name in names if name in summary}


def export_rows(world: World, night: datetime) -> list[dict[str, str]]:
    asked: dict[str, Any] = {
        "range": "custom",
        "first": (night - timedelta(days=3)).date(),
        "last": (night + timedelta(days=3)).date(),
    }
    answer: Any = signed_in(world.cast.hugo).get("/oncall/workload/export.csv", asked)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def by_export(rows: list[dict[str, str]], schedule: Schedule, at: datetime) -> set[tuple[str, str]]:
    return {
        (row["person"], row["role"])
        for row in rows
        if row["schedule"] == schedule.name
        and datetime.fromisoformat(row["start_utc"]) <= at < datetime.fromisoformat(row["end_utc"])
    }


def by_engine(schedule: Schedule, at: datetime) -> set[str]:
    target = TargetDef(TargetKind.SCHEDULE, schedule.slug)
    assert schedule.team is not None
    return {found.user.name for found in TargetResolver(at=at).recipients([target], team=schedule.team)}
