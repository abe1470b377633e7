"""The calendar page of a schedule: drawn, listed and told in words."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oncall.models import Absence, GapAcceptance, Override, Schedule, User
from oncall.services import override_create, schedule_publish
from tests.world.harness import World

HTMX = {"HX-Request": "true"}
Covering = Callable[..., Override]


def shown(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(str(response.content.decode()).split())


def words(response: Any) -> str:
    """What is read aloud: the page without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", shown(response)).split())


@pytest.fixture
def jonas(world: World, client: Client) -> Client:
    client.force_login(world.cast.jonas)
    return client


def layer(*people: User, **fields: Any) -> dict[str, Any]:
    given = {"name": "Weekly", "start": "2025-01-06T09:00", "rotation": "weekly"}
    return {**given, "participants": [person.pk for person in people], **fields}


@pytest.fixture
def desk(world: World) -> Schedule:
    """Elena and Marta by turns, first (it is Marta’s week); Jonas behind them in office hours only. It is read in Kathmandu."""
    schedule = Schedule.objects.create(name="Desk", slug="desk", team=world.cast.payments, time_zone="Asia/Kathmandu")
    office = [{"days": "mon-fri", "start": "09:00", "end": "18:00"}]
    publish(
        world,
        schedule,
        layer(world.cast.elena, world.cast.marta),
        layer(world.cast.jonas, name="Office", role="secondary", restrictions=office),
    )
    return schedule


def publish(world: World, schedule: Schedule, *layers: dict[str, Any]) -> None:
    definition = {"time_zone": "Europe/Rome", "layers": list(layers)}
    at = world.now - timedelta(days=90)
    schedule_publish(schedule=schedule, definition=definition, author=world.cast.hugo, at=at)


@pytest.fixture
def covering(world: World, desk: Schedule) -> Covering:
    """``covering("elena", 1, 5)``: from 1 to 5 hours from now."""

    def make(username: str, start: float, end: float, **fields: Any) -> Override:
        return override_create(
            schedule=desk,
            user=world.cast.people[username],
            start=world.now + timedelta(hours=start),
            end=world.now + timedelta(hours=end),
            actor=world.cast.elena,
            at=world.now,
            **fields,
        )

    return make


# --- the views


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("", "16 Nov – 29 Nov 2026"),
        ("?view=day", "Sunday 22 November 2026"),
        ("?view=month", "November 2026"),
        ("?view=month&from=2027-02-03", "February 2027"),
        ("?view=year", "16 Nov – 29 Nov 2026"),
        ("?view=day&from=2026-02-31", "Sunday 22 November 2026"),
        ("?view=month&from=0001-01-01", "November 2026"),
    ],
)
def test_a_day_two_weeks_and_a_month_can_be_seen(jonas: Client, desk: Schedule, query: str, title: str) -> None:
    page = shown(jonas.get(f"/oncall/desk/{query}"))
    assert f'<h2 class="range-title num">{title}</h2>' in page
    assert "Elena Conti" in page


def test_earlier_later_today_and_the_views_are_links_with_keys(jonas: Client, desk: Schedule) -> None:
    page = shown(jonas.get("/oncall/desk/?view=month&from=2026-12-05&zone=schedule"))
    for key, address in {
        "ArrowLeft": "?view=month&amp;from=2026-11-01&amp;zone=schedule",
        "ArrowRight": "?view=month&amp;from=2027-01-01&amp;zone=schedule",
        "t": "?view=month&amp;zone=schedule",
        "d": "?view=day&amp;from=2026-12-01&amp;zone=schedule",
        "w": "?view=fortnight&amp;from=2026-12-01&amp;zone=schedule",
        "m": "?view=month&amp;from=2026-12-01&amp;zone=schedule",
    }.items():
        assert f'href="{address}" hx-get="{address}" data-key="{key}"' in page


