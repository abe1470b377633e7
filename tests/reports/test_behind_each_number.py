"""Each number of a report leads to exactly what it counts: weeks, hours, people, groups without a name, parts of a metric."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client

from incidents.models import Category, Incident, Page
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.surveys import survey_answer
from oncall.models import User
from oncall.rota.clock import zone_named
from reports.dashboard import board
from reports.figures.counted import OTHERS
from reports.figures.keeping import figures_rebuild
from reports.group_panels import groups, pie
from reports.links import Links
from reports.models import PageFigures
from reports.names import Names
from reports.panels import Data, line, week
from reports.period import Period, hour_spans, period_of
from reports.selectors import Scope
from tests.world.harness import World

QUERY = "period=28d&severity=1&severity=2"


@pytest.fixture
def elena(world: World) -> Client:
    """The manager's browser."""
    client = Client()
    client.force_login(world.cast.elena)
    return client


def opened(world: World, title: str = "Cards fail", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


def data_of(world: World, query: str = QUERY, *, user: User | None = None, zone: str = "Europe/Rome") -> Data:
    figures_rebuild(at=world.now)
    reader = user or world.cast.elena
    period = period_of("28d", at=world.now, zone=zone_named(zone))
    return Data(Scope(reader, period, (), (1, 2)), Names(), Links(QueryDict(query)))


def listed(client: Client, address: str) -> set[int]:
    """The incidents, or pages, of a list."""
    answer: Any = client.get(address)
    assert answer.status_code == 200, address
    rows = answer.context["page"].object_list
    return {row.pk for row in rows}


def ids(*incidents: Incident) -> set[int]:
    return {one.pk for one in incidents}


def test_the_filters_of_the_report_go_along_and_what_is_of_one_list_does_not() -> None:
    link = Links(QueryDict("period=90d&team=a&team=b&which=sla.no&page=4&person=marta&hour=0-1"))
    query = parse_qs(urlsplit(link("csat.done,escalated.yes", "team", "c")).query)
    assert query == {"period": ["90d"], "team": ["c"], "which": ["csat.done,escalated.yes"]}
    part = parse_qs(urlsplit(link("pages.went", days=(date(2026, 11, 2), date(2026, 11, 8)))).query)
    assert (part["period"], part["first"], part["last"]) == (["custom"], ["2026-11-02"], ["2026-11-08"])


def test_when_a_week_of_a_line_is_opened_then_it_holds_the_incidents_of_that_week(world: World, elena: Client) -> None:
    now = opened(world, "This week")
    before = opened(world, "The week before")
    Incident.objects.filter(pk=before.pk).update(started_at=world.now - timedelta(days=7))
    mild = opened(world, "Not asked for", severity=4)
    data = data_of(world)
    drawn = line(data, "incidents")
    by_number = {row[1]: link for row, link in drawn.linked_rows if link}
    assert [row[1] for row, link in drawn.linked_rows if not link] == ["0"] * (len(drawn.table_rows) - 2)
    links = [link for _row, link in drawn.linked_rows if link]
    assert [listed(elena, link) for link in links] == [ids(before), ids(now)]
    assert by_number.keys() == {"1"}
    assert mild.pk not in listed(elena, data.link("all"))


def test_when_an_hour_of_the_week_is_opened_then_it_holds_what_began_in_it_on_the_readers_clock(
    world: World, elena: Client
) -> None:
    """It is 03:09 on Sunday in Rome."""
    here, later = opened(world, "Now"), opened(world, "An hour later")
    Incident.objects.filter(pk=later.pk).update(started_at=world.now + timedelta(hours=1))
    data = data_of(world)
    found = week(data, "incidents")
    counts = {
        (day, hour): one.count for day, (_name, hours, _all) in enumerate(found.lines) for hour, one in enumerate(hours)
    }
    assert {place: count for place, count in counts.items() if count} == {(6, 3): 1, (6, 4): 1}
    page = elena.get(f"/reports/?{QUERY}").content.decode()
    link = f"{found.link}&hour=6-3"
    assert f'href="{link.replace("&", "&amp;")}"' in page
    assert listed(elena, link) == ids(here)
    assert "Only Sun from 03:00 to 04:00." in elena.get(link).content.decode()
    assert listed(elena, f"{found.link}&hour=6-5") == set()


@pytest.mark.parametrize("zone", ["Europe/Rome", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])
def test_the_hours_of_a_week_tile_its_time_across_every_change_of_the_clocks(zone: str) -> None:
    for first in (date(2026, 10, 19), date(2026, 3, 23), date(2026, 9, 28), date(2026, 3, 30)):
        period = Period(first, first + timedelta(days=13), zone_named(zone))
        spans = [span for day in range(7) for hour in range(24) for span in hour_spans(period, (day, hour))]
        spans.sort()
        assert (spans[0][0], spans[-1][1]) == (period.since, period.until)
        assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_when_a_cell_of_the_load_is_opened_then_it_holds_that_persons_pages_of_that_week(
    world: World, elena: Client
) -> None:
    opened(world)
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    old = Page.objects.create(
        run=Page.objects.earliest("pk").run,
        incident=Page.objects.earliest("pk").incident,
        recipient=world.cast.marta,
        level=0,
        cycle=0,
        repeat=5,
        link_nonce="of-old",
        state="delivered",
        created_at=world.now - timedelta(days=14, hours=8),
    )
    found = board(data_of(world), "load").heat
    assert found is not None
    marta = next(one for one in found.lines if one.name == "Marta Ferri")
    cells = [cell for cell in marta.cells if cell.pages]
    martas = set(Page.objects.filter(recipient=world.cast.marta).values_list("pk", flat=True))
    assert [listed(elena, cell.link) for cell in cells] == [{old.pk}, martas - {old.pk}]
    assert [cell.nights_link != "" for cell in cells] == [False, True]
    assert listed(elena, cells[1].nights_link) == martas - {old.pk}
    assert listed(elena, marta.link) == martas


def test_when_incidents_have_no_category_then_they_are_a_group_that_can_be_opened_and_filtered_by(
    world: World, elena: Client
) -> None:
    none = opened(world)
    payments = Category.objects.create(name="Payments", slug="pay")
    filed = opened(world, category=payments)
    found = groups(data_of(world), "incidents", "category")
    by_name = {row.label: row.link for row in found.rows}
    assert listed(elena, by_name["none"]) == ids(none)
    assert listed(elena, by_name["Payments"]) == ids(filed)
    shown: Any = elena.get("/reports/?category=unknown")
    assert shown.context["board"].total == 1
    both: Any = elena.get("/reports/?category=unknown&category=pay")
    assert both.context["board"].total == 2


def test_when_incidents_come_from_monitors_then_they_are_told_apart_by_integration(world: World, elena: Client) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    alerted = world.incident
    Incident.objects.filter(pk=alerted.pk).update(severity=2)
    opened(world)
    integration = alerted.integration
    assert integration is not None
    found = groups(data_of(world), "noise", "integration")
    rows = {row.label: row for row in found.rows}
    assert set(rows) == {integration.name, "none"}
    assert rows[integration.name].cells[0].words == "1"
    assert listed(elena, rows[integration.name].cells[0].link) == ids(alerted)
    only: Any = elena.get(f"/reports/?integration={integration.slug}")
    assert only.context["board"].total == 1


def test_when_a_list_is_behind_a_metric_then_each_incident_has_its_own_value_and_the_other_parts_are_a_step_away(
    world: World, elena: Client
) -> None:
    slow, quick = opened(world, "Slow"), opened(world, "Quick")
    for one, minutes in ((slow, 9), (quick, 4)):
        Incident.objects.filter(pk=one.pk).update(mitigated_at=world.now + timedelta(minutes=minutes))
    open_one = opened(world, "Hurts still")
    figures_rebuild(at=world.now)
    answer: Any = elena.get("/reports/incidents/?which=recover.done")
    assert [(row["incident"].title, row["value"]) for row in answer.context["rows"]] == [
        ("Slow", "9:00"),
        ("Quick", "4:00"),
    ]
    parts = [key for key, _label in answer.context["parts"]]
    assert parts == ["recover.done", "recover.waiting"]
    assert listed(elena, f"/reports/incidents/?which={parts[1]}") == ids(open_one)
    page = answer.content.decode()
    assert "MTTR, time to recover" in page
    assert 'href="?which=recover.waiting"' in page


@pytest.mark.requirement("R318")
def test_when_escalated_incidents_are_judged_then_the_dashboard_shows_their_mark_apart(
    world: World, elena: Client
) -> None:
    calm = opened(world, "Calm")
    incident_acknowledge(incident_id=calm.pk, actor=world.cast.marta, at=world.now)
    loud = opened(world, "Loud")
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    for incident, score in ((calm, 5), (loud, 2)):
        incident_resolve(incident_id=incident.pk, actor=world.cast.marta, at=world.now)
        survey_answer(incident_id=incident.pk, actor=world.cast.sofie, score=score, at=world.now)
    answer: Any = elena.get("/reports/tabs/escalation/")
    (found,) = (one for metric, one in answer.context["board"].bars if metric and metric.key == "csat")
    rows = {row.label: row for row in found.rows}
    assert {label: row.words for label, row in rows.items()} == {"yes": "2.0", "no": "5.0"}
    assert listed(elena, rows["yes"].link) == ids(loud)
    assert listed(elena, rows["no"].link) == ids(calm)


def test_interruptions_are_told_apart_by_the_hours_of_whoever_they_were_for(world: World, elena: Client) -> None:
    """Withdrawn pages interrupted nobody."""
    opened(world)
    world.advance(minutes=6)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)
    data_of(world)
    first, second = PageFigures.objects.order_by("pk")
    monday = datetime(2026, 11, 16, 10, tzinfo=UTC)
    Page.objects.filter(pk=second.pk).update(created_at=monday)
    data = data_of(world)
    found = pie(data, "pages", "hours")
    rows = {row.label: row for row in found.rows}
    assert {label: row.words for label, row in rows.items()} == {"sleeping hours": "1", "working hours": "1"}
    assert listed(elena, rows["sleeping hours"].link) == {first.pk}
    assert listed(elena, rows["working hours"].link) == {second.pk}
    Page.objects.filter(pk=second.pk).update(state="cancelled")
    assert [row.label for row in pie(data_of(world), "pages", "hours").rows] == ["sleeping hours"]
    shown: Any = elena.get("/reports/tabs/load/")
    assert shown.context["board"].rings[0].title == found.title


def test_the_burden_of_shifts_is_a_metric_with_its_rule_beside_it(world: World, elena: Client) -> None:
    for _incident in range(3):
        opened(world)
    world.advance(minutes=6)
    for _page in range(3):
        world.expect_page("marta", level=1)
    for _page in range(3):
        world.expect_page("jonas", level=2)
    one = Page.objects.filter(recipient=world.cast.jonas).earliest("pk")
    Page.objects.filter(pk=one.pk).update(state="cancelled")
    figures_rebuild(at=world.now)
    answer: Any = elena.get("/reports/tabs/load/")
    (card,) = (one for one in answer.context["board"].cards if one.key == "heavy")
    assert (card.parts[0].value, card.parts[0].label) == ("50.0%", "1 of 2")
    behind: Any = elena.get(card.link)
    assert {one.person for one in behind.context["page"]} == {world.cast.marta}
    assert str(OTHERS["heavy"].left_out) in answer.content.decode()
