"""From facts to the kinds of contact method that may be used."""

from __future__ import annotations

from dataclasses import dataclass

from policies.channels.values import ChannelRule, ChannelsDef
from policies.conditions import (
    DEFAULT_SYNONYMS,
    VOCABULARY,
    Facts,
    Needs,
    Rule,
    RuleSet,
    Synonyms,
    Trace,
    Vocabulary,
    needs,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the criteria say of one incident: the rule that decided, and what became of each part of its condition."""

    rule: ChannelRule
    trace: Trace

    @property
    def use(self) -> tuple[str, ...]:
        return self.rule.use


class ChannelCriteria:
    """Channel criteria, compiled: asked whenever somebody is paged."""

    def __init__(
        self, definition: ChannelsDef, *, vocabulary: Vocabulary = VOCABULARY, synonyms: Synonyms = DEFAULT_SYNONYMS
    ) -> None:
        self.definition = definition
        rules = [Rule(rule.key, rule.when, rule, rule.enabled) for rule in definition.rules]
        self._rules = RuleSet(rules, vocabulary=vocabulary, synonyms=synonyms)

    @property
    def needs(self) -> Needs:
        """The facts the rules ask for."""
        return needs(*(rule.when for rule in self.definition.rules if rule.enabled))

    def choose(self, facts: Facts) -> Choice | None:
        """What the first rule that holds says; None where none does, and everybody is told as they like."""
        found = self._rules.first_match(facts)
        if found is None:
            return None
        compiled = self._rules.compiled(found.key)
        if compiled is None:
            raise KeyError(found.key)
        return Choice(found.then, compiled.explain(facts))
