"""Routes as data, to be kept with the incident: the branch that was taken, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.conditions import trace_dump
from policies.definition import severity_name, target_dump, targets_parse
from policies.durations import duration_text
from policies.routing.deciding import RouteTrace
from policies.routing.document import ask_dump, ask_parse, suppress_parse
from policies.routing.values import Aspect, Route


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
        "ask": None if route.ask is None else ask_dump(route.ask),
        "suppress": None if route.suppress is None else duration_text(route.suppress),
        "guarded": route.guarded,
        "protected": route.protected,
        "major": route.major,
        "problem": route.problem,
        "rules": list(route.rules),
        "because": {aspect.value: list(keys) for aspect, keys in route.because.items()},
    }
    if isinstance(decided, RouteTrace):
        data["traces"] = {
            trace.rule.key: trace_dump(trace.trace) for trace in decided.rules if trace.rule.key in route.rules
        }
    return data


def route_read(data: Mapping[str, Any]) -> Route:
    """The route that `route_dump` wrote; what a later version of Watchbell wrote besides is left out.

    Raises DefinitionInvalid where a target or a question is none that is known.
    """
    severity = data.get("severity")
    aspects = {aspect.value: aspect for aspect in Aspect}
    return Route(
        policy=data.get("policy"),
        severity=None if severity is None else int(str(severity)[-1]),
        start_level=data.get("start_level"),
        team=data.get("team"),
        straight_to=targets_parse(data.get("straight_to", [])),
        tell=targets_parse(data.get("tell", [])),
        timers_percent=data.get("timers_percent"),
        escalate=data.get("escalate", True),
        ask=None if data.get("ask") is None else ask_parse(data["ask"]),
        suppress=suppress_parse(data.get("suppress")),
        guarded=data.get("guarded", False),
        protected=data.get("protected", False),
        major=data.get("major", False),
        problem=data.get("problem", False),
        rules=tuple(data.get("rules", ())),
        because={aspects[name]: tuple(keys) for name, keys in data.get("because", {}).items() if name in aspects},
    )
