"""A run that was moved by a clock that was ahead, once that clock has been set back. Pure.

Such a clock leaves instants that are still to come where only past ones can be: when the level in force was told, when its delay or its
resolution clock began. What counts from them would wait for as long as the clock was ahead, and so would every step after, because none is
recorded before the last.

Which of the run's instants that clock wrote nobody can tell for sure. But whatever a run waits for, it began to wait at the latest now. So
no wait may end later than if it began now, and that is all that is changed: a step thereby comes when it was to come, or by as much
later as had passed of its time, and never earlier. An instant that somebody named (a snooze) is left as it was named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from policies.definition import PolicyDef
from policies.escalation.clocks import BusinessTime, Terms, around_the_clock
from policies.escalation.state import Because, Phase, RunState

Due = Callable[[RunState], datetime]


def set_back(
    policy: PolicyDef, state: RunState, *, at: datetime, began_at: datetime, calendar: BusinessTime = around_the_clock
) -> RunState:
    """`state` as of `at`, by a clock that is right, where a clock that was ahead has moved it; `began_at` is when the incident began.

    The same state where none of its instants lies ahead. Where the incident's own beginning does, so does the end of its SLA: what is
    counted back from that counts from the end it would have, had the incident begun now.
    """
    if state.moved_at <= at:
        return state
    terms = Terms(policy, calendar)
    now = _begun(state, at)
    ahead = max(began_at - at, timedelta(0))
    moved = _shortened(terms, state, now, at, ahead)
    resolve_due_at = _resolve_due(terms, state, now, at, ahead)
    return replace(moved, moved_at=at, resolve_due_at=resolve_due_at)


def _begun(state: RunState, at: datetime) -> RunState:
    """Nothing began later than now."""
    return replace(
        state,
        started_at=min(state.started_at, at),
        cycle_started_at=min(state.cycle_started_at, at),
        level_started_at=_not_after(state.level_started_at, at),
        waits_from=_not_after(state.waits_from, at),
        resolve_from=_not_after(state.resolve_from, at),
    )


def _shortened(terms: Terms, state: RunState, now: RunState, at: datetime, ahead: timedelta) -> RunState:
    """`now` with the clock of its phase: as it was, or as it would be had its wait begun now."""
    level = terms.policy.levels[state.level]
    repeat = level.repeat if state.phase is Phase.PAGING else None
    match state.phase:
        case Phase.WAITING if now.waits_from is not None:
            waits_from = now.waits_from
            latest = _latest(lambda one: terms.entry_due(one, level.start, waits_from=waits_from), now, ahead)
            now = replace(now, enter_next_at=_not_after(state.enter_next_at, max(at, latest)))
        case Phase.PAGING if now.level_started_at is not None:
            entered_at = now.level_started_at
            latest = _latest(lambda one: terms.patience_ends(one, level, entered_at=entered_at), now, ahead)
            now = replace(now, ack_due_at=_not_after(state.ack_due_at, max(at, latest)))
            if repeat is not None:
                again = at + terms.between(state, repeat)
                now = replace(now, repeat_due_at=_not_after(state.repeat_due_at, again))
        case Phase.EXHAUSTED if terms.policy.final is not None:
            again = at + timedelta(seconds=terms.policy.final.every_seconds)
            now = replace(now, repeat_due_at=_not_after(state.repeat_due_at, again))
        case Phase.ACKNOWLEDGED if terms.policy.ack_expires_seconds is not None:
            expires = at + timedelta(seconds=terms.policy.ack_expires_seconds)
            now = replace(now, ack_expires_at=_not_after(state.ack_expires_at, expires))
        case Phase.SNOOZED if state.reason is Because.SUPPRESSED and state.snoozed_until is not None:
            silent = state.snoozed_until - state.started_at
            now = replace(now, snoozed_until=min(state.snoozed_until, max(at, now.started_at + silent)))
    return now


def _resolve_due(terms: Terms, state: RunState, now: RunState, at: datetime, ahead: timedelta) -> datetime | None:
    """A resolution clock may have been held and run on since: at most its whole length is left of it."""
    if state.resolve_due_at is None or state.resolve_level is None or state.resolve_from is None:
        return state.resolve_due_at
    timeout = terms.policy.levels[state.resolve_level].resolve_timeout
    if timeout is None:
        return state.resolve_due_at
    latest = _latest(lambda one: terms.timeout_due(one, timeout, entered_at=at), now, ahead)
    length = terms.timeout_due(state, timeout, entered_at=state.resolve_from) - state.resolve_from
    return min(state.resolve_due_at, max(latest, at + length))


def _latest(due: Due, state: RunState, ahead: timedelta) -> datetime:
    """The latest that `due` may be. Where the SLA's end lies too far `ahead`, what is counted back from it may already have been counted
    from elsewhere, because too little was left: whichever is later."""
    if state.sla_due_at is None or not ahead:
        return due(state)
    return max(due(replace(state, sla_due_at=state.sla_due_at - ahead)), due(replace(state, sla_due_at=None)))


def _not_after(instant: datetime | None, at: datetime) -> datetime | None:
    return None if instant is None else min(instant, at)


__all__ = ["set_back"]