def test_when_htmx_turns_the_page_then_it_gets_the_calendar_alone_and_the_range_is_announced(
    jonas: Client, desk: Schedule
) -> None:
    response = jonas.get("/oncall/desk/?view=month", headers=HTMX)
    page = shown(response)
    assert page.startswith('<div id="calendar"')
    assert '<div hx-swap-oob="innerHTML:#announce">November 2026.' in page
    assert "HX-Request" in response["Vary"]
    assert "<html" in shown(jonas.get("/oncall/desk/", headers={**HTMX, "HX-History-Restore-Request": "true"}))


def test_the_layers_are_drawn_beneath_the_final_schedule(jonas: Client, desk: Schedule) -> None:
    lanes = [lane.label for lane in jonas.get("/oncall/desk/").context["calendar"].lines[0].lanes]
    assert lanes == ["primary", "backup", "Weekly", "Office"]
    month = jonas.get("/oncall/desk/?view=month").context["calendar"]
    assert {tuple(lane.label for lane in line.lanes) for line in month.lines} == {("primary", "backup")}


def test_when_people_serve_together_then_each_has_a_lane(world: World, jonas: Client) -> None:
    pair = Schedule.objects.create(name="Pair", slug="pair", time_zone="Europe/Rome")
    together = layer(participants=[[world.cast.marta.pk, world.cast.elena.pk]])
    publish(world, pair, together)
    lanes = jonas.get("/oncall/pair/").context["calendar"].lines[0].lanes
    assert [lane.label for lane in lanes] == ["primary", "primary, also", "Weekly", "Weekly, also"]


def test_a_schedule_with_no_version_says_so(world: World, jonas: Client) -> None:
    Schedule.objects.create(name="Empty", slug="empty", time_zone="UTC")
    assert "Nothing is planned yet" in words(jonas.get("/oncall/empty/"))


# --- clocks


def test_when_the_clocks_differ_then_both_are_shown_and_either_may_lead(jonas: Client, desk: Schedule) -> None:
    mine = words(jonas.get("/oncall/desk/"))
    assert "Times on your clock, Europe/Amsterdam, CET; beside them those of the schedule, Asia/Kathmandu." in mine
    assert "Mon 16 Nov, 13:45 – Mon 23 Nov, 13:45 in Asia/Kathmandu" in mine
    theirs = words(jonas.get("/oncall/desk/?zone=schedule"))
    assert "Times on the schedule’s clock, Asia/Kathmandu, UTC+0545; beside them those on yours" in theirs
    assert "Mon 16 Nov, 09:00 – Mon 23 Nov, 09:00 in Europe/Amsterdam" in theirs


def test_when_both_clocks_show_the_same_then_there_is_nothing_to_switch(jonas: Client) -> None:
    """Amsterdam and Rome."""
    page = shown(jonas.get("/oncall/payments/"))
    assert "your clock and the schedule’s show the same" in page
    assert "zone=schedule" not in page


def test_when_the_clock_goes_back_then_the_page_says_so_and_tells_the_two_hours_apart(
    world: World, jonas: Client
) -> None:
    nights = Schedule.objects.create(name="Nights", slug="nights", time_zone="Europe/Rome")
    publish(world, nights, layer(world.cast.marta, world.cast.elena, rotation="hourly"))
    page = words(jonas.get("/oncall/nights/?view=day&from=2026-10-25"))
    assert "On Sun 25 Oct the clock goes from 03:00 to 02:00: that day lasts 25 h." in page
    assert "02:00 CEST" in page
    assert "02:00 CET" in page


# --- gaps and overlaps


@pytest.mark.requirement("R310")
def test_when_there_is_a_gap_then_it_is_drawn_and_listed_in_words(jonas: Client, desk: Schedule) -> None:
    response = jonas.get("/oncall/desk/")
    assert 'class="b gap"' in shown(response)
    assert "No backup for 15 h" in words(response)
    assert "Mon 23 Nov, 18:00 – Tue 24 Nov, 09:00 : every layer is closed then" in words(response)
    assert "Nobody, 15 h: every layer is closed then" in words(response)


