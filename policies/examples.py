"""Policies that are shipped: ready to use, to copy from, and to show how a ladder is written.

Each takes the references of its targets, so that it fits any organisation.
"""

from __future__ import annotations

from policies.definition import (
    Entry,
    LevelDef,
    MeasuredFrom,
    PolicyDef,
    Role,
    TargetDef,
    TargetKind,
    Timeout,
)

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
    """The three-stage example path: 10 minutes, 20 minutes, 60 minutes.

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
                ack_timeout=Timeout(10 * MINUTE),
                resolve_timeout=Timeout(60 * MINUTE),
            ),
            LevelDef(
                name="Backup team and senior engineer",
                duty="Bring a second pair of eyes and the deeper knowledge.",
                start=Entry(20 * MINUTE, second_stage_from),
                targets=(secondary_of(schedule), senior),
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
