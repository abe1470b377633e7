"""Routing rules: which policy an incident follows, and who is paged or told besides."""

from typing import Any

from escalation_site.configuration.books import BookKind
from escalation_site.configuration.document import Item
from escalation_site.configuration.fields import Scope
from escalation_site.configuration.kinds.policies import target_check
from policies.book_pages.names import effect_targets, effects_of
from policies.book_pages.shelf import BOOKS
from policies.routing import RoutingDef


class RoutingRules(BookKind):
    section = "routing"
    help = (
        "Routing rules, all of them in their order. A change is a new version: incidents under way keep their course."
    )
    book = BOOKS["routing"]
    after = ("users", "teams", "schedules", "policies", "services", "categories", "customers", "custom_fields")

    def references_hold(self, item: Item, value: Any, scope: Scope) -> bool:
        """A reference by primary key is left to the linter: a file cannot know it."""
        routing: RoutingDef = value
        before = len(item.problems.found)
        for keys, effect in effects_of(routing):
            for field, section in (("policy", "policies"), ("team", "teams")):
                if isinstance(getattr(effect, field), str):
                    scope.reference(item.nearest((*keys, field)), section)
            for where, target in effect_targets(effect):
                target_check(item, (*keys, *where), target, scope)
        return len(item.problems.found) == before


KIND = RoutingRules()
