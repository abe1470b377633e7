"""Times that hang on more than the level: on the severity, on the SLA, on business hours. And what a change of them does."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from policies.definition import Entry, Hours, LevelDef, MeasuredFrom, PolicyDef, TargetDef, TargetKind, Timeout
from policies.escalation import (
    Acknowledged,
    Because,
    EndLevel,
    EnterLevel,
    InformLevel,
    Mitigated,
    Phase,
    Resolved,
    SeverityChanged,
    SlaChanged,
    Snoozed,
    Tick,
    Unmitigated,
    forecast,
)
from tests.policies.walking import BEGAN, Run, at

BOB = TargetDef(TargetKind.USER, "bob")
BY_SEVERITY = ((1, 300), (2, 900), (3, 1800))
FIRST = LevelDef("First", (BOB,), Timeout(3600, by_severity=BY_SEVERITY))
OTHER = LevelDef("Other", (BOB,), Timeout(600))


@pytest.mark.requirement("R042")
@pytest.mark.parametrize(("severity", "minutes"), [(1, 5), (2, 15), (3, 30), (4, 60), (None, 60)])
def test_when_timings_differ_by_severity_then_the_next_level_is_told_after_that_many_minutes(
    severity: int | None, minutes: int
) -> None:
    run = Run(PolicyDef((FIRST, OTHER)), severity=severity)

    run.let_pass(until=minutes)

    assert run.entered == [(0, 0, 0), (minutes, 1, 0)]


def test_when_a_delay_differs_by_severity_then_it_is_waited_for_as_long() -> None:
    second = LevelDef("Second", (BOB,), Timeout(600), start=Entry(1200, by_severity=((1, 60),)))
    run = Run(PolicyDef((OTHER, second)), severity=1)

    run.let_pass(until=11)

    assert run.entered == [(0, 0, 0), (11, 1, 0)]


def test_when_the_severity_gets_worse_then_the_time_already_had_counts() -> None:
    run = Run(PolicyDef((FIRST, OTHER)), severity=3)

    run.on(SeverityChanged(at(10), severity=2))

    assert run.state.next_due_at == at(15)


def test_when_the_worse_severitys_time_is_over_already_then_the_next_level_is_due_now() -> None:
    run = Run(PolicyDef((FIRST, OTHER)), severity=3)

    run.on(SeverityChanged(at(10), severity=1))

    assert run.on(Tick(at(10)))[-1] == EnterLevel(1, 0, Because.ACK_TIMEOUT, at(10))


def test_when_the_severity_gets_milder_then_people_get_its_longer_time() -> None:
    run = Run(PolicyDef((FIRST, OTHER)), severity=1)

    run.on(SeverityChanged(at(2), severity=3))

    assert run.state.next_due_at == at(30)


def test_when_a_delay_runs_while_the_severity_changes_then_it_counts_from_where_it_began() -> None:
    second = LevelDef("Second", (BOB,), Timeout(600), start=Entry(1200, by_severity=((1, 300),)))
    run = Run(PolicyDef((OTHER, second)), severity=3)
    run.let_pass(until=10)

    run.on(SeverityChanged(at(12), severity=1))

    assert run.state.phase is Phase.WAITING
    assert run.state.next_due_at == at(15)


def test_when_a_resolution_clock_was_held_then_a_change_of_severity_keeps_what_was_held() -> None:
    resolve = Timeout(3600, by_severity=((1, 1800),))
    run = Run(PolicyDef((LevelDef("First", (BOB,), Timeout(300), resolve), OTHER)), severity=3)
    run.on(Acknowledged(at(1)))
    run.on(Mitigated(at(10)))

    run.on(SeverityChanged(at(20), severity=1))
    run.on(Unmitigated(at(40)))

    assert run.state.next_due_at == at(60)


# A worse severity has a path of its own.

DIRECT = PolicyDef((OTHER, OTHER, LevelDef("Major", (BOB,), Timeout(900))), starts_at=((1, 2),))


@pytest.mark.requirement("R056")
@pytest.mark.requirement("R241")
def test_when_a_sev_1_begins_then_its_path_starts_higher_up_at_once_and_informs_the_levels_below() -> None:
    run = Run(DIRECT, severity=1)

    assert run.done == [
        EnterLevel(2, 0, Because.STARTED, at(0), opens=True),
        InformLevel(0, 0, Because.STARTED, at(0)),
        InformLevel(1, 0, Because.STARTED, at(0)),
    ]


@pytest.mark.requirement("R056")
def test_when_an_incident_becomes_a_sev_1_then_its_path_starts_at_once_and_the_skipped_level_is_informed() -> None:
    run = Run(DIRECT, severity=3)

    assert run.on(SeverityChanged(at(1), severity=1)) == (
        EndLevel(0, 0, Because.SEVERITY_RAISED, at(1)),
        EnterLevel(2, 0, Because.SEVERITY_RAISED, at(1)),
        InformLevel(1, 0, Because.SEVERITY_RAISED, at(1)),
    )
    run.let_pass(until=16)
    assert run.state.phase is Phase.EXHAUSTED


@pytest.mark.parametrize("before", [Acknowledged(at(1)), Snoozed(at(1), at(600))])
def test_when_it_was_answered_or_snoozed_as_a_small_incident_then_the_sev_1_path_starts_all_the_same(
    before: Acknowledged,
) -> None:
    run = Run(DIRECT, severity=3)
    run.on(before)

    run.on(SeverityChanged(at(2), severity=1))

    assert run.entered[-1] == (2.0, 2, 0)
    assert run.state.phase is Phase.PAGING


def test_when_it_is_resolved_then_a_change_of_severity_tells_nobody() -> None:
    run = Run(DIRECT, severity=3)
    run.on(Resolved(at(1)))

    assert run.on(SeverityChanged(at(2), severity=1)) == ()
    assert run.state.first_level == 2


def test_when_the_level_in_force_is_as_high_already_then_it_is_not_told_again() -> None:
    run = Run(DIRECT, severity=3)
    run.let_pass(until=20)

    assert run.on(SeverityChanged(at(21), severity=1)) == ()


def test_when_the_severity_becomes_milder_then_no_level_is_gone_back_to() -> None:
    run = Run(DIRECT, severity=1)

    assert run.on(SeverityChanged(at(1), severity=4)) == ()
    assert run.state.level == 2


def test_when_a_policy_does_not_inform_the_levels_it_skips_then_they_hear_nothing() -> None:
    quiet = PolicyDef(DIRECT.levels, starts_at=DIRECT.starts_at, inform_skipped=False)

    assert Run(quiet, severity=1).informed == []


# Before the SLA ends.


def before_sla(minutes: int, otherwise: int) -> Timeout:
    return Timeout(minutes * 60, MeasuredFrom.BEFORE_SLA, otherwise_seconds=otherwise * 60)


SLA = PolicyDef((LevelDef("First", (BOB,), Timeout(300), before_sla(15, 30)), OTHER))


@pytest.mark.requirement("R039")
def test_when_an_sla_is_about_to_be_broken_then_the_next_level_is_told_15_minutes_before() -> None:
    run = Run(SLA, sla=240)
    run.on(Acknowledged(at(2)))

    run.let_pass(until=1000)

    assert run.entered[:2] == [(0, 0, 0), (225, 1, 0)]
    assert EnterLevel(1, 0, Because.RESOLVE_TIMEOUT, at(225)) in run.done


@pytest.mark.parametrize("sla", [None, 10])
def test_when_there_is_no_sla_or_it_is_too_near_then_the_level_has_its_other_time(sla: int | None) -> None:
    run = Run(SLA, sla=sla)

    run.on(Acknowledged(at(2)))

    assert run.state.next_due_at == at(30)


def test_when_the_sla_moves_then_so_does_the_clock_and_a_past_one_is_due_now() -> None:
    run = Run(SLA, sla=240)
    run.on(Acknowledged(at(2)))

    run.on(SlaChanged(at(3), at(120)))
    assert run.state.next_due_at == at(105)
    run.on(SlaChanged(at(50), at(60)))
    assert run.state.next_due_at == at(50)
    run.on(SlaChanged(at(51), None))
    assert run.state.next_due_at == at(51)


@pytest.mark.parametrize(("sla", "minute"), [(120, 105), (None, 7), (12, 5)])
def test_when_a_level_is_to_be_told_before_the_sla_ends_then_its_delay_ends_there(sla: int | None, minute: int) -> None:
    entry = Entry(900, MeasuredFrom.BEFORE_SLA, otherwise_seconds=120)
    run = Run(
        PolicyDef((LevelDef("First", (BOB,), Timeout(300)), LevelDef("Then", (BOB,), Timeout(60), start=entry))),
        sla=sla,
    )

    run.let_pass(until=minute)

    assert run.entered == [(0, 0, 0), (minute, 1, 0)]


# In business hours.


def until_nine(instant: datetime, seconds: int) -> datetime:
    """A calendar that is closed until minute 100 and open from then on."""
    opened = at(100)
    return (max(instant, opened) if seconds >= 0 else instant) + timedelta(seconds=seconds)


@pytest.mark.requirement("R293")
@pytest.mark.requirement("R294")
def test_when_only_business_hours_count_then_a_night_does_not_use_up_the_time() -> None:
    level = LevelDef("First", (BOB,), Timeout(600, hours=Hours.BUSINESS))
    run = Run(PolicyDef((level, OTHER)), calendar=until_nine)

    assert run.state.next_due_at == at(110)
    assert forecast(run.policy, run.state, calendar=until_nine)[0].at == at(110)


def test_when_a_calendar_gives_no_time_at_all_then_the_level_still_gets_it_around_the_clock() -> None:
    level = LevelDef("First", (BOB,), Timeout(600, hours=Hours.BUSINESS))

    assert Run(PolicyDef((level, OTHER)), calendar=lambda _at, _seconds: BEGAN).state.next_due_at == at(10)
