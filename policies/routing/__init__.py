"""Routing: ordered rules over an incident's facts decide policy, severity, starting level and exceptions. Pure.

`Routing` is compiled once and asked for every alert; `explain` gives the same decision with the reason of every part.
"""

from policies.routing.deciding import OTHERWISE, RouteTrace, Routing
from policies.routing.document import ask_dump, effect_dump, routing_dump, routing_parse, routing_schema
from policies.routing.records import route_dump, route_read
from policies.routing.sentences import (
    RoutingText,
    RuleText,
    aspect_reasons,
    decided_by,
    effect_sentences,
    route_reasons,
    route_sentences,
    routing_text,
    rule_text,
)
from policies.routing.values import Ask, AskOtherwise, Aspect, Effect, Route, RoutingDef, RoutingRule

__all__ = [
    "OTHERWISE",
    "Ask",
    "AskOtherwise",
    "Aspect",
    "Effect",
    "Route",
    "RouteTrace",
    "Routing",
    "RoutingDef",
    "RoutingRule",
    "RoutingText",
    "RuleText",
    "ask_dump",
    "aspect_reasons",
    "decided_by",
    "effect_dump",
    "effect_sentences",
    "route_dump",
    "route_read",
    "route_reasons",
    "route_sentences",
    "routing_dump",
    "routing_parse",
    "routing_schema",
    "routing_text",
    "rule_text",
]
