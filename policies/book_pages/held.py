"""How often each routing rule held of late and what it did, as the app above counts it (`policies.ports`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LOOKED_BACK = timedelta(days=28)
MOST = 2_000
"""Decisions that are looked at, the newest: enough to see which rule does what, and read in a moment."""


@dataclass(slots=True)
class RuleHeld:
    """Incidents that one rule held for. `decided` are those where it decided anything itself, and no rule before it had
    said it all; of these it kept `silent` for a time, had `nobody` paged for, or sent straight to seniors or specialists
    (`exceptions`)."""

    held: int = 0
    decided: int = 0
    silent: int = 0
    nobody: int = 0
    exceptions: int = 0


@dataclass(frozen=True, slots=True)
class RulesHeld:
    """What `asked` incidents came to under the rules, from `since` on; `rules` by their keys, those that are gone too."""

    since: datetime
    asked: int = 0
    whole: RuleHeld = field(default_factory=RuleHeld)
    rules: Mapping[str, RuleHeld] = field(default_factory=dict)

    def of(self, key: str) -> RuleHeld:
        return self.rules.get(key) or RuleHeld()