@pytest.mark.requirement("R310")
def test_when_there_is_an_overlap_then_it_is_drawn_and_listed_with_who_when_and_why(
    jonas: Client, desk: Schedule, covering: Covering
) -> None:
    covering("tomas", 1, 3, kind="add")
    response = jonas.get("/oncall/desk/")
    assert "Overlaps" in [lane.label for lane in response.context["calendar"].lines[0].lanes]
    assert "b s double" in shown(response)
    page = words(response)
    assert "Marta Ferri and Tomás Oliveira hold primary at once" in page
    assert "Sun 22 Nov, 04:09 – Sun 22 Nov, 06:09 , 2 h" in page
    assert "Marta Ferri by the layer “Weekly”; Tomás Oliveira by override" in page


@pytest.mark.requirement("R310")
def test_when_one_person_holds_two_roles_then_that_is_an_overlap(
    jonas: Client, desk: Schedule, covering: Covering
) -> None:
    covering("jonas", 24, 34)
    assert "Jonas de Wit holds primary and backup at once" in words(jonas.get("/oncall/desk/"))


@pytest.mark.requirement("R310")
def test_when_turns_follow_each_other_then_there_is_neither_gap_nor_overlap(world: World, jonas: Client) -> None:
    whole = Schedule.objects.create(name="Whole", slug="whole", time_zone="Europe/Rome")
    publish(world, whole, layer(world.cast.marta, world.cast.elena, rotation="daily"))
    response = jonas.get("/oncall/whole/?view=month")
    calendar = response.context["calendar"]
    assert (calendar.to_mend, calendar.overlaps) == ((), ())
    assert "primary is covered all the time." in words(response)
    assert "No gap to mend" in words(response)


def test_past_gaps_are_drawn_quietly_and_not_counted(jonas: Client, desk: Schedule) -> None:
    response = jonas.get("/oncall/desk/?from=2026-11-02")
    assert "gap past" in shown(response)
    assert "No gap to mend" in words(response)
    assert "Gaps to mend" not in words(response)
    assert "Nobody, 15 h over" in words(response)


def test_a_gap_somebody_accepted_says_who_and_is_no_longer_to_mend(world: World, jonas: Client, desk: Schedule) -> None:
    before = len(jonas.get("/oncall/desk/").context["calendar"].to_mend)
    night = datetime(2026, 11, 23, 17, tzinfo=UTC)
    GapAcceptance.objects.create(
        schedule=desk,
        role="secondary",
        start=night,
        end=night + timedelta(hours=15),
        reason="The shop is closed",
        accepted_by=world.cast.elena,
        accepted_at=world.now,
    )
    response = jonas.get("/oncall/desk/")
    assert len(response.context["calendar"].to_mend) == before - 1
    assert "gap known" in shown(response)
    assert "Accepted by Elena Conti, Sun 22 Nov, 03:09 : The shop is closed" in words(response)


def test_when_only_part_of_a_gap_was_accepted_then_the_rest_is_to_mend(
    world: World, jonas: Client, desk: Schedule
) -> None:
    night = datetime(2026, 11, 23, 17, tzinfo=UTC)
    GapAcceptance.objects.create(
        schedule=desk,
        role="secondary",
        start=night + timedelta(hours=5),
        end=night + timedelta(hours=10),
        accepted_by=world.cast.elena,
        accepted_at=world.now,
    )
    calendar = jonas.get("/oncall/desk/").context["calendar"]
    lengths = [gap.length for gap in calendar.to_mend if gap.start.day in (23, 24)]
    assert lengths == ["5 h", "5 h", "15 h"]
    assert [gap.length for gap in calendar.accepted] == ["5 h"]


def test_coverage_is_told_for_each_role_and_never_rounded_up(jonas: Client, desk: Schedule) -> None:
    coverage = jonas.get("/oncall/desk/").context["calendar"].coverage
    assert [(one.role, one.percent) for one in coverage] == [("primary", "100"), ("backup", "26.7")]


def test_the_next_handoff_says_who_takes_over_from_whom(jonas: Client, desk: Schedule) -> None:
    page = words(jonas.get("/oncall/desk/"))
    assert "Next handoff Mon 23 Nov, 09:00" in page
    assert "Elena Conti takes over as primary from Marta Ferri." in page
    assert "Jonas de Wit comes on call as backup." in page


