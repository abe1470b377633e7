"""Chat channels and webhooks as targets: told beside people, skipped with a reason, and never an answer."""

from typing import Any

import pytest
from django.db import OperationalError

from incidents.models import EscalationRun, Incident, Page
from incidents.selectors.ladder import Flag, ladder_of, run_of
from incidents.selectors.timeline import Wanted, timeline_of
from incidents.services import lifecycle
from incidents.services.escalator import Escalator
from notifications.channels import Refused, channel_register
from notifications.models import Destination, Message
from notifications.services.destinations import destination_set
from notifications.testing import FakeChannel
from policies.care import draft_findings
from policies.definition import policy_parse
from policies.services import policy_publish
from policies.simulation import Question, StepKind, simulate
from tests.incidents.routing_rules import ELENA, MARTA, filed, is_, lines, publish, rule
from tests.world.harness import World

OPS: dict[str, Any] = {"kind": "chat_channel", "ref": "ops"}
PAGER: dict[str, Any] = {"kind": "webhook", "ref": "pager"}


@pytest.fixture
def chat(world: World) -> FakeChannel:
    """A chat channel, #ops, that takes what it is told."""
    channel = FakeChannel()
    channel_register("chat", channel)
    place(world, "ops", "chat")
    return channel


def place(world: World, slug: str, kind: str, **values: Any) -> Destination:
    return destination_set(
        destination=Destination(),
        values={"name": f"#{slug}", "slug": slug, "kind": kind, **values},
        address="https://hooks.example/x",
        at=world.now,
        actor=None,
    )


