"""Tasks: three deep and rolled up, urgent first, waiting on each other, approved at level 3, edited by two at once."""

from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Incident, Task, TaskWait, TimelineEvent
from incidents.selectors.work import every, tasks_of, work_of
from incidents.services.lifecycle import incident_acknowledge, incident_resolve
from incidents.services.task_waits import task_wait_add, task_wait_remove
from incidents.services.task_writing import history_number
from incidents.services.tasks import task_approve, task_change, task_create, task_move, task_state
from incidents.services.time import time_log
from tests.incidents.asking import filed, lines
from tests.world.harness import World

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def incident(world: World) -> Incident:
    return filed(world)


def made(world: World, incident: Incident, title: str, *, by: str = "marta", **more: Any) -> Task:
    return task_create(incident_id=incident.pk, title=title, actor=world.cast.people[by], at=world.now, **more)


def state(world: World, task: Task, to: str, *, by: str = "marta", **more: Any) -> Task:
    return task_state(task_id=task.pk, state=to, actor=world.cast.people[by], at=world.now, **more)


def waits(world: World, task: Task, other: Task, **more: Any) -> TaskWait:
    return task_wait_add(task_id=task.pk, waits_on=other.pk, actor=world.cast.marta, at=world.now, **more)


def browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username], backend=BACKEND)
    return client


@pytest.mark.requirement("R213")
def test_tasks_are_three_deep_each_assigned_and_rolled_up_and_a_whole_ends_after_its_parts(
    world: World, incident: Incident
) -> None:
    cast = world.cast
    whole = made(world, incident, "Contain it")
    part = made(world, incident, "Replace credentials", parent_id=whole.pk, assignee=cast.jonas)
    deep = made(world, incident, "Keys of services", parent_id=part.pk, assignee=cast.marta)
    other = made(world, incident, "Sessions of people", parent_id=part.pk, assignee=cast.elena)
    with pytest.raises(DomainError, match="three deep"):
        made(world, incident, "Too deep", parent_id=deep.pk)
    with pytest.raises(Conflict, match="2 subtasks are open") as refused:
        state(world, part, "done")
    assert refused.value.code == "parts_open"

    state(world, deep, "done")

    top = tasks_of(incident, at=world.now)[0]
    assert (top.node.done, top.node.total, top.percent) == (1, 2, 50)
    assert [one.task.title for one in every([top])] == [whole.title, part.title, deep.title, other.title]
    state(world, other, "dropped")
    state(world, part, "done")
    assert state(world, whole, "done").ended_by == cast.marta
    with pytest.raises(Conflict, match="is over"):
        state(world, deep, "todo")
    world.settle()
    assert [name for name, _subject in world.notices()] == ["elena", "jonas"]  # Marta took hers herself.
    assert "task.finish" in lines(incident)
    assert LedgerEntry.objects.filter(action="task.finish", subject=incident.subject).count() == 3


@pytest.mark.requirement("R211")
def test_an_urgent_task_is_listed_first_and_marked_in_words_until_it_is_over(world: World, incident: Incident) -> None:
    made(world, incident, "Write it up")
    urgent = made(world, incident, "Stop the leak", priority=Task.Priority.URGENT)

    text = browser(world, "marta").get(f"/incidents/{incident.pk}/response/").content.decode()

    assert text.index("Stop the leak") < text.index("Write it up")
    assert ">Urgent</span>" in text
    state(world, urgent, "done")
    assert [one.task.title for one in tasks_of(incident, at=world.now)] == ["Write it up", "Stop the leak"]