# --- why


def test_each_shift_says_why(world: World, jonas: Client, desk: Schedule, covering: Covering) -> None:
    covering("jonas", 1, 2)
    covering("tomas", 3, 4, kind="replace", replaces=world.cast.marta)
    swap = covering("nils", 5, 6, kind="replace", replaces=world.cast.marta)
    Override.objects.filter(pk=swap.pk).update(cause=Override.Cause.SWAP)
    absent(world, world.cast.marta, 8, 10)
    absent(world, world.cast.marta, 12, 14, kind=Absence.Kind.HOLIDAY)
    page = words(jonas.get("/oncall/desk/"))
    for reason in (
        "by the layer “Weekly”",
        "Jonas de Wit, primary, by override, for Marta Ferri,",
        "Tomás Oliveira, primary, by override, for Marta Ferri,",
        "Nils Aaker, primary, by swap, for Marta Ferri,",
        "Elena Conti, primary, covers for Marta Ferri, who is away,",
        "Elena Conti, primary, covers for Marta Ferri, who has a public holiday,",
    ):
        assert reason in page


def absent(world: World, person: User, start: float, end: float, **fields: Any) -> Absence:
    hours = {"start": world.now + timedelta(hours=start), "end": world.now + timedelta(hours=end)}
    return Absence.objects.create(user=person, created_at=world.now, **hours, **fields)


def test_the_overrides_lane_says_what_each_does_and_which_has_the_last_word(
    jonas: Client, desk: Schedule, covering: Covering
) -> None:
    covering("elena", 1, 5)
    covering("tomas", 3, 8, kind="add")
    covering("marta", 20, 22, kind="remove")
    response = jonas.get("/oncall/desk/")
    page = words(response)
    assert "Elena Conti alone is on call in the first role" in page
    assert "Tomás Oliveira is on call too, in the first role" in page
    assert "Marta Ferri is taken off" in page
    assert "Two overrides overlap" in page
    assert (
        "First: Elena Conti alone is on call in the first role. "
        "Then: Tomás Oliveira is on call too, in the first role. The later one has the last word."
    ) in page
    lanes = [lane.label for lane in response.context["calendar"].lines[0].lanes]
    assert lanes[lanes.index("Overrides") + 1] == "Overrides, also"


def test_when_somebody_is_on_call_while_away_then_it_is_told(
    world: World, jonas: Client, desk: Schedule, covering: Covering
) -> None:
    absent(world, world.cast.jonas, 2, 30)
    covering("jonas", 1, 5)
    response = jonas.get("/oncall/desk/")
    assert "Jonas de Wit is on call as primary, but not there (away)" in words(response)
    assert "Away" in [lane.label for lane in response.context["calendar"].lines[0].lanes]


def test_absences_of_people_who_are_not_concerned_stay_out(world: World, jonas: Client, desk: Schedule) -> None:
    absent(world, world.cast.nils, 2, 30)
    assert "Away" not in [lane.label for lane in jonas.get("/oncall/desk/").context["calendar"].lines[0].lanes]


# --- mine, and everything


def test_ones_own_shifts_are_outlined_and_told_in_words(jonas: Client, desk: Schedule) -> None:
    response = jonas.get("/oncall/desk/")
    assert re.search(r'class="b h\d s mine"', shown(response))
    assert "You have 10 shifts here, 3 d 18 h of them in this view." in words(response)
    assert "You are not on call here in this time." in words(jonas.get("/oncall/desk/?view=day"))


def test_the_table_holds_everything_that_is_drawn(
    world: World, jonas: Client, desk: Schedule, covering: Covering
) -> None:
    covering("tomas", 1, 3, kind="add")
    absent(world, world.cast.elena, 2, 30)
    table = jonas.get("/oncall/desk/").context["calendar"].table
    assert [section.title for section in table] == [
        "Final schedule",
        "Overlaps",
        "Overrides",
        "Away",
        "Layer “Weekly”",
        "Layer “Office”",
    ]


