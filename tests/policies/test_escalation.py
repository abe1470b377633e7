"""Walking a policy: who is told when, as a table of instants. Ana is level 1, Bob and Sam level 2, Mia level 3."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from policies.definition import Entry, LevelDef, MeasuredFrom, PolicyDef, TargetDef, TargetKind, Timeout
from policies.escalation import (
    Acknowledged,
    Because,
    CancelPages,
    EndLevel,
    EnterLevel,
    EscalateNow,
    Exhaust,
    ForecastStep,
    LevelUnreachable,
    Mitigated,
    PageCatchAll,
    Phase,
    Reopened,
    Resolved,
    Restarted,
    RunState,
    SeverityChanged,
    Snoozed,
    SnoozeEnded,
    StartCycle,
    Tick,
    Unacknowledged,
    Unmitigated,
    decide,
    forecast,
    next_level,
)
from policies.examples import default_policy, primary_of, simple_policy, staged_policy
from tests.policies.walking import Run, at

BOB = TargetDef(TargetKind.USER, "bob")
SAM = TargetDef(TargetKind.USER, "sam")
MIA = TargetDef(TargetKind.USER, "mia")
AT_ONCE = Entry()


def a_level(ack: int | None = 5, resolve: int | None = None, start_after: Entry = AT_ONCE) -> LevelDef:
    """Minutes in, seconds out."""
    return LevelDef(
        name="A level",
        targets=(BOB,),
        ack_timeout=None if ack is None else Timeout(ack * 60),
        resolve_timeout=None if resolve is None else Timeout(resolve * 60),
        start=start_after,
    )


THREE = default_policy(schedule="payments", senior=SAM, manager=MIA)
"""Acknowledge in 5, 10, 15 minutes; resolve in 30, 60."""


# Time passes and nobody answers.


@pytest.mark.requirement("R047")
@pytest.mark.requirement("R040")
def test_when_nobody_answers_then_the_three_levels_are_told_in_order() -> None:
    run = Run(THREE)

    run.let_pass(until=1000)

    assert run.entered == [(0, 0, 0), (5, 1, 0), (15, 2, 0)]


@pytest.mark.requirement("R138")
@pytest.mark.requirement("R039")
def test_when_a_single_pass_ends_then_the_run_is_exhausted_and_the_catch_all_is_told_once() -> None:
    run = Run(THREE)

    run.let_pass(until=1000)

    assert run.state.phase is Phase.EXHAUSTED
    assert run.state.next_due_at is None
    assert run.done[-3:] == [
        EndLevel(2, 0, Because.ACK_TIMEOUT, at(30)),
        Exhaust(0, Because.ACK_TIMEOUT, at(30)),
        PageCatchAll(3, 0, Because.ACK_TIMEOUT, at(30)),
    ]


@pytest.mark.requirement("R001")
def test_when_the_primary_of_the_simple_policy_does_not_answer_then_the_backup_is_told() -> None:
    run = Run(simple_policy(schedule="ops", backup=BOB))

    run.let_pass(until=5)

    assert run.entered == [(0, 0, 0), (5, 1, 0)]
    assert run.policy.levels[1].targets == (BOB,)


def test_when_a_policy_has_more_cycles_then_the_ladder_is_walked_again_and_that_is_recorded() -> None:
    run = Run(simple_policy(schedule="ops", backup=BOB))

    run.let_pass(until=1000)

    assert run.entered == [(0, 0, 0), (5, 1, 0), (15, 0, 1), (20, 1, 1)]
    assert StartCycle(1, Because.ACK_TIMEOUT, at(15)) in run.done
    assert run.state.phase is Phase.EXHAUSTED


def test_when_the_first_level_has_a_delay_then_the_run_waits_before_it_tells_anybody() -> None:
    run = Run(PolicyDef((a_level(start_after=Entry(180)),)))

    assert run.state.phase is Phase.WAITING
    assert run.done == []
    run.let_pass(until=3)
    assert run.done == [EnterLevel(0, 0, Because.STARTED, at(3), opens=True)]


@pytest.mark.requirement("R042")
@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_when_the_timeout_of_a_severity_passes_then_the_next_level_is_told_at_that_minute(minutes: int) -> None:
    run = Run(PolicyDef((a_level(ack=minutes), a_level())))

    run.on(Tick(at(minutes) - timedelta(microseconds=1)))
    assert run.entered == [(0, 0, 0)]
    run.on(Tick(at(minutes)))
    assert run.entered == [(0, 0, 0), (minutes, 1, 0)]


def test_when_routing_begins_higher_up_then_the_lower_levels_are_skipped_in_every_cycle() -> None:
    policy = PolicyDef((a_level(), a_level(start_after=Entry(1200)), a_level()), cycles=2)
    run = Run(policy, first_level=1)

    run.let_pass(until=1000)

    assert run.entered == [(0, 1, 0), (5, 2, 0), (10, 1, 1), (15, 2, 1)]


@pytest.mark.parametrize(("asked", "given"), [(-3, 0), (7, 2)])
def test_when_the_starting_level_does_not_exist_then_the_nearest_one_is_taken(asked: int, given: int) -> None:
    assert Run(THREE, first_level=asked).entered == [(0, given, 0)]


# The example path, in both readings.


def staged(reading: MeasuredFrom) -> Run:
    return Run(staged_policy(schedule="payments", senior=SAM, leadership=(MIA,), second_stage_from=reading))


@pytest.mark.requirement("R132")
@pytest.mark.requirement("R059")
def test_when_stage_1_does_not_confirm_then_it_ends_at_10_minutes() -> None:
    run = staged(MeasuredFrom.START)

    assert run.on(Tick(at(10))) == (EndLevel(0, 0, Because.ACK_TIMEOUT, at(10)),)
    assert run.state.phase is Phase.WAITING


@pytest.mark.requirement("R133")
@pytest.mark.parametrize(("reading", "minute"), [(MeasuredFrom.START, 20), (MeasuredFrom.PREVIOUS, 30)])
def test_when_stage_2_is_measured_each_way_then_it_fires_at_20_or_at_30_minutes(
    reading: MeasuredFrom, minute: int
) -> None:
    run = staged(reading)

    run.let_pass(until=minute)

    assert run.entered == [(0, 0, 0), (minute, 1, 0)]


@pytest.mark.requirement("R134")
@pytest.mark.requirement("R060")
@pytest.mark.parametrize("acknowledged_after", [None, 21, 79])
def test_when_stage_2_has_not_resolved_it_in_60_minutes_then_stage_3_fires_even_if_acknowledged(
    acknowledged_after: int | None,
) -> None:
    run = staged(MeasuredFrom.START)
    run.let_pass(until=20)
    if acknowledged_after is not None:
        run.on(Acknowledged(at(acknowledged_after)))

    run.let_pass(until=80)

    last = run.done[-1]
    assert run.entered[-1] == (80.0, 2, 0)
    assert last == EnterLevel(2, 0, Because.RESOLVE_TIMEOUT, at(80))


def test_when_a_level_is_due_from_a_start_long_past_then_it_is_entered_at_once() -> None:
    late_start = Entry(60, MeasuredFrom.START)
    run = Run(PolicyDef((a_level(ack=5), a_level(start_after=late_start))))

    run.let_pass(until=5)

    assert run.entered == [(0, 0, 0), (5, 1, 0)]


def test_when_a_timeout_is_measured_from_the_start_then_it_ends_at_that_minute() -> None:
    second = LevelDef("Second", (BOB,), ack_timeout=Timeout(12 * 60, MeasuredFrom.START))
    run = Run(PolicyDef((a_level(ack=5), second, a_level())))

    run.let_pass(until=12)

    assert run.entered == [(0, 0, 0), (5, 1, 0), (12, 2, 0)]


def test_when_a_timeout_from_the_start_has_passed_already_then_the_level_still_gets_its_time() -> None:
    second = LevelDef("Second", (BOB,), ack_timeout=Timeout(4 * 60, MeasuredFrom.START))
    run = Run(PolicyDef((a_level(ack=5), second, a_level())))

    run.let_pass(until=9)

    assert run.entered == [(0, 0, 0), (5, 1, 0), (9, 2, 0)]


def test_when_a_cycle_repeats_then_the_start_is_that_of_the_repeat() -> None:
    second = a_level(ack=5, start_after=Entry(20 * 60, MeasuredFrom.START))
    run = Run(PolicyDef((a_level(ack=5), second), cycles=2))

    run.let_pass(until=1000)

    assert run.entered == [(0, 0, 0), (20, 1, 0), (25, 0, 1), (45, 1, 1)]


# Somebody answers.


@pytest.mark.requirement("R131")
@pytest.mark.requirement("R140")
def test_when_a_level_is_acknowledged_then_only_its_resolution_clock_runs_on() -> None:
    run = Run(THREE)

    assert run.on(Acknowledged(at(2))) == (CancelPages(Because.ACKNOWLEDGED, at(2)),)

    assert run.state.acknowledged
    assert run.state.ack_due_at is None
    assert run.state.next_due_at == run.state.resolve_due_at == at(30)
    run.let_pass(until=29)
    assert run.entered == [(0, 0, 0)]


def test_when_the_resolution_timeout_brings_the_next_level_then_that_level_must_answer_for_itself() -> None:
    run = Run(THREE)
    run.on(Acknowledged(at(2)))

    run.let_pass(until=40)

    assert run.entered == [(0, 0, 0), (30, 1, 0), (40, 2, 0)]
    assert run.state.phase is Phase.PAGING


def test_when_a_level_without_resolution_timeout_is_acknowledged_then_nothing_more_happens() -> None:
    run = Run(PolicyDef((a_level(), a_level())))

    run.on(Acknowledged(at(1)))

    assert run.state.next_due_at is None
    assert run.on(Tick(at(5000))) == ()


@pytest.mark.requirement("R141")
def test_when_it_is_mitigated_in_time_then_the_resolution_escalation_does_not_fire() -> None:
    run = Run(THREE)
    run.on(Acknowledged(at(2)))
    run.on(Mitigated(at(20)))

    run.let_pass(until=5000)

    assert run.entered == [(0, 0, 0)]


@pytest.mark.requirement("R141")
def test_when_the_policy_wants_a_resolution_then_a_mitigation_does_not_hold_the_clock() -> None:
    run = Run(PolicyDef((a_level(resolve=30), a_level()), mitigated_satisfies_resolution=False))
    run.on(Acknowledged(at(2)))
    run.on(Mitigated(at(20)))

    run.let_pass(until=30)

    assert run.entered == [(0, 0, 0), (30, 1, 0)]


def test_when_the_harm_returns_after_a_mitigation_then_the_clock_runs_on_with_what_was_left() -> None:
    run = Run(THREE)
    run.on(Acknowledged(at(2)))
    run.on(Mitigated(at(20)))
    run.on(Unmitigated(at(100)))

    assert run.state.resolve_due_at == at(110)


def test_when_the_harm_returns_after_the_time_was_over_then_the_next_level_is_due_at_once() -> None:
    run = Run(THREE)
    run.on(Acknowledged(at(2)))
    run.on(Mitigated(at(31)))

    run.on(Unmitigated(at(40)))

    assert run.state.next_due_at == at(40)


def test_when_it_is_mitigated_but_nobody_acknowledged_then_the_ladder_goes_on() -> None:
    run = Run(PolicyDef((a_level(ack=None, resolve=30), a_level())))
    run.on(Mitigated(at(1)))

    run.let_pass(until=30)

    assert run.entered == [(0, 0, 0), (30, 1, 0)]


def test_when_an_acknowledgement_arrives_between_two_levels_then_the_next_is_not_told() -> None:
    run = staged(MeasuredFrom.START)
    run.let_pass(until=10)

    run.on(Acknowledged(at(12)))
    run.let_pass(until=59)

    assert run.entered == [(0, 0, 0)]
    assert run.state.next_due_at == at(60)


def test_when_an_acknowledgement_is_doubled_then_the_second_changes_nothing() -> None:
    run = Run(THREE)
    run.on(Acknowledged(at(2)))
    before = run.state

    assert run.on(Acknowledged(at(3))) == ()
    assert run.state == before


def test_when_an_acknowledgement_comes_after_the_due_instant_but_before_the_engine_then_it_counts() -> None:
    run = Run(THREE)

    run.on(Acknowledged(at(5) + timedelta(seconds=1)))
    run.on(Tick(at(5) + timedelta(seconds=2)))

    assert run.entered == [(0, 0, 0)]


def test_when_an_acknowledgement_expires_then_the_same_level_is_told_again_in_a_cycle_of_its_own() -> None:
    run = Run(THREE)
    run.on(Acknowledged(at(2), expires_at=at(20)))

    run.let_pass(until=20)

    assert run.done[-1] == EnterLevel(0, 1, Because.ACK_EXPIRED, at(20), opens=True)
    assert run.state.ack_due_at == at(25)


def test_when_the_policy_says_how_long_an_acknowledgement_holds_then_each_falls_away_by_itself() -> None:
    run = Run(replace(THREE, ack_expires_seconds=600))
    run.on(Acknowledged(at(2)))
    assert run.state.next_due_at == at(12)
    run.on(Acknowledged(at(4)))

    run.let_pass(until=14)

    assert run.done[-1] == EnterLevel(0, 1, Because.ACK_EXPIRED, at(14), opens=True)
    run.on(Acknowledged(at(15), expires_at=at(16)))
    assert run.state.next_due_at == at(16)


def test_when_an_acknowledgement_is_given_back_then_the_level_in_force_is_told_again() -> None:
    run = Run(THREE)
    run.let_pass(until=5)
    run.on(Acknowledged(at(6)))

    assert run.on(Unacknowledged(at(8))) == (EnterLevel(1, 1, Because.UNACKNOWLEDGED, at(8)),)
    run.let_pass(until=1000)
    assert run.entered == [(0, 0, 0), (5, 1, 0), (8, 1, 1), (18, 2, 1)]


def test_when_an_acknowledgement_is_given_back_then_the_cycles_still_to_come_stay_as_many() -> None:
    run = Run(simple_policy(schedule="ops", backup=BOB))
    run.on(Acknowledged(at(1)))

    run.on(Unacknowledged(at(2)))
    run.let_pass(until=1000)

    assert run.entered == [(0, 0, 0), (2, 0, 1), (7, 1, 1), (17, 0, 2), (22, 1, 2)]


def test_when_a_level_is_told_again_then_a_timeout_from_the_start_counts_from_there() -> None:
    run = Run(PolicyDef((LevelDef("One", (BOB,), Timeout(12 * 60, MeasuredFrom.START)),)))
    run.on(Acknowledged(at(1)))

    run.on(Unacknowledged(at(5)))

    assert run.state.ack_due_at == at(17)


def test_when_an_exhausted_run_rings_again_then_its_start_is_that_instant() -> None:
    run = Run(PolicyDef((LevelDef("One", (BOB,), Timeout(60 * 60, MeasuredFrom.START)),)))
    run.on(EscalateNow(at(1)))
    run.on(Acknowledged(at(2)))

    run.on(Unacknowledged(at(5)))

    assert run.state.ack_due_at == at(65)


def test_when_nothing_was_acknowledged_then_there_is_nothing_to_give_back() -> None:
    run = Run(THREE)

    assert run.on(Unacknowledged(at(1))) == ()


# People move it on, or nobody can be reached.


@pytest.mark.requirement("R041")
def test_when_the_one_who_has_it_escalates_then_the_next_level_is_told_at_once() -> None:
    run = staged(MeasuredFrom.START)
    run.on(Acknowledged(at(3)))

    assert run.on(EscalateNow(at(4))) == (
        EndLevel(0, 0, Because.BY_HAND, at(4)),
        EnterLevel(1, 0, Because.BY_HAND, at(4)),
    )


def test_when_escalate_is_pressed_twice_on_one_page_then_one_level_is_entered() -> None:
    run = Run(THREE)
    level, cycle = next_level(run.policy, run.state) or (None, None)

    run.on(EscalateNow(at(1), level=level, cycle=cycle))
    run.on(EscalateNow(at(1), level=level, cycle=cycle))

    assert run.entered == [(0, 0, 0), (1, 1, 0)]


def test_when_a_delay_is_running_then_escalating_by_hand_ends_it() -> None:
    run = staged(MeasuredFrom.PREVIOUS)
    run.let_pass(until=10)

    run.on(EscalateNow(at(11)))

    assert run.entered == [(0, 0, 0), (11, 1, 0)]


def test_when_the_last_level_is_escalated_by_hand_then_the_catch_all_is_told() -> None:
    run = Run(PolicyDef((a_level(),)))

    assert next_level(run.policy, run.state) == (1, 0)
    run.on(EscalateNow(at(1)))

    assert run.state.phase is Phase.EXHAUSTED
    assert run.done[-1] == PageCatchAll(1, 0, Because.BY_HAND, at(1))
    assert next_level(run.policy, run.state) is None
    assert run.on(EscalateNow(at(2))) == ()


@pytest.mark.parametrize("because", [Because.NOBODY_ON_CALL, Because.NOBODY_REACHABLE])
def test_when_nobody_can_be_reached_at_a_level_then_it_is_left_at_once_whatever_the_delay(because: Because) -> None:
    run = staged(MeasuredFrom.START)

    assert run.on(LevelUnreachable(at(0), level=0, cycle=0, because=because)) == (
        EndLevel(0, 0, because, at(0)),
        EnterLevel(1, 0, because, at(0)),
    )


def test_when_a_report_of_an_unreachable_level_is_stale_then_it_is_ignored() -> None:
    run = Run(THREE)
    run.let_pass(until=5)

    assert run.on(LevelUnreachable(at(6), level=0, cycle=0)) == ()
    assert run.on(LevelUnreachable(at(6), level=1, cycle=1)) == ()
    run.on(Acknowledged(at(7)))
    assert run.on(LevelUnreachable(at(8), level=1, cycle=0)) == ()


def test_when_nobody_is_reachable_at_any_level_then_the_catch_all_is_told_at_once() -> None:
    run = Run(THREE)

    for level in range(3):
        run.on(LevelUnreachable(at(0), level=level, cycle=0))

    assert run.state.phase is Phase.EXHAUSTED
    assert run.done[-1] == PageCatchAll(3, 0, Because.NOBODY_ON_CALL, at(0))


# Snoozing.


def test_when_it_is_snoozed_then_nobody_is_told_until_then_and_the_level_is_told_again_after() -> None:
    run = Run(THREE)
    run.let_pass(until=5)

    assert run.on(Snoozed(at(6), until=at(60))) == (CancelPages(Because.SNOOZED, at(6)),)
    assert run.state.next_due_at == at(60)
    run.let_pass(until=60)

    assert run.done[-1] == EnterLevel(1, 1, Because.SNOOZE_ENDED, at(60))


def test_when_a_snooze_is_ended_early_then_the_level_is_told_at_once() -> None:
    run = Run(THREE)
    run.on(Snoozed(at(1), until=at(60)))

    assert run.on(SnoozeEnded(at(10))) == (EnterLevel(0, 1, Because.SNOOZE_ENDED, at(10), opens=True),)
    assert run.on(SnoozeEnded(at(11))) == ()


def test_when_a_snooze_is_changed_then_only_the_last_one_counts() -> None:
    run = Run(THREE)
    run.on(Snoozed(at(1), until=at(60)))

    assert run.on(Snoozed(at(2), until=at(30))) == ()
    assert run.state.next_due_at == at(30)


def test_when_a_snooze_would_end_in_the_past_then_it_is_ignored() -> None:
    run = Run(THREE)

    assert run.on(Snoozed(at(2), until=at(2))) == ()
    assert run.state.phase is Phase.PAGING


def test_when_a_snoozed_incident_is_acknowledged_then_its_resolution_clock_goes_on_with_what_was_left() -> None:
    run = Run(THREE)
    run.on(Snoozed(at(10), until=at(600)))

    run.on(Acknowledged(at(100)))

    assert run.state.next_due_at == at(120)


# Endings and new beginnings.


def test_when_it_is_resolved_then_nothing_happens_any_more() -> None:
    run = Run(THREE)
    stopped = run.on(Resolved(at(3)))

    assert stopped == (CancelPages(Because.RESOLVED, at(3)),)
    assert run.state.next_due_at is None
    for event in (Tick(at(99)), Acknowledged(at(99)), EscalateNow(at(99)), Snoozed(at(99), at(100)), Resolved(at(99))):
        assert run.on(event) == ()


def test_when_it_is_suppressed_then_the_reason_is_kept() -> None:
    run = Run(THREE)

    assert run.on(Resolved(at(3), Because.SUPPRESSED)) == (CancelPages(Because.SUPPRESSED, at(3)),)
    assert run.state.reason is Because.SUPPRESSED


def test_when_it_is_reopened_then_the_ladder_is_walked_from_the_beginning() -> None:
    run = Run(THREE)
    run.let_pass(until=5)
    run.on(Mitigated(at(6)))
    run.on(Resolved(at(7)))

    run.on(Reopened(at(60)))
    run.let_pass(until=1000)

    assert run.entered == [(0, 0, 0), (5, 1, 0), (60, 0, 1), (65, 1, 1), (75, 2, 1)]
    assert not run.state.mitigated


def test_when_an_open_incident_is_reopened_then_nothing_happens() -> None:
    run = Run(THREE)

    assert run.on(Reopened(at(1))) == ()


def test_when_an_exhausted_run_is_restarted_by_hand_then_the_whole_ladder_is_walked_again() -> None:
    run = Run(THREE)
    run.let_pass(until=1000)

    assert run.on(Restarted(at(40))) == (
        StartCycle(1, Because.RESTARTED, at(40)),
        EnterLevel(0, 1, Because.RESTARTED, at(40), opens=True),
    )


def test_when_an_exhausted_run_is_answered_and_given_back_then_the_ladder_begins_again() -> None:
    run = Run(THREE)
    run.let_pass(until=1000)
    run.on(Acknowledged(at(40)))

    assert run.state.next_due_at is None
    assert run.on(Unacknowledged(at(50))) == (EnterLevel(0, 1, Because.UNACKNOWLEDGED, at(50)),)
    assert run.state.ack_due_at == at(55)


# Late, doubled and stale ticks.


def test_when_the_engine_was_down_then_a_level_entered_late_still_gets_its_whole_time() -> None:
    run = Run(THREE)

    run.on(Tick(at(90)))

    assert run.entered == [(0, 0, 0), (90, 1, 0)]
    assert run.state.ack_due_at == at(100)


def test_when_the_engine_was_down_over_a_delay_then_one_tick_ends_the_level_and_enters_the_next() -> None:
    run = staged(MeasuredFrom.START)

    assert run.on(Tick(at(25))) == (
        EndLevel(0, 0, Because.ACK_TIMEOUT, at(25)),
        EnterLevel(1, 0, Because.ACK_TIMEOUT, at(25)),
    )


def test_when_the_delay_between_levels_is_partly_slept_through_then_it_still_ends_when_it_was_due() -> None:
    run = staged(MeasuredFrom.PREVIOUS)

    run.on(Tick(at(15)))

    assert run.state.next_due_at == at(30)


def test_when_a_tick_is_doubled_early_or_stale_then_it_changes_nothing() -> None:
    run = Run(THREE)
    run.on(Tick(at(5)))
    before = run.state

    for minute in (5, 3, -60, 14):
        assert run.on(Tick(at(minute))) == ()
    assert run.state == before


def test_when_a_host_whose_clock_is_behind_acts_then_no_clock_goes_back() -> None:
    run = Run(THREE)
    run.on(Tick(at(5)))

    run.on(EscalateNow(at(4)))

    assert run.entered[-1] == (5, 2, 0)


def test_when_the_clock_of_the_engine_is_behind_then_it_performs_nothing_early() -> None:
    run = Run(THREE)
    run.on(Tick(at(5)))
    run.on(Acknowledged(at(1), expires_at=at(2)))

    assert run.on(Tick(at(1))) == ()
    assert run.on(Tick(at(2))) == (EnterLevel(1, 1, Because.ACK_EXPIRED, at(5)),)


# Forecast and storage.


def test_when_a_forecast_is_made_then_it_names_every_step_until_the_end() -> None:
    run = Run(THREE)

    assert forecast(run.policy, run.state) == (
        ForecastStep(1, 0, at(5), Because.ACK_TIMEOUT),
        ForecastStep(2, 0, at(15), Because.ACK_TIMEOUT),
        ForecastStep(None, 0, at(30), Because.ACK_TIMEOUT),
    )


def test_when_the_incident_is_acknowledged_then_the_forecast_shows_the_resolution_path() -> None:
    run = Run(THREE)
    run.on(Acknowledged(at(2)))

    assert forecast(run.policy, run.state)[0] == ForecastStep(1, 0, at(30), Because.RESOLVE_TIMEOUT)


def test_when_a_step_is_overdue_then_the_forecast_can_count_from_now() -> None:
    run = Run(THREE)

    assert [step.at for step in forecast(run.policy, run.state, not_before=at(7))] == [at(7), at(17), at(32)]


def test_when_a_forecast_is_limited_then_it_stops_there() -> None:
    assert len(forecast(THREE, Run(THREE).state, limit=2)) == 2


def test_when_a_state_was_written_by_newer_code_then_it_is_refused_and_not_misread() -> None:
    data = json.loads(json.dumps(Run(THREE).state.to_json()))

    assert data["v"] == 3
    with pytest.raises(ValueError, match="format 4"):
        RunState.from_json(data | {"v": 4})


def test_when_a_state_was_written_before_there_were_repeats_then_it_is_read_and_walked_on() -> None:
    run = Run(THREE)
    later = {"severity", "sla_due_at", "repeat", "repeat_due_at", "paged", "told", "answered"}
    later |= {"waits_from", "resolve_level", "resolve_from", "timers_percent", "declared_major", "opens"}
    old = {name: value for name, value in run.state.to_json().items() if name not in later} | {"v": 1}

    state = RunState.from_json(json.loads(json.dumps(old)))

    assert decide(THREE, state, Tick(at(5))).actions[-1] == EnterLevel(1, 0, Because.ACK_TIMEOUT, at(5))
    assert decide(THREE, state, SeverityChanged(at(1), severity=1)).actions == ()
    assert RunState.from_json(state.to_json()) == state


def test_when_a_state_was_written_before_times_could_be_shortened_then_it_has_them_whole() -> None:
    state = Run(THREE).state
    old = {
        name: value
        for name, value in state.to_json().items()
        if name not in ("timers_percent", "declared_major", "opens")
    }

    assert RunState.from_json(json.loads(json.dumps(old | {"v": 2}))) == replace(state, opens=False)


def test_when_people_count_levels_then_they_count_from_one() -> None:
    run = Run(PolicyDef((LevelDef("One", (primary_of("ops"),), Timeout(60)),)))

    assert (run.state.level_number, run.state.cycle_number) == (1, 1)
