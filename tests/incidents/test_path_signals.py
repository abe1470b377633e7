"""How often one thing is told, and by whom: repeated, distinct and refused signals, and what people file, on the same path."""

import pytest

from audit.models import LedgerEntry
from incidents.models import InboxSignal, Incident
from incidents.services.helping import Help, responder_add
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_open,
    incident_resolve,
)
from tests.world.harness import World


@pytest.mark.requirement("R161", "R301")
def test_when_a_person_files_or_pages_by_hand_then_each_entry_names_who_did_just_that(world: World) -> None:
    cast = world.cast
    incident = incident_open(
        title="Refunds wait", summary="", severity=1, service=cast.gateway, reporter=cast.sofie, at=world.now
    )
    world.settle()
    world.expect_page("marta", level=1)
    responder_add(incident_id=incident.pk, wanted=Help("Know this?", user=cast.jonas), actor=cast.elena, at=world.now)
    world.settle()
    world.expect_page("jonas", level=1)
    entries = LedgerEntry.objects.filter(subject=incident.subject).order_by("pk")
    did = [(entry.action, entry.actor_label, entry.object_label) for entry in entries]
    assert ("incident.open", "Sofie van Dijk", str(incident)) in did
    assert [(who, whom) for what, who, whom in did if what == "page.create"] == [
        ("engine", "Marta Ferri"),
        ("Elena Conti", "Jonas de Wit"),
    ]
    assert {who for what, who, _whom in did if what == "escalation.enter_level"} == {"engine"}
    together = {entry.action_id for entry in entries if entry.action in ("incident.open", "escalation.enter_level")}
    assert len(together) == 1, "the action's id says from what it followed"
    incident_acknowledge(incident_id=incident.pk, actor=cast.marta, at=world.now)


@pytest.mark.requirement("R026")
def test_when_the_same_alert_comes_200_times_then_one_incident_one_page_and_a_count_of_200_result(world: World) -> None:
    for _repeat in range(120):
        world.alert()
    world.settle()
    for _repeat in range(80):
        world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    assert Incident.objects.count() == 1
    assert world.incident.alert_count == 200
    assert world.incident.alerts.get().count == 200
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)


def test_when_100_distinct_alerts_come_then_100_incidents_result(world: World) -> None:
    for number in range(100):
        world.alert(instance=f"host-{number}")
    world.settle()
    assert Incident.objects.count() == 100
    for _number in range(100):
        world.expect_page("marta", level=1)


def test_what_support_staff_file_takes_the_same_path(world: World) -> None:
    incident = incident_open(
        title="Card payments fail",
        summary="A customer calls",
        severity=2,
        service=world.cast.gateway,
        reporter=world.cast.sofie,
        at=world.now,
    )
    world.settle()
    world.expect_page("marta", level=1)
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)


def test_when_a_person_resolved_it_then_the_next_firing_opens_a_new_incident(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_resolve(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    assert sorted(Incident.objects.values_list("state", flat=True)) == ["resolved", "triggered"]


def test_signals_of_an_unknown_key_are_refused_and_nothing_is_stored(world: World) -> None:
    answer = world.post("/integrations/alertmanager/nobodys-key/", {"alerts": []})
    assert answer.status_code == 404
    assert not InboxSignal.objects.exists()
