"""How often the routing rules held: for how many incidents, and whom they kept from being called (`policies.ports`).

Counted from what was decided when incidents began and when more became known of them, the newest decisions only. Tests are
left out, and so is what the reader may not see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incidents.models import Incident, RoutingDecision
from oncall.models import User
from policies.book_pages.held import LOOKED_BACK, MOST, RuleHeld, RulesHeld
from policies.routing import Aspect

SHOWN = 200
"""Incidents that are listed for one rule."""
_EXCEPTION = (Aspect.START_LEVEL.value, Aspect.STRAIGHT_TO.value)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, as far as it is counted."""

    incident: int
    at: datetime
    rules: Sequence[str]
    because: Mapping[str, Sequence[str]]
    pages_nobody: bool
    silent_until: str

    def decided(self, key: str) -> bool:
        return any(key in keys for keys in self.because.values())

    def silent(self, key: str) -> bool:
        return bool(self.silent_until) and key in self.because.get(Aspect.SUPPRESS.value, ())

    def nobody(self, key: str) -> bool:
        return self.pages_nobody and key in self.because.get(Aspect.ESCALATE.value, ())

    def excepted(self, key: str) -> bool:
        return any(key in self.because.get(aspect, ()) for aspect in _EXCEPTION)


def rules_held(*, reader: User, at: datetime) -> RulesHeld:
    """One query, and another where restricted incidents are among them."""
    seen: dict[str, dict[str, set[int]]] = {}
    asked: set[int] = set()
    for one in _decisions(reader, at):
        asked.add(one.incident)
        for key in one.rules:
            kinds = seen.setdefault(key, {name: set() for name in RuleHeld.__slots__})
            kinds["held"].add(one.incident)
            for name, is_so in _kinds(one, key).items():
                if is_so:
                    kinds[name].add(one.incident)
    rules = {key: RuleHeld(**{name: len(found) for name, found in kinds.items()}) for key, kinds in seen.items()}
    # An incident counts once in the whole, however many rules held for it.
    whole = {name: len(set().union(*(kinds[name] for kinds in seen.values()))) for name in RuleHeld.__slots__}
    return RulesHeld(at - LOOKED_BACK, len(asked), RuleHeld(**whole), rules)


def _kinds(one: Decision, key: str) -> dict[str, bool]:
    return {
        "decided": one.decided(key),
        "silent": one.silent(key),
        "nobody": one.nobody(key),
        "exceptions": one.excepted(key),
    }


def _decisions(reader: User, at: datetime) -> Iterator[Decision]:
    """The newest first. Rows are written in the order of time, so that the key leads to the newest without an index."""
    columns = ("incident", "incident__restricted", "incident__is_test", "at")
    parts = ("rules", "because", "pages_nobody", "suppressed_until")
    rows = RoutingDecision.objects.order_by("-pk").values_list(*columns, *(f"decision__{part}" for part in parts))
    found = [row for row in rows[:MOST] if row[3] >= at - LOOKED_BACK and not row[2]]
    closed = {row[0] for row in found if row[1]}
    if closed:
        open_to = Incident.objects.visible_to(reader).filter(pk__in=closed)
        closed -= set(open_to.order_by().values_list("pk", flat=True))
    for incident, _restricted, _test, instant, rules, because, nobody, until in found:
        if incident not in closed:
            yield Decision(incident, instant, rules or (), because or {}, bool(nobody), until or "")


@dataclass(frozen=True, slots=True)
class HeldFor:
    """An incident that the rule held for, and what the rule did to it at last."""

    incident: Incident
    at: datetime
    decided: bool
    silent_until: datetime | None
    nobody: bool
    excepted: bool


def held_for(key: str, *, reader: User, at: datetime) -> list[HeldFor]:
    """The newest first, SHOWN at most. Two queries, three where restricted incidents are among them."""
    found: dict[int, Decision] = {}
    for one in _decisions(reader, at):
        if key in one.rules and len(found) < SHOWN:
            found.setdefault(one.incident, one)
    rows: dict[int, Any] = Incident.objects.select_related("service", "team", "integration", "reporter").in_bulk(found)
    return [
        HeldFor(
            rows[one.incident],
            one.at,
            one.decided(key),
            datetime.fromisoformat(one.silent_until) if one.silent(key) else None,
            one.nobody(key),
            one.excepted(key),
        )
        for one in found.values()
    ]