@pytest.mark.requirement("R212")
def test_what_waits_strictly_is_refused_naming_the_blocker_and_what_should_wait_is_warned_of(
    world: World, incident: Incident
) -> None:
    first, second, third = (made(world, incident, title) for title in ("Copy logs", "Clean up", "Tell customers"))
    waits(world, second, first)
    waits(world, third, second, strict=False)

    with pytest.raises(Conflict, match="waits for Copy logs") as refused:
        state(world, second, "doing", anyway=True)
    assert refused.value.code == "blocked"
    with pytest.raises(Conflict, match="should wait for Clean up") as warned:
        state(world, third, "doing")
    assert warned.value.code == "warned"

    client = browser(world, "marta")
    page = client.post(f"/incidents/{incident.pk}/tasks/{third.pk}/begin/")
    assert page.status_code == 409
    assert "Begin anyway" in page.content.decode()
    assert client.post(f"/incidents/{incident.pk}/tasks/{third.pk}/begin/", {"anyway": "1"}).status_code == 303
    work = client.get(f"/incidents/{incident.pk}/response/").content.decode()
    assert "Waits on Copy logs" in " ".join(work.split())
    assert "Blocking Clean up" in " ".join(work.split())
    state(world, first, "done")
    assert state(world, second, "doing").started_at == world.now


def test_a_circle_of_waits_is_refused_also_through_what_a_task_is_part_of(world: World, incident: Incident) -> None:
    first, second, third = (made(world, incident, title) for title in ("A", "B", "C"))
    part = made(world, incident, "A1", parent_id=first.pk)
    waits(world, second, first)
    waits(world, third, second)

    with pytest.raises(DomainError, match="A → C → B → A"):
        waits(world, first, third)
    with pytest.raises(DomainError, match="A1 → A → A1"):
        waits(world, part, first)
    with pytest.raises(DomainError, match="wait for each other"):
        waits(world, first, first)
    with pytest.raises(DomainError, match="of this incident"):
        waits(world, first, made(world, filed(world), "Elsewhere"))
    task_wait_remove(task_id=second.pk, waits_on=first.pk, actor=world.cast.marta, at=world.now)
    assert waits(world, first, third).strict


@pytest.mark.requirement("R099")
def test_what_needs_approval_stays_blocked_until_level_3_approves_with_time_and_reason_kept(
    world: World, incident: Incident
) -> None:
    cast = world.cast
    task = made(world, incident, "Fail over", needs_approval=True, assignee=cast.jonas)
    world.settle()
    assert [name for name, _subject in world.notices()] == ["elena", "jonas"]  # asked, and given
    with pytest.raises(Conflict, match="waits for approval") as refused:
        state(world, task, "doing")
    assert refused.value.code == "needs_approval"
    for username in ("marta", "tomas", "sofie", "amara"):
        with pytest.raises(NotAllowed):
            task_approve(task_id=task.pk, reason="Mine", actor=cast.people[username], at=world.now)
    with pytest.raises(NotAllowed, match="needs no approval"):
        task_change(task_id=task.pk, values={"needs_approval": False}, actor=cast.marta, at=world.now)
    with pytest.raises(DomainError, match="Say why"):
        task_approve(task_id=task.pk, reason=" ", actor=cast.elena, at=world.now)

    approved = task_approve(task_id=task.pk, reason="The second site is warm", actor=cast.elena, at=world.now)

    kept = (approved.approved_at, approved.approved_by, approved.approval_note)
    assert kept == (world.now, cast.elena, "The second site is warm")
    assert TimelineEvent.objects.get(incident=incident, kind="task.approve").text == "The second site is warm"
    world.settle()
    assert [name for name, _subject in world.notices()] == ["jonas", "marta"]
    changed = task_change(task_id=task.pk, values={"title": "Fail over twice"}, actor=cast.marta, at=world.now)
    assert changed.approved_at is None  # What was approved is what is done.
    task_approve(task_id=task.pk, reason="Still", actor=cast.elena, at=world.now)
    state(world, task, "doing")
    with pytest.raises(Conflict, match="approved as it stands"):
        task_change(task_id=task.pk, values={"title": "Something else"}, actor=cast.marta, at=world.now)
    world.settle()
    world.notices()


