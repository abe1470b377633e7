"""What the rules cost and what they can break: a rule that raises or cannot be read loses no alert and calls for help."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.intake import inbox_process
from policies.routing import Routing
from tests.incidents.routing_rules import (
    ALWAYS,
    NILS,
    lines,
    publish,
    rule,
)
from tests.world.harness import World


def failing(*_args: Any, **_options: Any) -> Any:
    raise ValueError("no such thing")


@pytest.mark.parametrize("part", ["record", "needs"])
def test_when_a_rule_raises_then_the_alert_goes_its_service_s_way_and_administrators_know(
    world: World, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    publish(world, rule("all", ALWAYS, escalate=False))
    broken = failing if part == "record" else property(failing)
    monkeypatch.setattr(Routing, part, broken)

    world.alert()
    world.alert("Other")
    world.settle()

    got = [message.address.partition("@")[0] for message in world.email.got]
    assert sorted(got) == ["hugo", "marta", "marta"]
    world._expected = 3
    for incident in Incident.objects.all():
        assert lines(incident, "routing.fail") == [{"reason": "ValueError: no such thing"}]
    assert LedgerEntry.objects.filter(action="routing.fail").count() == 2
    assert "Version 1 of the routing rules failed" in next(m.body for m in world.email.got if m.kind == "notice")


def test_when_the_stored_rules_cannot_be_read_then_alerts_are_paged_as_without_any(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.routing.routes.book_read", failing)

    world.alert()
    world.settle()

    assert sorted(message.address.partition("@")[0] for message in world.email.got) == ["hugo", "marta"]
    world._expected = 2


def test_when_fifty_alerts_come_at_once_then_rules_cost_the_same_few_queries_as_for_one(world: World) -> None:
    publish(
        world,
        rule("again", {"fact": "similar_incidents", "operator": "ge", "value": 3, "within": "24h"}, protected=True),
        rule("cpu", {"fact": "labels.cpu", "operator": "gt", "value": 90}, team="platform", tell=[NILS]),
        rule("hours", {"fact": "business_hours", "value": False}, policy="critical-payments"),
    )

    def queries(name: str, count: int) -> int:
        for number in range(count):
            world.alert(f"{name}{number}", cpu="95")
        with CaptureQueriesContext(connection) as caught:
            assert inbox_process(at=world.now) == count
        return len(caught)

    queries("warm", 1)
    one, fifty = queries("one", 1), queries("many", 50)
    world.settle()
    world._expected = len(world.email.got)

    assert one == fifty
