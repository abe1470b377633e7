"""What a simulation reads: who a step reaches at its instant, and by which channels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings

from notifications.selectors import kinds_of
from oncall.models import Team
from policies.books import CHANNELS, book_read
from policies.calendars import calendars_by_name
from policies.channels import ChannelCriteria
from policies.conditions import facts_of
from policies.definition import PolicyDef, TargetDef
from policies.escalation import BusinessTime, InformLevel, around_the_clock
from policies.reach import reached
from policies.simulation.walk import (
    MAX_STEPS,
    Act,
    Beginning,
    Passed,
    PlaceTold,
    Reach,
    Reached,
    Simulation,
    Told,
    walk,
)
from policies.targets import NO_SKILLS, Recipient, Resolution, Skills, TargetResolver
from policies.ways import level_record, ways_left, ways_turned


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What if an incident of ``severity`` (1 is worst) began at the instant ``at``?

    ``team`` owns the service and ``skills`` (slugs) are what that asks for beyond the first level. ``unreachable`` are
    people (by number) whom no message reaches, besides those without any contact method. The rest is how its run begins
    and what it counts by, as ``policies.escalation.start`` takes it; ``straight_to`` are paged with the level that opens
    the walk. ``facts`` are what the channel criteria are asked about besides the severity and the instant.
    """

    at: datetime
    severity: int | None
    team: Team
    skills: Skills = NO_SKILLS
    acts: tuple[Act, ...] = ()
    unreachable: frozenset[int] = frozenset()
    sla_due_at: datetime | None = None
    first_level: int | None = None
    timers_percent: int = 100
    straight_to: tuple[TargetDef, ...] = ()
    suppressed_until: datetime | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    calendar: BusinessTime = around_the_clock

    def on(self, calendar: BusinessTime) -> Question:
        """The same question where ``calendar`` counts what is business time."""
        return replace(self, calendar=calendar)

    @property
    def beginning(self) -> Beginning:
        return Beginning(
            at=self.at,
            severity=self.severity,
            sla_due_at=self.sla_due_at,
            first_level=self.first_level,
            timers_percent=self.timers_percent,
            suppressed_until=self.suppressed_until,
            calendar=self.calendar,
        )


def simulate(policy: PolicyDef, question: Question, *, limit: int = MAX_STEPS) -> Simulation:
    """What the engine would do, step by step. Nothing is stored, nobody is told.

    People are looked up as of each step's instant, with the schedules, absences and limits that are known today. Limits
    count the pages that were really sent.
    """
    gathering = _Gathering(policy, question)
    return walk(policy, question.beginning, reach_at=gathering.reach_at, acts=question.acts, limit=limit)


class _Gathering:
    def __init__(self, policy: PolicyDef, question: Question) -> None:
        self.policy, self.question = policy, question
        self._channels: dict[int, tuple[str, ...]] = {}
        reading = book_read(CHANNELS).value
        self._criteria = ChannelCriteria(reading) if any(rule.enabled for rule in reading.rules) else None
        self._calendars = calendars_by_name() if self._criteria else {}

    def reach_at(self, at: datetime, told: Mapping[int, datetime]) -> Reach:
        resolver = TargetResolver(at=at, told=told)
        use = self._use(at)

        def reach(action: object) -> Reached:
            found = reached(
                self.policy,
                action,  # type: ignore[arg-type]  # the walk asks for actions that reach people only
                resolver=resolver,
                team=self.question.team,
                skills=self.question.skills,
                straight_to=self.question.straight_to,
            )
            informs = isinstance(action, InformLevel)
            turn: int = 0 if informs else getattr(action, "cycle", 0) + getattr(action, "repeat", 0)
            return self._reached(found, use, turn)

        return reach

    def _use(self, at: datetime) -> tuple[str, ...]:
        """The kinds of contact method that the channel criteria name for an incident like this at that instant."""
        if self._criteria is None:
            return ()
        known = {"severity": self.question.severity, **self.question.facts}
        choice = self._criteria.choose(facts_of(known, at=at, zone=settings.TIME_ZONE, calendars=self._calendars))
        return choice.use if choice else ()

    def _reached(self, found: Resolution, use: tuple[str, ...], turn: int) -> Reached:
        self._read_channels({one.user.pk for one in found.recipients})
        return Reached(
            tuple(self._told(one, use, turn) for one in found.recipients),
            tuple(Passed(one.user.pk, one.user.name, one.reason) for one in found.skipped),
            tuple(PlaceTold(one.name, one.kind.value, one.reason) for one in found.places),
        )

    def _told(self, one: Recipient, use: tuple[str, ...], turn: int) -> Told:
        """By which channels they are tried, in order: those of the criterion that holds, then those of the level; whoever was told
        before, by another first."""
        pk, ways = one.user.pk, self._channels[one.user.pk]
        left = ways_turned(ways_left(ways, use or one.channels, one.channels), turn)
        how = () if pk in self.question.unreachable else left
        why = {**one.why, "level": level_record(one.channels, ways, use)} if one.channels else one.why
        return Told(pk, one.user.name, why, how)

    def _read_channels(self, user_ids: Collection[int]) -> None:
        self._channels |= kinds_of(set(user_ids) - self._channels.keys())
