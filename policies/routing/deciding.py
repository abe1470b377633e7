"""From facts to a route: the rules in order, each adding what those before it left open.

- Policy, severity, team, start level, specialists, timers, whether to escalate at all, whom to ask first and how long to keep silent: the
  first rule that says so.
- "At least SEV-2": the worst of all rules that say so, and never milder than the incident is.
- Notices, guard, protection, the declaration as a major incident and the proposal of a problem record: every rule adds
  its own.

All rules are held against the facts as they came. A rule that worsens the severity does not change what later rules see:
the order then matters only where two rules say the same thing, and a person can check each rule by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from policies.conditions import (
    DEFAULT_SYNONYMS,
    VOCABULARY,
    Facts,
    Needs,
    Rule,
    RuleSet,
    RuleTrace,
    Synonyms,
    Vocabulary,
    needs,
)
from policies.routing.values import Aspect, Effect, Route, RoutingDef, RoutingRule

OTHERWISE = ""
_FIRST = (
    Aspect.POLICY,
    Aspect.SEVERITY,
    Aspect.START_LEVEL,
    Aspect.TEAM,
    Aspect.STRAIGHT_TO,
    Aspect.TIMERS_PERCENT,
    Aspect.ESCALATE,
    Aspect.ASK,
    Aspect.SUPPRESS,
)
"""The first rule that says so decides."""
_MARKS = (Aspect.GUARDED, Aspect.PROTECTED, Aspect.MAJOR, Aspect.PROBLEM)
_EACH = (Aspect.TELL, *_MARKS)
"""Every rule adds its own."""


@dataclass(frozen=True, slots=True)
class RouteTrace:
    """A route, and what became of the rules: of every rule, or (`Routing.record`) of those that decided.

    A rule after one that stopped the walk shows whether it would have matched.
    """

    route: Route
    rules: tuple[RuleTrace[RoutingRule], ...]


class Routing:
    """A routing definition, compiled: asked for every alert."""

    def __init__(
        self, definition: RoutingDef, *, vocabulary: Vocabulary = VOCABULARY, synonyms: Synonyms = DEFAULT_SYNONYMS
    ) -> None:
        self.definition = definition
        rules = [Rule(rule.key, rule.when, rule, rule.enabled) for rule in definition.rules]
        self._rules = RuleSet(rules, vocabulary=vocabulary, synonyms=synonyms)
        self._compiled = {rule.key: one for rule, one in self._rules.pairs}

    @property
    def needs(self) -> Needs:
        """The facts the rules ask for."""
        return needs(*(rule.when for rule in self.definition.rules if rule.enabled))

    def route(self, facts: Facts) -> Route:
        """What the rules decide for these facts."""
        return self._decided(_until_stop(rule.then for rule in self._rules.all_matches(facts)), facts)

    def explain(self, facts: Facts) -> RouteTrace:
        """The same decision, with every rule's trace."""
        traces = self._rules.explain(facts)
        matching = _until_stop(trace.rule.then for trace in traces if trace.matched)
        return RouteTrace(self._decided(matching, facts), traces)

    def record(self, facts: Facts) -> RouteTrace:
        """The same decision, with the traces of the rules that made it and of no others: quick enough for every alert."""
        traces: list[RuleTrace[RoutingRule]] = []
        for rule in self._rules.all_matches(facts):
            compiled = self._compiled[rule.key]
            traces.append(RuleTrace(rule, True, not traces, compiled.explain(facts)))
            if rule.then.stop:
                break
        return RouteTrace(self._decided(tuple(trace.rule.then for trace in traces), facts), tuple(traces))

    def _decided(self, matching: tuple[RoutingRule, ...], facts: Facts) -> Route:
        effects = [*((rule.key, rule.then) for rule in matching), (OTHERWISE, self.definition.otherwise)]
        because: dict[Aspect, tuple[str, ...]] = {}
        for key, effect in effects:
            for aspect in effect.aspects:
                earlier = because.get(aspect, ())
                if not earlier or aspect in _EACH:
                    because[aspect] = (*earlier, key)
        deciding = dict(effects)
        decided: dict[str, Any] = {
            aspect.value: getattr(deciding[because[aspect][0]], aspect.value) for aspect in because if aspect in _FIRST
        }
        decided |= {mark.value: mark in because for mark in _MARKS}
        decided["severity"], because[Aspect.SEVERITY_AT_LEAST] = _severity(decided.get("severity"), effects, facts)
        return Route(
            **decided,
            tell=tuple(dict.fromkeys(target for _key, effect in effects for target in effect.tell)),
            rules=tuple(rule.key for rule in matching),
            because={aspect: keys for aspect, keys in because.items() if keys},
        )


def _until_stop(rules: Iterable[RoutingRule]) -> tuple[RoutingRule, ...]:
    found = []
    for rule in rules:
        found.append(rule)
        if rule.stop:
            break
    return tuple(found)


def _severity(
    decided: int | None, effects: list[tuple[str, Effect]], facts: Facts
) -> tuple[int | None, tuple[str, ...]]:
    """The severity, and the rules that made it worse than it would be without them."""
    known = decided if decided is not None else facts.values.get("severity")
    worst = min((effect.severity_at_least for _key, effect in effects if effect.severity_at_least), default=None)
    if worst is None or (known is not None and known <= worst):
        return known, ()
    return worst, tuple(key for key, effect in effects if effect.severity_at_least == worst)