def test_two_who_edit_a_task_at_once_lose_nothing(world: World, incident: Incident) -> None:
    task = made(world, incident, "Restart", details="One by one")
    seen = history_number(task)
    cast = world.cast
    task_change(
        task_id=task.pk,
        values={"title": "Restart all", "details": "One by one"},
        actor=cast.jonas,
        at=world.now,
        seen=seen,
    )

    both = task_change(
        task_id=task.pk, values={"title": "Restart", "details": "Two by two"}, actor=cast.marta, at=world.now, seen=seen
    )

    assert (both.title, both.details) == ("Restart all", "Two by two")
    client = browser(world, "marta")
    sent = {"title": "Restart none", "details": "Two by two", "seen": str(seen)}
    page = client.post(f"/incidents/{incident.pk}/tasks/{task.pk}/", sent)
    text = page.content.decode()
    assert page.status_code == 409
    assert "Somebody changed this meanwhile to: Restart all" in text
    assert 'value="Restart none"' in text
    again = {**sent, "seen": str(history_number(task))}
    assert client.post(f"/incidents/{incident.pk}/tasks/{task.pk}/", again).status_code == 303
    task.refresh_from_db()
    assert task.title == "Restart none"


def test_a_message_becomes_one_task_and_tasks_are_moved_among_those_beside_them(
    world: World, incident: Incident
) -> None:
    event = TimelineEvent.objects.filter(incident=incident).first()
    one = made(world, incident, "From a message", said_in=event)
    assert made(world, incident, "From a message", said_in=event) == one
    two = made(world, incident, "Second")

    task_move(task_id=two.pk, up=True, actor=world.cast.marta, at=world.now)
    task_move(task_id=two.pk, up=True, actor=world.cast.marta, at=world.now)

    assert [shown.task.title for shown in tasks_of(incident, at=world.now)] == ["Second", "From a message"]


@pytest.mark.requirement("R214")
def test_when_an_incident_is_closed_then_both_times_are_stored_and_work_time_stands_by_person(
    world: World, incident: Incident
) -> None:
    cast = world.cast
    task = made(world, incident, "Look")
    world.jump(minutes=4)
    incident_acknowledge(incident_id=incident.pk, actor=cast.marta, at=world.now)
    world.jump(minutes=26)
    incident_resolve(incident_id=incident.pk, actor=cast.marta, at=world.now, resolution="Restarted")
    log: dict[str, Any] = {"incident_id": incident.pk, "at": world.now}
    time_log(minutes=20, task_id=task.pk, actor=cast.marta, **log)
    time_log(minutes=5, actor=cast.marta, note="Report", **log)
    time_log(minutes=30, actor=cast.jonas, **log)
    with pytest.raises(DomainError, match="24 hours"):
        time_log(minutes=1441, actor=cast.marta, **log)

    incident.refresh_from_db()
    assert incident.acknowledged_at is not None
    assert incident.resolved_at is not None
    work = work_of(incident, at=world.now, user=world.cast.marta)
    spent = {one.user.username: one.spent.total_seconds() / 60 for one in work.times}
    assert spent == {"marta": 25, "jonas": 30}
    assert work.tasks[0].node.minutes == 20
    text = browser(world, "marta").get(f"/incidents/{incident.pk}/response/").content.decode()
    assert "4 min" in text
    assert "30 min" in text


def test_who_only_reads_changes_nothing_and_what_is_restricted_is_given_to_nobody_who_may_not_see_it(
    world: World,
) -> None:
    cast = world.cast
    hidden = filed(world, restricted=True)
    task = made(world, hidden, "Quietly")
    for username in ("sofie", "amara", "tomas"):
        with pytest.raises(NotAllowed):
            state(world, task, "done", by=username)
    with pytest.raises(DomainError, match="does not see it yet"):
        made(world, hidden, "For Tomás", assignee=cast.tomas)
    assert browser(world, "tomas").get(f"/incidents/{hidden.pk}/response/").status_code == 404
    assert browser(world, "amara").get(f"/incidents/{hidden.pk}/tasks/{task.pk}/").status_code == 200
    assert browser(world, "amara").post(f"/incidents/{hidden.pk}/tasks/{task.pk}/finish/").status_code == 403
    assert browser(world, "sofie").get(f"/incidents/{hidden.pk}/response/").status_code == 403
