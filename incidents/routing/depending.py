"""Which of the house's own questions the rules in force depend on, for an incident of which some things are known (R120).

A rule depends on an answer while it may still match: it asks for the answer, and nothing that is known speaks against it.
Three values, therefore: a check on a fact that is not known yet may hold.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.db import Error

from policies.books import ROUTING, book_read
from policies.conditions import Check, Compiled, Facts, Join, condition_compile, needs
from policies.routing import RoutingDef

log = structlog.get_logger(__name__)


def rules_depend_on(keys: Sequence[str], facts: Facts) -> dict[str, tuple[str, ...]]:
    """The names of the rules in force that depend on the answer, by the key of the field. Rules that cannot be read ask for
    nothing: nobody is kept from filing by them."""
    if not keys:
        return {}
    try:
        return depending(book_read(ROUTING).value, keys, facts)
    except Error:
        raise
    except Exception:
        log.exception("filing.rules_unreadable")
        return {}


def depending(rules: RoutingDef, keys: Sequence[str], facts: Facts) -> dict[str, tuple[str, ...]]:
    """The same for given rules. Pure."""
    found: dict[str, tuple[str, ...]] = {}
    for rule in rules.rules:
        asked = needs(rule.when).facts
        for key in keys:
            name = f"custom.{key}"
            if rule.enabled and name in asked and _holds(condition_compile(rule.when), facts, name) is not False:
                found[key] = (*found.get(key, ()), rule.name)
    return found


def _holds(compiled: Compiled, facts: Facts, asked: str) -> bool | None:
    """Whether it holds with what is known; None where that hangs on what is not, the answer that is ``asked`` for among it."""
    condition = compiled.condition
    if isinstance(condition, Check):
        known = condition.fact in facts.values and condition.fact != asked
        return compiled.holds(facts) if known else None
    parts = [_holds(part, facts, asked) for part in compiled.parts]
    if condition.join is Join.ALL:
        return False if False in parts else None if None in parts else True
    found = True if True in parts else None if None in parts else False
    return found if condition.join is Join.ANY else None if found is None else not found
