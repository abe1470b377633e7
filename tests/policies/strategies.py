"""Random policies for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from policies.definition import Entry, LevelDef, MeasuredFrom, PolicyDef, Role, TargetDef, TargetKind, Timeout

_NAMES = st.text("abcdefghij é-", min_size=1, max_size=12).map(str.strip).filter(bool)
_REFS = _NAMES | st.integers(1, 10_000)


def durations(least: int) -> st.SearchStrategy[int]:
    """Seconds, often equal to one another so that clocks fall due together."""
    return st.sampled_from([least, 60, 60, 300, 600, 1200, 3600]) | st.integers(least, 7200)


def targets() -> st.SearchStrategy[TargetDef]:
    people = st.builds(TargetDef, st.sampled_from([TargetKind.USER, TargetKind.TEAM]), _REFS)
    leads = st.builds(TargetDef, st.sampled_from([TargetKind.TEAM_LEAD, TargetKind.MANAGER]), st.none() | _REFS)
    schedules = st.builds(TargetDef, st.just(TargetKind.SCHEDULE), _REFS, st.none() | st.sampled_from(Role))
    return people | leads | schedules


def timeouts() -> st.SearchStrategy[Timeout]:
    return st.builds(Timeout, durations(1), st.sampled_from([MeasuredFrom.LEVEL, MeasuredFrom.START]))


def levels() -> st.SearchStrategy[LevelDef]:
    either = st.tuples(timeouts(), timeouts()) | st.tuples(timeouts(), st.none()) | st.tuples(st.none(), timeouts())
    return either.flatmap(
        lambda pair: st.builds(
            LevelDef,
            name=_NAMES,
            targets=st.lists(targets(), min_size=1, max_size=3, unique=True).map(tuple),
            ack_timeout=st.just(pair[0]),
            resolve_timeout=st.just(pair[1]),
            start=st.builds(
                Entry,
                st.just(0) | durations(0),
                st.sampled_from([MeasuredFrom.PREVIOUS, MeasuredFrom.START]),
            ),
            duty=_NAMES | st.just(""),
        )
    )


def policies() -> st.SearchStrategy[PolicyDef]:
    return st.builds(
        PolicyDef,
        levels=st.lists(levels(), min_size=1, max_size=4).map(tuple),
        cycles=st.integers(1, 3),
        catch_all=st.lists(targets(), max_size=2, unique=True).map(tuple),
        mitigated_satisfies_resolution=st.booleans(),
    )
