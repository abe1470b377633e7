"""The values of the linter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from policies.definition import TargetDef
from policies.ways import KINDS

EVERYONE = 8
"""So many people paged at once are everyone: each thinks that another takes it."""
ENOUGH_INCIDENTS = 20
"""Fewer measured times than this say nothing about a timer."""


class Weight(IntEnum):
    """How bad it is: somebody will wait in vain, it will go worse than it has to, or it is worth knowing."""

    STALLS = 1
    WEAK = 2
    NOTE = 3


class Code(StrEnum):
    # A policy.
    NO_VERSION = "no_version"
    DEAD_END = "dead_end"
    UNKNOWN_TARGET = "unknown_target"
    EMPTY_LEVEL = "empty_level"
    PLACES_ONLY = "places_only"
    PLACE_CLOSED = "place_closed"
    NEVER_ENTERED = "never_entered"
    CHANNELS_UNSENT = "channels_unsent"
    CHANNELS_LACKED = "channels_lacked"
    TIMER_PASSED = "timer_passed"
    LOOP = "loop"
    UNREACHABLE_PERSON = "unreachable_person"
    SINGLE_PERSON = "single_person"
    EVERYONE = "everyone"
    ACK_TIMER_SHORT = "ack_timer_short"
    ACK_TIMER_LONG = "ack_timer_long"
    RESOLVE_TIMER_SHORT = "resolve_timer_short"
    RESOLVE_TIMER_LONG = "resolve_timer_long"
    RACI_VACANT = "raci_vacant"
    REPEATS_NOT_CRITICAL = "repeats_not_critical"
    CYCLES_NOT_CRITICAL = "cycles_not_critical"
    REPEATS_CUT = "repeats_cut"
    # What a policy stands on.
    EMPTY_SCHEDULE = "empty_schedule"
    SCHEDULE_LOOP = "schedule_loop"
    GAP = "gap"
    GAP_ACCEPTED = "gap_accepted"
    NO_POLICY = "no_policy"
    OWNERLESS = "ownerless"
    STALE_OWNERSHIP = "stale_ownership"
    # The routing rules.
    RULE_NAMES_GONE = "rule_names_gone"
    RULE_CONTRADICTS = "rule_contradicts"
    RULE_NEVER_REACHED = "rule_never_reached"
    RULE_CHANGES_NOTHING = "rule_changes_nothing"
    RULE_SILENCES = "rule_silences"


_STALLS = {
    Code.NO_VERSION,
    Code.DEAD_END,
    Code.EMPTY_LEVEL,
    Code.UNKNOWN_TARGET,
    Code.LOOP,
    Code.UNREACHABLE_PERSON,
    Code.EMPTY_SCHEDULE,
    Code.SCHEDULE_LOOP,
    Code.GAP,
    Code.NO_POLICY,
    Code.OWNERLESS,
    Code.RULE_NAMES_GONE,
}
_NOTES = {Code.RACI_VACANT, Code.GAP_ACCEPTED, Code.REPEATS_CUT}


def weight_of(code: Code) -> Weight:
    if code in _STALLS:
        return Weight.STALLS
    return Weight.NOTE if code in _NOTES else Weight.WEAK


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `about` is what has to be mended ("policy:3", "schedule:7", "service:12", "user:4", "book:routing"), `place` where
    in it ("levels.2.targets.0"); together with the code they name it, from one look to the next. `data` holds JSON
    values only: names and figures as they were.
    """

    code: Code
    about: str
    place: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.code.value, self.about, self.place)

    @property
    def weight(self) -> Weight:
        return weight_of(self.code)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a policy leads to; `reachable` where at least one of their contact methods can be used, `kinds` are those of them."""

    id: int
    name: str
    active: bool = True
    reachable: bool = True
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a target leads to in the time looked at: everybody it ever names, and how many of them at once."""

    people: tuple[int, ...] = ()
    at_once: int = 0
    known: bool = True
    """False where what it refers to does not exist."""
    open: bool = True
    """False where it is a destination that is switched off."""


NOWHERE = Reach(known=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """What incidents under the policy really took, in seconds, with how many of them were measured."""

    median: float
    p90: float
    number: int


@dataclass(frozen=True, slots=True)
class Context:
    """What a definition alone does not say.

    `reach` knows every target of the definition, for each of `teams` (names of the teams whose services use the policy;
    "" where none does). `first_levels` gives, by slug, the policies that the first level of each policy names. `sendable`
    are the kinds of contact method that this installation can send by.
    """

    about: str
    slug: str
    policy: str
    reach: Mapping[tuple[TargetDef, str], Reach]
    people: Mapping[int, Person]
    teams: tuple[str, ...] = ("",)
    names: Mapping[TargetDef, str] = field(default_factory=dict)
    first_levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sendable: tuple[str, ...] = KINDS
    administrators: int = 1
    everyone: int = EVERYONE
    acknowledge: Measured | None = None
    resolve: Measured | None = None

    def of(self, target: TargetDef, team: str) -> Reach:
        return self.reach.get((target, team), NOWHERE)

    def named(self, target: TargetDef) -> str:
        """Its name as people know it; "" where only its kind says what it is."""
        return self.names.get(target, "")
