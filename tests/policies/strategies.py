"""Random policies for property tests."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from policies.definition import Entry, LevelDef, MeasuredFrom, PolicyDef, Role, TargetDef, TargetKind, Timeout

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
)
_TIMEOUTS = st.builds(Timeout, durations(1), st.sampled_from([MeasuredFrom.LEVEL, MeasuredFrom.START]))
_ENTRIES = st.just(Entry()) | st.builds(
    Entry, durations(0), st.sampled_from([MeasuredFrom.PREVIOUS, MeasuredFrom.START])
)


def _level(
    name: str, targets: list[TargetDef], clocks: str, acknowledge: Timeout, resolve: Timeout, start: Entry
) -> LevelDef:
    return LevelDef(
        name=name,
        targets=tuple(targets),
        ack_timeout=acknowledge if "a" in clocks else None,
        resolve_timeout=resolve if "r" in clocks else None,
        start=start,
        duty=name,
    )


_LEVELS = st.builds(
    _level,
    _NAMES,
    st.lists(_TARGETS, min_size=1, max_size=2, unique=True),
    st.sampled_from(["ar", "a", "r"]),
    _TIMEOUTS,
    _TIMEOUTS,
    _ENTRIES,
)
_POLICIES = st.builds(
    PolicyDef,
    levels=st.lists(_LEVELS, min_size=1, max_size=4).map(tuple),
    cycles=st.integers(1, 3),
    catch_all=st.lists(_TARGETS, max_size=2, unique=True).map(tuple),
    mitigated_satisfies_resolution=st.booleans(),
)


def policies() -> st.SearchStrategy[PolicyDef]:
    """Valid policies of every shape, with few levels so that their ends come soon."""
    return _POLICIES
