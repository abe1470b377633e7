"""Moving on the ladder: from level to level, round again, and to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from policies.definition import AckMode, PolicyDef
from policies.escalation.actions import (
    Action,
    CancelPages,
    Decision,
    DeclareMajor,
    EndLevel,
    EnterLevel,
    Exhaust,
    InformLevel,
    PageCatchAll,
    PageFinal,
    RepeatLevel,
    StartCycle,
)
from policies.escalation.clocks import Terms, held, unclocked, unresolved
from policies.escalation.state import Because, Phase, RunState


def begin(terms: Terms, state: RunState, at: datetime, because: Because) -> Decision:
    """Walk the ladder from `first_level`, as the cycle that `state` already names."""
    state = unresolved(replace(unclocked(state), cycle_started_at=at, opens=True))
    opened: tuple[Action, ...] = (StartCycle(state.cycle, because, at),) if state.cycle else ()
    entered = enter_or_wait(terms, state, at, because, waits_from=at)
    return Decision(entered.state, opened + entered.actions)


def ring_again(terms: Terms, state: RunState, at: datetime, because: Because) -> Decision:
    """Tell the level in force again, in a cycle of its own so that nobody is paged twice for the same one; the cycles
    still to come stay as many. A level not yet entered is simply entered."""
    if not state.entered:
        return _enter_pending(terms, state, at, because)
    state = replace(state, cycle=state.cycle + 1, last_cycle=state.last_cycle + 1, cycle_started_at=at)
    return enter(terms, state, at, because)


def advance(
    terms: Terms, state: RunState, at: datetime, because: Because, *, waits_from: datetime | None = None
) -> Decision:
    """Go to the level that comes next: at once, or after its delay when `waits_from` says from when that counts."""
    if not state.entered:
        return _enter_pending(terms, state, at, because)
    actions: list[Action] = [EndLevel(state.level, state.cycle, because, at)]
    level, cycle = following(terms.policy, state)
    if level == len(terms.policy.levels):
        return _exhaust(terms, state, at, because, actions)
    if cycle > state.cycle:
        state = replace(state, cycle_started_at=at)
        actions.append(StartCycle(cycle, because, at))
    state = replace(state, level=level, cycle=cycle, entered=False, opens=False)
    step = enter_or_wait(terms, state, at, because, waits_from=waits_from)
    return Decision(step.state, (*actions, *step.actions))


def following(policy: PolicyDef, state: RunState) -> tuple[int, int]:
    """The (level, cycle) that comes next; a level one past the last is the end of the ladder."""
    if not state.entered:
        return state.level, state.cycle
    if state.level + 1 < len(policy.levels):
        return state.level + 1, state.cycle
    if state.cycle < state.last_cycle:
        return state.first_level, state.cycle + 1
    return len(policy.levels), state.cycle


def enter_or_wait(
    terms: Terms, state: RunState, at: datetime, because: Because, *, waits_from: datetime | None
) -> Decision:
    begins_above = state.level == state.first_level > 0
    if waits_from is None or begins_above:
        return enter(terms, state, at, because)
    enter_at = terms.entry_due(state, terms.policy.levels[state.level].start, waits_from=waits_from)
    if enter_at <= at:
        return enter(terms, state, at, because)
    # The resolution clock of the level that ended runs on meanwhile: it leads to the same next level.
    state = replace(unclocked(state), phase=Phase.WAITING, reason=because, level_started_at=None)
    return Decision(replace(state, enter_next_at=enter_at, waits_from=waits_from))


def _enter_pending(terms: Terms, state: RunState, at: datetime, because: Because) -> Decision:
    """Enter the level that was still to come. Where it opens its cycle, the cycle only starts now."""
    starts_now = state.level == state.first_level
    return enter(terms, replace(state, cycle_started_at=at) if starts_now else state, at, because)


def enter(terms: Terms, state: RunState, at: datetime, because: Because) -> Decision:
    level = terms.policy.levels[state.level]
    state = replace(
        unresolved(unclocked(state)),
        phase=Phase.PAGING,
        reason=because,
        entered=True,
        level_started_at=at,
        repeat=0,
        paged=(),
        told=(),
        answered=(),
    )
    state = replace(
        state,
        ack_due_at=terms.patience_ends(state, level, entered_at=at),
        repeat_due_at=terms.repeat_due(state, level, told_at=at),
    )
    if level.resolve_timeout is not None:
        resolve_due_at = terms.timeout_due(state, level.resolve_timeout, entered_at=at)
        state = replace(state, resolve_due_at=resolve_due_at, resolve_level=state.level, resolve_from=at)
    actions: tuple[Action, ...] = (EnterLevel(state.level, state.cycle, because, at, state.opens),)
    # A level passed over on the way up counts too: it is no smaller incident for having come further.
    if not state.declared_major and any(one.major for one in terms.policy.levels[: state.level + 1]):
        state = replace(state, declared_major=True)
        actions += (DeclareMajor(state.level, state.cycle, because, at),)
    return Decision(held(state, at), actions)


def repeat(terms: Terms, state: RunState, at: datetime) -> Decision:
    """Tell the level in force, or the final decision-maker, again. The next time counts from when this one was: after
    downtime nobody is told twice in one instant."""
    state = replace(state, repeat=state.repeat + 1)
    if state.phase is Phase.EXHAUSTED:
        told = PageFinal(len(terms.policy.levels) + 1, state.cycle, state.repeat, Because.UNANSWERED, at)
        return Decision(replace(state, repeat_due_at=_final_due(terms, state, at)), (told,))
    because = Because.PARTLY_ANSWERED if state.answered else Because.UNANSWERED
    action = RepeatLevel(state.level, state.cycle, state.repeat, state.answered, because, at, state.opens)
    due = terms.repeat_due(state, terms.policy.levels[state.level], told_at=at)
    return Decision(replace(state, repeat_due_at=due), (action,))


def answer(terms: Terms, state: RunState, at: datetime, expires_at: datetime | None) -> Decision:
    """The level in force is answered: only its resolution clock and the answer's own expiry run on."""
    state = unclocked(rewound(terms.policy, state) if state.phase is Phase.EXHAUSTED else state)
    expires_at = terms.ack_expires_at(at, expires_at)
    state = replace(state, phase=Phase.ACKNOWLEDGED, reason=Because.ACKNOWLEDGED, ack_expires_at=expires_at)
    return Decision(held(state, at), (CancelPages(Because.ACKNOWLEDGED, at),))


