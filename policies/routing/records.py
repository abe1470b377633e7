"""Routes as data, to be kept with the incident: the branch that was taken, and why."""

from __future__ import annotations

from typing import Any

from policies.conditions import trace_dump
from policies.definition import severity_name
from policies.definition.parts import target_dump
from policies.routing.deciding import RouteTrace
from policies.routing.values import Route


def route_dump(decided: Route | RouteTrace) -> dict[str, Any]:
    """The JSON form: what was decided, by which rules, and with a trace why each rule that matched did."""
    route = decided.route if isinstance(decided, RouteTrace) else decided
    data: dict[str, Any] = {
        "policy": route.policy,
        "severity": None if route.severity is None else severity_name(route.severity),
        "start_level": route.start_level,
        "team": route.team,
        "straight_to": [target_dump(target) for target in route.straight_to],
        "tell": [target_dump(target) for target in route.tell],
        "timers_percent": route.timers_percent,
        "escalate": route.escalate,
        "protected": route.protected,
        "problem": route.problem,
        "rules": list(route.rules),
        "because": {aspect.value: list(keys) for aspect, keys in route.because.items()},
    }
    if isinstance(decided, RouteTrace):
        data["traces"] = {
            trace.rule.key: trace_dump(trace.trace) for trace in decided.rules if trace.rule.key in route.rules
        }
    return data
