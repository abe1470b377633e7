"""People on call in two places at once: found, shown with both places and a way to mend it, and said when it is brought."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from oncall.load import clash_text, clashes_brought
from oncall.load.clashing import clashes_between
from oncall.models import Schedule, User
from oncall.rota import OverlapKind, Override, OverrideKind
from oncall.selectors import schedules_load
from oncall.services import schedule_publish
from tests.oncall.test_workload import add_schedule, rota, shown
from tests.world.harness import World

PAGE = "/oncall/clashes/"
BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture
def elena(world: World, client: Client) -> Client:
    """A manager's browser."""
    client.force_login(world.cast.elena)
    return client


@pytest.mark.requirement("R266")
def test_when_two_teams_share_people_then_their_clashes_are_listed_with_both_schedules_and_a_way_to_mend(
    world: World, elena: Client
) -> None:
    cast = world.cast
    add_schedule(world, "Data", cast.nils, cast.tomas, team=cast.platform)
    add_schedule(world, "Search", cast.nils, cast.jonas, team=cast.payments)
    response = elena.get(PAGE)
    page = shown(response)
    meeting = next(one for one in response.context["meetings"] if one.user == cast.nils)
    assert [place.schedule.name for place in meeting.places] == ["Data", "Search"]
    # Every second week of the eight, from tomorrow on.
    assert meeting.total == 4 * WEEK
    assert "On call for Data (primary) and Search (primary) at once." in page
    # Elena writes the rotations of her own teams; of others she arranges cover.
    assert 'href="/oncall/search/edit/"' in page
    assert "/oncall/data/edit/" not in page
    for slug in ("data", "search"):
        assert (
            f"/oncall/{slug}/override/?kind=replace&amp;replaces={cast.nils.pk}&amp;role=primary&amp;start=2026" in page
        )


def test_when_a_responder_cannot_mend_a_clash_of_others_then_they_are_led_to_the_calendar(
    world: World, client: Client
) -> None:
    cast = world.cast
    add_schedule(world, "Data", cast.nils, team=cast.platform)
    add_schedule(world, "Search", cast.nils, team=cast.payments)
    client.force_login(cast.marta)
    page = shown(client.get(PAGE))
    assert 'href="/oncall/data/?from=2026-11-22"' in page
    assert "/oncall/data/edit/" not in page
    client.force_login(cast.nils)
    assert f"/oncall/data/override/?kind=replace&amp;replaces={cast.nils.pk}" in shown(client.get(PAGE))


@pytest.mark.requirement("R266")
def test_when_people_are_on_several_schedules_then_one_lane_shows_where_they_are_across_teams(
    world: World, elena: Client
) -> None:
    cast = world.cast
    add_schedule(world, "Data", cast.nils, cast.tomas, team=cast.platform)
    add_schedule(world, "Search", cast.tomas, cast.nils, cast.marta, team=cast.payments)
    lanes = {lane.user.username: lane for lane in elena.get(PAGE).context["calendar"].lanes}
    assert set(lanes) == {"nils", "tomas", "marta"}
    places = {place.schedule.name for slot in lanes["nils"].slots for place in slot.places}
    assert places <= {"Data", "Search"}
    assert "Data" in places
    everybody = elena.get(PAGE, {"who": "everybody"}).context["calendar"].lanes
    assert {"jonas", "nils"} <= {lane.user.username for lane in everybody}
    platform = elena.get(PAGE, {"team": "platform"}).context["calendar"].lanes
    assert {lane.user.username for lane in platform} == {"nils", "tomas"}


def test_when_the_lane_is_cut_into_slots_then_a_clash_is_marked_in_words_and_with_an_icon(
    world: World, elena: Client
) -> None:
    cast = world.cast
    add_schedule(world, "Data", cast.nils)
    add_schedule(world, "Search", cast.nils)
    response = elena.get(PAGE, {"from": "2026-12-01"})
    (lane,) = [one for one in response.context["calendar"].lanes if one.user == cast.nils]
    assert [slot.clash for slot in lane.slots] == [True]
    assert lane.blocks[0].label == "Data + Search"
    assert lane.blocks[0].icon == "triangle-alert"
    assert "Data (primary) and Search (primary) at once" in shown(response)
    assert "30 Nov – 13 Dec 2026" in shown(response)


