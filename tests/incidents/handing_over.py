"""The ground of the handoff tests: Marta and Jonas take turns of a week, and the minute's task has looked once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from notifications.channels import Outgoing
from oncall.handoff_check import handoffs_check
from oncall.handoff_reminders import handoffs_remind
from oncall.models import Handoff, User
from oncall.services import schedule_publish
from tests.world.harness import World

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""09:00 in Rome: Jonas comes on call in Marta's place."""


def turns(*people: User, **layer: Any) -> dict[str, Any]:
    """A week each, changing on Mondays at 09:00 in Rome; the first has the week of Monday 16 November 2026."""
    return {
        "time_zone": "Europe/Rome",
        "layers": [
            {
                "name": "Weeks",
                "start": "2026-11-16T09:00",
                "rotation": "weekly",
                "participants": [person.pk for person in people],
                **layer,
            }
        ],
    }


@pytest.fixture
def weeks(world: World) -> World:
    """Marta and Jonas take turns, and the minute's task has looked once."""
    publish(world, turns(world.cast.marta, world.cast.jonas))
    handoffs_check(at=world.now)
    return world


def heard(world: World) -> dict[str, list[Outgoing]]:
    """Send what is due and take all notices since the last look, by user name."""
    world.settle()
    count = len(world.notices())
    got = world.email.got
    found: dict[str, list[Outgoing]] = {}
    for message in got[len(got) - count :]:
        found.setdefault(message.address.partition("@")[0], []).append(message)
    return found


def publish(world: World, definition: dict[str, Any]) -> None:
    schedule_publish(schedule=world.cast.schedule, definition=definition, author=None, at=world.now, accept_gaps=True)
    heard(world)


def minute(world: World) -> dict[str, list[str]]:
    """The minute's task runs; returns the subjects people get."""
    handoffs_check(at=world.now)
    handoffs_remind(at=world.now)
    return {name: [message.subject for message in found] for name, found in heard(world).items()}


def handed_over(world: World) -> Handoff:
    """Monday's handoff, half a minute after it, with both sides told."""
    world.jump_to(MONDAY + timedelta(seconds=30))
    minute(world)
    return Handoff.objects.get()


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(response: Any) -> str:
    return str(response.content.decode())
