"""Telling people again: a level while it is unanswered, the ladder, and the final decision-maker at its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.definition import MAX_REPEATS, Final, LevelDef, PolicyDef, Repeat, TargetDef, TargetKind, Timeout
from policies.escalation import (
    Acknowledged,
    Because,
    EndLevel,
    EnterLevel,
    Exhaust,
    ForecastStep,
    PageCatchAll,
    PageFinal,
    Phase,
    RepeatLevel,
    Resolved,
    SeverityChanged,
    Snoozed,
    Tick,
    Unacknowledged,
    forecast,
)
from tests.policies.walking import Run, at

BOB = TargetDef(TargetKind.USER, "bob")
MIA = TargetDef(TargetKind.USER, "mia")
SECOND = LevelDef("Second", (MIA,), Timeout(600))


def repeating(times: int | None, *, ack: int | None = 20, severities: tuple[int, ...] = (1, 2)) -> PolicyDef:
    """Bob, told again every five minutes; then Mia."""
    ack_timeout = Timeout(ack * 60) if ack else None
    first = LevelDef("First", (BOB,), ack_timeout, repeat=Repeat(300, times, severities))
    return PolicyDef((first, SECOND))


@pytest.mark.requirement("R136")
def test_when_a_level_repeats_twice_then_its_people_are_told_again_twice_and_then_the_next_level() -> None:
    run = Run(repeating(2), severity=1)

    run.let_pass(until=20)

    assert run.told_again == [(5, 0, 1), (10, 0, 2)]
    assert run.entered == [(0, 0, 0), (20, 1, 0)]


@pytest.mark.requirement("R136")
def test_when_a_level_does_not_repeat_then_the_run_carries_on_without_telling_anybody_again() -> None:
    run = Run(PolicyDef((replace(repeating(None).levels[0], repeat=None), SECOND)), severity=1)

    run.let_pass(until=20)

    assert run.told_again == []
    assert run.entered == [(0, 0, 0), (20, 1, 0)]


@pytest.mark.requirement("R137")
def test_when_a_critical_incident_repeats_until_answered_then_people_are_told_until_somebody_answers() -> None:
    run = Run(repeating(None, ack=None), severity=1)

    run.let_pass(until=61)
    run.on(Acknowledged(at(61)))
    run.let_pass(until=5000)

    assert run.told_again == [(minute, 0, minute // 5) for minute in range(5, 61, 5)]
    assert run.entered == [(0, 0, 0)]


@pytest.mark.requirement("R138")
def test_when_the_incident_is_of_low_priority_then_the_same_level_is_told_once() -> None:
    run = Run(repeating(None, ack=None), severity=4)

    run.let_pass(until=5)

    assert run.told_again == []
    assert run.entered == [(0, 0, 0), (5, 1, 0)]


def test_when_nobody_ever_answers_then_even_until_answered_comes_to_an_end() -> None:
    run = Run(repeating(None, ack=None), severity=1)

    run.let_pass(until=10_000)

    assert len(run.told_again) == MAX_REPEATS
    assert run.entered[1] == (5.0 * (MAX_REPEATS + 1), 1, 0)
    assert run.state.next_due_at is None


def test_when_a_level_has_repeats_and_no_timeout_then_it_passes_on_after_the_last_one_had_its_time() -> None:
    run = Run(repeating(2, ack=None), severity=1)

    run.let_pass(until=15)

    assert run.told_again == [(5, 0, 1), (10, 0, 2)]
    assert run.entered == [(0, 0, 0), (15, 1, 0)]


@pytest.mark.parametrize("event", [Acknowledged(at(6)), Snoozed(at(6), at(300)), Resolved(at(6))])
def test_when_it_is_answered_snoozed_or_resolved_then_nobody_is_told_again(event: Acknowledged) -> None:
    run = Run(repeating(3), severity=1)
    run.let_pass(until=5)

    run.on(event)
    run.let_pass(until=299)

    assert run.told_again == [(5, 0, 1)]


def test_when_a_level_rings_again_in_a_new_cycle_then_its_repeats_count_anew() -> None:
    run = Run(repeating(3), severity=1)
    run.let_pass(until=5)
    run.on(Acknowledged(at(6)))

    run.on(Unacknowledged(at(7)))
    run.let_pass(until=12)

    assert run.done[-1] == RepeatLevel(0, 1, 1, (), Because.UNANSWERED, at(12), opens=True)


def test_when_the_engine_was_down_over_several_repeats_then_people_are_told_once_and_the_next_counts_from_there() -> (
    None
):
    run = Run(repeating(3), severity=1)

    assert run.on(Tick(at(17))) == (RepeatLevel(0, 0, 1, (), Because.UNANSWERED, at(17), opens=True),)
    assert run.on(Tick(at(17))) == ()
    assert run.state.next_due_at == at(20)


def test_when_the_level_is_over_too_then_its_people_are_not_told_again_first() -> None:
    run = Run(repeating(3), severity=1)

    assert run.on(Tick(at(25))) == (
        EndLevel(0, 0, Because.ACK_TIMEOUT, at(25)),
        EnterLevel(1, 0, Because.ACK_TIMEOUT, at(25)),
    )


def test_when_the_severity_gets_worse_then_repeats_begin_and_when_milder_they_end() -> None:
    run = Run(repeating(None, ack=60), severity=4)

    run.on(SeverityChanged(at(3), severity=1))
    run.let_pass(until=8)
    run.on(SeverityChanged(at(9), severity=4))
    run.let_pass(until=59)

    assert run.told_again == [(8, 0, 1)]


def test_when_repeats_are_forecast_then_each_is_a_step_of_its_own_and_left_out_unless_asked_for() -> None:
    run = Run(repeating(2), severity=1)

    assert forecast(run.policy, run.state)[0] == ForecastStep(1, 0, at(20), Because.ACK_TIMEOUT)
    assert forecast(run.policy, run.state, repeats=True)[:3] == (
        ForecastStep(0, 0, at(5), Because.UNANSWERED, repeat=1),
        ForecastStep(0, 0, at(10), Because.UNANSWERED, repeat=2),
        ForecastStep(1, 0, at(20), Because.ACK_TIMEOUT),
    )


# The ladder again.


@pytest.mark.requirement("R137")
@pytest.mark.requirement("R138")
@pytest.mark.parametrize(("severity", "cycles"), [(1, 3), (2, 3), (3, 1), (5, 1), (None, 3)])
def test_when_only_critical_incidents_repeat_the_ladder_then_others_walk_it_once(
    severity: int | None, cycles: int
) -> None:
    run = Run(PolicyDef((SECOND,), cycles=3, cycle_severities=(1, 2)), severity=severity)

    run.let_pass(until=1000)

    assert len(run.entered) == cycles
    assert run.state.phase is Phase.EXHAUSTED


def test_when_the_severity_changes_then_the_rounds_still_to_come_are_those_of_the_new_one() -> None:
    run = Run(PolicyDef((SECOND,), cycles=3, cycle_severities=(1, 2)), severity=3)
    run.on(SeverityChanged(at(1), severity=1))
    run.let_pass(until=10)
    assert run.entered == [(0, 0, 0), (10, 0, 1)]

    run.on(SeverityChanged(at(11), severity=3))
    run.let_pass(until=1000)

    assert run.entered == [(0, 0, 0), (10, 0, 1)]
    assert run.state.phase is Phase.EXHAUSTED


# The end of the ladder.

CHIEF = Final(TargetDef(TargetKind.USER, "chief"), every_seconds=900, times=3)


@pytest.mark.requirement("R078")
def test_when_the_ladder_ends_then_one_final_decision_maker_is_told_again_and_again() -> None:
    run = Run(PolicyDef((SECOND,), final=CHIEF))

    run.let_pass(until=1000)

    assert run.done[1:5] == [
        EndLevel(0, 0, Because.ACK_TIMEOUT, at(10)),
        Exhaust(0, Because.ACK_TIMEOUT, at(10)),
        PageCatchAll(1, 0, Because.ACK_TIMEOUT, at(10)),
        PageFinal(2, 0, 0, Because.ACK_TIMEOUT, at(10)),
    ]
    assert run.told_again == [(25, 2, 1), (40, 2, 2), (55, 2, 3)]
    assert run.state.phase is Phase.EXHAUSTED
    assert run.state.next_due_at is None


def test_when_somebody_answers_after_the_end_then_the_final_decision_maker_is_told_no_more() -> None:
    run = Run(PolicyDef((SECOND,), final=CHIEF))
    run.let_pass(until=30)

    run.on(Acknowledged(at(31)))
    run.let_pass(until=1000)

    assert run.told_again == [(25, 2, 1)]


def test_when_the_end_is_forecast_then_the_final_decision_maker_is_in_it() -> None:
    run = Run(PolicyDef((SECOND,), final=CHIEF))

    assert [(step.level, step.repeat) for step in forecast(run.policy, run.state, repeats=True)] == [
        (None, 0),
        (None, 1),
        (None, 2),
        (None, 3),
    ]
    assert len(forecast(run.policy, run.state)) == 1
