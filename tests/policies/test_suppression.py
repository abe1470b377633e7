"""Kept silent by a rule: what the rules say of it, and what the walk makes of it (suppression)."""

from __future__ import annotations

from typing import Any

import pytest

from policies.conditions import facts_of
from policies.definition import policy_parse
from policies.escalation import Because, EnterLevel, InformLevel, Phase, Snoozed, SnoozeEnded, Tick, decide, start
from policies.reading import DefinitionInvalid
from policies.routing import Aspect, Routing, route_dump, routing_dump, routing_parse
from policies.routing.records import route_read
from tests.policies.condition_worlds import AT, CALENDARS
from tests.policies.walking import BEGAN, at

LADDER = policy_parse(
    {
        "levels": [
            {"name": name, "targets": [{"kind": "user", "ref": name}], "start": "10m", "ack_timeout": "5m"}
            for name in ("first", "second", "third")
        ]
    }
)


def book(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"rules": list(rules)}


def rule(key: str, **then: Any) -> dict[str, Any]:
    return {"key": key, "name": key, "when": {"fact": "vip"}, "then": then}


@pytest.mark.requirement("R027")
def test_when_two_rules_keep_it_silent_then_the_first_one_says_for_how_long() -> None:
    rules = Routing(routing_parse(book(rule("deploy", suppress="30m"), rule("later", suppress="2h"))))

    route = rules.route(facts_of({"vip": True}, at=AT, calendars=CALENDARS))

    assert route.suppress == 30 * 60
    assert route.because[Aspect.SUPPRESS] == ("deploy",)
    assert route_read(route_dump(route)) == route
    assert routing_dump(rules.definition)["rules"][0]["then"] == {"suppress": "30m"}


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ({"suppress": "30s"}, "from 1 minute to 7 days"),
        ({"suppress": "8d"}, "from 1 minute to 7 days"),
        ({"suppress": "soon"}, "must be a duration"),
        ({"suppress": "1h", "escalate": False}, "nobody is paged at all"),
        ({"suppress": "1h", "major": True}, "declares a major incident"),
        ({"suppress": "1h", "straight_to": [{"kind": "user", "ref": "nils"}]}, "asks or pages people"),
    ],
)
def test_when_a_rule_says_what_no_silence_can_be_then_it_is_refused(then: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        routing_parse(book(rule("odd", **then)))

    (problem,) = refused.value.problems
    assert says in problem.message
    assert problem.keys == ("rules", 0, "then", "suppress")


def test_when_it_begins_silent_then_nothing_happens_until_then_and_the_walk_begins_at_its_first_level() -> None:
    begun = start(LADDER, at=BEGAN, first_level=1, suppressed_until=at(60))

    assert begun.actions == ()
    assert (begun.state.phase, begun.state.reason, begun.state.next_due_at) == (
        Phase.SNOOZED,
        Because.SUPPRESSED,
        at(60),
    )
    rung = decide(LADDER, begun.state, Tick(at(60)))
    assert rung.actions == (
        EnterLevel(1, 0, Because.SUPPRESSION_ENDED, at(60), opens=True),
        InformLevel(0, 0, Because.SUPPRESSION_ENDED, at(60)),
    )
    assert rung.state.ack_due_at == at(65)


def test_when_the_silence_is_ended_early_then_the_level_is_called_at_once() -> None:
    begun = start(LADDER, at=BEGAN, suppressed_until=at(60))

    ended = decide(LADDER, begun.state, SnoozeEnded(at(7)))

    assert ended.actions == (EnterLevel(0, 0, Because.SUPPRESSION_ENDED, at(7), opens=True),)


def test_when_a_person_snoozes_what_a_rule_keeps_silent_then_it_is_theirs() -> None:
    begun = start(LADDER, at=BEGAN, suppressed_until=at(60))

    snoozed = decide(LADDER, begun.state, Snoozed(at(5), until=at(20)))

    assert (snoozed.state.reason, snoozed.state.next_due_at) == (Because.SNOOZED, at(20))
