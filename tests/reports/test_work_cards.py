"""Cards about the work on incidents: tasks by state and by person, what is late, time spent; each number with its list."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from incidents.models import Incident, Task
from incidents.services.lifecycle import incident_open
from incidents.services.tasks import task_create, task_state
from incidents.services.time import time_log
from reports.boards import dashboard_create
from reports.cards import CardInvalid, CardSpec, Drawn
from tests.world.harness import World


@pytest.fixture
def elena(world: World) -> Client:
    """The manager's browser."""
    client = Client()
    client.force_login(world.cast.elena)
    return client


def opened(world: World, **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title="Cards fail", at=world.now, **{**values, **more})


@pytest.fixture
def work(world: World) -> tuple[Task, Task, Task]:
    """Jonas has a late one and a done one, nobody has the third; Marta spent 90 minutes, Jonas 30."""
    incident, cast = opened(world), world.cast
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": cast.elena, "at": world.now}
    late = task_create(title="Ring the bank", assignee=cast.jonas, due_at=world.now + timedelta(hours=1), **given)
    done = task_create(title="Restart it", assignee=cast.jonas, **given)
    free = task_create(title="Write it down", **given)
    task_state(task_id=done.pk, state="done", actor=cast.jonas, at=world.now)
    for person, minutes in ((cast.marta, 60), (cast.marta, 30), (cast.jonas, 30)):
        time_log(incident_id=incident.pk, minutes=minutes, note="Looked at it", actor=person, at=world.now)
    world.jump(hours=3)
    return late, done, free


def cards(world: World, client: Client, *specs: CardSpec, query: str = "") -> list[Any]:
    board = dashboard_create(owner=world.cast.elena, name=f"Work {query}", at=world.now, cards=specs, query=query)
    page: Any = client.get(f"/reports/boards/{board.pk}/")
    assert page.status_code == 200
    return [one.body for one in page.context["cards"]]


def rows(body: Any) -> dict[str, str]:
    return {row.label: row.words for row in body.rows}


def behind(client: Client, link: str) -> list[str]:
    answer: Any = client.get(link)
    assert answer.status_code == 200, link
    return sorted(getattr(one, "title", "") or one.note for one in answer.context["page"])


@pytest.mark.requirement("R323")
@pytest.mark.usefixtures("work")
def test_when_cards_count_tasks_then_each_number_leads_to_exactly_those(world: World, elena: Client) -> None:
    number, late, states, people, teams = cards(
        world,
        elena,
        CardSpec(Drawn.NUMBER, "tasks"),
        CardSpec(Drawn.NUMBER, "tasks_late"),
        CardSpec(Drawn.PIE, "tasks", "task_state"),
        CardSpec(Drawn.BAR, "tasks", "person"),
        CardSpec(Drawn.TABLE, "tasks", "team"),
    )
    assert (number.parts[0].value, late.parts[0].value) == ("3", "1")
    assert behind(elena, number.link) == ["Restart it", "Ring the bank", "Write it down"]
    assert behind(elena, late.link) == ["Ring the bank"]
    assert rows(states) == {"To do": "2", "Done": "1"}
    assert [behind(elena, row.link) for row in states.rows] == [["Ring the bank", "Write it down"], ["Restart it"]]
    assert rows(people) == {"Jonas de Wit": "2", "nobody": "1"}
    assert [behind(elena, row.link) for row in people.rows] == [["Restart it", "Ring the bank"], ["Write it down"]]
    assert rows(teams) == {"Payments": "3"}
    assert len(behind(elena, teams.rows[0].cells[0].link)) == 3
    assert behind(elena, "/reports/tasks/?which=tasks&person=somebody") == []


@pytest.mark.requirement("R322")
@pytest.mark.usefixtures("work")
def test_when_a_card_reports_time_then_it_is_what_people_entered_in_the_period(world: World, elena: Client) -> None:
    whole, people, ring = cards(
        world,
        elena,
        CardSpec(Drawn.TIME, "worked"),
        CardSpec(Drawn.BAR, "worked", "person"),
        CardSpec(Drawn.PIE, "worked", "service"),
    )
    assert (whole.parts[0].value, whole.parts[0].label) == ("2 h", "0 before")
    assert rows(people) == {"Marta Ferri": "1 h 30 min", "Jonas de Wit": "30 min"}
    assert rows(ring) == {"Payments gateway": "2 h"}
    assert len(behind(elena, people.rows[0].link)) == 2
    page = elena.get(whole.link).content.decode()
    assert "3 entries, 2 h." in page
    (later,) = cards(
        world, elena, CardSpec(Drawn.TIME, "worked"), query="period=custom&first=2026-12-01&last=2026-12-07"
    )
    assert later.parts[0].value == "0"
    assert later.parts[0].change.text == "as many as before"


