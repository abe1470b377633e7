"""Routing: ordered rules over an incident's facts decide policy, severity, starting level and exceptions. Pure.

`Routing` is compiled once and asked for every alert; `explain` gives the same decision with the reason of every part.
"""

from policies.routing.deciding import OTHERWISE, RouteTrace, Routing
from policies.routing.document import effect_dump, routing_dump, routing_parse, routing_schema
from policies.routing.records import route_dump
from policies.routing.sentences import (
    RoutingText,
    RuleText,
    decided_by,
    effect_sentences,
    route_reasons,
    routing_text,
    rule_text,
)
from policies.routing.values import Aspect, Effect, Route, RoutingDef, RoutingRule

__all__ = [
    "OTHERWISE",
    "Aspect",
    "Effect",
    "Route",
    "RouteTrace",
    "Routing",
    "RoutingDef",
    "RoutingRule",
    "RoutingText",
    "RuleText",
    "decided_by",
    "effect_dump",
    "effect_sentences",
    "route_dump",
    "route_reasons",
    "routing_dump",
    "routing_parse",
    "routing_schema",
    "routing_text",
    "rule_text",
]
