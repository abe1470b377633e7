"""What policies ask of the apps above, which they must not import: those plug in here when they start.

A harmless answer holds until then, so that policies stand alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from django.db.models import IntegerField, Value

from policies.book_pages.held import RulesHeld

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

    from oncall.models import User
    from policies.conditions import FactDef

LastPaged = Callable[[Collection[int]], Mapping[int, datetime]]


class HeldRules(Protocol):
    """How often the routing rules held of late, as far as ``reader`` may see what they held for."""

    def __call__(self, *, reader: User, at: datetime) -> RulesHeld: ...


@dataclass(frozen=True, slots=True)
class OwnFacts:
    """The house's own facts: what they are now, and a stamp of their state, alone or as a part of another query. ``names``
    are the values of facts whose rows belong to the app above, by fact: slug and name."""

    read: Callable[[], tuple[FactDef, ...]]
    state: Callable[[], object]
    stamp: Callable[[], Combinable]
    names: Callable[[], Mapping[str, Mapping[str, str]]]


def _never(user_ids: Collection[int]) -> Mapping[int, datetime]:
    return {}


def _held_for_nothing(*, reader: User, at: datetime) -> RulesHeld:
    return RulesHeld(at)


_last_paged: LastPaged = _never
_rules_held: HeldRules = _held_for_nothing
_own_facts = OwnFacts(
    read=tuple, state=lambda: None, stamp=lambda: Value(None, output_field=IntegerField()), names=dict
)


def plug(*, last_paged: LastPaged, own_facts: OwnFacts, rules_held: HeldRules) -> None:
    """Called once, by the app above, while Django starts."""
    global _last_paged, _own_facts, _rules_held  # One assembly per process, made before any request.
    _last_paged, _own_facts, _rules_held = last_paged, own_facts, rules_held


def last_paged(user_ids: Collection[int]) -> Mapping[int, datetime]:
    """When each of these people was paged last, by user id; whoever never was is missing."""
    return _last_paged(user_ids) if user_ids else {}


def rules_held(*, reader: User, at: datetime) -> RulesHeld:
    """How often each routing rule held of late, and what it did."""
    return _rules_held(reader=reader, at=at)


def own_facts() -> tuple[FactDef, ...]:
    """The house's own facts, named ``custom.…``."""
    return _own_facts.read()


def own_facts_state() -> object:
    """What tells one state of them from another: one small query."""
    return _own_facts.state()


def own_facts_stamp() -> Combinable:
    """The same as a part of another query."""
    return _own_facts.stamp()


def own_names() -> Mapping[str, Mapping[str, str]]:
    """What may be chosen for facts whose rows belong to the app above, by fact: slug and name."""
    return _own_facts.names()
