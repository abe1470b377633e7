"""Tasks and milestones on a line of time, with what waits on what; and the screen on the wall."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident, IncidentLink, Service, Task, TaskWait
from incidents.selectors.plan_zoom import zoom_of
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from tests.incidents.views.cast import HTMX, MOST_QUERIES
from tests.world.harness import World

Browser = Callable[[str], Client]
File = Callable[..., Incident]
PLANS = "/incidents/plan/"
WALL = "/incidents/wall/"
MINUTE = timedelta(minutes=1)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def task(
    incident: Incident, title: str, start: datetime, due: datetime, *, after: Task | None = None, **more: Any
) -> Task:
    made = Task.objects.create(
        incident=incident, title=title, starts_at=start, due_at=due, created_at=incident.started_at, **more
    )
    if after is not None:
        TaskWait.objects.create(task=made, waits_on=after)
    return made


def lines(response: Any) -> dict[str, Any]:
    return {line.title: line for line in response.context["chart"].lines}


@pytest.mark.requirement("R197", "R212")
def test_when_a_milestone_slips_then_bars_and_links_show_and_its_followers_move(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident, at = file_incident("Refunds"), night.now
    restore = task(incident, "Restore", at, at + 30 * MINUTE, assignee=night.cast.jonas)
    replay = task(incident, "Replay", at + 30 * MINUTE, at + 60 * MINUTE, after=restore)
    task(incident, "On time again", at + 60 * MINUTE, at + 60 * MINUTE, after=replay, kind="milestone")
    marta, address = browser_of("marta"), f"/incidents/{incident.pk}/plan-chart/"
    before = marta.get(address)
    assert "All of them end as planned." in text_of(before)
    assert len(before.context["chart"].threads) == 2
    assert text_of(before).count('class="g-bar todo"') == 2 + 1  # and the legend's
    assert text_of(before).count('class="g-stone todo"') == 1

    night.jump(minutes=20)
    late = marta.get(address, headers=HTMX)
    assert {title: line.bar.slip for title, line in lines(late).items() if line.task} == dict.fromkeys(
        ("Restore", "Replay", "On time again"), 20 * MINUTE
    )
    page = text_of(late)
    assert "3 end later than planned." in page
    # For those who do not see the drawing the table says the same.
    assert '20 min later</span> <span class="muted">because of “Restore”' in page
    assert f'data-live="incident:{incident.pk}"' in page
    assert "<html" not in page


@pytest.mark.requirement("R197")
def test_when_incidents_block_each_other_then_what_is_left_to_do_waits_across_services(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    at, cast = night.now, night.cast
    storage = Service.objects.create(name="Storage", slug="storage", team=cast.platform)
    before = file_incident("Disk full", service=storage, severity=2)
    after = file_incident("Refunds", severity=3)
    secret = file_incident("Keys leaked", service=storage, restricted=True)
    task(before, "Add a disk", at, at + 120 * MINUTE)
    task(after, "Replay", at, at + 30 * MINUTE)
    task(secret, "Turn the keys", at, at + 30 * MINUTE)
    for source in (before, secret):
        IncidentLink.objects.create(source=source, target=after, kind="blocks", by=cast.marta, at=at)
    marta = browser_of("marta")
    for address in (PLANS, f"/incidents/{after.pk}/plan-chart/"):
        with CaptureQueriesContext(connection) as queries:
            response = marta.get(address)
        assert len(queries) <= MOST_QUERIES
        shown = lines(response)
        assert shown["Replay"].bar.start == at + 120 * MINUTE
        assert shown["Replay"].bar.slip == 120 * MINUTE
        assert f"<b>Storage</b> ({before.reference}) blocks <b>Payments gateway</b>" in text_of(response)
        assert "Keys leaked" not in shown
        assert "Turn the keys" not in text_of(response)
    assert marta.get(f"/incidents/{secret.pk}/plan-chart/").status_code == 404
    # A circle is told, not drawn for ever.
    IncidentLink.objects.create(source=after, target=before, kind="blocks", by=cast.marta, at=at)
    circle = marta.get(PLANS)
    assert "These wait for each other" in text_of(circle)
    assert lines(circle)["Replay"].bar.start == at


def test_when_nothing_is_planned_then_the_page_teaches_what_shows_here(
    browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("Refunds")
    sofie = browser_of("sofie")
    for address in (PLANS, f"/incidents/{incident.pk}/plan-chart/"):
        assert "Nothing is planned yet" in text_of(sofie.get(address))
    assert sofie.post(PLANS).status_code == 405


def test_the_wall_shows_what_is_open_who_has_it_and_who_is_on_call_and_never_a_restricted_incident(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    ringing, taken = file_incident("Cards"), file_incident("Refunds", severity=3)
    file_incident("Customer data in a log", restricted=True)
    file_incident("A drill", is_test=True)
    incident_acknowledge(incident_id=taken.pk, actor=night.cast.jonas, at=night.now)
    # Not even for whoever may see every one of them.
    for viewer in (browser_of("hugo"), browser_of("marta")):
        with CaptureQueriesContext(connection) as queries:
            response = viewer.get(WALL)
        assert len(queries) <= MOST_QUERIES
        page = text_of(response)
        assert "Customer data in a log" not in page
        assert "A drill" not in page
        assert "Restricted incidents are never on this screen" in page
        wall = response.context["wall"]
        assert [row.incident for row in wall.rows] == [ringing, taken]
        assert dict(wall.severities) == {1: 1, 2: 0, 3: 1, 4: 0, 5: 0}
        assert wall.unanswered == 1
        assert "ringing: Marta Ferri" in page
        assert "Jonas de Wit" in page
        assert [schedule.name for schedule, _holders in wall.on_call] == ["Payments"]
    for one in (ringing, taken):
        incident_resolve(incident_id=one.pk, actor=night.cast.jonas, at=night.now)
    quiet = browser_of("marta").get(WALL, headers=HTMX)
    assert "Nothing is open" in text_of(quiet)
    assert quiet.context["wall"].resolved == 2
    assert "<html" not in text_of(quiet)


@pytest.mark.requirement("R197", "R212")
def test_when_a_plan_is_zoomed_then_a_stretch_of_it_is_drawn_and_what_lies_outside_is_said(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident, at = file_incident("Refunds"), night.now
    restore = task(incident, "Restore", at, at + 30 * MINUTE)
    task(incident, "Replay", at + 30 * MINUTE, at + 60 * MINUTE, after=restore)
    task(incident, "Look back", at + timedelta(days=10), at + timedelta(days=11), after=restore)
    task(incident, "All is well", at + timedelta(days=40), at + timedelta(days=40), kind="milestone")
    marta, address = browser_of("marta"), f"/incidents/{incident.pk}/plan-chart/"
    outside = {
        "": set[str](),
        "hours": {"Look back", "All is well"},
        "days": {"Look back", "All is well"},
        "weeks": set[str](),
    }
    for zoom, left_out in outside.items():
        with CaptureQueriesContext(connection) as queries:
            shown = marta.get(address, {"zoom": zoom})
        assert len(queries) <= MOST_QUERIES
        assert {title for title, line in lines(shown).items() if line.outside} == left_out, zoom
        assert (f"{len(left_out)} tasks lie outside." in text_of(shown)) == bool(left_out)
        assert text_of(shown).count("<td>later</td>") == len(left_out), "the table says so, too"
        # A milestone that is not seen does not stand at the edge.
        assert ("g-stone" in text_of(shown)) == ("All is well" not in left_out)

    # In hours what is short is seen: half an hour of eight.
    hours = marta.get(address, {"zoom": "hours"})
    assert lines(hours)["Restore"].width == "6.25%"
    assert [tick.x for tick in hours.context["chart"].ticks][:2] == ["12.5%", "25%"]
    assert hours.context["zoom"].title.count("–") == 1
    later = marta.get(f"{address}{hours.context['ways']['later']}")
    assert later.context["zoom"].since - hours.context["zoom"].since == timedelta(hours=4)
    assert marta.get(f"{address}{later.context['ways']['now']}").context["zoom"] == hours.context["zoom"]
    for nonsense in ("yesterday", "0001-01-01T00:00Z", "9999-12-31T00:00Z", "2026-02-30T00:00Z"):
        found = marta.get(address, {"zoom": "hours", "from": nonsense})
        assert found.context["zoom"] == hours.context["zoom"]
    assert marta.get(address, {"zoom": "years"}).context["zoom"] is None


def test_when_weeks_are_drawn_over_the_change_of_the_clock_then_each_begins_at_midnight() -> None:
    rome = ZoneInfo("Europe/Rome")
    zoom = zoom_of({"zoom": "weeks"}, at=datetime(2026, 10, 21, 9, tzinfo=UTC), zone=rome)
    assert zoom is not None
    assert zoom.since.astimezone(rome) == datetime(2026, 10, 12, tzinfo=rome)
    assert zoom.until.astimezone(rome) == datetime(2026, 12, 7, tzinfo=rome)
    assert zoom.title == "12 Oct 2026 – 6 Dec 2026"


def test_when_a_plan_is_turned_then_it_is_announced_and_a_live_refresh_is_not_and_filters_stay(
    night: World, browser_of: Browser, file_incident: File
) -> None:
    incident = file_incident("Refunds", severity=2)
    task(incident, "Restore", night.now, night.now + 30 * MINUTE)
    marta, address = browser_of("marta"), f"{PLANS}?severity=2&zoom=hours"
    turned = text_of(marta.get(address, headers={**HTMX, "HX-Trigger": "plan-zoom-hours"}))
    assert 'hx-swap-oob="innerHTML:#announce"' in turned
    assert 'href="?severity=2&amp;zoom=weeks"' in turned
    assert "hx-swap-oob" not in text_of(marta.get(address, headers={**HTMX, "HX-Trigger": "plan-chart"}))
    assert marta.get(f"{PLANS}?zoom=hours").context["filtered"] is False
