"""What routing rules are made of, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from policies.conditions import Condition
from policies.definition import TargetDef

MAX_RULES = 500
MAX_TIMERS = 100
LEAST_ASK = 60
MOST_ASK = 86_400
"""How long a person may be waited for, in seconds: a minute to a day."""
LEAST_SUPPRESS = 60
MOST_SUPPRESS = 7 * 86_400
"""How long an incident may be kept silent, in seconds: a minute to a week."""


class Aspect(StrEnum):
    """What a rule may decide."""

    POLICY = "policy"
    SEVERITY = "severity"
    SEVERITY_AT_LEAST = "severity_at_least"
    START_LEVEL = "start_level"
    TEAM = "team"
    STRAIGHT_TO = "straight_to"
    TELL = "tell"
    TIMERS_PERCENT = "timers_percent"
    ESCALATE = "escalate"
    ASK = "ask"
    SUPPRESS = "suppress"
    GUARDED = "guarded"
    PROTECTED = "protected"
    MAJOR = "major"
    PROBLEM = "problem"


class AskOtherwise(StrEnum):
    """What follows when nobody decided in time: escalation begins, or nobody is paged."""

    PROCEED = "proceed"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Ask:
    """An ambiguous incident: `targets` are asked whether to escalate, and waited for `within_seconds`."""

    targets: tuple[TargetDef, ...]
    within_seconds: int
    otherwise: AskOtherwise = AskOtherwise.PROCEED


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows when a rule matches; None, empty and False say nothing.

    `policy` and `team` are slugs or primary keys. `severity` replaces what came with the incident,
    `severity_at_least` only ever makes it worse. `start_level` counts from 1; the levels below are informed.
    `straight_to` are paged at once, besides the level at which it starts: seniors and specialists. `tell` get a notice
    and no page. `timers_percent` shortens every timer to that part of it (50: half). `escalate` False keeps it from
    paging anybody, `ask` keeps it from doing so until a person decided, `suppress` for so many seconds: the incident is on
    record and silent, and is escalated then if it is still open and nobody has it. `guarded`: what automation would do to it waits
    for a person. `protected`: only the owners of the service may silence it. `major` declares it a major incident,
    `problem` proposes a problem record.
    """

    policy: str | int | None = None
    severity: int | None = None
    severity_at_least: int | None = None
    start_level: int | None = None
    team: str | int | None = None
    straight_to: tuple[TargetDef, ...] = ()
    tell: tuple[TargetDef, ...] = ()
    timers_percent: int | None = None
    escalate: bool | None = None
    ask: Ask | None = None
    suppress: int | None = None
    guarded: bool = False
    protected: bool = False
    major: bool = False
    problem: bool = False

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """What it decides. "Page nobody" is a decision too."""
        said = tuple(aspect for aspect in Aspect if getattr(self, aspect.value) not in (None, (), False))
        return said if self.escalate is not False else (*said, Aspect.ESCALATE)


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """`key` is stable and names the rule in records; `reason` is what people read on the incident.

    A rule with `stop` is the last one looked at when it matches.
    """

    key: str
    name: str
    when: Condition
    then: Effect
    reason: str = ""
    stop: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class RoutingDef:
    """Rules in order; `otherwise` decides what they left open."""

    rules: tuple[RoutingRule, ...] = ()
    otherwise: Effect = Effect()


@dataclass(frozen=True, slots=True)
class Route:
    """What the rules decided for one incident.

    `severity` is the one to use: what came with the facts, or what a rule made of it; None when nobody knows one. What no rule
    decided is None: the service's own policy and team, from the first level, at the full time. `rules` are the keys of those that
    matched, in order; `because` names for each aspect the rules that decided it, "" standing for `otherwise`.
    """

    policy: str | int | None = None
    severity: int | None = None
    start_level: int | None = None
    team: str | int | None = None
    straight_to: tuple[TargetDef, ...] = ()
    tell: tuple[TargetDef, ...] = ()
    timers_percent: int | None = None
    escalate: bool = True
    ask: Ask | None = None
    suppress: int | None = None
    guarded: bool = False
    protected: bool = False
    major: bool = False
    problem: bool = False
    rules: tuple[str, ...] = ()
    because: Mapping[Aspect, tuple[str, ...]] = field(default_factory=dict)
