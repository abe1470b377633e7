"""Snoozed incidents: what wakes them before their time, and that they ring again at its end."""

from datetime import timedelta

from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_escalate,
    incident_snooze,
)
from tests.world.harness import World


def test_when_a_snoozed_incident_is_escalated_then_it_is_snoozed_no_longer(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    until_noon = world.now + timedelta(hours=8)
    incident_snooze(incident_id=world.incident.pk, until=until_noon, actor=world.cast.marta, at=world.now)
    world.advance(hours=1)
    world.expect_silence()
    incident_escalate(incident_id=world.incident.pk, actor=world.cast.elena, reason="It grows", at=world.now)
    world.settle()
    world.expect_page("jonas", level=2)
    assert world.incident.snoozed_until is None
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.jonas, at=world.now)


def test_when_a_snooze_ends_then_the_level_in_force_rings_again(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    incident_snooze(
        incident_id=world.incident.pk, until=world.now + timedelta(hours=1), actor=world.cast.marta, at=world.now
    )
    world.advance(minutes=59, seconds=59)
    world.expect_silence()
    world.advance(seconds=1)
    world.expect_page("marta", level=1)
    assert world.incident.snoozed_until is None
    incident_acknowledge(incident_id=world.incident.pk, actor=world.cast.marta, at=world.now)
