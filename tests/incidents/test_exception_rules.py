"""Exceptions in a clear path: a rule sends an incident straight to senior people (R241)."""

import pytest

from audit.models import LedgerEntry
from incidents.models import Page, RoutingDecision
from policies.books import ROUTING, book_publish
from tests.world.harness import World


@pytest.mark.requirement("R241")
def test_when_an_exception_rule_matches_then_lower_levels_are_informed_and_not_paged_and_the_exception_is_logged(
    world: World,
) -> None:
    rule = {
        "key": "critical-outage",
        "name": "Critical outage",
        "reason": "A critical outage goes straight to the manager.",
        "when": {"fact": "outage"},
        "then": {"start_level": 3},
    }
    book_publish(shape=ROUTING, definition={"rules": [rule]}, author=world.cast.hugo, at=world.now)

    world.alert(severity="warning", outage="true")
    world.settle()

    world.expect_page("elena", level=3)
    assert sorted(name for name, _subject in world.notices()) == ["jonas", "marta"]
    assert list(Page.objects.values_list("recipient__username", flat=True)) == ["elena"]
    assert RoutingDecision.objects.get().decision["rules"] == ["critical-outage"]
    assert world.incident.timeline.get(kind="routing.decide").data["rules"] == ["Critical outage"]
    entry = LedgerEntry.objects.get(action="routing.decide")
    assert entry.data is not None
    assert entry.data["rules"] == ["critical-outage"]
