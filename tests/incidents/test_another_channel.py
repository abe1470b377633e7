"""Whoever was told and did not answer is told by another of their channels, and then the next person is called (R015)."""

import pytest
from django.test import Client

from incidents.models import Page
from notifications.channels import Refused, channel_register
from notifications.models import ContactMethod, Delivery
from notifications.testing import FakeChannel
from policies.services import policy_publish, version_definition
from policies.simulation import Question, simulate
from tests.incidents.routing_rules import filed
from tests.world.cast import levels
from tests.world.harness import World


@pytest.fixture
def sms(world: World) -> FakeChannel:
    """Marta has a telephone besides her e-mail."""
    channel = FakeChannel()
    channel_register("sms", channel)
    ContactMethod.objects.create(user=world.cast.marta, kind="sms", address="+39-marta", position=1)
    return channel


def told(world: World) -> list[str]:
    """The channels that Marta was tried by, one telling after the other."""
    found = Delivery.objects.filter(message__recipient=world.cast.marta)
    return list(found.order_by("message_id", "position").values_list("channel", flat=True))


@pytest.mark.requirement("R015")
def test_when_nobody_reads_it_then_each_telling_comes_by_another_channel_and_then_the_next_person_is_called(
    world: World, sms: FakeChannel, client: Client
) -> None:
    definition = levels()
    definition["levels"][0] |= {"repeat": {"every": "2m", "times": 2}}
    version = policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    foreseen = simulate(version_definition(version), Question(at=world.now, severity=2, team=world.cast.payments))
    filed(world, severity=2)
    assert told(world) == ["email"]

    world.advance(minutes=2)
    assert told(world) == ["email", "sms"]
    world.advance(minutes=2)
    assert told(world) == ["email", "sms", "email"]
    assert Page.objects.filter(recipient=world.cast.jonas).count() == 0

    world.advance(minutes=3)
    assert Page.objects.filter(recipient=world.cast.jonas).count() == 1
    marta = [one.how for step in foreseen.steps for one in step.people if one.user_id == world.cast.marta.pk]
    assert marta == [("email", "sms"), ("sms", "email"), ("email", "sms")]
    world.expect_page("marta", level=1)
    world.expect_page("marta", level=1)
    world.expect_page("jonas", level=2)


@pytest.mark.requirement("R015")
def test_when_the_other_channel_refuses_then_the_first_is_tried_again_and_the_failure_is_seen_on_the_incident(
    world: World, sms: FakeChannel, client: Client
) -> None:
    definition = levels()
    definition["levels"][0] |= {"repeat": {"every": "2m", "times": 1}}
    policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    sms.script("+39-marta", Refused("no such number"))
    incident = filed(world, severity=2)

    world.advance(minutes=2)

    assert told(world) == ["email", "sms", "email"]
    world.expect_page("marta", level=1)
    world.expect_page("marta", level=1)
    client.force_login(world.cast.marta)
    assert "no such number" in client.get(incident.get_absolute_url()).content.decode()
