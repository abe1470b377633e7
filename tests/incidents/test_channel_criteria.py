"""Channel criteria at work: pages go by the kinds they name, and the page's own record says by which rule."""

from typing import Any

import pytest

from incidents.models import Page
from notifications.channels import Refused, channel_register
from notifications.models import ContactMethod, Delivery
from notifications.testing import FakeChannel
from policies.books import CHANNELS, book_publish
from policies.services import version_definition
from policies.simulation import Question, simulate
from tests.incidents.routing_rules import filed
from tests.world.harness import World

WAKE: dict[str, Any] = {
    "key": "wake",
    "name": "Wake people",
    "when": {"fact": "severity", "operator": "at_least", "value": "SEV-2"},
    "use": ["sms"],
}


@pytest.fixture
def sms(world: World) -> FakeChannel:
    """Marta has a telephone too; it stands behind her e-mail."""
    channel = FakeChannel()
    channel_register("sms", channel)
    ContactMethod.objects.create(user=world.cast.marta, kind="sms", address="+390000001", position=1)
    book_publish(shape=CHANNELS, definition={"rules": [WAKE]}, author=world.cast.hugo, at=world.now)
    return channel


def by_sms(channel: FakeChannel) -> list[str]:
    return [outgoing.address for outgoing in channel.got]


@pytest.mark.requirement("R132")
def test_when_a_criterion_names_a_kind_then_people_are_paged_by_it_and_the_page_says_by_which_rule(
    world: World, sms: FakeChannel
) -> None:
    filed(world, severity=1)

    assert by_sms(sms) == ["+390000001"]
    why = Page.objects.get().why
    assert why["channels"]["use"] == ["sms"]
    assert (why["channels"]["rule"], why["channels"]["version"]) == ("wake", 1)
    assert why["channels"]["trace"]["held"] is True
    # Jonas and Elena have no telephone: criteria never keep anybody from being told.
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)


def test_when_the_chosen_kind_fails_then_no_other_kind_of_hers_is_used(world: World, sms: FakeChannel) -> None:
    sms.script("+390000001", Refused("no such number"))
    filed(world, severity=1)

    assert list(Delivery.objects.values_list("channel", "state")) == [("sms", "failed"), ("email", "delivered")]
    world.expect_page("jonas", level=2)


def test_when_no_criterion_holds_then_her_own_order_does(world: World, sms: FakeChannel) -> None:
    filed(world, severity=4)

    world.expect_page("marta", level=1)
    assert by_sms(sms) == []
    assert "channels" not in Page.objects.get().why


def test_the_simulator_says_the_same(world: World, sms: FakeChannel) -> None:
    version = world.cast.policy.current_version
    assert version is not None
    policy = version_definition(version)

    def ways(severity: int) -> tuple[str, ...]:
        found = simulate(policy, Question(at=world.now, severity=severity, team=world.cast.payments))
        return found.steps[0].people[0].how

    assert ways(1) == ("sms",)
    assert ways(4) == ("email", "sms")
