"""What can be said of conditions without any facts: whether one can hold at all, and whether it holds whenever another does.

Both answers are on the safe side: "no" may mean "cannot be told".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.conditions import VOCABULARY, Check, Condition, Group, Join, Operator
from policies.conditions.compiling import accepted

Needed = Mapping[str, frozenset[object]]


def needed(condition: Condition) -> Needed:
    """For each fact that decides: the values without which the condition cannot hold; None stands for "not known"."""
    if isinstance(condition, Check):
        members = _members(condition)
        return {} if members is None else {condition.fact: members}
    parts = [needed(part) for part in condition.parts]
    match condition.join:
        case Join.ALL:
            together: dict[str, frozenset[object]] = {}
            for part in parts:
                for fact, members in part.items():
                    together[fact] = together[fact] & members if fact in together else members
            return together
        case Join.ANY if parts:
            # A part that can never hold says nothing about when the whole does.
            live = [part for part in parts if all(part.values())] or parts
            shared = set.intersection(*(set(part) for part in live))
            return {fact: frozenset().union(*(part[fact] for part in live)) for fact in shared}
        case _:
            return {}


def _members(check: Check) -> frozenset[object] | None:
    if check.operator is Operator.UNKNOWN:
        return frozenset((None,))
    fact = VOCABULARY.find(check.fact)
    return None if fact is None else accepted(check, fact)


def never_holds(condition: Condition) -> bool:
    """Whether it asks for what cannot be at once: "the service is A" and "the service is B"."""
    if isinstance(condition, Group):
        if condition.join is Join.ANY:
            return bool(condition.parts) and all(never_holds(part) for part in condition.parts)
        if condition.join is Join.ALL and any(never_holds(part) for part in condition.parts):
            return True
    return any(not members for members in needed(condition).values())


def implies(narrow: Condition, wide: Condition) -> bool:
    """Whether `wide` holds whenever `narrow` does."""
    if narrow == wide:
        return True
    if isinstance(wide, Group) and wide.join is not Join.NONE:
        held = (implies(narrow, part) for part in wide.parts)
        return all(held) if wide.join is Join.ALL else any(held)
    if isinstance(narrow, Group):
        if narrow.join is Join.ALL and any(implies(part, wide) for part in narrow.parts):
            return True
        if narrow.join is Join.ANY and narrow.parts and all(implies(part, wide) for part in narrow.parts):
            return True
    members = _members(wide) if isinstance(wide, Check) else None
    return members is not None and isinstance(wide, Check) and _within(narrow, wide.fact, members)


def _within(narrow: Condition, fact: str, members: frozenset[object]) -> bool:
    asked = needed(narrow).get(fact)
    return bool(asked) and asked is not None and asked <= members


def asked_for(condition: Condition, fact: str) -> Iterator[str]:
    """The names of that fact's values which the condition mentions, whatever it wants of them."""
    if isinstance(condition, Group):
        for part in condition.parts:
            yield from asked_for(part, fact)
    elif condition.fact == fact and condition.operator in (
        Operator.IS,
        Operator.IS_NOT,
        Operator.ONE_OF,
        Operator.NONE_OF,
    ):
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        yield from (value for value in values if isinstance(value, str))
