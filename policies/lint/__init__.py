"""The linter: what is allowed in a policy, and around it, and will still let somebody down one night.

Pure checks over values: a definition and a `Context` that says whom its targets lead to. A `Finding` carries names and
figures, never sentences: `words_of` writes them in the reader's language, with what each costs. `policies.care` gathers
the context, for an editor while somebody types and for the nightly look at everything.
"""

from policies.lint.checks import lint_definition
from policies.lint.house import OwnedService, UsedSchedule, lint_house, merged
from policies.lint.rules import House, lint_rules
from policies.lint.values import (
    ENOUGH_INCIDENTS,
    EVERYONE,
    Code,
    Context,
    Finding,
    Measured,
    Person,
    Reach,
    Weight,
)
from policies.lint.words import FindingWords, words_of

__all__ = [
    "ENOUGH_INCIDENTS",
    "EVERYONE",
    "Code",
    "Context",
    "Finding",
    "FindingWords",
    "House",
    "Measured",
    "OwnedService",
    "Person",
    "Reach",
    "UsedSchedule",
    "Weight",
    "lint_definition",
    "lint_house",
    "lint_rules",
    "merged",
    "words_of",
]
