"""Policies that are shipped: ready to use, to copy from, and to show how a ladder is written.

Each takes the references of its targets, so that it fits any organisation. `EXAMPLES` lists those of the five types of
escalation, a hybrid of them and the path in three stages, each made from the same few people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from policies.definition import (
    CRITICAL,
    AckMode,
    Entry,
    Final,
    LevelDef,
    MeasuredFrom,
    PolicyDef,
    Raci,
    Repeat,
    Role,
    TargetDef,
    TargetKind,
    Timeout,
)
from policies.ways import Way

MINUTE = 60


def primary_of(schedule: str | int) -> TargetDef:
    return TargetDef(TargetKind.SCHEDULE, schedule, Role.PRIMARY)


def secondary_of(schedule: str | int) -> TargetDef:
    return TargetDef(TargetKind.SCHEDULE, schedule, Role.SECONDARY)


def simple_policy(*, schedule: str | int, backup: TargetDef) -> PolicyDef:
    """One rotation and one backup: the smallest ladder that leaves nobody alone with a sleeping colleague."""
    return PolicyDef(
        levels=(
            LevelDef(
                name="On call",
                duty="Acknowledge, look, and say what you see.",
                targets=(primary_of(schedule),),
                ack_timeout=Timeout(5 * MINUTE),
                resolve_timeout=Timeout(60 * MINUTE),
            ),
            LevelDef(
                name="Backup",
                duty="Take over if nobody has it, help if somebody does.",
                targets=(backup,),
                ack_timeout=Timeout(10 * MINUTE),
            ),
        ),
        cycles=2,
        cycle_severities=CRITICAL,
    )


def default_policy(*, schedule: str | int, senior: TargetDef, manager: TargetDef) -> PolicyDef:
    """Three levels: the primary on call; the backup and a senior at once; the manager."""
    return PolicyDef(
        levels=(
            LevelDef(
                name="Primary on call",
                duty="Acknowledge, find out what is affected, start the runbook.",
                targets=(primary_of(schedule),),
                ack_timeout=Timeout(5 * MINUTE),
                resolve_timeout=Timeout(30 * MINUTE),
            ),
            LevelDef(
                name="Backup and senior",
                duty="Take over or join: one leads, one repairs.",
                targets=(secondary_of(schedule), senior),
                ack_timeout=Timeout(10 * MINUTE),
                resolve_timeout=Timeout(60 * MINUTE),
            ),
            LevelDef(
                name="Manager",
                duty="Decide on help from other teams, and tell those affected.",
                targets=(manager,),
                ack_timeout=Timeout(15 * MINUTE),
            ),
        ),
    )


def staged_policy(
    *,
    schedule: str | int,
    senior: TargetDef,
    leadership: tuple[TargetDef, ...],
    second_stage_from: MeasuredFrom = MeasuredFrom.START,
) -> PolicyDef:
    """The three-stage example path (R132 to R135): 10 minutes, 20 minutes, 60 minutes; by SMS and chat, then by e-mail too.

    `second_stage_from` chooses between its two readings: stage 2 comes 20 minutes after the incident's start (START),
    or 20 minutes after stage 1 ended (PREVIOUS), which is 30 minutes after the start. Stage 3 comes 60 minutes after
    stage 2, acknowledged or not, unless the incident is resolved or mitigated by then.
    """
    return PolicyDef(
        levels=(
            LevelDef(
                name="Primary on call",
                duty="Confirm within 10 minutes and begin to look.",
                targets=(primary_of(schedule),),
                channels=(Way.SMS, Way.CHAT),
                ack_timeout=Timeout(10 * MINUTE),
                resolve_timeout=Timeout(60 * MINUTE),
            ),
            LevelDef(
                name="Backup team and senior engineer",
                duty="Bring a second pair of eyes and the deeper knowledge.",
                start=Entry(20 * MINUTE, second_stage_from),
                targets=(secondary_of(schedule), senior),
                channels=(Way.EMAIL, Way.SMS, Way.CHAT),
                resolve_timeout=Timeout(60 * MINUTE),
            ),
            LevelDef(
                name="Engineering manager and executives",
                duty="Decide on a major incident and speak for it.",
                targets=leadership,
                ack_timeout=Timeout(30 * MINUTE),
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class People:
    """Whom the examples name: a schedule with a primary and a backup, a senior, those further up, and a team of
    specialists by its slug."""

    schedule: str | int
    specialists: str | int
    senior: TargetDef
    manager: TargetDef = TargetDef(TargetKind.MANAGER)
    director: TargetDef = TargetDef(TargetKind.MANAGER, up=1)

    @property
    def primary(self) -> TargetDef:
        return primary_of(self.schedule)

    @property
    def backup(self) -> TargetDef:
        return secondary_of(self.schedule)

    @property
    def function(self) -> TargetDef:
        return TargetDef(TargetKind.FUNCTIONAL_TEAM, self.specialists)


def hierarchical_policy(people: People) -> PolicyDef:
    """Up the chain (R049, R050): primary, senior, manager, director, one after the other, each with more authority.

    Strict: it ends with one final decision-maker, who keeps being told until somebody answers (R078).
    """
    return PolicyDef(
        levels=(
            _primary(people, ack=5, resolve=30),
            LevelDef(
                name="Senior",
                duty="Bring the deeper knowledge: take over what the first responder cannot solve.",
                targets=(people.senior,),
                ack_timeout=Timeout(10 * MINUTE),
                resolve_timeout=Timeout(60 * MINUTE),
                raci=Raci((people.primary, people.senior), people.senior, informed=(people.manager,)),
            ),
            LevelDef(
                name="Manager",
                duty="Decide on priorities and on help from other teams.",
                targets=(people.manager,),
                ack_timeout=Timeout(15 * MINUTE),
                raci=Raci((people.senior,), people.manager, informed=(people.director,)),
            ),
        ),
        final=Final(people.director, every_seconds=15 * MINUTE, times=8),
    )


def functional_policy(people: People) -> PolicyDef:
    """Across teams (R051): to the specialists who own the function, while the first team keeps it in sight."""
    return PolicyDef(
        levels=(
            _primary(people, ack=5, resolve=15),
            LevelDef(
                name="Specialists",
                duty="Repair what is yours; the first team keeps talking to those affected.",
                targets=(people.function, people.primary),
                ack_timeout=Timeout(10 * MINUTE),
                resolve_timeout=Timeout(60 * MINUTE),
                raci=Raci((people.function,), TargetDef(TargetKind.TEAM_LEAD, people.specialists), (people.primary,)),
            ),
            _manager(people),
        ),
    )


def time_based_policy(people: People) -> PolicyDef:
    """By the clock (R052): 5, 15 or 30 minutes to answer by severity (R042), and the next level in any case 15 minutes
    before the SLA ends."""
    answer = Timeout(30 * MINUTE, by_severity=((1, 5 * MINUTE), (2, 15 * MINUTE)))
    before_sla = Timeout(15 * MINUTE, MeasuredFrom.BEFORE_SLA, otherwise_seconds=120 * MINUTE)
    return PolicyDef(
        levels=(
            LevelDef(
                name="Primary on call",
                duty="Acknowledge, find out what is affected, start the runbook.",
                targets=(people.primary,),
                ack_timeout=answer,
                resolve_timeout=before_sla,
            ),
            LevelDef(
                name="Backup and senior",
                duty="Take over or join: one leads, one repairs.",
                targets=(people.backup, people.senior),
                ack_timeout=answer,
                resolve_timeout=Timeout(60 * MINUTE, by_severity=((1, 30 * MINUTE),)),
            ),
            _manager(people),
        ),
    )


def impact_based_policy(people: People) -> PolicyDef:
    """By what it does to the business (R053): a SEV-1 goes straight to the manager with the senior, a SEV-2 straight to
    the senior; those passed over are informed. What is small stays with the primary first."""
    return PolicyDef(
        levels=(
            _primary(people, ack=15, resolve=120),
            LevelDef(
                name="Senior",
                duty="Take it: many are affected, or a core system is.",
                targets=(people.primary, people.senior),
                ack_timeout=Timeout(10 * MINUTE, by_severity=((1, 5 * MINUTE),)),
                resolve_timeout=Timeout(60 * MINUTE),
            ),
            LevelDef(
                name="Major incident",
                duty="Declare it, lead it, and speak for it.",
                targets=(people.primary, people.senior, people.manager),
                ack_timeout=Timeout(5 * MINUTE),
                repeat=Repeat(2 * MINUTE, 2),
            ),
        ),
        starts_at=((1, 2), (2, 1)),
        catch_all=(people.director,),
    )


def parallel_policy(people: People) -> PolicyDef:
    """Several at once (R054), where any delay is too much and one skill is not enough: all of them must answer."""
    return PolicyDef(
        levels=(
            LevelDef(
                name="All hands",
                duty="Each answers for their own part: on call, specialist, senior.",
                targets=(people.primary, people.function, people.senior),
                ack_timeout=Timeout(5 * MINUTE),
                resolve_timeout=Timeout(30 * MINUTE),
                ack_mode=AckMode.ALL,
                repeat=Repeat(2 * MINUTE, 2),
            ),
            LevelDef(
                name="Manager and director",
                duty="Find whoever is missing, and decide without them if need be.",
                targets=(people.manager, people.director),
                ack_timeout=Timeout(10 * MINUTE),
            ),
        ),
    )


def hybrid_policy(people: People) -> PolicyDef:
    """All of it together (R076): up the chain and across teams, by severity and by the clock, and told until answered
    where it is critical."""
    return PolicyDef(
        levels=(
            LevelDef(
                name="Primary on call",
                duty="Acknowledge, find out what is affected, start the runbook.",
                targets=(people.primary,),
                ack_timeout=Timeout(30 * MINUTE, by_severity=((1, 5 * MINUTE), (2, 10 * MINUTE), (3, 15 * MINUTE))),
                resolve_timeout=Timeout(15 * MINUTE, MeasuredFrom.BEFORE_SLA, otherwise_seconds=60 * MINUTE),
                repeat=Repeat(3 * MINUTE),
            ),
            LevelDef(
                name="Backup and specialists",
                duty="One leads, the specialists repair.",
                targets=(people.backup, people.function),
                ack_timeout=Timeout(15 * MINUTE, by_severity=((1, 5 * MINUTE),)),
                resolve_timeout=Timeout(60 * MINUTE, by_severity=((1, 30 * MINUTE),)),
            ),
            LevelDef(
                name="Senior and manager",
                duty="Decide on a major incident and on help from other teams.",
                targets=(people.senior, people.manager),
                ack_timeout=Timeout(15 * MINUTE),
                repeat=Repeat(5 * MINUTE),
            ),
        ),
        cycles=2,
        cycle_severities=CRITICAL,
        starts_at=((1, 1),),
        final=Final(people.director, every_seconds=15 * MINUTE, times=8),
    )


def _primary(people: People, *, ack: int, resolve: int) -> LevelDef:
    """The first rung of most ladders; times in minutes."""
    return LevelDef(
        name="Primary on call",
        duty="Acknowledge, find out what is affected, start the runbook.",
        targets=(people.primary,),
        ack_timeout=Timeout(ack * MINUTE),
        resolve_timeout=Timeout(resolve * MINUTE),
        raci=Raci((people.primary,), people.primary, informed=(people.backup,)),
    )


def _manager(people: People) -> LevelDef:
    return LevelDef(
        name="Manager",
        duty="Decide on help from other teams, and tell those affected.",
        targets=(people.manager,),
        ack_timeout=Timeout(15 * MINUTE),
        raci=Raci((people.senior,), people.manager, informed=(people.director,)),
    )


def _staged(people: People) -> PolicyDef:
    """The example path, read as from the start of the incident."""
    leadership = (people.manager, people.director)
    return staged_policy(schedule=people.schedule, senior=people.senior, leadership=leadership)


@dataclass(frozen=True, slots=True)
class Example:
    """A ready policy: what kind of escalation it shows and when to use it, in the reader's language."""

    key: str
    name: str | Promise
    use: str | Promise
    build: Callable[[People], PolicyDef]


EXAMPLES = (
    Example(
        "hierarchical",
        gettext_lazy("Up the chain"),
        gettext_lazy("When deeper knowledge or the authority to decide is what is missing."),
        hierarchical_policy,
    ),
    Example(
        "functional",
        gettext_lazy("Across teams"),
        gettext_lazy("When another team owns what is broken: databases, networks, payments, interfaces."),
        functional_policy,
    ),
    Example(
        "time_based",
        gettext_lazy("By the clock"),
        gettext_lazy("When an SLA must hold, above all outside office hours."),
        time_based_policy,
    ),
    Example(
        "impact_based",
        gettext_lazy("By impact"),
        gettext_lazy("When severity and not rank or time decides who is needed."),
        impact_based_policy,
    ),
    Example(
        "parallel",
        gettext_lazy("Several at once"),
        gettext_lazy("When several skills are needed or any delay is too much."),
        parallel_policy,
    ),
    Example(
        "staged",
        gettext_lazy("In three stages"),
        gettext_lazy("When each stage is to have channels of its own, and leadership is told by the clock."),
        _staged,
    ),
    Example(
        "hybrid",
        gettext_lazy("All of it together"),
        gettext_lazy("When severity, time and skill all count."),
        hybrid_policy,
    ),
)
