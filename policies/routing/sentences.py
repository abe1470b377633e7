"""Routing rules and routes in words, in the active language. Names come from the caller, who knows the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from policies.conditions import VOCABULARY, ConditionText, Vocabulary, condition_text
from policies.conditions.sentences import Namer, as_written
from policies.definition import TargetDef, severity_name
from policies.routing.deciding import OTHERWISE
from policies.routing.values import Ask, AskOtherwise, Aspect, Effect, Route, RoutingDef, RoutingRule
from policies.sentences import duration_words, joined

TargetName = Callable[[TargetDef], str]


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule in words: when, and then a whole sentence for each thing that follows."""

    key: str
    name: str
    reason: str
    when: ConditionText
    then: tuple[str, ...]
    enabled: bool


@dataclass(frozen=True, slots=True)
class RoutingText:
    """All rules in order, and what holds where they leave something open."""

    rules: tuple[RuleText, ...]
    otherwise: tuple[str, ...]


def routing_text(
    routing: RoutingDef, name_target: TargetName, *, name: Namer = as_written, vocabulary: Vocabulary = VOCABULARY
) -> RoutingText:
    return RoutingText(
        tuple(rule_text(rule, name_target, name=name, vocabulary=vocabulary) for rule in routing.rules),
        effect_sentences(routing.otherwise, name_target, name=name) or (_usual(),),
    )


def rule_text(
    rule: RoutingRule, name_target: TargetName, *, name: Namer = as_written, vocabulary: Vocabulary = VOCABULARY
) -> RuleText:
    then = effect_sentences(rule.then, name_target, name=name)
    if rule.stop:
        then = (*then, _("No later rule is looked at."))
    when = condition_text(rule.when, vocabulary=vocabulary, name=name)
    return RuleText(rule.key, rule.name, rule.reason, when, then, rule.enabled)


def effect_sentences(effect: Effect, name_target: TargetName, *, name: Namer = as_written) -> tuple[str, ...]:
    """What follows, a sentence for each."""
    return tuple(_sentence(effect, aspect, name_target, name) for aspect in effect.aspects)


def route_sentences(
    route: Route, routing: RoutingDef, name_target: TargetName, *, name: Namer = as_written
) -> tuple[tuple[str, str], ...]:
    """What was decided for an incident, each with who decided it: ("Make it SEV-1.", "by the rule “VIP”")."""
    shown = [aspect for aspect in Aspect if aspect in route.because]
    if Aspect.SEVERITY in shown and Aspect.SEVERITY_AT_LEAST in shown:
        shown.remove(Aspect.SEVERITY)
    effect = _effect_of(route)
    return tuple((_sentence(effect, one, name_target, name), decided_by(route, one, routing)) for one in shown)


def _effect_of(route: Route) -> Effect:
    return Effect(
        policy=route.policy,
        severity=route.severity,
        severity_at_least=route.severity,
        start_level=route.start_level,
        team=route.team,
        straight_to=route.straight_to,
        tell=route.tell,
        timers_percent=route.timers_percent,
        escalate=route.escalate,
        ask=route.ask,
        suppress=route.suppress,
    )


def _sentence(effect: Effect, aspect: Aspect, name_target: TargetName, name: Namer) -> str:
    match aspect:
        case Aspect.POLICY:
            return _("Follow the policy %(policy)s.") % {"policy": name("policy", str(effect.policy))}
        case Aspect.SEVERITY:
            return _("Make it %(severity)s.") % {"severity": severity_name(effect.severity or 1)}
        case Aspect.SEVERITY_AT_LEAST:
            return _("Make it at least %(severity)s.") % {"severity": severity_name(effect.severity_at_least or 1)}
        case Aspect.START_LEVEL:
            return _("Start at level %(level)d; the levels below are informed.") % {"level": effect.start_level}
        case Aspect.TEAM:
            return _("The responding team is %(team)s.") % {"team": name("team", str(effect.team))}
        case Aspect.STRAIGHT_TO:
            return _("Page %(people)s at once.") % {"people": joined([name_target(one) for one in effect.straight_to])}
        case Aspect.TELL:
            return _("Also inform %(people)s.") % {"people": joined([name_target(one) for one in effect.tell])}
        case Aspect.TIMERS_PERCENT:
            return _("Timers run for %(percent)d %% of their time.") % {"percent": effect.timers_percent}
        case Aspect.ESCALATE:
            return _("Escalate.") if effect.escalate else _("Page nobody.")
        case Aspect.ASK:
            return _asking(effect.ask, name_target) if effect.ask else ""
        case Aspect.SUPPRESS:
            return _("Keep it silent for %(time)s; escalate it then if it is still open.") % {
                "time": duration_words(effect.suppress or 0)
            }
        case Aspect.GUARDED:
            return _("What automation would do to it waits for a person’s word.")
        case Aspect.PROTECTED:
            return _("Only owners of the service may silence it.")
        case Aspect.MAJOR:
            return _("Declare it a major incident.")
        case Aspect.PROBLEM:
            return _("Propose a problem record.")


def _asking(ask: Ask, name_target: TargetName) -> str:
    words = {
        "people": joined([name_target(one) for one in ask.targets]),
        "time": duration_words(ask.within_seconds),
    }
    if ask.otherwise is AskOtherwise.PROCEED:
        return _("First ask %(people)s whether to escalate; without a decision within %(time)s, escalate.") % words
    return _("First ask %(people)s whether to escalate; without a decision within %(time)s, page nobody.") % words


def route_reasons(route: Route, routing: RoutingDef) -> tuple[str, ...]:
    """Why the route is what it is: the reasons of the rules that matched, each with the name of its rule."""
    rules = {rule.key: rule for rule in routing.rules}
    matched = [rules[key] for key in route.rules if key in rules]
    if not matched:
        return (_("No rule matched."),)
    return tuple(_reason(rule) for rule in matched)


def aspect_reasons(route: Route, aspect: Aspect, routing: RoutingDef) -> tuple[str, ...]:
    """Why that was decided: the reasons of the rules that decided it, as written in them or, without one, their names.

    In no language but that of the rules: for records and messages that several people read.
    """
    keys = route.because.get(aspect, ())
    return tuple(rule.reason or rule.name for rule in routing.rules if rule.key in keys)


def decided_by(route: Route, aspect: Aspect, routing: RoutingDef) -> str:
    """Who decided it, as it reads beside it: "by the rule “VIP”", "by default"."""
    keys = route.because.get(aspect, ())
    names = [rule.name for rule in routing.rules if rule.key in keys]
    if not names:
        return _("by what holds otherwise") if OTHERWISE in keys else _("as the service has it")
    return _("by the rule %(rules)s") % {"rules": joined([f"“{name}”" for name in names])}


def _reason(rule: RoutingRule) -> str:
    if not rule.reason:
        return _("The rule “%(rule)s” matched.") % {"rule": rule.name}
    return _("%(reason)s (rule “%(rule)s”)") % {"reason": rule.reason, "rule": rule.name}


def _usual() -> str:
    return _("The service’s own policy is followed from its first level.")
