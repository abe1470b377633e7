"""One vocabulary of conditions: facts, operators, groups. Pure: values in, values out.

Routing, exceptions, suppression, automation and channel criteria all say "when" with these. A condition is stored as a
document (`condition_parse`, `condition_dump`), read as a sentence (`condition_sentence`), compiled once
(`condition_compile`, `RuleSet`) and asked with the facts of one incident at one instant (`facts_of`), quickly (`holds`)
or at length (`explain`).

- A check on an unknown fact does not hold, whatever its operator, but for `unknown` (see `vocabulary`).
- What is no use as a fact is unknown, never an error; evaluating raises for no facts at all.
- Patterns cannot run away (see `patterns`), texts are searched up to a bound.
- Gather only what is asked for: `needs` says which facts, and how far back a history must reach.
"""

from policies.conditions.compiling import Compiled, Trace, condition_compile
from policies.conditions.document import condition_dump, condition_parse, condition_problems, condition_read
from policies.conditions.facts import Facts, facts_ignored, facts_of
from policies.conditions.kinds import CLOCK_KINDS, OPERATORS, Kind, Operator, Shape
from policies.conditions.rules import Rule, RuleSet, RuleTrace
from policies.conditions.schema import condition_definitions, condition_schema
from policies.conditions.sentences import (
    ConditionText,
    condition_sentence,
    condition_text,
    operator_label,
    trace_text,
)
from policies.conditions.synonyms import DEFAULT_SYNONYMS
from policies.conditions.times import OFFICE_HOURS, BusinessCalendar
from policies.conditions.traces import trace_dump, trace_read
from policies.conditions.values import (
    ALWAYS,
    Check,
    Condition,
    Day,
    Group,
    Join,
    Needs,
    Range,
    Window,
    all_of,
    any_of,
    checks,
    needs,
    none_of,
)
from policies.conditions.vocabulary import VOCABULARY, FactDef, Vocabulary
from policies.conditions.words import Synonyms

__all__ = [
    "ALWAYS",
    "CLOCK_KINDS",
    "DEFAULT_SYNONYMS",
    "OFFICE_HOURS",
    "OPERATORS",
    "VOCABULARY",
    "BusinessCalendar",
    "Check",
    "Compiled",
    "Condition",
    "ConditionText",
    "Day",
    "FactDef",
    "Facts",
    "Group",
    "Join",
    "Kind",
    "Needs",
    "Operator",
    "Range",
    "Rule",
    "RuleSet",
    "RuleTrace",
    "Shape",
    "Synonyms",
    "Trace",
    "Vocabulary",
    "Window",
    "all_of",
    "any_of",
    "checks",
    "condition_compile",
    "condition_definitions",
    "condition_dump",
    "condition_parse",
    "condition_problems",
    "condition_read",
    "condition_schema",
    "condition_sentence",
    "condition_text",
    "facts_ignored",
    "facts_of",
    "needs",
    "none_of",
    "operator_label",
    "trace_dump",
    "trace_read",
    "trace_text",
]
