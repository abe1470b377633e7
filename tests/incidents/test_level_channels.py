"""A level that says over which channels its people are told (R130), at work: pages, criteria, fallback, and what is said of it."""

from typing import Any

import pytest

from incidents.models import Page, TimelineEvent
from incidents.selectors.ladder import Rung, ladder_of
from incidents.services import lifecycle
from incidents.timeline_words import line_html
from notifications.channels import Refused, channel_register
from notifications.models import ContactMethod, Delivery
from notifications.testing import FakeChannel
from policies.books import CHANNELS, book_publish
from policies.definition import PolicyDef
from policies.services import policy_publish, version_definition
from policies.simulation import Question, Simulation, simulate
from policies.simulation.words import steps_text
from tests.incidents.routing_rules import filed, is_, lines, publish, rule
from tests.world.cast import levels
from tests.world.harness import World

WAKE: dict[str, Any] = {
    "key": "wake",
    "name": "Wake people",
    "when": {"fact": "severity", "operator": "is", "value": "SEV-1"},
    "use": ["voice"],
}


@pytest.fixture
def ways(world: World) -> dict[str, FakeChannel]:
    """Marta is reached by e-mail, chat, SMS and a call, in this order; Jonas and Elena by e-mail alone."""
    found = {kind: FakeChannel() for kind in ("chat", "sms", "voice")}
    for position, (kind, channel) in enumerate(found.items(), 1):
        channel_register(kind, channel)
        ContactMethod.objects.create(user=world.cast.marta, kind=kind, address=f"{kind}:marta", position=position)
    return found


def over(world: World, *channels: object, level: int = 0) -> PolicyDef:
    """The policy in force, whose ``level`` (from 0) names these channels."""
    definition = levels()
    definition["levels"][level]["channels"] = list(channels)
    version = policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    return version_definition(version)


def sent(ways: dict[str, FakeChannel]) -> dict[str, int]:
    return {kind: len(channel.got) for kind, channel in ways.items() if channel.got}


def simulated(world: World, policy: PolicyDef, severity: int = 2) -> Simulation:
    return simulate(policy, Question(at=world.now, severity=severity, team=world.cast.payments))


@pytest.mark.requirement("R130")
@pytest.mark.requirement("R132")
def test_when_a_level_names_channels_then_its_people_are_told_by_these_in_their_own_order(
    world: World, ways: dict[str, FakeChannel]
) -> None:
    over(world, "sms", "chat")

    filed(world, severity=2)

    assert sent(ways) == {"chat": 1}
    page = Page.objects.get()
    assert page.why["level"] == {"use": ["sms", "chat"], "lacks": False}
    assert TimelineEvent.objects.filter(kind="escalation.own_channels").count() == 0
    # The second level leaves it to each person.
    world.advance(minutes=5)
    world.expect_page("jonas", level=2)
    assert "level" not in Page.objects.latest("id").why


def test_when_one_of_them_fails_then_the_next_of_them_is_used_and_no_other(
    world: World, ways: dict[str, FakeChannel]
) -> None:
    over(world, "sms", "chat")
    ways["chat"].script("chat:marta", Refused("no such room"))
    ways["sms"].script("sms:marta", Refused("no such number"))

    filed(world, severity=2)

    tried = Delivery.objects.filter(message__recipient=world.cast.marta).values_list("channel", "state")
    assert list(tried.order_by("position")) == [("chat", "failed"), ("sms", "failed")]
    world.expect_page("jonas", level=2)


@pytest.mark.requirement("R130")
def test_when_somebody_has_none_of_them_then_they_are_told_by_their_own_and_it_is_said_everywhere(
    world: World, ways: dict[str, FakeChannel]
) -> None:
    over(world, "sms", "chat", level=1)
    incident = filed(world, severity=2)
    world.expect_page("marta", level=1)

    world.advance(minutes=5)

    world.expect_page("jonas", level=2)
    page = Page.objects.get(recipient=world.cast.jonas)
    assert page.why["level"] == {"use": ["sms", "chat"], "lacks": True}
    (said,) = lines(incident, "escalation.own_channels")
    assert said == {"people": ["Jonas de Wit"], "channels": ["sms", "chat"], "level": 2}
    line = str(line_html("escalation.own_channels", actor="", data=said))
    assert line == (
        "<b>Jonas de Wit</b>: no contact method of level <b>2</b> (<b>SMS and chat</b>), so told by their own"
    )
    rungs = [step for step in ladder_of(incident, page.run, at=world.now).steps if isinstance(step, Rung)]
    told = next(one for rung in rungs for one in rung.people if one.person == world.cast.jonas)
    assert "the level names SMS and chat, of which they have none: told by their own" in told.why


