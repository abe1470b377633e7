"""The ready rules for the worst, with the sample signals of the documentation: each opens an incident that escalates by itself."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from incidents.models import EscalationRun, Incident, Page
from policies.books import ROUTING, book_publish
from policies.routing import RoutingDef, routing_dump
from policies.routing_examples import EXAMPLES, Place, example_rule
from tests.world.cast import PAGERDUTY_KEY
from tests.world.harness import World

GUIDE = Path(__file__).parents[2] / "docs" / "severity-and-routing.md"
WORST = ("full-outage", "payment-gateway", "severe-degradation")


def samples() -> list[dict[str, Any]]:
    """The events of the documentation, as they stand there."""
    part = GUIDE.read_text().partition("### Ready rules")[2].partition("\n## ")[0]
    return [orjson.loads(text) for text in re.findall(r"```json\n(.*?)```", part, re.DOTALL)]


@pytest.mark.requirement("R057")
@pytest.mark.parametrize(("key", "place", "severity"), [(WORST[0], 0, 1), (WORST[1], 1, 1), (WORST[2], 2, 2)])
def test_when_the_sample_of_a_ready_rule_is_posted_then_an_incident_escalates_by_itself(
    world: World, key: str, place: int, severity: int
) -> None:
    here = Place("payments-gateway", "platform")
    rules = tuple(example_rule(one, here) for one in EXAMPLES if one.key in WORST)
    quiet = example_rule(next(one for one in EXAMPLES if one.key == "sandbox"), here)
    definition = routing_dump(RoutingDef((*rules, quiet)))
    book_publish(shape=ROUTING, definition=definition, author=world.cast.hugo, at=world.now)
    sample = samples()[place]

    answer = world.post("/v2/enqueue", {**sample, "routing_key": PAGERDUTY_KEY})
    world.settle()

    assert answer.status_code == 202
    incident = Incident.objects.get()
    assert (incident.title, incident.severity) == (sample["payload"]["summary"], severity)
    assert incident.routing_decisions.get().decision["rules"] == [key]
    assert EscalationRun.objects.get(incident=incident).phase == "paging"
    assert sorted(Page.objects.values_list("recipient__username", flat=True)) == ["marta", "tomas"]
    world.expect_page("marta", level=1)
    world.expect_page("tomas", level=1)


def test_when_a_core_system_is_degraded_then_it_counts_as_severe_and_elsewhere_it_does_not(world: World) -> None:
    example = next(one for one in EXAMPLES if one.key == "severe-degradation")
    rules = RoutingDef((example_rule(example, Place("", "platform")),))
    book_publish(shape=ROUTING, definition=routing_dump(rules), author=world.cast.hugo, at=world.now)
    event = {"summary": "Search is degraded", "severity": "warning"}
    type(world.cast.gateway).objects.update(tier=1)
    world.event("trigger", "core", **event)
    world.settle()
    world.expect_page("marta")
    world.expect_page("tomas")
    type(world.cast.gateway).objects.update(tier=3)
    world.event("trigger", "elsewhere", **event)
    world.settle()
    world.expect_page("marta")

    core, elsewhere = Incident.objects.order_by("pk")
    assert (core.severity, elsewhere.severity) == (2, 4)
