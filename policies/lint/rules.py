"""What the linter looks for in the routing rules: rules that never match, change nothing, name what is gone, or silence much."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from policies.lint.implied import asked_for, implies, needed, never_holds
from policies.lint.values import Code, Finding
from policies.routing import Aspect, RoutingDef, RoutingRule

ABOUT = "book:routing"
_DECIDED_ONCE = frozenset(
    (
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
)
"""Of these the first rule that says so decides."""


@dataclass(frozen=True, slots=True)
class House:
    """What there is: services and teams by slug; `gone` are, by a rule's place (-1: where no rule decides), the names of
    policies, teams and people in its effects that do not exist."""

    services: Collection[str]
    teams: Collection[str]
    gone: Mapping[int, Sequence[str]] = field(default_factory=dict)


def lint_rules(routing: RoutingDef, house: House) -> list[Finding]:
    found: list[Finding] = []
    earlier: list[RoutingRule] = []
    for place, rule in enumerate(routing.rules):
        if not rule.enabled:
            continue
        found += _rule(rule, house.gone.get(place, ()), house)
        found += _beside(rule, earlier, last=not any(later.enabled for later in routing.rules[place + 1 :]))
        earlier.append(rule)
    for name in house.gone.get(-1, ()):
        found.append(Finding(Code.RULE_NAMES_GONE, ABOUT, f"otherwise.{name}", {"rule": "", "key": "", "name": name}))
    return sorted(found, key=lambda finding: (finding.weight, finding.code.value, finding.place))


def _rule(rule: RoutingRule, gone: Sequence[str], house: House) -> Iterator[Finding]:
    data = {"rule": rule.name, "key": rule.key}
    place = f"rules.{rule.key}"
    asked = {"service": house.services, "team": house.teams}
    absent = [one for fact, known in asked.items() for one in asked_for(rule.when, fact) if one not in known]
    for name in dict.fromkeys((*gone, *absent)):
        yield Finding(Code.RULE_NAMES_GONE, ABOUT, f"{place}.{name}", {**data, "name": name})
    if never_holds(rule.when):
        yield Finding(Code.RULE_CONTRADICTS, ABOUT, place, data)
    if rule.then.escalate is False:
        services = needed(rule.when).get("service")
        if services is None or len(services) > 1:
            count = len(house.services) if services is None else len(services)
            yield Finding(Code.RULE_SILENCES, ABOUT, place, {**data, "count": count, "named": services is not None})


def _beside(rule: RoutingRule, earlier: Sequence[RoutingRule], *, last: bool) -> Iterator[Finding]:
    """What the rules before it leave of a rule."""
    data = {"rule": rule.name, "key": rule.key}
    place = f"rules.{rule.key}"
    wider = [one for one in earlier if implies(rule.when, one.when)]
    stopping = next((one for one in wider if one.stop), None)
    if stopping is not None:
        yield Finding(Code.RULE_NEVER_REACHED, ABOUT, place, {**data, "before": stopping.name})
        return
    aspects = set(rule.then.aspects)
    if not aspects and last:
        yield Finding(Code.RULE_CHANGES_NOTHING, ABOUT, place, {**data, "before": ""})
    elif aspects and aspects <= _DECIDED_ONCE and not rule.stop:
        taken: dict[Aspect, str] = {}
        for one in wider:
            for aspect in one.then.aspects:
                taken.setdefault(aspect, one.name)
        if aspects <= taken.keys():
            before = taken[next(aspect for aspect in Aspect if aspect in aspects)]
            yield Finding(Code.RULE_CHANGES_NOTHING, ABOUT, place, {**data, "before": before})
