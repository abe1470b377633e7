"""Why an incident went the way it did: what the routing rules decided last, in words, with the reason of every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from incidents.models import Incident, RoutingDecision
from policies.book_pages.names import HouseNames
from policies.books import ROUTING, book_value
from policies.conditions import ConditionText, trace_read, trace_text
from policies.pages import TargetNames
from policies.reading import DefinitionInvalid
from policies.routing import Route, RoutingDef, route_read, route_sentences


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule that matched. `trace` is what became of each part of its condition, None where that cannot be said any more."""

    name: str
    reason: str
    trace: ConditionText | None


@dataclass(frozen=True, slots=True)
class Routing:
    """The latest decision. `decided` are sentences, each with who decided it; none where no rule and nothing else said
    anything. `again` says that it was made later than the opening: the policy and the team stayed as they were, but for the
    policy where it `went_over` to another one."""

    at: datetime
    number: int
    decided: Sequence[tuple[str, str]]
    rules: Sequence[RuleShown]
    pages_nobody: bool
    again: bool
    went_over: bool
    times: int


def routing_of(incident: Incident) -> Routing | None:
    """None where no rules were in force. Two queries, and those for the names it mentions."""
    rows = RoutingDecision.objects.filter(incident=incident)
    latest = rows.select_related("book_version").order_by("-pk").first()
    if latest is None:
        return None
    times = rows.aggregate(times=Count("pk"))["times"]
    again = latest.cause == RoutingDecision.Cause.FACTS
    went_over = "goes_over_to" in latest.decision
    nobody = bool(latest.decision.get("pages_nobody"))
    number = latest.book_version.number
    try:
        definition, route = book_value(ROUTING, latest.book_version), route_read(latest.decision)
    except DefinitionInvalid:
        # Written by a version of Watchbell that knew more: when, and by which version of the rules, can still be said.
        return Routing(latest.at, number, (), (), nobody, again, went_over, times)
    decided, rules = _said(route, definition, latest.decision.get("traces", {}))
    return Routing(latest.at, number, decided, rules, nobody, again, went_over, times)


def _said(
    route: Route, definition: RoutingDef, traces: Mapping[str, Any]
) -> tuple[Sequence[tuple[str, str]], Sequence[RuleShown]]:
    names = HouseNames()
    targets = [*route.straight_to, *route.tell, *(route.ask.targets if route.ask else ())]
    decided = route_sentences(route, definition, TargetNames.of(targets), name=names)
    known = {rule.key: rule for rule in definition.rules}
    rules = [
        RuleShown(known[key].name, known[key].reason, _trace(traces.get(key), names))
        for key in route.rules
        if key in known
    ]
    return decided, rules


def _trace(data: Mapping[str, Any] | None, names: HouseNames) -> ConditionText | None:
    if data is None:
        return None
    try:
        return trace_text(trace_read(data), name=names)
    except DefinitionInvalid:
        return None
