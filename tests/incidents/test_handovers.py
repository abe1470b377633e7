"""Handing one incident on: what came along is counted, and its receiver says whether they had the full context."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from incidents.models import Incident, TimelineEvent
from incidents.services.handing import incident_reassign
from incidents.services.handover_rating import handover_of, handover_rate
from incidents.services.lifecycle import incident_acknowledge
from incidents.services.teams import incident_team
from incidents.services.undoing import incident_undo
from oncall.models import User
from reports.figures.definitions import OPEN, YES
from reports.figures.keeping import figures_rebuild
from reports.models import IncidentFigures
from tests.incidents.handing_over import browser, shown
from tests.world.harness import World

pytestmark = pytest.mark.requirement("R319")


@pytest.fixture
def taken(world: World) -> Incident:
    """Marta has it."""
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    return world.incident


def handed(world: World, incident: Incident, *, by: User | None = None, to: User | None = None, note: str = "") -> None:
    actor, owner = by or world.cast.marta, to or world.cast.jonas
    incident_reassign(incident_id=incident.pk, owner=owner, actor=actor, at=world.now, note=note)


def rated(world: World, incident: Incident, actor: User, **more: Any) -> Incident:
    return handover_rate(incident_id=incident.pk, actor=actor, at=world.now, **{"complete": True, **more})


def line_of(incident: Incident, kind: str) -> TimelineEvent:
    return TimelineEvent.objects.filter(incident=incident, kind=kind).latest("pk")


def test_when_an_incident_is_handed_on_then_what_of_the_checklist_came_along_is_kept(
    world: World, taken: Incident
) -> None:
    Incident.objects.filter(pk=taken.pk).update(summary="Cards fail in the shop.", customer_impact="")
    browser(world.cast.marta).post(f"/incidents/{taken.pk}/comment/", {"text": "Restarted the gateway."})
    handed(world, taken, note="Watch the queue.")
    handover = handover_of(taken)
    assert handover is not None
    assert (handover.giver, handover.receiver, handover.note) == ("Marta Ferri", "Jonas de Wit", "Watch the queue.")
    there = {item.key: item.there for item in handover.items}
    assert (there["note"], there["summary"], there["impact"], there["tried"]) == (True, True, False, True)
    assert handover.percent == round(100 * sum(there.values()) / 5)


def test_when_the_receiver_says_what_was_missing_then_it_is_on_the_timeline_and_the_ledger(
    world: World, taken: Incident
) -> None:
    handed(world, taken)
    client: Client = browser(world.cast.jonas)
    address = f"/incidents/{taken.pk}/brief/"
    assert "Was everything there that you needed?" in shown(client.get(address))
    empty = client.post(f"{address}rate/", {"complete": "no", "remark": " "})
    assert (empty.status_code, "Say what was missing." in shown(empty)) == (422, True)
    answer = client.post(f"{address}rate/", {"complete": "no", "remark": "Which customers are hit"})
    assert (answer.status_code, answer["Location"]) == (303, address)
    page = shown(client.get(address))
    assert "Jonas de Wit lacked something:" in page
    assert "Which customers are hit" in page
    assert "Was everything there that you needed?" not in page
    line, entry = line_of(taken, "incident.handover_rate"), LedgerEntry.objects.get(action="incident.handover_rate")
    assert (line.actor, line.text, line.data["complete"]) == (world.cast.jonas, "Which customers are hit", False)
    assert (entry.actor_label, entry.subject) == ("Jonas de Wit", taken.subject)
    assert entry.data is not None
    assert entry.data["missing"] == "Which customers are hit"


def test_when_somebody_else_or_the_same_one_again_rates_then_it_is_refused(world: World, taken: Incident) -> None:
    handed(world, taken)
    with pytest.raises(NotAllowed):
        rated(world, taken, world.cast.marta)
    with pytest.raises(DomainError) as nothing_said:
        rated(world, taken, world.cast.jonas, complete=False)
    assert nothing_said.value.field == "remark"
    rated(world, taken, world.cast.jonas)
    with pytest.raises(Conflict):
        rated(world, taken, world.cast.jonas, complete=False, missing="All of it")
    assert LedgerEntry.objects.filter(action="incident.handover_rate").count() == 1


def test_when_somebody_takes_it_from_a_colleague_then_they_rate_it_and_when_nobody_had_it_then_not(
    world: World, taken: Incident
) -> None:
    handed(world, taken, by=world.cast.jonas)
    rated(world, taken, world.cast.jonas)
    world.alert("DiskFull")
    world.settle()
    world.expect_page("marta", level=1)
    alone = Incident.objects.latest("pk")
    assert alone.pk != taken.pk
    handed(world, alone, by=world.cast.jonas)
    assert handover_of(alone) is None
    with pytest.raises(NotAllowed):
        rated(world, alone, world.cast.jonas)


def test_when_a_handover_is_taken_back_then_there_is_nothing_to_rate(world: World, taken: Incident) -> None:
    handed(world, taken)
    incident_undo(incident_id=taken.pk, actor=world.cast.marta, at=world.now + timedelta(seconds=20))
    assert handover_of(taken) is None


# --- to a team


def to_platform(world: World, incident: Incident, reason: str = "The database is yours.") -> None:
    incident_team(
        incident_id=incident.pk, team=world.cast.platform, actor=world.cast.marta, reason=reason, at=world.now
    )


def test_when_it_goes_to_another_team_then_somebody_of_it_says_whether_everything_was_there(
    world: World, taken: Incident
) -> None:
    to_platform(world, taken)
    handover = handover_of(taken)
    assert handover is not None
    assert (handover.giver, handover.receiver, handover.note) == ("Marta Ferri", "Platform", "The database is yours.")
    assert next(item for item in handover.items if item.key == "note").there
    with pytest.raises(NotAllowed):
        rated(world, taken, world.cast.marta)
    # Whoever takes it there has taken what came to their team.
    Incident.objects.filter(pk=taken.pk).update(owner=None)
    handed(world, taken, by=world.cast.tomas, to=world.cast.tomas)
    client: Client = browser(world.cast.tomas)
    assert "Was everything there that you needed?" in shown(client.get(f"/incidents/{taken.pk}/brief/"))
    rated(world, taken, world.cast.tomas, complete=False, missing="Which database")
    found = handover_of(taken)
    assert found is not None
    assert (found.complete, found.missing) == (False, "Which database")
    with pytest.raises(Conflict):
        rated(world, taken, world.cast.tomas)


def test_when_a_teams_handover_is_rated_then_it_counts_in_the_share_with_full_context(
    world: World, taken: Incident
) -> None:
    to_platform(world, taken)
    figures_rebuild(at=world.now)
    assert IncidentFigures.objects.get(pk=taken.pk).full_context == OPEN
    rated(world, taken, world.cast.tomas)
    figures_rebuild(at=world.now)
    assert IncidentFigures.objects.get(pk=taken.pk).full_context == YES
    page = shown(browser(world.cast.elena).get("/reports/process/"))
    assert '<th scope="row">Platform</th><td>1</td><td>1</td><td>1</td><td>100%</td>' in page


# --- by a program


def api(user: User, incident: Incident, **body: Any) -> Any:
    client, address = browser(user), f"/api/v1/incidents/{incident.pk}/handover/"
    return client.post(address, body, content_type="application/json") if body else client.get(address)


def test_when_a_program_asks_then_it_reads_the_handover_and_its_receiver_rates_it(
    world: World, taken: Incident
) -> None:
    assert api(world.cast.jonas, taken).status_code == 404
    handed(world, taken, note="Watch the queue.")
    said = api(world.cast.jonas, taken).json()
    assert (said["giver"], said["receiver"], said["note"]) == ("Marta Ferri", "Jonas de Wit", "Watch the queue.")
    assert (said["complete"], said["may_rate"]) == (None, True)
    assert {item["key"] for item in said["items"]} == {"note", "summary", "impact", "tried", "way"}
    assert api(world.cast.marta, taken).json()["may_rate"] is False
    refused = api(world.cast.marta, taken, complete=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_allowed")
    empty = api(world.cast.jonas, taken, complete=False)
    assert (empty.status_code, empty.json()["error"]["field"]) == (400, "remark")
    done = api(world.cast.jonas, taken, complete=False, remark="Which customers").json()
    assert (done["complete"], done["missing"], done["may_rate"]) == (False, "Which customers", False)
    assert api(world.cast.jonas, taken, complete=True).status_code == 409
    line = line_of(taken, "incident.handover_rate")
    assert (line.actor, line.text) == (world.cast.jonas, "Which customers")