def walks(world: World, *levels: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    rungs = [
        {"name": f"Level {number}", "targets": targets, "ack_timeout": "5m"} for number, targets in enumerate(levels, 1)
    ]
    definition = {"levels": rungs, **more}
    policy_publish(policy=world.cast.policy, definition=definition, author=world.cast.elena, at=world.now)
    world.cast.gateway.refresh_from_db()
    return definition


def told(channel: FakeChannel) -> list[str]:
    return [outgoing.subject for outgoing in channel.got]


def flags(world: World, incident: Incident) -> list[str]:
    """The ladder's remarks, as the incident's page has them."""
    run = run_of(incident)
    assert run is not None
    events = timeline_of(incident, reader=world.cast.elena, wanted=Wanted(), at=world.now).skips
    steps = ladder_of(incident, run, at=world.now, events=events).steps
    return [step.text for step in steps if isinstance(step, Flag)]


@pytest.mark.requirement("R135")
@pytest.mark.requirement("R133")
def test_when_a_level_names_a_chat_channel_then_it_is_told_once_beside_the_people(
    world: World, chat: FakeChannel
) -> None:
    walks(world, [MARTA, OPS], [ELENA])

    incident = filed(world, severity=1)

    world.expect_page("marta", level=1)
    assert told(chat) == [f"[SEV-1] Something is wrong · {incident.reference}"]
    assert chat.got[0].link.endswith(f"/incidents/{incident.pk}/")
    assert "Paged: Marta Ferri" in chat.got[0].body
    assert lines(incident, "escalation.post") == [{"places": ["#ops"], "level": 1}]
    assert flags(world, incident) == ["Told #ops", "Then every level has been called, and the catch-all is told"]
    # Nobody can answer by it: no page is the channel's, and the link in it acknowledges nothing.
    assert [page.recipient.username for page in Page.objects.all()] == ["marta"]


@pytest.mark.requirement("R135")
def test_when_no_such_place_is_configured_then_the_level_is_left_at_once_and_says_why(world: World) -> None:
    walks(world, [OPS], [ELENA])

    incident = filed(world)

    world.expect_page("elena", level=2)
    assert lines(incident, "escalation.post_skip") == [{"name": "ops", "untold": "not_configured", "level": 1}]
    assert lines(incident, "escalation.skip_level") == [{"level": 1, "name": "Level 1", "because": "nobody_reachable"}]
    assert "ops was not told: there is no such destination" in flags(world, incident)


def test_when_a_level_tells_a_place_only_then_it_keeps_its_time_and_a_person_may_take_it(
    world: World, chat: FakeChannel
) -> None:
    walks(world, [OPS], [ELENA])
    incident = filed(world)
    world.advance(minutes=4)
    assert len(told(chat)) == 1

    lifecycle.incident_acknowledge(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)
    world.advance(minutes=30)

    world.expect_silence()


def test_when_the_place_refuses_then_the_level_that_tells_nobody_else_is_left_at_once(
    world: World, chat: FakeChannel
) -> None:
    chat.script("ops", Refused("410 gone"))
    walks(world, [OPS], [ELENA])

    incident = filed(world)

    world.expect_page("elena", level=2)
    assert lines(incident, "post.failed") == [{"name": "#ops", "untold": "unreachable", "level": 1}]
    assert Message.objects.get(destination__isnull=False).state == "failed"


def unreadable_while_called(chat: FakeChannel, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The place refuses, and meanwhile no policy can be read any more."""

    def definition(_self: Escalator, _run: EscalationRun) -> Any:
        raise error

    chat.during_call = lambda _outgoing: monkeypatch.setattr(Escalator, "_definition", definition)
    chat.script("ops", Refused("410 gone"))


def test_when_the_run_cannot_go_on_from_a_refusal_then_that_stands_and_the_run_is_set_aside(
    world: World, chat: FakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable_while_called(chat, monkeypatch, ValueError("levels: must not be empty"))
    walks(world, [OPS], [ELENA])

    incident = filed(world)

    message = Message.objects.get(destination__isnull=False)
    assert (message.state, message.report_due_at) == ("failed", None)
    assert lines(incident, "post.failed") == [{"name": "#ops", "untold": "unreachable", "level": 1}]
    run = incident.runs.get()
    assert (run.set_aside_at, run.error) == (world.now, "ValueError: levels: must not be empty")


def test_when_the_database_is_away_at_a_refusal_then_no_run_is_blamed_for_it(
    world: World, chat: FakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable_while_called(chat, monkeypatch, OperationalError("the connection is lost"))
    walks(world, [OPS], [ELENA])

    with pytest.raises(OperationalError):
        filed(world)

    assert EscalationRun.objects.get().set_aside_at is None
    assert Message.objects.get(destination__isnull=False).state == "pending"


def test_when_it_is_restricted_then_only_a_place_that_may_know_is_told(world: World, chat: FakeChannel) -> None:
    safe = place(world, "safe", "chat", carries_restricted=True)
    walks(world, [MARTA, OPS, {"kind": "chat_channel", "ref": safe.slug}], [ELENA])

    incident = filed(world, restricted=True)

    world.expect_page("marta", level=1)
    assert [outgoing.address for outgoing in chat.got] == ["safe"]
    assert [line["untold"] for line in lines(incident, "escalation.post_skip")] == ["restricted"]


def test_when_a_webhook_is_told_then_it_learns_of_the_incident_and_the_level(world: World) -> None:
    hook = FakeChannel()
    channel_register("webhook", hook)
    place(world, "pager", "webhook")
    walks(world, [MARTA, PAGER])

    incident = filed(world, severity=2)

    world.expect_page("marta", level=1)
    payload = hook.got[0].context["payload"]
    assert (payload["incident"]["reference"], payload["incident"]["severity"]) == (incident.reference, "SEV-2")
    assert (payload["level"], payload["cycle"], payload["people"]) == (1, 1, ["Marta Ferri"])
    assert hook.got[0].endpoint == "https://hooks.example/x"
    assert hook.got[0].secret.startswith("whsec_")


@pytest.mark.requirement("R135")
def test_when_a_rule_informs_a_channel_then_it_hears_of_the_incident_once(world: World, chat: FakeChannel) -> None:
    publish(world, rule("major", is_("severity", "SEV-1"), "Everybody should know.", tell=[OPS]))

    incident = filed(world, severity=1)

    world.expect_page("marta", level=1)
    assert len(told(chat)) == 1
    assert lines(incident, "escalation.post") == [{"places": ["#ops"]}]


def test_the_linter_warns_of_levels_that_tell_a_place_and_no_person(world: World, chat: FakeChannel) -> None:
    definition = policy_parse(walks(world, [OPS], [{"kind": "chat_channel", "ref": "nowhere"}, ELENA]))

    found = {
        (finding.code.value, finding.place)
        for finding in draft_findings(policy=world.cast.policy, definition=definition, at=world.now)
    }

    assert ("places_only", "levels.0") in found
    assert ("unknown_target", "levels.1.targets.0") in found


def test_the_simulator_names_the_places_and_says_which_is_not_told(world: World, chat: FakeChannel) -> None:
    definition = policy_parse(walks(world, [OPS, PAGER], [ELENA]))

    found = simulate(definition, Question(at=world.now, severity=1, team=world.cast.payments))

    assert [(one.name, one.reason) for one in found.steps[0].places] == [("#ops", ""), ("pager", "not_configured")]
    assert found.steps[1].kind is StepKind.PAGE
    assert found.first_page is not None
    assert found.first_page.total_seconds() == 300
