"""Walking a policy: `start` and `decide`. Pure and total: the same arguments give the same decision, and no event
makes a valid state raise.

What the walk promises (DESIGN.md §5):

- While a run is paging or waiting it has a next instant (`next_due_at`); it can only end answered, stopped or
  exhausted. A level without an acknowledgement timeout is given until its resolution timeout to answer, so that not
  even a mitigation can leave it without a next step.
- After an acknowledgement, a resolution or a snooze no level is entered until a rule restarts the run: the resolution
  timeout, an acknowledgement given back or expired, the end of a snooze, a reopening, a person's hand.
- A (cycle, level) is entered at most once in a run.
- A level nobody can be reached at is left at once: the next level's delay exists to give people time to answer, and
  there is nobody to give it to. The same holds for an escalation by hand and for the resolution timeout.

After downtime a late tick performs everything that fell due, in order, but a level's clocks run from when it was
really entered: people need their time however late they were told. So a tick enters at most one level. The delay
*between* levels gives nobody time and is counted from the instant the level before it was due to end. A timeout
measured from the start that has passed already when its level is entered runs its whole length from the entry, so
that no level is entered and left in one instant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from policies.definition import MeasuredFrom, PolicyDef, Timeout
from policies.escalation.values import (
    Acknowledged,
    Action,
    Because,
    CancelPages,
    Decision,
    EndLevel,
    EnterLevel,
    EscalateNow,
    Event,
    Exhaust,
    LevelUnreachable,
    Mitigated,
    PageCatchAll,
    Phase,
    Reopened,
    Resolved,
    Restarted,
    RunState,
    Snoozed,
    SnoozeEnded,
    StartCycle,
    Tick,
    Unacknowledged,
    Unmitigated,
)

_RESOLUTION_COUNTS = frozenset({Phase.WAITING, Phase.PAGING, Phase.ACKNOWLEDGED})
_ESCALATES_BY_HAND = frozenset({Phase.WAITING, Phase.PAGING, Phase.ACKNOWLEDGED, Phase.SNOOZED})


def start(policy: PolicyDef, *, at: datetime, level: int = 0) -> Decision:
    """Begin a run at `level` (counted from 0; one past the end means the last).

    The delay of level 0 is waited for; a start higher up skips the levels below and is at once.
    """
    first_level = min(max(level, 0), len(policy.levels) - 1)
    state = RunState(
        phase=Phase.WAITING,
        reason=Because.STARTED,
        cycle=0,
        level=first_level,
        entered=False,
        first_level=first_level,
        last_cycle=policy.cycles - 1,
        started_at=at,
        moved_at=at,
        cycle_started_at=at,
    )
    return _begin(policy, state, at, Because.STARTED)


def decide(policy: PolicyDef, state: RunState, event: Event) -> Decision:
    """What `event` makes of a run that stands at `state` in `policy` (the version the run began with)."""
    at = max(event.at, state.moved_at)
    decision = _decide(policy, state, event, at)
    if decision.state == state:
        return decision
    return Decision(replace(decision.state, moved_at=at), decision.actions)


def _decide(policy: PolicyDef, state: RunState, event: Event, at: datetime) -> Decision:
    match event:
        case Tick():
            return _tick(policy, state, event.at, at)
        case Acknowledged(expires_at=expires_at):
            return _acknowledge(policy, state, at, expires_at)
        case Unacknowledged():
            return _ring_again(policy, state, at, Because.UNACKNOWLEDGED) if state.acknowledged else Decision(state)
        case Mitigated():
            counts = policy.mitigated_satisfies_resolution and state.phase is not Phase.STOPPED
            return Decision(_held(replace(state, mitigated=state.mitigated or counts), at))
        case Unmitigated():
            return Decision(_held(replace(state, mitigated=False), at))
        case Resolved(because=because):
            return _stop(state, at, because)
        case Reopened() if state.phase is Phase.STOPPED:
            return _begin(policy, _rewound(policy, replace(state, mitigated=False)), at, Because.REOPENED)
        case Restarted() if state.phase is not Phase.STOPPED:
            return _begin(policy, _rewound(policy, state), at, Because.RESTARTED)
        case Reopened() | Restarted():
            return Decision(state)
        case EscalateNow():
            return _escalate_now(policy, state, at, event)
        case LevelUnreachable():
            return _skip(policy, state, at, event)
        case Snoozed(until=until):
            return _snooze(policy, state, at, until)
        case SnoozeEnded():
            ends = state.phase is Phase.SNOOZED
            return _ring_again(policy, state, at, Because.SNOOZE_ENDED) if ends else Decision(state)
    assert_never(event)


def next_level(policy: PolicyDef, state: RunState) -> tuple[int, int] | None:
    """The (level, cycle) that an escalation by hand would enter, None where there is nothing to escalate to.

    A level one past the last is the catch-all.
    """
    return _following(policy, state) if state.phase in _ESCALATES_BY_HAND else None


def _tick(policy: PolicyDef, state: RunState, clock: datetime, at: datetime) -> Decision:
    """Perform what is due by `clock`, recorded as done `at`. Each round performs the earliest due instant; the rounds
    end because a level, once entered, is due after `at` only. A clock that is behind performs nothing early."""
    actions: list[Action] = []
    while (due := state.next_due_at) is not None and due <= clock:
        step = _fall_due(policy, state, due, at)
        state = step.state
        actions.extend(step.actions)
    return Decision(state, tuple(actions))


def _fall_due(policy: PolicyDef, state: RunState, due: datetime, at: datetime) -> Decision:
    """Perform the clock that is due at `due`. Of two that are, the one that wastes no time goes first."""
    if state.snoozed_until == due:
        return _ring_again(policy, state, at, Because.SNOOZE_ENDED)
    if state.resolve_due_at == due:
        return _advance(policy, state, at, Because.RESOLVE_TIMEOUT)
    if state.ack_expires_at == due:
        return _ring_again(policy, state, at, Because.ACK_EXPIRED)
    if state.enter_next_at == due:
        return _enter(policy, state, at, state.reason)
    return _advance(policy, state, at, Because.ACK_TIMEOUT, waits_from=due)


def _acknowledge(policy: PolicyDef, state: RunState, at: datetime, expires_at: datetime | None) -> Decision:
    if state.phase is Phase.STOPPED:
        return Decision(state)
    if state.acknowledged:
        return Decision(replace(state, ack_expires_at=expires_at))
    state = _unclocked(_rewound(policy, state) if state.phase is Phase.EXHAUSTED else state)
    state = replace(state, phase=Phase.ACKNOWLEDGED, reason=Because.ACKNOWLEDGED, ack_expires_at=expires_at)
    return Decision(_held(state, at), (CancelPages(Because.ACKNOWLEDGED, at),))


def _snooze(policy: PolicyDef, state: RunState, at: datetime, until: datetime) -> Decision:
    if state.phase is Phase.STOPPED or until <= at:
        return Decision(state)
    if state.phase is Phase.SNOOZED:
        return Decision(replace(state, snoozed_until=until))
    state = _unclocked(_rewound(policy, state) if state.phase is Phase.EXHAUSTED else state)
    state = replace(state, phase=Phase.SNOOZED, reason=Because.SNOOZED, snoozed_until=until)
    return Decision(_held(state, at), (CancelPages(Because.SNOOZED, at),))


def _stop(state: RunState, at: datetime, because: Because) -> Decision:
    if state.phase is Phase.STOPPED:
        return Decision(state)
    state = replace(_unclocked(state), phase=Phase.STOPPED, reason=because, resolve_due_at=None, resolve_left=None)
    return Decision(state, (CancelPages(because, at),))


def _escalate_now(policy: PolicyDef, state: RunState, at: datetime, event: EscalateNow) -> Decision:
    wanted = next_level(policy, state)
    if wanted is None or event.level not in (None, wanted[0]) or event.cycle not in (None, wanted[1]):
        return Decision(state)
    return _advance(policy, state, at, Because.BY_HAND)


def _skip(policy: PolicyDef, state: RunState, at: datetime, event: LevelUnreachable) -> Decision:
    if state.phase is not Phase.PAGING or (event.level, event.cycle) != (state.level, state.cycle):
        return Decision(state)
    return _advance(policy, state, at, event.because)


def _begin(policy: PolicyDef, state: RunState, at: datetime, because: Because) -> Decision:
    """Walk the ladder from `first_level`, as the cycle that `state` already names."""
    state = replace(_unclocked(state), cycle_started_at=at, resolve_due_at=None, resolve_left=None)
    opened: tuple[Action, ...] = (StartCycle(state.cycle, because, at),) if state.cycle else ()
    entered = _enter_or_wait(policy, state, at, because, waits_from=at)
    return Decision(entered.state, opened + entered.actions)


def _ring_again(policy: PolicyDef, state: RunState, at: datetime, because: Because) -> Decision:
    """Tell the level in force again, in a cycle of its own so that nobody is paged twice for the same one; the cycles
    still to come stay as many. A level not yet entered is simply entered."""
    if not state.entered:
        return _enter_pending(policy, state, at, because)
    state = replace(state, cycle=state.cycle + 1, last_cycle=state.last_cycle + 1, cycle_started_at=at)
    return _enter(policy, state, at, because)


def _advance(
    policy: PolicyDef, state: RunState, at: datetime, because: Because, *, waits_from: datetime | None = None
) -> Decision:
    """Go to the level that comes next: at once, or after its delay when `waits_from` says from when that counts."""
    if not state.entered:
        return _enter_pending(policy, state, at, because)
    actions: list[Action] = [EndLevel(state.level, state.cycle, because, at)]
    level, cycle = _following(policy, state)
    if level == len(policy.levels):
        return _exhaust(policy, state, at, because, actions)
    if cycle > state.cycle:
        state = replace(state, cycle_started_at=at)
        actions.append(StartCycle(cycle, because, at))
    state = replace(state, level=level, cycle=cycle, entered=False)
    step = _enter_or_wait(policy, state, at, because, waits_from=waits_from)
    return Decision(step.state, (*actions, *step.actions))


def _following(policy: PolicyDef, state: RunState) -> tuple[int, int]:
    """The (level, cycle) that comes next; a level one past the last is the end of the ladder."""
    if not state.entered:
        return state.level, state.cycle
    if state.level + 1 < len(policy.levels):
        return state.level + 1, state.cycle
    if state.cycle < state.last_cycle:
        return state.first_level, state.cycle + 1
    return len(policy.levels), state.cycle


def _enter_or_wait(
    policy: PolicyDef, state: RunState, at: datetime, because: Because, *, waits_from: datetime | None
) -> Decision:
    begins_above = state.level == state.first_level > 0
    if waits_from is None or begins_above:
        return _enter(policy, state, at, because)
    entry = policy.levels[state.level].start
    origin = state.cycle_started_at if entry.measured_from is MeasuredFrom.START else waits_from
    enter_at = origin + timedelta(seconds=entry.delay_seconds)
    if enter_at <= at:
        return _enter(policy, state, at, because)
    # The resolution clock of the level that ended runs on meanwhile: it leads to the same next level.
    state = replace(_unclocked(state), phase=Phase.WAITING, reason=because, level_started_at=None)
    return Decision(replace(state, enter_next_at=enter_at))


def _enter_pending(policy: PolicyDef, state: RunState, at: datetime, because: Because) -> Decision:
    """Enter the level that was still to come. Where it opens its cycle, the cycle only starts now."""
    starts_now = state.level == state.first_level
    return _enter(policy, replace(state, cycle_started_at=at) if starts_now else state, at, because)


def _enter(policy: PolicyDef, state: RunState, at: datetime, because: Because) -> Decision:
    level = policy.levels[state.level]
    state = replace(
        _unclocked(state),
        phase=Phase.PAGING,
        reason=because,
        entered=True,
        level_started_at=at,
        ack_due_at=_due(level.ack_timeout or level.resolve_timeout, at, state.cycle_started_at),
        resolve_due_at=_due(level.resolve_timeout, at, state.cycle_started_at),
        resolve_left=None,
    )
    return Decision(_held(state, at), (EnterLevel(state.level, state.cycle, because, at),))


def _exhaust(policy: PolicyDef, state: RunState, at: datetime, because: Because, ended: list[Action]) -> Decision:
    state = replace(_unclocked(state), phase=Phase.EXHAUSTED, reason=because, resolve_due_at=None, resolve_left=None)
    catch_all = PageCatchAll(len(policy.levels), state.cycle, because, at)
    return Decision(state, (*ended, Exhaust(state.cycle, because, at), catch_all))


def _rewound(policy: PolicyDef, state: RunState) -> RunState:
    """As `state`, with the whole ladder still to come, as a new cycle with all its repeats."""
    cycle = state.cycle + 1
    return replace(
        state,
        cycle=cycle,
        last_cycle=cycle + policy.cycles - 1,
        level=state.first_level,
        entered=False,
        level_started_at=None,
    )


def _unclocked(state: RunState) -> RunState:
    """As `state` without the clocks that belong to a phase. The resolution clock belongs to the level and stays."""
    return replace(state, ack_due_at=None, enter_next_at=None, snoozed_until=None, ack_expires_at=None)


def _held(state: RunState, at: datetime) -> RunState:
    """As `state`, with its resolution clock held while snoozed or mitigated, and running on from `at` otherwise."""
    if state.phase in _RESOLUTION_COUNTS and not state.mitigated:
        if state.resolve_left is not None:
            return replace(state, resolve_due_at=at + state.resolve_left, resolve_left=None)
    elif state.resolve_due_at is not None:
        left = max(state.resolve_due_at - at, timedelta(0))
        return replace(state, resolve_due_at=None, resolve_left=left)
    return state


def _due(timeout: Timeout | None, entered_at: datetime, cycle_started_at: datetime) -> datetime | None:
    """When `timeout` passes for a level entered at `entered_at`: always after that."""
    if timeout is None:
        return None
    length = timedelta(seconds=timeout.seconds)
    if timeout.measured_from is MeasuredFrom.START and cycle_started_at + length > entered_at:
        return cycle_started_at + length
    return entered_at + length
