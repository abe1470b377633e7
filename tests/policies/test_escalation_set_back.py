"""After a clock was ahead: no step comes before it is due by the right clock, and none waits longer than its own time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.definition import PolicyDef, policy_parse
from policies.escalation import (
    Acknowledged,
    Event,
    Mitigated,
    Phase,
    RunState,
    SeverityChanged,
    Snoozed,
    Tick,
    Unacknowledged,
    decide,
    set_back,
    start,
)

REAL = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
AHEAD = timedelta(hours=6)
LADDER: dict[str, Any] = {
    "levels": [
        {
            "name": "First",
            "targets": [{"kind": "team_lead"}],
            "ack_timeout": {"after": "5m"},
            "resolve_timeout": {"after": "4h"},
            "repeat": {"every": "2m", "times": 2},
        },
        {
            "name": "Second",
            "targets": [{"kind": "manager"}],
            "start": {"delay": "7m"},
            "ack_timeout": {"after": "10m", "measured_from": "before_sla", "otherwise": "20m"},
        },
    ],
    "cycles": 2,
    "final": {"target": {"kind": "manager"}, "every": "15m", "times": 2},
    "ack_expires": "1h",
}


def ladder(**changed: Any) -> PolicyDef:
    return policy_parse({**LADDER, **changed})


def moved(policy: PolicyDef, state: RunState, *events: Event) -> RunState:
    for event in events:
        state = decide(policy, state, event).state
    return state


def back(policy: PolicyDef, state: RunState, *, at: datetime, began_at: datetime = REAL) -> RunState:
    return set_back(policy, state, at=at, began_at=began_at)


def test_when_a_level_was_told_by_a_clock_that_was_ahead_then_its_time_counts_from_the_look_that_found_it() -> None:
    policy = ladder()
    state = start(policy, at=REAL + AHEAD).state
    now = REAL + timedelta(minutes=1)

    after = back(policy, state, at=now)

    assert after.ack_due_at == now + timedelta(minutes=5)
    assert after.repeat_due_at == now + timedelta(minutes=2)
    assert after.resolve_due_at == now + timedelta(hours=4)
    assert after.moved_at == now
    # And the step after it counts from the right clock again.
    stepped = decide(policy, after, Tick(now + timedelta(minutes=5))).state
    assert (stepped.phase, stepped.next_due_at) == (Phase.WAITING, now + timedelta(minutes=12))


def test_when_only_a_later_move_came_from_it_then_clocks_that_ran_before_keep_their_instants() -> None:
    policy = ladder()
    state, now = start(policy, at=REAL).state, REAL + timedelta(minutes=1)

    answered = back(policy, moved(policy, state, Acknowledged(REAL + AHEAD)), at=now)
    assert answered.resolve_due_at == REAL + timedelta(hours=4)

    # Another severity makes due at once, by that clock, what should have been.
    worse = moved(policy, state, SeverityChanged(REAL + AHEAD, 2))
    assert worse.ack_due_at == REAL + AHEAD
    assert back(policy, worse, at=now).ack_due_at == REAL + timedelta(minutes=5)


def test_when_a_delay_an_expiry_or_the_final_telling_was_set_by_it_then_each_takes_its_own_time_from_now() -> None:
    policy = ladder()
    now = REAL + timedelta(minutes=1)
    told = start(policy, at=REAL + AHEAD).state
    waiting = moved(policy, told, Tick(REAL + AHEAD + timedelta(minutes=5)))
    assert back(policy, waiting, at=now).enter_next_at == now + timedelta(minutes=7)
    answered = moved(policy, told, Acknowledged(REAL + AHEAD))
    assert back(policy, answered, at=now).ack_expires_at == now + timedelta(hours=1)
    exhausted = told
    while exhausted.phase is not Phase.EXHAUSTED:
        assert exhausted.next_due_at is not None
        exhausted = moved(policy, exhausted, Tick(exhausted.next_due_at))
    assert back(policy, exhausted, at=now).repeat_due_at == now + timedelta(minutes=15)


def test_what_a_person_named_stays_and_what_a_rule_counted_does_not() -> None:
    policy, now = ladder(), REAL + timedelta(minutes=1)
    until = REAL + timedelta(hours=9)
    snoozed = moved(policy, start(policy, at=REAL).state, Snoozed(REAL + AHEAD, until))
    assert back(policy, snoozed, at=now).snoozed_until == until
    silent = start(policy, at=REAL + AHEAD, suppressed_until=REAL + AHEAD + timedelta(minutes=20)).state
    assert back(policy, silent, at=now).snoozed_until == now + timedelta(minutes=20)


def test_when_somebody_snoozes_before_it_is_brought_back_then_nobody_is_paged_until_then_all_the_same() -> None:
    policy, until = ladder(), REAL + timedelta(hours=1)
    snoozed = moved(policy, start(policy, at=REAL + AHEAD).state, Snoozed(REAL + timedelta(minutes=1), until))
    assert (snoozed.phase, snoozed.next_due_at) == (Phase.SNOOZED, until)
    assert moved(policy, snoozed, Tick(until)).phase is Phase.PAGING


def test_where_the_incident_began_ahead_then_so_does_its_sla_and_nothing_waits_for_that() -> None:
    policy, now = ladder(cycles=1), REAL + timedelta(minutes=1)
    sla = REAL + AHEAD + timedelta(hours=2)
    state = start(policy, at=REAL + AHEAD, sla_due_at=sla, first_level=1).state
    assert state.ack_due_at == sla - timedelta(minutes=10)

    after = back(policy, state, at=now, began_at=REAL + AHEAD)

    assert after.ack_due_at == now + timedelta(hours=2) - timedelta(minutes=10)


def test_a_run_that_no_such_clock_has_moved_stays_as_it_is() -> None:
    state = start(ladder(), at=REAL).state
    assert back(ladder(), state, at=REAL) == state


OFFSETS = st.sampled_from([timedelta(0), timedelta(0), timedelta(hours=2), timedelta(hours=6), timedelta(days=40)])
STEPS = st.lists(
    st.tuples(st.integers(0, 400), OFFSETS, st.sampled_from(["tick", "ack", "unack", "mitigate", "worse", "milder"])),
    min_size=1,
    max_size=8,
)


def _event(kind: str, at: datetime) -> Event:
    match kind:
        case "ack":
            return Acknowledged(at)
        case "unack":
            return Unacknowledged(at)
        case "mitigate":
            return Mitigated(at)
        case "worse":
            return SeverityChanged(at, 1)
        case "milder":
            return SeverityChanged(at, 4)
    return Tick(at)


@given(steps=STEPS, first=OFFSETS, after=st.integers(1, 600))
def test_however_clocks_were_ahead_nothing_waits_longer_than_its_time_and_nothing_is_put_off_further(
    steps: list[tuple[int, timedelta, str]], first: timedelta, after: int
) -> None:
    policy, real = ladder(), REAL
    state = start(policy, at=real + first, severity=2).state
    for seconds, offset, kind in steps:
        real += timedelta(seconds=seconds)
        state = moved(policy, state, _event(kind, real + offset))
    now = real + timedelta(seconds=after)

    brought = back(policy, state, at=now)

    if state.moved_at <= now:
        assert brought == state
        return
    assert brought.moved_at == now
    assert RunState.from_json(brought.to_json()) == brought
    clocks = ("ack_due_at", "resolve_due_at", "enter_next_at", "ack_expires_at", "repeat_due_at", "snoozed_until")
    for name in clocks:
        before, since = getattr(state, name), getattr(brought, name)
        assert (before is None) is (since is None)
        if since is not None:
            assert since <= before
            assert since <= now + timedelta(hours=4)
    assert (brought.phase, brought.level, brought.cycle) == (state.phase, state.level, state.cycle)
    assert set_back(policy, brought, at=now, began_at=REAL) == brought


@given(minutes=st.integers(0, 200), found=st.integers(1, 30), offset=st.sampled_from([2, 6, 40]))
def test_a_level_told_by_such_a_clock_is_never_left_before_its_time_is_over(
    minutes: int, found: int, offset: int
) -> None:
    policy, told_at = ladder(), REAL + timedelta(minutes=minutes)
    right = start(policy, at=told_at).state
    wrong = start(policy, at=told_at + timedelta(hours=offset)).state
    now = told_at + timedelta(minutes=found)

    brought = back(policy, wrong, at=now)

    assert brought.ack_due_at is not None
    assert right.ack_due_at is not None
    assert right.ack_due_at <= brought.ack_due_at <= now + timedelta(minutes=5)
    assert brought.resolve_due_at is not None
    assert right.resolve_due_at is not None
    assert right.resolve_due_at <= brought.resolve_due_at <= now + timedelta(hours=4)


@pytest.mark.parametrize("percent", [10, 100])
def test_shortened_times_are_as_short_after_it(percent: int) -> None:
    policy, now = ladder(), REAL + timedelta(minutes=1)
    state = start(policy, at=REAL + AHEAD, timers_percent=percent).state
    assert back(policy, state, at=now).ack_due_at == now + timedelta(minutes=5) * percent / 100
