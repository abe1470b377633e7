"""What channel criteria are made of."""

from __future__ import annotations

from dataclasses import dataclass

from policies.conditions import Condition

MAX_RULES = 100


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """Incidents that `when` holds for are paged by these kinds of contact method (at least one) and by no others."""

    key: str
    name: str
    when: Condition
    use: tuple[str, ...]
    reason: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ChannelsDef:
    """Rules in order; the first that holds decides. Where none does, a person's own order of methods holds."""

    rules: tuple[ChannelRule, ...] = ()