def test_when_they_are_told_again_then_it_is_not_said_again(world: World, ways: dict[str, FakeChannel]) -> None:
    definition = levels()
    definition["levels"][1] |= {"channels": ["sms"], "repeat": {"every": "1m", "times": 2}}
    policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    incident = filed(world, severity=1)

    world.advance(minutes=8)

    world.expect_page("marta", level=1)
    for _telling in range(3):
        world.expect_page("jonas", level=2)
    assert Page.objects.filter(recipient=world.cast.jonas, level=1).count() == 3
    assert len(lines(incident, "escalation.own_channels")) == 1


def test_when_a_criterion_holds_too_then_its_channels_come_first_and_those_of_the_level_after_them(
    world: World, ways: dict[str, FakeChannel]
) -> None:
    book_publish(shape=CHANNELS, definition={"rules": [WAKE]}, author=world.cast.hugo, at=world.now)
    over(world, "chat")
    ways["voice"].script("voice:marta", Refused("no such number"))

    incident = filed(world, severity=1)

    tried = Delivery.objects.filter(message__recipient=world.cast.marta).values_list("channel", "state")
    assert list(tried.order_by("position")) == [("voice", "failed"), ("chat", "delivered")]
    why = Page.objects.get(incident=incident).why
    assert (why["channels"]["use"], why["level"]["use"]) == (["voice"], ["chat"])


def test_the_catch_all_is_told_by_its_own_whatever_levels_name(world: World, ways: dict[str, FakeChannel]) -> None:
    definition = {**levels(), "catch_all": [{"kind": "user", "ref": "marta"}]}
    for level in definition["levels"]:
        level["channels"] = ["sms"]
    policy_publish(policy=world.cast.policy, definition=definition, author=None, at=world.now)
    filed(world, severity=2)
    world.advance(minutes=15)

    world.expect_page("jonas", level=2)
    world.expect_page("elena", level=3)
    world.expect_page("marta", level=4)
    last = Page.objects.filter(recipient=world.cast.marta).latest("id")
    assert (last.level, last.message.deliveries.get().channel) == (3, "email")  # type: ignore[union-attr]


@pytest.mark.requirement("R066")
def test_whom_a_rule_sends_for_is_told_by_their_own(world: World, ways: dict[str, FakeChannel]) -> None:
    over(world, "sms")
    ContactMethod.objects.create(user=world.cast.tomas, kind="sms", address="sms:tomas", position=1)
    publish(world, rule("specialists", is_("severity", "SEV-2"), straight_to=[{"kind": "user", "ref": "tomas"}]))

    filed(world, severity=2)

    world.expect_page("tomas", level=1)
    first = {page.recipient.username: page.message.deliveries.get().channel for page in Page.objects.all()}  # type: ignore[union-attr]
    assert first == {"marta": "sms", "tomas": "email"}


def test_a_run_that_began_keeps_the_channels_of_its_version(world: World, ways: dict[str, FakeChannel]) -> None:
    incident = filed(world, severity=2)
    world.expect_page("marta", level=1)
    over(world, "sms")

    lifecycle.incident_escalate(incident_id=incident.pk, actor=world.cast.marta, reason="more hands", at=world.now)
    world.advance(seconds=1)

    world.expect_page("jonas", level=2)
    assert sent(ways) == {}


@pytest.mark.requirement("R130")
def test_the_simulator_says_over_which_channels_and_who_has_none_of_them(
    world: World, ways: dict[str, FakeChannel]
) -> None:
    first = simulated(world, over(world, "sms", "voice")).steps[0]
    assert first.people[0].how == ("sms", "voice")

    found = simulated(world, over(world, "sms", level=1))
    second = next(step for step in found.steps if step.level == 1)
    assert second.people[0].how == ("email",)
    said = steps_text(found, {})[found.steps.index(second)].lines
    assert any("for they have none of what the level names: SMS" in line for line in said)
