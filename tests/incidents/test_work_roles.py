"""Roles: filled from the role map when an incident opens, vacant ones flagged, taken and handed over, their tasks with them."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError
from incidents.models import Incident, ResponseRole, RoleDuty, RoleHolder, Task
from incidents.selectors.work import roles_of, tasks_of
from incidents.services.engaged import teams_post
from incidents.services.lifecycle import incident_open
from incidents.services.major import incident_major
from incidents.services.roles import role_give, role_leave, role_take
from incidents.services.severity import incident_severity
from incidents.services.tasks import task_create, task_state
from tests.incidents.asking import filed, lines
from tests.world.harness import World

BACKEND = "django.contrib.auth.backends.ModelBackend"


def role(key: str) -> ResponseRole:
    return ResponseRole.objects.get(key=key)


def holders(incident: Incident) -> dict[str, str]:
    rows = RoleHolder.objects.filter(incident=incident, until=None).select_related("role", "user")
    return {one.role.key: one.user.username for one in rows}


def browser(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.cast.people[username], backend=BACKEND)
    return client


def shown(world: World, incident: Incident) -> Any:
    incident.refresh_from_db()
    return {one.role.key: one for one in roles_of(incident, None, tasks_of(incident, at=world.now))}


@pytest.mark.requirement("R103")
@pytest.mark.requirement("R104")
@pytest.mark.requirement("R105")
@pytest.mark.requirement("R106")
def test_when_an_incident_opens_then_its_roles_are_filled_from_the_policys_map_and_else_from_the_houses(
    world: World,
) -> None:
    cast = world.cast
    RoleDuty.objects.create(role=role("commander"), user=cast.hugo)
    RoleDuty.objects.create(role=role("commander"), user=cast.elena, policy=cast.policy)
    RoleDuty.objects.create(role=role("mitigation"), schedule=cast.schedule, schedule_role="primary")
    RoleDuty.objects.create(role=role("communications"), schedule=cast.schedule, schedule_role="secondary")
    RoleDuty.objects.create(role=role("vendor-lead"), user=cast.tomas)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)

    incident = world.incident
    assert holders(incident) == {
        "commander": "elena",
        "mitigation": "marta",
        "communications": "jonas",
        "vendor-lead": "tomas",
    }
    assert lines(incident).count("role.fill") == 4
    assert LedgerEntry.objects.filter(action="role.fill", subject=incident.subject).count() == 4
    # Told are those whose role it needs at this severity; the vendor lead is for major ones.
    assert [name for name, _subject in world.notices()] == ["elena", "jonas", "marta"]
    hidden = filed(world, restricted=True)
    assert "vendor-lead" not in holders(hidden)  # Tomás may not see it.
    world.settle()
    world.notices()


def test_an_empty_role_map_costs_the_intake_one_query(world: World) -> None:
    def opened() -> int:
        with CaptureQueriesContext(connection) as queries:
            filed(world)
        return sum("roleduty" in query["sql"] or "roleholder" in query["sql"] for query in queries.captured_queries)

    assert opened() == 1


@pytest.mark.requirement("R008")
@pytest.mark.requirement("R012")
def test_a_major_incident_shows_one_commander_and_flags_every_vacant_role_as_soon_as_it_is_major(world: World) -> None:
    cast = world.cast
    incident = filed(world, severity=3)
    assert [key for key, one in shown(world, incident).items() if one.vacant] == []
    role_give(incident_id=incident.pk, role=role("scribe"), user=cast.jonas, actor=cast.marta, at=world.now)

    incident_severity(incident_id=incident.pk, severity=1, actor=cast.marta, at=world.now)
    assert {key for key, one in shown(world, incident).items() if one.vacant} == {
        "commander",
        "mitigation",
        "communications",
    }
    incident_major(incident_id=incident.pk, actor=cast.marta, at=world.now, reason="Everything stands still")
    first = role_take(incident_id=incident.pk, role=role("commander"), actor=cast.marta, at=world.now)

    vacant = {key for key, one in shown(world, incident).items() if one.vacant}
    assert vacant == {"mitigation", "communications", "vendor-lead"}
    page = browser(world, "elena").get(f"/incidents/{incident.pk}/plan/").content.decode()
    assert page.count("Vacant") == 3
    # A second commander takes the place of the first, and only knowingly.
    with pytest.raises(Conflict, match="Marta Ferri has this role"):
        role_take(incident_id=incident.pk, role=role("commander"), actor=cast.elena, at=world.now)
    role_take(incident_id=incident.pk, role=role("commander"), actor=cast.elena, at=world.now, seen=first.pk)
    assert holders(incident)["commander"] == "elena"
    page = browser(world, "marta").get(f"/incidents/{incident.pk}/plan/").content.decode()
    assert "SEV-1" in page
    assert "Major incident" in page
    assert page.count('<th scope="row">Commander</th>') == 1
    world.settle()
    world.notices()


@pytest.mark.requirement("R107")
def test_when_a_role_changes_hands_then_its_open_tasks_do_and_what_is_done_stays(world: World) -> None:
    cast, incident = world.cast, filed(world)
    asked: dict[str, Any] = {"incident_id": incident.pk, "at": world.now}
    first = role_take(role=role("communications"), actor=cast.marta, **asked)
    done, waiting = (
        task_create(title=title, role=role("communications"), actor=cast.marta, **asked)
        for title in ("First status", "Second status")
    )
    assert (done.assignee, waiting.assignee) == (cast.marta, cast.marta)
    task_state(task_id=done.pk, state="done", actor=cast.marta, at=world.now)

    client = browser(world, "marta")
    sent = {"do": "give", "user": cast.jonas.pk, "seen": first.pk}
    assert client.post(f"/incidents/{incident.pk}/roles/communications/", sent).status_code == 303

    of = dict(Task.objects.filter(incident=incident).values_list("title", "assignee__username"))
    assert of == {"First status": "marta", "Second status": "jonas"}
    assert "Jonas de Wit" in client.get(f"/incidents/{incident.pk}/tasks/{waiting.pk}/").content.decode()
    world.settle()
    world.expect_notice("jonas")
    role_leave(role=role("communications"), actor=cast.jonas, **asked)
    waiting.refresh_from_db()
    assert waiting.assignee is None
    with pytest.raises(DomainError, match="does not respond"):
        role_give(role=role("communications"), user=cast.sofie, actor=cast.marta, **asked)


@pytest.mark.requirement("R100")
def test_a_word_to_all_teams_reaches_every_engaged_team_and_stands_in_the_timeline(world: World) -> None:
    cast = world.cast
    incident = incident_open(
        title="Checkout hangs",
        summary="",
        severity=2,
        service=cast.gateway,
        reporter=cast.sofie,
        at=world.now,
    )
    world.settle()
    world.expect_page("marta", level=1)
    incident.responding_teams.create(team=cast.platform, joined_at=world.now)

    told = teams_post(incident_id=incident.pk, text="Roll back now", actor=cast.elena, at=world.now)

    # Payments by who is on call, Platform by its lead: it has no schedule.
    assert sorted(told) == ["Jonas de Wit", "Marta Ferri", "Tomás Oliveira"]
    world.settle()
    assert [name for name, _subject in world.notices()] == ["jonas", "marta", "tomas"]
    line = incident.timeline.get(kind="teams.post")
    assert (line.text, line.data["teams"]) == ("Roll back now", ["Payments", "Platform"])
