"""The action plan: applied from a template once, added to, always as the incident stands, edited by two at once, exported."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import ActionPlan, Incident, IncidentLink, Objective, PlanTemplate, Task, TaskWait
from incidents.plan_body import plan_parse
from incidents.plan_templates import shipped
from incidents.services.lifecycle import incident_acknowledge
from incidents.services.plans import (
    objective_add,
    objective_change,
    plan_apply,
    section_mark,
    section_save,
    template_set,
)
from incidents.services.severity import incident_severity
from incidents.services.tasks import task_create, task_state
from tests.incidents.asking import filed
from tests.world.harness import World

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def incident(world: World) -> Incident:
    return filed(world)


def browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username], backend=BACKEND)
    return client


def applied(world: World, incident: Incident, slug: str, *, by: str = "marta") -> ActionPlan:
    template = PlanTemplate.objects.get(slug=slug)
    return plan_apply(incident_id=incident.pk, template=template, actor=world.cast.people[by], at=world.now)


@pytest.mark.requirement("R006")
def test_a_plan_for_a_data_breach_brings_sections_roles_and_tasks_with_their_waits_once(
    world: World, incident: Incident
) -> None:
    assert set(shipped()) == {"data-breach", "natural-disaster", "outage", "vendor-failure"}
    plan = applied(world, incident, "data-breach")

    assert [one["title"] for one in plan.sections][:2] == ["What is known", "Data and people concerned"]
    assert Objective.objects.filter(incident=incident).count() == 3
    tasks = {task.title: task for task in Task.objects.filter(incident=incident)}
    assert len(tasks) == len(plan_parse(shipped()["data-breach"]["body"]).tasks)
    assert tasks["Keys and tokens of services"].depth == 3
    clean = tasks["Clean and restore what was entered"]
    assert {wait.waits_on.title for wait in TaskWait.objects.filter(task=clean, strict=True)} == {
        "Contain the leak",
        "Copy logs and images before anything is cleaned",
    }
    assert clean.role is not None
    page = browser(world, "marta").get(f"/incidents/{incident.pk}/plan/").content.decode()
    assert page.count("Vacant") == 4  # The roles the plan asks for, though SEV-3 asks for none.
    with pytest.raises(Conflict, match="applied already"):
        applied(world, incident, "data-breach")
    applied(world, incident, "outage")
    assert len(ActionPlan.objects.get(incident=incident).sections) == 7
    with pytest.raises(Conflict, match="applied already"):
        applied(world, incident, "data-breach")
    with pytest.raises(NotAllowed):
        applied(world, incident, "vendor-failure", by="amara")
    world.settle()
    assert {name for name, _subject in world.notices()} == {"elena"}  # asked to approve


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"tasks": [{"title": "A", "waits_on": ["b"]}]}, "tasks[0].waits_on[0]"),
        ({"tasks": [{"title": "A", "key": "a"}, {"title": "B", "key": "a"}]}, "tasks[1].key"),
        ({"tasks": [{"titel": "A"}]}, "tasks[0]"),
        ({"objectives": [""]}, "objectives[0]"),
        ({"tasks": [{"title": "A", "role": "captain"}]}, "body.tasks[0].role"),
        ({"roles": ["captain"]}, "body.roles[0]"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused_naming_the_place(db: None, body: Any, place: str) -> None:
    with pytest.raises(DomainError) as refused:
        template_set(template=PlanTemplate(slug="x"), values={"name": "X", "body": body}, actor=None, at=NOON)
    assert refused.value.field == place


@pytest.mark.requirement("R007")
def test_ranked_objectives_stand_at_the_top_of_the_incident_and_in_its_export(world: World, incident: Incident) -> None:
    marta = world.cast.marta
    first, second = (
        objective_add(incident_id=incident.pk, text=text, actor=marta, at=world.now)
        for text in ("Payments work again", "Nobody is charged twice")
    )
    objective_change(objective_id=second.pk, up=True, actor=marta, at=world.now)
    client = browser(world, "marta")

    page = client.get(incident.get_absolute_url()).content.decode()
    exported = orjson.loads(client.get(f"/incidents/{incident.pk}/plan/export/json/").content)
    document = client.get(f"/incidents/{incident.pk}/plan/export/markdown/").content.decode()

    assert (
        page.index("Nobody is charged twice") < page.index("Payments work again") < page.index('id="incident-timeline"')
    )
    assert [one["text"] for one in exported["objectives"]] == ["Nobody is charged twice", "Payments work again"]
    assert document.index("1. [ ] Nobody is charged twice") < document.index("1. [ ] Payments work again")
    client.post(f"/incidents/{incident.pk}/plan/objectives/", {"objective": first.pk, "do": "meet"})
    first.refresh_from_db()
    assert first.state == Objective.State.MET


@pytest.mark.requirement("R011")
@pytest.mark.requirement("R012")
def test_the_plan_shows_the_incident_its_escalations_and_what_follows_as_they_stand_now(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident, cast = world.incident, world.cast
    client = browser(world, "elena")
    text = " ".join(client.get(f"/incidents/{incident.pk}/plan/").content.decode().split())
    assert "Level 1: Marta Ferri" in text
    assert "Triggered" in text

    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    other = filed(world)
    IncidentLink.objects.create(source=incident, target=other, kind=IncidentLink.Kind.CAUSED_BY, at=world.now)
    incident_acknowledge(incident_id=incident.pk, actor=cast.jonas, at=world.now)
    incident_acknowledge(incident_id=other.pk, actor=cast.marta, at=world.now)

    text = " ".join(client.get(f"/incidents/{incident.pk}/plan/").content.decode().split())
    assert "Level 2: Jonas de Wit" in text
    assert f"{other.reference} {other.title}" in text
    assert text.count("Acknowledged") >= 2
    exported = orjson.loads(client.get(f"/incidents/{incident.pk}/plan/export/json/").content)
    assert (exported["owner"], exported["state"]) == ("Jonas de Wit", "acknowledged")
    assert exported["follow_ups"] == [{"incident": other.reference, "title": other.title, "state": "acknowledged"}]
    incident_severity(incident_id=incident.pk, severity=2, actor=cast.jonas, at=world.now)
    assert orjson.loads(client.get(f"/incidents/{incident.pk}/plan/export/json/").content)["severity"] == "SEV-2"


def test_two_who_write_a_section_at_once_lose_nothing(world: World, incident: Incident) -> None:
    marta, jonas = browser(world, "marta"), browser(world, "jonas")
    asked: dict[str, Any] = {"incident_id": incident.pk, "at": world.now}
    plan = section_save(number=None, title="Known", text="Nothing", seen="", actor=world.cast.marta, **asked)
    sent = {"number": 0, "title": "Known", "seen": section_mark(plan.sections[0])}
    address = f"/incidents/{incident.pk}/plan/section/"
    assert jonas.post(address, {**sent, "text": "Since 03:09"}).status_code == 303

    refused = marta.post(address, {**sent, "text": "Only cards"})

    assert refused.status_code == 409
    text = refused.content.decode()
    assert "Since 03:09" in text
    assert "Only cards" in text
    again = {**sent, "text": "Since 03:09, only cards", "seen": section_mark({"title": "Known", "text": "Since 03:09"})}
    assert marta.post(address, again).status_code == 303
    assert ActionPlan.objects.get(incident=incident).sections[0]["text"] == "Since 03:09, only cards"


@pytest.mark.requirement("R009")
def test_when_an_action_changes_then_those_who_have_the_plan_open_are_nudged_to_read_it_again(
    world: World, incident: Incident
) -> None:
    task = task_create(incident_id=incident.pk, title="Restart", actor=world.cast.marta, at=world.now)
    before = LedgerEntry.objects.latest("pk").pk
    task_state(task_id=task.pk, state="doing", actor=world.cast.marta, at=world.now)

    # The live feed tells what the ledger got by its subject (tests/incidents/test_live_feed.py); the plan listens to that.
    assert [entry.subject for entry in LedgerEntry.objects.filter(pk__gt=before)] == [incident.subject]
    client = browser(world, "elena")
    for page in ("plan", "response"):
        assert f'data-live="{incident.subject}"' in client.get(f"/incidents/{incident.pk}/{page}/").content.decode()
    body = client.get(f"/incidents/{incident.pk}/response/?full=1", headers={"HX-Request": "true"}).content.decode()
    assert "In progress" in body
    assert "<html" not in body