def test_on_a_phone_days_without_a_change_are_one_line(world: World, jonas: Client) -> None:
    weekly = Schedule.objects.create(name="Weeks", slug="weeks", time_zone="Europe/Rome")
    publish(world, weekly, layer(world.cast.marta, world.cast.elena))
    days = jonas.get("/oncall/weeks/").context["calendar"].days
    assert [(day.day.day, len(day.rows), day.quiet_until is not None) for day in days] == [
        (16, 2, False),
        (17, 0, True),
        (23, 1, False),
        (24, 0, False),
    ]


# --- kinds of schedules


def test_a_schedule_of_everyone_and_one_that_follows_are_drawn_too(world: World, jonas: Client, desk: Schedule) -> None:
    together = {"time_zone": "UTC", "members": [world.cast.marta.pk, world.cast.jonas.pk]}
    follower = {"time_zone": "UTC", "follow": "desk"}
    for name, definition in (("All", together), ("Follower", follower)):
        schedule = Schedule.objects.create(name=name, slug=name.lower(), time_zone="UTC")
        schedule_publish(
            schedule=schedule, definition=definition, author=world.cast.hugo, at=world.now - timedelta(days=30)
        )
    assert "primary with everyone of the schedule" in words(jonas.get("/oncall/all/"))
    assert jonas.get("/oncall/all/").context["calendar"].overlaps == ()
    followed, own = (jonas.get(f"/oncall/{slug}/").context["calendar"] for slug in ("desk", "follower"))
    assert {(row.name, row.start, row.end) for row in followed.table[0].rows} == {
        (row.name, row.start, row.end) for row in own.table[0].rows
    }


# --- ways on


def test_from_a_gap_and_from_ones_own_shift_a_link_leads_to_what_mends_it(jonas: Client, desk: Schedule) -> None:
    page = shown(jonas.get("/oncall/desk/"))
    gap = "start=2026-11-23T18%3A00%3A00%2B01%3A00&amp;end=2026-11-24T09%3A00%3A00%2B01%3A00&amp;role=secondary"
    assert f'href="/oncall/desk/override/?{gap}"' in page
    shift = "role=secondary&amp;at=2026-11-23T09%3A00%3A00%2B01%3A00"
    assert f'href="/oncall/desk/swap/?{shift}"' in page
    for address in (f"/oncall/desk/override/?{gap}", f"/oncall/desk/swap/?{shift}"):
        assert jonas.get(address.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    ("username", "takes", "edits"),
    [("jonas", True, False), ("elena", True, True), ("tomas", False, False), ("amara", False, False)],
)
def test_each_reader_sees_the_ways_open_to_them(
    client: Client, world: World, desk: Schedule, username: str, takes: bool, edits: bool
) -> None:
    client.force_login(world.cast.people[username])
    page = shown(client.get("/oncall/desk/"))
    assert ("Take it" in page) == takes
    assert ("/oncall/desk/edit/" in page) == edits
    assert ("/oncall/desk/override/" in page) == takes


# --- how much is asked


@pytest.mark.parametrize("path", ["/oncall/desk/?view=month", "/oncall/"])
def test_when_there_is_more_to_show_then_no_more_is_asked(
    world: World, jonas: Client, desk: Schedule, covering: Covering, path: str
) -> None:
    covering("jonas", 1, 2)
    absent(world, world.cast.elena, 2, 30)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert jonas.get(path).status_code == 200
        return len(queries)

    asked()
    few = asked()
    for number in range(4):
        covering("tomas", 3 + number, 9 + number, kind="add")
        absent(world, world.cast.marta, 40 + 2 * number, 41 + 2 * number)
        more = Schedule.objects.create(name=f"More {number}", slug=f"more-{number}", time_zone="Europe/Rome")
        publish(world, more, layer(world.cast.nils, world.cast.tomas))
    asked()  # The absences of somebody who is new to the schedules are asked for once (oncall.loading_all).
    assert asked() == few
    assert few <= 18
