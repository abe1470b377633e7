"""What the tests of the incident pages share: a night at Brightquay, and people's browsers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from incidents.intake.door import keys
from incidents.models import Incident
from incidents.services.lifecycle import incident_open
from notifications.channels import channels_replaced
from notifications.testing import FakeChannel
from tests.incidents.views.cast import FRAME
from tests.world.harness import NIGHT, World


@pytest.fixture
def night(db: None, settings: Any) -> Iterator[World]:
    """03:09 on a Sunday, everybody reachable, pages drawn in their whole frame."""
    options = settings.TEMPLATES[0]["OPTIONS"]
    if FRAME not in options["context_processors"]:
        processors = [*options["context_processors"], FRAME]
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "OPTIONS": {**options, "context_processors": processors}}]
    keys.forget()
    email = FakeChannel()
    with time_machine.travel(NIGHT, tick=False) as traveller, channels_replaced({"email": email}):
        yield World(traveller, email)


@pytest.fixture
def browser_of(night: World) -> Callable[[str], Client]:
    """The browser of a person of the cast, signed in."""

    def make(username: str) -> Client:
        client = Client()
        client.force_login(night.cast.people[username], backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def file_incident(night: World) -> Callable[..., Incident]:
    """File an incident on the payments gateway as Sofie and let the engine do what is due."""

    def make(title: str = "Card payments fail", **values: object) -> Incident:
        given: dict[str, Any] = {
            "title": title,
            "summary": "Every card is declined.",
            "severity": 1,
            "service": night.cast.gateway,
            "reporter": night.cast.sofie,
            "at": night.now,
            **values,
        }
        incident = incident_open(**given)
        night.settle()
        return incident

    return make
