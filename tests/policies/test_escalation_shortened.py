"""Runs that a routing rule gave less time, a higher beginning or the end of an SLA."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.definition import Entry, Final, LevelDef, MeasuredFrom, PolicyDef, Repeat, TargetDef, TargetKind, Timeout
from policies.escalation import (
    Acknowledged,
    DeclareMajor,
    EnterLevel,
    Event,
    Reopened,
    RepeatLevel,
    Resolved,
    Restarted,
    RunState,
    SeverityChanged,
    SlaChanged,
    Tick,
    decide,
    start,
)
from policies.escalation.clocks import shortened
from tests.policies.strategies import durations, policies, severities, steady
from tests.policies.test_escalation_machine import even_hours
from tests.policies.walking import Run, at

BEGAN = datetime(2026, 11, 22, 2, 9, tzinfo=UTC)
SAM = TargetDef(TargetKind.USER, "sam")


def level(ack: int = 600, **more: object) -> LevelDef:
    return replace(LevelDef("Level", (SAM,), Timeout(ack)), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "percent", "given"),
    [(600, 50, 300), (601, 50, 301), (1, 1, 1), (0, 50, 0), (300, 100, 300), (59, 33, 20)],
)
def test_a_shortened_time_is_rounded_up_to_whole_seconds(seconds: int, percent: int, given: int) -> None:
    assert shortened(seconds, percent) == given


def test_a_run_with_half_the_time_gets_half_of_each_delay_timeout_and_repeat() -> None:
    policy = PolicyDef(
        (
            level(600, repeat=Repeat(240)),
            level(600, start=Entry(300)),
            level(600, start=Entry(3_600, MeasuredFrom.START), resolve_timeout=Timeout(1_200)),
        )
    )
    run = Run(policy, severity=1, percent=50)

    run.let_pass(until=60)

    assert run.told_again == [(2, 0, 1), (4, 0, 2)]
    assert run.entered == [(0, 0, 0), (7.5, 1, 0), (30, 2, 0)]


def test_a_lead_before_the_end_of_the_sla_and_the_last_word_keep_their_pace() -> None:
    """Half a lead would call people later, and whoever has the last word is not hurried."""
    policy = PolicyDef(
        (level(600), level(600, start=Entry(900, MeasuredFrom.BEFORE_SLA, otherwise_seconds=600))),
        final=Final(SAM, every_seconds=600, times=2),
    )

    assert entered_and_told(policy, sla=60) == ([(0, 0, 0), (45, 1, 0)], [60, 70])
    assert entered_and_told(policy, sla=None) == ([(0, 0, 0), (10, 1, 0)], [25, 35])


def entered_and_told(policy: PolicyDef, *, sla: float | None) -> tuple[list[tuple[float, int, int]], list[float]]:
    run = Run(policy, sla=sla, percent=50)
    run.let_pass(until=1_000)
    return run.entered, [minute for minute, _level, _repeat in run.told_again]


@pytest.mark.parametrize(("asked", "kept"), [(0, 1), (-5, 1), (1, 1), (100, 100), (250, 100)])
def test_per_cents_that_make_no_sense_count_as_the_nearest_that_do(asked: int, kept: int) -> None:
    assert start(PolicyDef((level(),)), at=BEGAN, timers_percent=asked).state.timers_percent == kept


def test_a_beginning_asked_for_is_never_below_that_of_the_severity() -> None:
    policy = PolicyDef((level(), level(), level()), starts_at=((1, 1),))

    assert Run(policy, severity=1, first_level=0).entered == [(0, 1, 0)]
    assert Run(policy, severity=1, first_level=2).entered == [(0, 2, 0)]
    assert Run(policy, severity=3, first_level=2).informed == [0, 1]


Timing = TypeVar("Timing", Entry, Timeout)


def written_in(timing: Timing, percent: int) -> Timing:
    """The time as a document with shorter times would say it."""
    finer = tuple((severity, shortened(seconds, percent)) for severity, seconds in timing.by_severity)
    otherwise = None if timing.otherwise_seconds is None else shortened(timing.otherwise_seconds, percent)
    if timing.measured_from is MeasuredFrom.BEFORE_SLA:
        return replace(timing, otherwise_seconds=otherwise)
    if isinstance(timing, Entry):
        return replace(timing, delay_seconds=shortened(timing.delay_seconds, percent), by_severity=finer)
    return replace(timing, seconds=shortened(timing.seconds, percent), by_severity=finer)


def shortened_policy(policy: PolicyDef, percent: int) -> PolicyDef:
    def one(level: LevelDef) -> LevelDef:
        every = shortened(level.repeat.every_seconds, percent) if level.repeat else 0
        return replace(
            level,
            start=written_in(level.start, percent),
            ack_timeout=written_in(level.ack_timeout, percent) if level.ack_timeout else None,
            resolve_timeout=written_in(level.resolve_timeout, percent) if level.resolve_timeout else None,
            repeat=replace(level.repeat, every_seconds=every) if level.repeat else None,
        )

    return replace(policy, levels=tuple(one(level) for level in policy.levels))


EVENTS = st.sampled_from(["tick", "tick", "tick", "acknowledge", "severity", "sla", "resolve", "reopen"])


@steady
@given(
    policies(),
    st.integers(1, 100),
    severities(),
    st.none() | st.integers(0, 3),
    st.none() | durations(0),
    st.lists(st.tuples(EVENTS, durations(0), st.integers(1, 5)), max_size=12),
)
def test_a_run_with_shortened_times_walks_like_the_policy_with_those_times_written_in_it(
    policy: PolicyDef,
    percent: int,
    severity: int | None,
    first_level: int | None,
    sla: int | None,
    events: list[tuple[str, int, int]],
) -> None:
    """With 100 per cent that is the policy itself: nothing is changed by what can be changed now."""
    written = shortened_policy(policy, percent)
    assert percent < 100 or written == policy
    sla_due_at = None if sla is None else BEGAN + timedelta(seconds=sla)
    common = {"at": BEGAN, "severity": severity, "sla_due_at": sla_due_at, "first_level": first_level}
    mine = start(policy, timers_percent=percent, calendar=even_hours, **common)  # type: ignore[arg-type]
    theirs = start(written, calendar=even_hours, **common)  # type: ignore[arg-type]
    now = BEGAN
    for name, step, number in events:
        assert mine.actions == theirs.actions
        assert plain(mine.state) == plain(theirs.state)
        now += timedelta(seconds=step)
        due = mine.state.next_due_at
        now = due if name == "tick" and due is not None and due > now else now
        event: Event = {
            "tick": Tick(now),
            "acknowledge": Acknowledged(now, who=number),
            "severity": SeverityChanged(now, number),
            "sla": SlaChanged(now, now + timedelta(seconds=60 * number)),
            "resolve": Resolved(now),
            "reopen": Reopened(now),
        }[name]  # type: ignore[assignment]  # mypy joins the values to object
        mine = decide(policy, mine.state, event, calendar=even_hours)
        theirs = decide(written, theirs.state, event, calendar=even_hours)
    assert mine.actions == theirs.actions
    assert plain(mine.state) == plain(theirs.state)


def plain(state: RunState) -> RunState:
    return replace(state, timers_percent=100)


@pytest.mark.requirement("R135")
def test_a_level_that_says_so_declares_the_incident_major_once() -> None:
    policy = PolicyDef((level(), level(major=True), level()), cycles=2)
    run = Run(policy)

    run.let_pass(until=9)
    assert declared(run) == []
    run.let_pass(until=1_000)
    assert declared(run) == [(10, 1)]
    run.on(Resolved(at(1_001)))
    run.on(Reopened(at(1_002)))
    run.let_pass(until=3_000)
    assert declared(run) == [(10, 1)]


def test_a_beginning_above_such_a_level_declares_it_too() -> None:
    policy = PolicyDef((level(), level(major=True), level()), starts_at=((1, 2),))

    assert declared(Run(policy, severity=1)) == [(0, 2)]


def declared(run: Run) -> list[tuple[float, int]]:
    return [
        ((action.at - at(0)) / timedelta(minutes=1), action.level)
        for action in run.done
        if isinstance(action, DeclareMajor)
    ]


def opening(run: Run) -> list[tuple[int, int, bool]]:
    """(level, cycle, whether it opens the walk) of every level entered."""
    return [(action.level, action.cycle, action.opens) for action in run.done if isinstance(action, EnterLevel)]


def test_the_first_level_after_a_beginning_opens_the_walk_and_no_other_does() -> None:
    run = Run(PolicyDef((level(), level()), cycles=2))
    run.let_pass(until=1_000)
    assert opening(run) == [(0, 0, True), (1, 0, False), (0, 1, False), (1, 1, False)]

    run.on(Restarted(at(1_001)))
    assert opening(run)[-1] == (0, 2, True)
    run.on(Resolved(at(1_002)))
    run.on(Reopened(at(1_003)))
    assert opening(run)[-1] == (0, 3, True)


def test_a_walk_is_opened_by_whatever_level_is_entered_first_and_told_again_as_it_was_opened() -> None:
    late = PolicyDef((level(start=Entry(300), repeat=Repeat(120)), level(), level()), starts_at=((1, 2),))

    raised = Run(late, severity=3)
    raised.on(SeverityChanged(at(1), 1))
    assert opening(raised) == [(2, 0, True)]
    by_hand = Run(late, severity=1, first_level=0)
    assert opening(by_hand) == [(2, 0, True)]
    waited = Run(late, severity=2)
    waited.let_pass(until=8)
    assert opening(waited) == [(0, 0, True)]
    assert [action.opens for action in waited.done if isinstance(action, RepeatLevel)] == [True]
    waited.on(SeverityChanged(at(9), 1))
    assert opening(waited) == [(0, 0, True), (2, 0, False)]
