"""When the clocks of a run fall due: from the policy's times, the incident's severity and SLA, and the calendar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from policies.definition import Entry, Hours, LevelDef, MeasuredFrom, PolicyDef, Repeat, Timeout
from policies.escalation.state import WHOLE, Phase, RunState

BusinessTime = Callable[[datetime, int], datetime]
"""The instant that is so many seconds of business time after another one; before it when they are negative."""

_RESOLUTION_COUNTS = frozenset({Phase.WAITING, Phase.PAGING, Phase.ACKNOWLEDGED})


def shortened(seconds: int, percent: int) -> int:
    """`percent` of a time, in whole seconds: rounded up, so that what is a time stays one."""
    return -(-seconds * percent // WHOLE)


def around_the_clock(at: datetime, seconds: int) -> datetime:
    """The business time of those who never close, and of runs that were given no calendar."""
    return at + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is walked by: its policy version, and what counts as business time.

    A run with shortened times gets its `timers_percent` of each delay, timeout and repeat. "So long before the SLA
    ends" stays: a shorter lead would call people later. So does the interval of the final decision-maker: whoever is
    told for as long as it takes is not told at another pace because the way there was short.
    """

    policy: PolicyDef
    calendar: BusinessTime = around_the_clock

    def moved(self, at: datetime, seconds: int, hours: Hours) -> datetime:
        moved = self.calendar if hours is Hours.BUSINESS else around_the_clock
        return moved(at, seconds)

    def ack_expires_at(self, at: datetime, said: datetime | None) -> datetime | None:
        """When an acknowledgement given at `at` falls away: as was `said`, or as the policy has it; None for never.

        It is the time people have to work, which `timers_percent` does not shorten.
        """
        seconds = self.policy.ack_expires_seconds
        if said is not None or seconds is None:
            return said
        return around_the_clock(at, seconds)

    def entry_due(self, state: RunState, entry: Entry, *, waits_from: datetime) -> datetime:
        """When the level of `entry` is to be entered, if the one before it ended at `waits_from`. May have passed."""
        said = entry.seconds_for(state.severity)
        seconds = shortened(said, state.timers_percent)
        match entry.measured_from:
            case MeasuredFrom.START:
                return self.moved(state.cycle_started_at, seconds, entry.hours)
            case MeasuredFrom.BEFORE_SLA if state.sla_due_at is not None:
                return self.moved(state.sla_due_at, -said, entry.hours)
            case MeasuredFrom.BEFORE_SLA:
                seconds = shortened(entry.otherwise_seconds or 0, state.timers_percent)
        return self.moved(waits_from, seconds, entry.hours)

    def timeout_due(self, state: RunState, timeout: Timeout, *, entered_at: datetime) -> datetime:
        """When `timeout` passes for a level entered at `entered_at`: always after that."""
        said = timeout.seconds_for(state.severity)
        length = shortened(said, state.timers_percent)
        due = None
        if timeout.measured_from is MeasuredFrom.START:
            due = self.moved(state.cycle_started_at, length, timeout.hours)
        elif timeout.measured_from is MeasuredFrom.BEFORE_SLA:
            length = shortened(timeout.otherwise_seconds or said, state.timers_percent)
            if state.sla_due_at is not None:
                due = self.moved(state.sla_due_at, -said, timeout.hours)
        if due is not None and due > entered_at:
            return due
        due = self.moved(entered_at, length, timeout.hours)
        return due if due > entered_at else around_the_clock(entered_at, length)

    def patience_ends(self, state: RunState, level: LevelDef, *, entered_at: datetime) -> datetime:
        """When a level that nobody answers is left: by its acknowledgement timeout, else by its resolution timeout,
        else after its last repeat went unanswered too. `definition` sees to it that there is one of them."""
        timeout = level.ack_timeout or level.resolve_timeout
        if timeout is not None:
            return self.timeout_due(state, timeout, entered_at=entered_at)
        if level.repeat is None:
            return entered_at + timedelta(seconds=1)
        rounds = level.repeat.times_for(state.severity) + 1
        return entered_at + self.between(state, level.repeat) * rounds

    def repeat_due(self, state: RunState, level: LevelDef, *, told_at: datetime) -> datetime | None:
        """When a level that was told at `told_at` is told again; None when that was the last time."""
        if level.repeat is None or state.repeat >= level.repeat.times_for(state.severity):
            return None
        return told_at + self.between(state, level.repeat)

    def between(self, state: RunState, repeat: Repeat) -> timedelta:
        return timedelta(seconds=shortened(repeat.every_seconds, state.timers_percent))


def unclocked(state: RunState) -> RunState:
    """As `state` without the clocks that belong to a phase. The resolution clock belongs to the level and stays."""
    return replace(
        state,
        ack_due_at=None,
        enter_next_at=None,
        snoozed_until=None,
        ack_expires_at=None,
        repeat_due_at=None,
        waits_from=None,
    )


def unresolved(state: RunState) -> RunState:
    """As `state` without its resolution clock."""
    return replace(state, resolve_due_at=None, resolve_left=None, resolve_level=None, resolve_from=None)


def held(state: RunState, at: datetime) -> RunState:
    """As `state`, with its resolution clock held while snoozed or mitigated, and running on from `at` otherwise."""
    if state.phase in _RESOLUTION_COUNTS and not state.mitigated:
        if state.resolve_left is not None:
            return replace(state, resolve_due_at=at + state.resolve_left, resolve_left=None)
    elif state.resolve_due_at is not None:
        left = max(state.resolve_due_at - at, timedelta(0))
        return replace(state, resolve_due_at=None, resolve_left=left)
    return state


def retimed(terms: Terms, before: RunState, after: RunState, at: datetime) -> RunState:
    """`after`, which differs from `before` in severity or SLA, with its running clocks set by its own times.

    They count from where they began, so that time already had is had; what has passed by that is due `at`. A run of
    format 1 does not know where its delay or its resolution clock began: those run on as they were.
    """
    state = _resolution_retimed(terms, before, after, at)
    if state.phase is Phase.WAITING and state.waits_from is not None:
        entry = terms.policy.levels[state.level].start
        return replace(state, enter_next_at=max(at, terms.entry_due(state, entry, waits_from=state.waits_from)))
    if state.phase is not Phase.PAGING or state.level_started_at is None:
        return state
    level, entered_at = terms.policy.levels[state.level], state.level_started_at
    repeat_due_at = terms.repeat_due(state, level, told_at=at)
    return replace(
        state,
        ack_due_at=max(at, terms.patience_ends(state, level, entered_at=entered_at)),
        # What is about to be told again anyway keeps its instant.
        repeat_due_at=(state.repeat_due_at or repeat_due_at) if repeat_due_at else None,
    )


def _resolution_retimed(terms: Terms, before: RunState, after: RunState, at: datetime) -> RunState:
    """A resolution clock may have been held, so it is moved by as much as its whole length has changed."""
    if after.resolve_level is None or after.resolve_from is None:
        return after
    timeout = terms.policy.levels[after.resolve_level].resolve_timeout
    if timeout is None:
        return after
    shift = terms.timeout_due(after, timeout, entered_at=after.resolve_from) - terms.timeout_due(
        before, timeout, entered_at=after.resolve_from
    )
    if after.resolve_due_at is not None:
        return replace(after, resolve_due_at=max(at, after.resolve_due_at + shift))
    if after.resolve_left is not None:
        return replace(after, resolve_left=max(timedelta(0), after.resolve_left + shift))
    return after
