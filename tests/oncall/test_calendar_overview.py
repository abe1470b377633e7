"""The overview: who is on call across the teams, now or at an instant of the reader's choice; and that the pages and the
API give one answer.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from oncall.models import Absence, Override, Schedule, Team
from oncall.services import override_create, schedule_publish
from oncall.tokens import token_create
from tests.world.harness import World

PAGE = "/oncall/"
ZONES = ("Europe/Rome", "Australia/Lord_Howe", "Asia/Kathmandu")


def shown(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(str(response.content.decode()).split())


@pytest.fixture
def jonas(world: World, client: Client) -> Client:
    client.force_login(world.cast.jonas)
    return client


def hourly(world: World, zone: str, *, team: Team | None = None) -> Schedule:
    """Somebody else every hour, so that an hour more or less shows; in office hours Jonas stands behind."""
    name = zone.rsplit("/", 1)[1]
    schedule = Schedule.objects.create(name=name, slug=name.lower().replace("_", "-"), time_zone=zone, team=team)
    people = [world.cast.people[username].pk for username in ("marta", "elena", "tomas", "nils", "hugo")]
    layers = [
        {"name": "Hours", "start": "2025-01-06T00:00", "rotation": "hourly", "participants": people},
        {
            "name": "Office",
            "role": "secondary",
            "start": "2025-01-06T09:00",
            "rotation": "weekly",
            "participants": [world.cast.jonas.pk],
            "restrictions": [{"days": "mon-sun", "start": "02:00", "end": "02:45"}],
        },
    ]
    definition = {"time_zone": zone, "layers": [{**layer, "time_zone": zone} for layer in layers]}
    schedule_publish(
        schedule=schedule, definition=definition, author=world.cast.hugo, at=datetime(2025, 1, 1, tzinfo=UTC)
    )
    return schedule


def folded(text: str, zone: str, fold: int) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


INSTANTS = [
    folded("2026-10-25T02:30", "Europe/Rome", 0),
    folded("2026-10-25T02:30", "Europe/Rome", 1),
    folded("2026-03-29T03:00", "Europe/Rome", 0),
    folded("2026-04-05T01:45", "Australia/Lord_Howe", 0),
    folded("2026-04-05T01:45", "Australia/Lord_Howe", 1),
    folded("2026-10-04T02:30", "Australia/Lord_Howe", 0),
    folded("2026-11-22T02:30", "Asia/Kathmandu", 0),
    datetime(2026, 11, 22, 2, 30, tzinfo=UTC),
]


@pytest.mark.requirement("R034")
@pytest.mark.parametrize("at", INSTANTS, ids=lambda at: at.isoformat())
def test_when_who_is_on_call_is_asked_then_overview_calendar_and_api_answer_alike(
    world: World, jonas: Client, at: datetime
) -> None:
    for zone in ZONES:
        hourly(world, zone)
    override_create(
        schedule=Schedule.objects.get(slug="kathmandu"),
        user=world.cast.amara,
        start=datetime(2026, 11, 22, 2, 10, tzinfo=UTC),
        end=datetime(2026, 11, 22, 3, tzinfo=UTC),
        actor=world.cast.elena,
        at=world.now,
    )
    said = by_api(world, at)
    assert len(said) == len(ZONES) + 1
    assert by_overview(jonas, at) == said
    for slug, holders in said.items():
        for clock in ("mine", "schedule"):
            assert by_calendar(jonas, slug, at, clock) == {(name, role) for name, role, _until in holders}


def by_api(world: World, at: datetime) -> dict[str, set[tuple[str, str, datetime]]]:
    _token, plain = token_create(owner=world.cast.jonas, name="test", actor=world.cast.jonas, at=world.now)
    asked = Client(headers={"authorization": f"Bearer {plain}"}).get("/api/v1/on-call/", {"at": at.isoformat()})
    words = {"primary": "primary", "secondary": "backup"}
    return {
        one["schedule"]["slug"]: {
            (holder["person"]["username"], words[holder["role"]], datetime.fromisoformat(holder["until"]))
            for holder in one["holders"]
        }
        for one in asked.json()
    }


def by_overview(browser: Client, at: datetime) -> dict[str, set[tuple[str, str, datetime]]]:
    standings = browser.get(PAGE, {"at": at.isoformat()}).context["standings"]
    return {
        one.schedule.slug: {(holder.user.username, holder.role, holder.until) for holder in one.holders}
        for one in standings
    }


def by_calendar(browser: Client, slug: str, at: datetime, clock: str) -> set[tuple[str, str]]:
    zone = ZoneInfo("Europe/Amsterdam" if clock == "mine" else Schedule.objects.get(slug=slug).time_zone)
    query = {"view": "day", "from": at.astimezone(zone).date().isoformat(), "zone": clock}
    drawn = browser.get(f"/oncall/{slug}/", query).context["calendar"]
    # No section at all: nothing was planned then.
    final = drawn.table[0].rows if drawn.table else ()
    return {(row.user.username, row.role) for row in final if row.user and row.start <= at < row.end}


@pytest.mark.requirement("R034")
def test_when_a_time_is_shown_twice_then_the_first_is_meant_and_the_other_offered(world: World, jonas: Client) -> None:
    Override.objects.create(
        schedule=hourly(world, "Europe/Rome"),
        user=world.cast.amara,
        start=datetime(2026, 10, 25, 1, tzinfo=UTC),
        end=datetime(2026, 10, 25, 2, tzinfo=UTC),
        created_at=world.now,
    )
    first = jonas.get(PAGE, {"at": "2026-10-25T02:30"})
    assert first.context["asked"].astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    page = shown(first)
    assert "Sun 25 Oct 2026 02:30:00 CEST" in page
    assert "Your clock shows this time twice." in page
    assert 'href="?at=2026-10-25T01%3A30%3A00%2B00%3A00"' in page
    second = jonas.get(PAGE, {"at": first.context["other"]})
    assert "Sun 25 Oct 2026 02:30:00 CET" in shown(second)
    assert "Amara Okafor" not in shown(first)
    assert "Amara Okafor" in shown(second)


def test_when_an_instant_is_asked_for_then_the_field_keeps_it(jonas: Client) -> None:
    page = shown(jonas.get(PAGE, {"at": "2026-12-24T20:00"}))
    assert 'value="2026-12-24T20:00"' in page
    assert "Thu 24 Dec 2026 20:00:00 CET" in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("yesterday", "Give a day and a time."),
        ("2026-02-31T10:00", "Give a day and a time."),
        ("0001-01-01T00:00", "That year is out of range."),
        ("9999-12-31T23:59", "That year is out of range."),
        ("2999-12-31T23:59", "That year is out of range."),
    ],
)
def test_when_the_instant_makes_no_sense_then_the_field_says_so_and_now_is_shown(
    jonas: Client, asked: str, said: str
) -> None:
    response = jonas.get(PAGE, {"at": asked})
    assert said in shown(response)
    assert response.context["asked"] is None
    assert "Marta Ferri" in shown(response)


def test_when_the_past_is_asked_for_then_no_gap_is_nagged_about(world: World, jonas: Client) -> None:
    hourly(world, "Europe/Rome")
    assert "gaps in 14 days" in shown(jonas.get(PAGE))
    past = shown(jonas.get(PAGE, {"at": "2026-11-01T10:00"}))
    assert "in 14 days" not in past
    assert "No backup for" not in past


def test_when_a_team_is_chosen_then_its_schedules_and_those_of_its_sub_teams_are_shown(
    world: World, jonas: Client
) -> None:
    cards = Team.objects.create(name="Cards", slug="cards", parent=world.cast.payments)
    chips = Team.objects.create(name="Chips", slug="chips", parent=cards)
    hourly(world, "Europe/Rome", team=chips)
    hourly(world, "Asia/Kathmandu", team=world.cast.platform)
    names = {
        team: [one.schedule.name for one in jonas.get(PAGE, {"team": team}).context["standings"]]
        for team in ("", "payments", "cards", "platform")
    }
    assert names == {
        "": ["Kathmandu", "Payments", "Rome"],
        "payments": ["Payments", "Rome"],
        "cards": ["Rome"],
        "platform": ["Kathmandu"],
    }


def test_when_a_team_has_no_schedule_then_the_page_says_so(world: World, jonas: Client) -> None:
    assert "This team has no schedule" in shown(jonas.get(PAGE, {"team": "platform"}))


def test_whoever_is_not_on_call_by_their_turn_says_why(world: World, jonas: Client) -> None:
    def covered(why: str, **fields: Any) -> bool:
        Override.objects.all().delete()
        Override.objects.create(
            schedule=world.cast.schedule,
            user=world.cast.elena,
            start=world.now,
            end=world.now + timedelta(hours=1),
            created_at=world.now,
            **fields,
        )
        return why in shown(jonas.get(PAGE))

    assert covered("by override, for Marta Ferri")
    assert covered("by swap, for Marta Ferri", kind="replace", replaces=world.cast.marta, cause="swap")
    assert covered("covers for Marta Ferri, who is away", kind="replace", replaces=world.cast.marta, cause="cover")
    assert covered("by override", kind="add")
    assert not covered("by override, for", kind="add")


def test_when_somebody_is_away_then_the_one_who_steps_in_says_for_whom(world: World, jonas: Client) -> None:
    hourly(world, "Europe/Rome")
    page = jonas.get(PAGE).context["standings"]
    holder = next(one.holders[0].user for one in page if one.schedule.slug == "rome")
    Absence.objects.create(
        user=holder, start=world.now, end=world.now + timedelta(hours=2), created_at=world.now, kind="holiday"
    )
    assert f"covers for {holder.name}, who has a public holiday" in shown(jonas.get(PAGE))


def test_the_parts_of_the_area_are_tabs_and_this_one_is_marked(jonas: Client) -> None:
    assert f'<a class="tab" href="{PAGE}" aria-current="page">Now</a>' in shown(jonas.get(PAGE))