@pytest.mark.requirement("R263")
def test_when_a_card_shows_the_volume_of_alerts_then_each_time_one_came_counts(world: World, elena: Client) -> None:
    for _time in range(3):
        world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    alerted, filed = world.incident, opened(world)
    assert (alerted.alert_count, filed.alert_count) == (3, 0)
    integration = alerted.integration
    assert integration is not None
    whole, doors, weeks = cards(
        world,
        elena,
        CardSpec(Drawn.NUMBER, "alerts"),
        CardSpec(Drawn.BAR, "alerts", "integration"),
        CardSpec(Drawn.LINE, "alerts"),
    )
    assert (whole.parts[0].value, rows(doors)) == ("3", {integration.name: "3"})
    assert [row[1] for row in weeks.table_rows if row[1] != "0"] == ["3"]
    (week,) = (link for link in weeks.table_links if link)
    for link in (whole.link, doors.rows[0].link, week):
        found: Any = elena.get(link)
        assert [row["incident"] for row in found.context["rows"]] == [alerted]


@pytest.mark.requirement("R322")
@pytest.mark.usefixtures("work")
def test_when_work_is_drawn_by_week_then_each_week_leads_to_its_own(world: World, elena: Client) -> None:
    tasks, time = cards(world, elena, CardSpec(Drawn.LINE, "tasks"), CardSpec(Drawn.LINE, "worked"))
    assert [row[1] for row in tasks.table_rows if row[1] != "0"] == ["3"]
    assert [row[1] for row in time.table_rows if row[1] != "0"] == ["2 h"]
    (link,) = (link for link in time.table_links if link)
    assert behind(elena, link) == ["Looked at it"] * 3


@pytest.mark.usefixtures("work")
def test_when_filters_or_rights_leave_an_incident_out_then_its_work_counts_nowhere(world: World, elena: Client) -> None:
    (mild,) = cards(world, elena, CardSpec(Drawn.NUMBER, "tasks"), query="severity=4")
    assert mild.parts[0].value == "0"
    Incident.objects.update(restricted=True, team=world.cast.platform)
    (hidden,) = cards(world, elena, CardSpec(Drawn.NUMBER, "tasks"))
    assert hidden.parts[0].value == "0"
    assert behind(elena, "/reports/tasks/?which=worked") == []
    elena.force_login(world.cast.marta)
    assert elena.get("/reports/tasks/?which=worked").status_code == 403


@pytest.mark.parametrize(
    ("kind", "metric", "dimension"),
    [
        ("line", "tasks_late", ""),
        ("bar", "alerts", "person"),
        ("hours", "alerts", ""),
        ("hours", "worked", ""),
        ("time", "tasks", ""),
        ("bar", "worked", "task_state"),
        ("bar", "incidents", "task_state"),
        ("bar", "tasks", "hours"),
        ("pie", "tasks", "custom_vip"),
    ],
)
def test_when_work_cannot_be_drawn_so_then_the_card_is_refused(kind: str, metric: str, dimension: str) -> None:
    with pytest.raises(CardInvalid):
        CardSpec(Drawn(kind), metric, dimension)


@pytest.mark.usefixtures("work")
def test_when_there_is_more_work_then_a_card_asks_no_more_queries(world: World, elena: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    specs = (CardSpec(Drawn.BAR, "tasks", "person"), CardSpec(Drawn.BAR, "worked", "team"))
    board = dashboard_create(owner=world.cast.elena, name="Work", at=world.now, cards=specs)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            elena.get(f"/reports/boards/{board.pk}/")
        return len(captured)

    queries()
    before = queries()
    incident = Incident.objects.latest("pk")
    for number in range(4):
        task_create(incident_id=incident.pk, title=f"More {number}", actor=world.cast.elena, at=world.now)
    elena.get("/reports/")
    assert queries() == before
