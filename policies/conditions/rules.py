"""Ordered rules: what follows from the facts, and why.

A rule set is compiled once. Rules that ask for one service, one team or one label among many are found by looking that
value up; only the rules which are left are asked in turn, in their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from policies.conditions.compiling import Compiled, Trace, accepted, condition_compile
from policies.conditions.facts import Facts
from policies.conditions.synonyms import DEFAULT_SYNONYMS
from policies.conditions.values import Check, Condition, Join
from policies.conditions.vocabulary import VOCABULARY, Vocabulary
from policies.conditions.words import Synonyms

Outcome = TypeVar("Outcome")
Needed = Mapping[str, frozenset[object]]

_MOST_INDEXES = 8


@dataclass(frozen=True, slots=True)
class Rule(Generic[Outcome]):
    """When `when` holds, `then` follows. `key` tells rules of a set apart; a rule that is not `enabled` never matches."""

    key: str
    when: Condition
    then: Outcome
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RuleTrace(Generic[Outcome]):
    """What became of one rule. `chosen`: it was the first to match."""

    rule: Rule[Outcome]
    matched: bool
    chosen: bool
    trace: Trace


class _Index:
    """Rules by the values of one fact without which they cannot match, as bits of a number."""

    def __init__(self, fact: str, needed: list[Needed]) -> None:
        self.fact = fact
        self.others = 0
        self.rules: dict[object, int] = {}
        for number, needs in enumerate(needed):
            if fact not in needs:
                self.others |= 1 << number
            for value in needs.get(fact, ()):
                self.rules[value] = self.rules.get(value, 0) | 1 << number
        self.rules = {value: rules | self.others for value, rules in self.rules.items()}


class RuleSet(Generic[Outcome]):
    """Rules in order, ready to be asked."""

    def __init__(
        self,
        rules: Iterable[Rule[Outcome]],
        *,
        vocabulary: Vocabulary = VOCABULARY,
        synonyms: Synonyms = DEFAULT_SYNONYMS,
    ) -> None:
        self.rules = tuple(rules)
        self._compiled = tuple(
            condition_compile(rule.when, vocabulary=vocabulary, synonyms=synonyms) for rule in self.rules
        )
        needed = [_needed(rule.when, vocabulary) for rule in self.rules]
        # A fact that one rule in twenty asks for saves less than looking it up costs.
        asked = Counter(fact for needs in needed for fact in needs).most_common(_MOST_INDEXES)
        self._indexes = tuple(_Index(fact, needed) for fact, count in asked if count * 20 > len(self.rules))
        self._enabled = sum(1 << number for number, rule in enumerate(self.rules) if rule.enabled)
        self._tests = tuple(compiled.holds for compiled in self._compiled)

    def first_match(self, facts: Facts) -> Rule[Outcome] | None:
        """The first rule whose condition holds; None when none does."""
        return next(self._matches(facts), None)

    def all_matches(self, facts: Facts) -> tuple[Rule[Outcome], ...]:
        """Every rule whose condition holds, in order."""
        return tuple(self._matches(facts))

    def explain(self, facts: Facts) -> tuple[RuleTrace[Outcome], ...]:
        """Every rule in order, asked in full. The one `chosen` is that of `first_match`."""
        traces = []
        chosen = False
        for rule, compiled in zip(self.rules, self._compiled, strict=True):
            trace = compiled.explain(facts)
            matched = trace.held and rule.enabled
            traces.append(RuleTrace(rule, matched, matched and not chosen, trace))
            chosen = chosen or matched
        return tuple(traces)

    @property
    def pairs(self) -> Iterator[tuple[Rule[Outcome], Compiled]]:
        """Each rule with its condition, in order."""
        return zip(self.rules, self._compiled, strict=True)

    def compiled(self, key: str) -> Compiled | None:
        """The condition of the rule of that key; None when there is none."""
        return next((one for rule, one in zip(self.rules, self._compiled, strict=True) if rule.key == key), None)

    def _matches(self, facts: Facts) -> Iterator[Rule[Outcome]]:
        left = self._enabled
        values = facts.values
        for index in self._indexes:
            left &= index.rules.get(values.get(index.fact), index.others)
        while left:
            lowest = left & -left
            left ^= lowest
            number = lowest.bit_length() - 1
            if self._tests[number](facts):
                yield self.rules[number]


def _needed(condition: Condition, vocabulary: Vocabulary) -> Needed:
    """For each fact that decides: the values without which the condition cannot hold."""
    if isinstance(condition, Check):
        fact = vocabulary.find(condition.fact)
        members = accepted(condition, fact) if fact is not None else None
        return {} if members is None else {condition.fact: members}
    parts = [_needed(part, vocabulary) for part in condition.parts]
    match condition.join:
        case Join.ALL:
            return _together(parts)
        case Join.ANY:
            shared = set.intersection(*(set(part) for part in parts)) if parts else set()
            return {fact: frozenset().union(*(part[fact] for part in parts)) for fact in shared}
        case Join.NONE:
            return {}


def _together(parts: Iterable[Needed]) -> Needed:
    needed: dict[str, frozenset[object]] = {}
    for part in parts:
        for fact, members in part.items():
            needed[fact] = needed[fact] & members if fact in needed else members
    return needed
