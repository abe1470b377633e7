"""Random policies for property tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from policies.definition import (
    ENTRY_ORIGINS,
    PLACE_KINDS,
    TIMEOUT_ORIGINS,
    AckMode,
    BySeverity,
    Entry,
    Final,
    Hours,
    IfUnreachable,
    LevelDef,
    MeasuredFrom,
    Pick,
    PolicyDef,
    Raci,
    Repeat,
    Role,
    TargetDef,
    TargetKind,
    Timeout,
)
from policies.definition.checks import never_repeats
from policies.ways import Way

steady = settings(deadline=None)
"""A busy machine is no failed property."""

_NAMES = st.sampled_from(["Primary", "backup-team", "Élodie", "On call (EU)", "42", "x" * 100])
_REFS = _NAMES | st.integers(1, 10_000)


def durations(least: int) -> st.SearchStrategy[int]:
    """Seconds, often equal to one another so that clocks fall due together."""
    return st.sampled_from([least, 60, 60, 300, 600, 1200, 3600]) | st.integers(least, 7200)


_TARGETS = (
    st.builds(TargetDef, st.sampled_from([TargetKind.USER, TargetKind.TEAM]), _REFS)
    | st.builds(TargetDef, st.sampled_from([TargetKind.TEAM_LEAD, TargetKind.MANAGER]), st.none() | _REFS)
    | st.builds(TargetDef, st.just(TargetKind.SCHEDULE), _REFS, st.sampled_from([None, *Role]))
    | st.builds(TargetDef, st.just(TargetKind.MANAGER), up=st.integers(1, 9))
    | st.builds(TargetDef, st.sampled_from([TargetKind.FUNCTIONAL_TEAM, TargetKind.POLICY]), _REFS)
    | st.builds(
        TargetDef, st.sampled_from([TargetKind.TEAM, TargetKind.SCHEDULE]), _REFS, pick=st.just(Pick.ROUND_ROBIN)
    )
    | st.just(TargetDef(TargetKind.SERVICE_OWNER))
)
_TOLD = _TARGETS | st.builds(TargetDef, st.sampled_from(PLACE_KINDS), _REFS)
"""Whom a level tells: people, and places besides."""
_SEVERITIES = st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))


def by_severity(values: st.SearchStrategy[int]) -> st.SearchStrategy[BySeverity]:
    return st.just(()) | st.dictionaries(st.integers(1, 5), values, max_size=2).map(
        lambda found: tuple(sorted(found.items()))
    )


def _timeout(seconds: int, origin: MeasuredFrom, finer: BySeverity, hours: Hours, otherwise: int) -> Timeout:
    return Timeout(seconds, origin, finer, hours, otherwise if origin is MeasuredFrom.BEFORE_SLA else None)


def _entry(seconds: int, origin: MeasuredFrom, finer: BySeverity, hours: Hours, otherwise: int | None) -> Entry:
    return Entry(seconds, origin, finer, hours, otherwise if origin is MeasuredFrom.BEFORE_SLA else None)


_TIMEOUTS = st.builds(
    _timeout,
    durations(1),
    st.sampled_from(TIMEOUT_ORIGINS),
    by_severity(durations(1)),
    st.sampled_from([Hours.ALL, Hours.ALL, Hours.BUSINESS]),
    durations(1),
)
_ENTRIES = st.just(Entry()) | st.builds(
    _entry,
    durations(0),
    st.sampled_from(ENTRY_ORIGINS),
    by_severity(durations(0)),
    st.sampled_from([Hours.ALL, Hours.ALL, Hours.BUSINESS]),
    st.none() | durations(0),
)
_REPEATS = st.builds(Repeat, durations(30), st.none() | st.integers(1, 4), _SEVERITIES)


_SOME = st.lists(_TARGETS, max_size=2, unique=True).map(tuple)
_ONE = st.builds(TargetDef, st.just(TargetKind.USER), _REFS) | st.just(TargetDef(TargetKind.SERVICE_OWNER))
_RACIS = st.none() | st.builds(Raci, _ONE.map(lambda one: (one,)), _ONE, _SOME, _SOME)


def _level(
    name: str,
    targets: list[TargetDef],
    clocks: str,
    acknowledge: Timeout,
    resolve: Timeout,
    start: Entry,
    repeat: Repeat,
    ack_mode: AckMode,
    if_unreachable: IfUnreachable,
    raci: Raci | None,
    major: bool,
    channels: list[Way],
) -> LevelDef:
    level = LevelDef(
        name=name,
        targets=tuple(targets),
        ack_timeout=acknowledge if "a" in clocks else None,
        resolve_timeout=resolve if "r" in clocks else None,
        start=start,
        ack_mode=ack_mode,
        duty=name,
        repeat=repeat if "+" in clocks else None,
        if_unreachable=if_unreachable,
        raci=raci,
        major=major,
        channels=tuple(way for way in Way if way in channels),
    )
    return replace(level, repeat=None) if never_repeats(level) else level


_LEVELS = st.builds(
    _level,
    _NAMES,
    st.lists(_TOLD, min_size=1, max_size=2, unique=True),
    st.sampled_from(["ar", "a", "r", "ar+", "a+", "+"]),
    _TIMEOUTS,
    _TIMEOUTS,
    _ENTRIES,
    _REPEATS,
    st.sampled_from(AckMode),
    st.sampled_from(IfUnreachable),
    _RACIS,
    st.sampled_from([False, False, True]),
    st.just([]) | st.lists(st.sampled_from(Way), max_size=2, unique=True),
)
_FINALS = st.none() | st.builds(Final, _TARGETS, durations(30), st.integers(1, 3))


def _policy(levels: list[LevelDef], starts_at: BySeverity, **more: Any) -> PolicyDef:
    known = tuple((severity, level) for severity, level in starts_at if level < len(levels))
    return PolicyDef(levels=tuple(levels), starts_at=known, **more)


_POLICIES = st.builds(
    _policy,
    levels=st.lists(_LEVELS, min_size=1, max_size=4),
    starts_at=by_severity(st.integers(0, 3)),
    cycles=st.integers(1, 3),
    catch_all=st.lists(_TOLD, max_size=2, unique=True).map(tuple),
    mitigated_satisfies_resolution=st.booleans(),
    cycle_severities=st.just(()) | _SEVERITIES,
    inform_skipped=st.booleans(),
    final=_FINALS,
    overseer=st.none() | _TARGETS,
    ack_expires_seconds=st.none() | st.integers(60, 86_400),
)


def policies() -> st.SearchStrategy[PolicyDef]:
    """Valid policies of every shape, with few levels so that their ends come soon."""
    return _POLICIES


def severities() -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(1, 5)
