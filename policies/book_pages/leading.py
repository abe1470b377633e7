"""The routing rules that send incidents on the way of one policy: the severity, impact and whatever else leads there."""

from __future__ import annotations

from dataclasses import dataclass

from policies.book_pages.names import HouseNames
from policies.books import ROUTING, book_read
from policies.conditions import condition_sentence
from policies.models import EscalationPolicy
from policies.routing import RoutingRule


@dataclass(frozen=True, slots=True)
class Way:
    """One rule: its key, its name, and when it holds, in words."""

    key: str
    name: str
    when: str


def ways_to(policy: EscalationPolicy) -> tuple[Way, ...]:
    """In the order of the rules; one query where none leads there."""
    rules = [rule for rule in book_read(ROUTING).value.rules if rule.enabled and _leads(rule, policy)]
    if not rules:
        return ()
    names = HouseNames()
    return tuple(Way(rule.key, rule.name, condition_sentence(rule.when, name=names)) for rule in rules)


def _leads(rule: RoutingRule, policy: EscalationPolicy) -> bool:
    return rule.then.policy in (policy.slug, policy.pk)