def test_when_somebody_holds_two_roles_of_one_schedule_then_it_is_the_overlap_the_rota_finds(world: World) -> None:
    cast = world.cast
    both = rota(cast.marta)
    both["layers"].append({**rota(cast.marta, cast.jonas, role="secondary")["layers"][0], "name": "Backup"})
    schedule_publish(schedule=cast.schedule, definition=both, author=cast.hugo, at=world.now, effective_from=world.now)
    loaded = schedules_load([cast.schedule], since=world.now)[cast.schedule.pk]
    since, until = world.now, world.now + 8 * WEEK
    found = clashes_between([loaded], since=since, until=until)
    told = [one for one in loaded.overlaps(since=since, until=until) if one.kind is OverlapKind.SAME_PERSON]
    assert found
    assert all(one.one_schedule for one in found)
    assert [(one.start, one.end) for one in found] == [(one.start, one.end) for one in told]


def test_when_a_schedule_follows_another_then_they_do_not_clash(world: World, elena: Client) -> None:
    mirror = Schedule.objects.create(name="Mirror", slug="mirror", time_zone="Europe/Rome")
    schedule_publish(
        schedule=mirror,
        definition={"time_zone": "Europe/Rome", "follow": "payments"},
        author=world.cast.hugo,
        at=world.now,
    )
    page = shown(elena.get(PAGE))
    assert "Nobody is on call in two places at once" in page
    assert "Schedules share nobody" in page


@pytest.mark.requirement("R266")
def test_when_a_change_is_saved_that_brings_a_clash_then_it_can_be_named(world: World) -> None:
    cast = world.cast
    data = add_schedule(world, "Data", cast.nils, cast.tomas)
    add_schedule(world, "Search", cast.nils)
    loaded = schedules_load([data], since=world.now)[data.pk]
    assert clashes_brought(changed=[loaded], at=world.now) == []
    start = datetime(2026, 12, 1, 8, tzinfo=UTC)
    after = loaded.with_overrides(
        Override(kind=OverrideKind.COVER, user_id=cast.nils.pk, start=start, end=start + timedelta(hours=4))
    )
    (clash,) = clashes_brought(changed=[after], at=world.now)
    assert (clash.user_id, clash.start, clash.end) == (cast.nils.pk, start, start + timedelta(hours=4))
    said = clash_text(clash, "Nils Aaker", at=world.now)
    assert said.startswith("Nils Aaker would be on call for Data and Search at once from Tue 1 Dec, ")


def test_when_a_schedule_is_only_a_draft_then_its_clashes_are_found_as_well(world: World) -> None:
    cast = world.cast
    data = add_schedule(world, "Data", cast.nils)
    loaded = schedules_load([data], since=world.now)[data.pk]
    draft = replace(loaded, schedule=Schedule(name="Draft", slug="draft"))
    found = clashes_brought(changed=[draft], at=world.now)
    assert [one.places[1].schedule.name for one in found] == ["Draft"]
    assert {one.places[0].schedule.name for one in found} == {"Data"}


def test_when_somebody_has_left_then_they_clash_with_nothing(world: World, elena: Client) -> None:
    add_schedule(world, "Data", world.cast.nils)
    add_schedule(world, "Search", world.cast.nils)
    User.objects.filter(username="nils").update(is_active=False)
    response = elena.get(PAGE)
    assert response.context["meetings"] == ()
    assert response.context["calendar"].lanes == ()


@pytest.mark.parametrize("asked", ["nonsense", "2026-02-31", "0001-01-01", "9999-12-31"])
def test_when_an_impossible_day_is_asked_for_then_this_week_is_shown(elena: Client, asked: str) -> None:
    response: Any = elena.get(PAGE, {"from": asked})
    assert response.context["first"].isoformat() == "2026-11-16"


@pytest.mark.parametrize(("username", "status"), [("amara", 200), ("marta", 200), ("sofie", 403)])
def test_the_page_is_open_to_staff_and_closed_to_support_staff(
    world: World, client: Client, username: str, status: int
) -> None:
    client.force_login(world.cast.people[username])
    assert client.get(PAGE).status_code == status
    assert client.post(PAGE).status_code == 405


def test_when_there_are_more_schedules_then_there_are_not_more_queries(world: World, elena: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            shown(elena.get(PAGE, {"who": "everybody"}))
        return len(counted)

    add_schedule(world, "Data", world.cast.nils, world.cast.tomas)
    before = queries()
    for number in range(6):
        add_schedule(world, f"More{number}", world.cast.nils, world.cast.jonas, team=world.cast.platform)
    assert queries() <= before
