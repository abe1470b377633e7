"""Rules that keep incidents silent for a time: on record with rule and reason, shown, ended by themselves or by a person."""

import pytest

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict
from incidents.models import Incident, RoutingDecision
from incidents.selectors.routing import routing_of
from incidents.services.silence import incident_wake
from tests.incidents.routing_rules import filed, lines, publish, rule
from tests.world.harness import World

DEPLOY = rule("deploy", {"fact": "vip"}, "The deployment makes noise.", suppress="30m")


def silent(world: World) -> Incident:
    publish(world, DEPLOY)
    incident = filed(world, facts={"vip": True})
    world.expect_silence()
    return incident


@pytest.mark.requirement("R027")
def test_when_a_rule_keeps_it_silent_then_nobody_is_paged_until_the_time_is_over_and_it_is_on_record_why(
    world: World,
) -> None:
    incident = silent(world)

    world.advance(minutes=29)
    world.expect_silence()
    until = incident.started_at.replace(minute=39)
    line = incident.timeline.get(kind="routing.suppress")
    assert (line.data, line.text) == ({"until": until.isoformat()}, "The deployment makes noise.")
    entry = LedgerEntry.objects.get(action="routing.suppress")
    assert entry.data == {"until": until.isoformat(), "reason": "The deployment makes noise."}
    decision = RoutingDecision.objects.get().decision
    assert (decision["rules"], decision["suppress"], decision["suppressed_until"]) == (
        ["deploy"],
        "30m",
        until.isoformat(),
    )
    shown = routing_of(incident)
    assert shown is not None
    assert ("Keep it silent for 30 minutes; escalate it then if it is still open.", "by the rule “Deploy”") in list(
        shown.decided
    )

    world.advance(minutes=1)

    world.expect_page("marta", level=1)
    incident.refresh_from_db()
    assert incident.snoozed_until is None


@pytest.mark.requirement("R027")
def test_when_it_is_over_before_the_silence_is_then_nobody_hears_of_it(world: World) -> None:
    publish(world, rule("deploy", {"all": []}, suppress="30m"))
    world.alert()
    world.settle()
    world.advance(minutes=10)
    world.recover()

    world.advance(hours=2)

    world.expect_silence()
    assert world.incident.state == Incident.State.RESOLVED


def test_when_a_responder_ends_the_silence_then_the_first_level_is_called_at_once(world: World) -> None:
    incident = silent(world)
    world.advance(minutes=5)

    incident_wake(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)
    world.settle()

    world.expect_page("marta", level=1)
    assert incident.timeline.get(kind="incident.wake").actor == world.cast.jonas
    with pytest.raises(Conflict):
        incident_wake(incident_id=incident.pk, actor=world.cast.jonas, at=world.now)


def test_when_the_incident_is_guarded_then_no_rule_keeps_it_silent(world: World) -> None:
    publish(world, DEPLOY, rule("care", {"fact": "vip"}, guarded=True))

    incident = filed(world, facts={"vip": True})

    world.expect_page("marta", level=1)
    assert lines(incident, "routing.suppress") == []
    assert len(lines(incident, "routing.suppress_guarded")) == 1