def awaits_everyone(policy: PolicyDef, state: RunState) -> bool:
    """Whether the level in force waits for the answers of people it knows."""
    return state.phase is Phase.PAGING and policy.levels[state.level].ack_mode is AckMode.ALL and len(state.paged) > 0


def informed(policy: PolicyDef, levels: range, *, cycle: int, because: Because, at: datetime) -> tuple[Action, ...]:
    """What is done for `levels` that are passed over."""
    return tuple(InformLevel(level, cycle, because, at) for level in levels) if policy.inform_skipped else ()


def _exhaust(terms: Terms, state: RunState, at: datetime, because: Because, ended: list[Action]) -> Decision:
    state = replace(unresolved(unclocked(state)), phase=Phase.EXHAUSTED, reason=because, repeat=0, opens=False)
    last = len(terms.policy.levels)
    actions = [*ended, Exhaust(state.cycle, because, at), PageCatchAll(last, state.cycle, because, at)]
    if terms.policy.final is not None:
        actions.append(PageFinal(last + 1, state.cycle, 0, because, at))
    return Decision(replace(state, repeat_due_at=_final_due(terms, state, at)), tuple(actions))


def _final_due(terms: Terms, state: RunState, told_at: datetime) -> datetime | None:
    final = terms.policy.final
    if final is None or state.repeat >= final.times:
        return None
    return told_at + timedelta(seconds=final.every_seconds)


def rewound(policy: PolicyDef, state: RunState) -> RunState:
    """As `state`, with the whole ladder still to come, as a new cycle with all its repeats."""
    cycle = state.cycle + 1
    return replace(
        state,
        cycle=cycle,
        last_cycle=cycle + policy.cycles_for(state.severity) - 1,
        level=state.first_level,
        entered=False,
        level_started_at=None,
    )
