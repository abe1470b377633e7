"""The page of process checks, the incidents behind each number, and a cluster made a problem."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.errors import DomainError, NotAllowed
from incidents.models import Incident, IncidentLink, Task, TimelineEvent
from incidents.services.handing import incident_reassign
from incidents.services.handover_rating import handover_rate
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from incidents.services.tasks import task_create, task_state
from incidents.services.teams import incident_team
from notifications.models import Message
from oncall.models import Handoff, User
from oncall.services import override_create
from reports.figures.keeping import figures_follow_all
from reports.process.reminders import reminders_send
from reports.process.services import problem_open
from tests.world.harness import World

PAGE = "/reports/process/"


def at_browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username])
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())


def opened(world: World, title: str = "Card payments failing", **more: Any) -> Incident:
    values: dict[str, Any] = {"summary": "", "severity": 2, "service": world.cast.gateway, "reporter": world.cast.sofie}
    return incident_open(title=title, at=world.now, **{**values, **more})


@pytest.mark.requirement("R308")
def test_when_trouble_comes_again_then_one_click_makes_it_a_problem_and_links_its_incidents(world: World) -> None:
    found = [opened(world, f"Queue {number} is long") for number in range(3)]
    incident_acknowledge(incident_id=found[0].pk, actor=world.cast.marta, at=world.now)
    incident_resolve(incident_id=found[0].pk, actor=world.cast.marta, at=world.now, resolution="Pool too small.")
    client = at_browser(world, "elena")
    page = shown(client.get(PAGE))
    assert "came 3 times" in page
    assert "Suspected cause: “Pool too small.”" in page
    key = f"{world.cast.gateway.pk}-{found[0].pk}"
    behind = shown(client.get(f"{PAGE}incidents/?check=clusters&key={key}"))
    assert all(f"{one.reference}</a>" in behind for one in found)
    answer = client.post(f"{PAGE}problem/", {"key": key})
    task = Task.objects.get()
    assert answer["Location"] == f"/incidents/{found[-1].pk}/tasks/{task.pk}/"
    linked = IncidentLink.objects.filter(source=found[-1]).values_list("target", flat=True)
    assert sorted(linked) == [found[0].pk, found[1].pk]
    client.post(f"{PAGE}problem/", {"key": key})
    assert Task.objects.count() == 1


def test_when_somebody_may_not_act_then_no_problem_is_opened(world: World) -> None:
    found = [opened(world, f"Queue {number} is long") for number in range(3)]
    ids = [one.pk for one in found]
    assert at_browser(world, "amara").post(f"{PAGE}problem/", {"key": "x"}).status_code == 403
    assert "Open a problem" not in shown(at_browser(world, "amara").get(PAGE))
    with pytest.raises(NotAllowed):
        problem_open(incident_ids=ids, actor=world.cast.amara, at=world.now)
    with pytest.raises(DomainError):
        problem_open(incident_ids=ids[:1], actor=world.cast.elena, at=world.now)
    assert not IncidentLink.objects.exists()


def test_when_incidents_are_handed_over_at_once_then_the_number_leads_to_exactly_them(world: World) -> None:
    moved = [opened(world, f"Wrong way {name}") for name in ("A", "B")]
    opened(world, "Right way")
    for one in moved:
        incident_team(
            incident_id=one.pk, team=world.cast.platform, reason="Theirs.", actor=world.cast.elena, at=world.now
        )
    client = at_browser(world, "elena")
    assert "2 incidents of Payments gateway went from Payments to Platform" in shown(client.get(PAGE))
    key = f"{world.cast.gateway.pk}-Payments-Platform"
    behind = shown(client.get(f"{PAGE}incidents/", {"check": "misrouting", "key": key}))
    assert "Wrong way A" in behind
    assert "Wrong way B" in behind
    assert "Right way" not in behind
    assert client.get(f"{PAGE}incidents/", {"check": "misrouting", "key": "gone"}).status_code == 404


def test_when_tasks_are_overdue_then_whoever_has_them_is_named_with_the_oldest(world: World) -> None:
    incident = opened(world)
    task_create(
        incident_id=incident.pk, title="Write to the bank", actor=world.cast.elena, at=world.now, assignee=world.cast.jonas,
        due_at=world.now + timedelta(hours=1),
    )  # fmt: skip
    world.jump(days=2)
    page = shown(at_browser(world, "elena").get(PAGE))
    assert "Jonas de Wit has 1 overdue task." in page
    assert "“Write to the bank”, is 1 d late." in page


@pytest.mark.requirement("R190")
def test_when_a_task_is_overdue_then_whoever_has_it_and_their_manager_are_reminded_once_and_again_a_week_later(
    world: World,
) -> None:
    User.objects.filter(pk=world.cast.jonas.pk).update(manager=world.cast.elena)
    incident = opened(world)
    due = world.now + timedelta(hours=1)
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": world.cast.elena, "at": world.now, "due_at": due}
    task = task_create(title="Write to the bank", assignee=world.cast.jonas, **given)
    done = task_create(title="Done already", assignee=world.cast.jonas, **given)
    task_state(task_id=done.pk, state="done", actor=world.cast.jonas, at=world.now)
    assert reminders_send(at=world.now) == 0
    world.jump(hours=2)
    assert [reminders_send(at=world.now) for _run in range(2)] == [1, 0]
    told = Message.objects.filter(subject__startswith="Overdue").order_by("recipient__username")
    assert [(one.recipient.username, one.subject) for one in told if one.recipient] == [
        ("elena", "Overdue: Write to the bank (Jonas de Wit)"),
        ("jonas", "Overdue: Write to the bank"),
    ]
    entry = LedgerEntry.objects.get(action="task.remind")
    assert (entry.object_id, entry.subject) == (str(task.pk), incident.subject)
    world.jump(days=3)
    assert reminders_send(at=world.now) == 0
    world.jump(days=4)
    assert [reminders_send(at=world.now) for _run in range(2)] == [1, 0]
    page = shown(at_browser(world, "elena").get(PAGE))
    # One of two tasks that were due is done, and in time.
    assert '<th scope="row">All tasks</th><td>2</td><td>1</td><td>50%</td><td>50%</td>' in page


def test_when_an_incident_is_restricted_then_a_manager_who_may_not_see_it_is_reminded_of_nothing(world: World) -> None:
    User.objects.filter(pk=world.cast.jonas.pk).update(manager=world.cast.tomas)
    incident = opened(world, "Payroll leak", restricted=True)
    task_create(
        incident_id=incident.pk, title="Tell the authority", actor=world.cast.elena, at=world.now, assignee=world.cast.jonas,
        due_at=world.now + timedelta(hours=1),
    )  # fmt: skip
    world.jump(hours=2)
    assert reminders_send(at=world.now) == 1
    (told,) = Message.objects.filter(subject__startswith="Overdue")
    assert told.recipient == world.cast.jonas


@pytest.mark.requirement("R066")
def test_when_only_one_team_is_looked_at_then_what_went_away_from_it_is_counted_too(world: World) -> None:
    gone = opened(world, "Wrong way")
    opened(world, "Right way")
    incident_team(incident_id=gone.pk, team=world.cast.platform, reason="Theirs.", actor=world.cast.elena, at=world.now)
    page = shown(at_browser(world, "elena").get(f"{PAGE}?team=payments"))
    assert "1 incident of Payments gateway went from Payments to Platform" in page
    assert '<th scope="row">Payments</th><td>2</td><td>1</td><td>50%</td>' in page


def test_when_the_period_is_not_named_then_the_other_filters_hold_nevertheless(world: World) -> None:
    opened(world, severity=1)
    opened(world, severity=4)
    client = at_browser(world, "elena")
    for query, number in (("", 2), ("?severity=1", 1), ("?team=platform", 0), ("?team=payments&severity=1", 1)):
        page: Any = client.get(f"{PAGE}{query}")
        (noise,) = (one for one in page.context["checks"] if one.key == "noise")
        assert noise.asked == number, query
    days = "period=custom&first=2026-11-01&last=2026-11-02"
    page = client.get(f"{PAGE}?{days}")
    assert page.context["scope"].period.days == 2


def test_when_people_do_the_same_by_hand_again_and_again_then_the_step_is_named_with_its_share(world: World) -> None:
    incidents = [opened(world, f"Trouble {name}") for name in "abcdefghijkl"]
    for one in incidents:
        incident_acknowledge(incident_id=one.pk, actor=world.cast.marta, at=world.now)
    page: Any = at_browser(world, "elena").get(PAGE)
    (toil,) = (one for one in page.context["checks"] if one.key == "toil")
    (found,) = (one for one in toil.findings if one.key == "incident.acknowledge")
    manual = TimelineEvent.objects.filter(actor__isnull=False).count()
    assert found.said.startswith("By hand, 12 times: ")
    assert found.why.startswith(f"{round(100 * 12 / manual)}% of all steps by hand.")
    assert sorted(found.incidents) == sorted(one.pk for one in incidents)
    assert toil.asked == TimelineEvent.objects.count()


@pytest.mark.requirement("R319")
def test_when_those_who_came_on_call_say_what_was_missing_then_the_share_with_the_whole_picture_is_shown(
    world: World,
) -> None:
    given: dict[str, Any] = {"schedule": world.cast.schedule, "role": "primary", "created_at": world.now}
    for number, complete in enumerate((True, True, True, False, False, None)):
        at = world.now - timedelta(days=number + 1)
        Handoff.objects.create(incoming=world.cast.marta, at=at, accepted_at=at, complete=complete, **given)
    page = shown(at_browser(world, "elena").get(PAGE))
    assert "Payments: 3 of 5 who came on call had the whole picture (60%)." in page
    assert '<th scope="row">Payments</th><td>6</td><td>6</td><td>5</td><td>3</td><td>60%</td>' in page
    assert '/handoffs/?schedule=payments&amp;show=incomplete"' in page


@pytest.mark.requirement("R319")
def test_when_receivers_of_incidents_say_what_was_missing_then_the_share_and_the_checklist_are_shown(
    world: World,
) -> None:
    cast, short = world.cast, []
    for number in range(5):
        incident = opened(world, f"Trouble {number}")
        incident_reassign(incident_id=incident.pk, owner=cast.marta, actor=cast.jonas, at=world.now, note="Yours.")
        complete = number < 3
        missing = "" if complete else "Which customers"
        handover_rate(incident_id=incident.pk, complete=complete, missing=missing, actor=cast.marta, at=world.now)
        short += [] if complete else [incident]
    page = shown(at_browser(world, "elena").get(PAGE))
    assert "Payments: 3 of 5 who took an incident over had the full context (60%)." in page
    row = re.search(r'<th scope="row">Payments</th><td>5</td><td>5</td><td>3</td><td>60%</td><td>(\d+)%</td>', page)
    assert row is not None
    assert int(row[1]) >= 20
    behind: Any = at_browser(world, "elena").get(f"{PAGE}incidents/?check=passing&key=Payments")
    assert {one.pk for one in behind.context["page"]} == {one.pk for one in short}
    load: Any = at_browser(world, "elena").get("/reports/tabs/escalation/")
    (card,) = (one for _title, cards in load.context["board"].families for one in cards if one.key == "full_context")
    assert [part.value for part in card.parts] == ["60.0%"]


@pytest.mark.requirement("R310")
def test_when_one_person_bears_most_of_a_schedule_then_the_page_says_that_it_is_one_sided(world: World) -> None:
    override_create(
        schedule=world.cast.schedule,
        user=world.cast.tomas,
        role="secondary",
        start=world.now,
        end=world.now + timedelta(days=25),
        reason="Jonas is away.",
        actor=world.cast.elena,
        at=world.now,
    )
    world.jump(days=27)
    page = shown(at_browser(world, "elena").get(PAGE))
    said = re.search(r"Payments: (Hours|Nights|Weekends) are (.+?), (\d+) of 100", page)
    assert said is not None
    assert said[2] == "one-sided"
    assert "Marta Ferri has most" in page
    assert "?schedule=payments" in page


def test_when_an_incident_is_restricted_then_no_finding_of_a_stranger_counts_it(world: World) -> None:
    for number in range(3):
        hidden = opened(world, f"Payroll leak {number}", restricted=True)
        Incident.objects.filter(pk=hidden.pk).update(team=world.cast.platform)
    assert "Payroll" not in shown(at_browser(world, "elena").get(PAGE))
    assert "Payroll" in shown(at_browser(world, "amara").get(PAGE))


def test_when_there_are_more_incidents_then_the_page_asks_no_more_queries(world: World) -> None:
    client = at_browser(world, "elena")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE).status_code == 200
        return len(captured)

    opened(world)
    queries()
    before = queries()
    for number in range(4):
        opened(world, f"Something else {number}")
    figures_follow_all(at=world.now)
    assert queries() <= before + 1  # one more for the first kind of step that is taken by hand
