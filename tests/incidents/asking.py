"""Incidents of which something waits for a person's word."""

from typing import Any

from django.db import transaction

from audit.values import Actor
from incidents.changes import Changes, lock_one
from incidents.models import Checkpoint, Incident
from incidents.services.checkpoints import START, checkpoint_open, start_data
from incidents.services.escalator import Escalator
from incidents.services.lifecycle import incident_open
from oncall.models import User
from tests.world.harness import World

WITHIN = 600


def filed(world: World, *, severity: int = 3, **more: Any) -> Incident:
    """An incident for which nobody is paged, since nobody has said yet that somebody should be."""
    gateway = world.cast.gateway
    policy, gateway.policy = gateway.policy, None
    incident = incident_open(
        title="Odd figures at checkout",
        summary="",
        severity=severity,
        service=gateway,
        reporter=world.cast.sofie,
        at=world.now,
        **more,
    )
    gateway.policy = policy
    return incident


def asked(world: World, incident: Incident, *people: User, action: str = START, **more: Any) -> Checkpoint:
    """Ask ``people``; by default whether the policy of Payments should start, which it does when nobody decides."""
    version = world.cast.policy.current_version
    assert version is not None
    wanted: dict[str, Any] = {
        "within_seconds": WITHIN,
        "fallback": "proceed" if action == START else "leave",
        "data": start_data(version) if action == START else {},
        "reason": "The criteria give no severity.",
        **more,
    }
    with transaction.atomic():
        changes = Changes(at=world.now, actor=Actor.system("routing"), source="web")
        escalator = Escalator(changes)
        checkpoint = checkpoint_open(escalator, lock_one(incident.pk), action=action, asked=people, **wanted)
        escalator.settle()
        changes.write()
    return checkpoint


def waiting(world: World, *people: User, **more: Any) -> Checkpoint:
    """An ambiguous incident that Elena, or ``people``, are asked about; the message is under way."""
    chosen = people or (world.cast.elena,)
    checkpoint = asked(world, filed(world), *chosen, **more)
    world.settle()
    for user in chosen:
        world.expect_notice(user.username)
    return checkpoint


def lines(incident: Incident) -> list[str]:
    """The kinds of its timeline, in order."""
    return list(incident.timeline.order_by("id").values_list("kind", flat=True))
