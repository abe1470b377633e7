"""Walking a policy: `start` and `decide`. Pure and total: the same arguments give the same decision, and no event
makes a valid state raise. `walk` moves on the ladder, `clocks` knows when.

What the walk promises (DESIGN.md §5):

- While a run is paging or waiting it has a next instant (`next_due_at`); it can only end answered, stopped or
  exhausted. A level without an acknowledgement timeout is given until its resolution timeout to answer, so that not
  even a mitigation can leave it without a next step.
- After an acknowledgement, a resolution or a snooze no level is entered until a rule restarts the run: the resolution
  timeout, an acknowledgement given back or expired, the end of a snooze, a reopening, a person's hand.
- A (cycle, level) is entered at most once in a run.
- A level nobody can be reached at is left at once (unless it says that it waits): the next level's delay exists to
  give people time to answer, and there is nobody to give it to. The same holds for an escalation by hand and for the
  resolution timeout.
- A level that repeats tells its people again while nobody has answered: each (cycle, level, repeat) at most once, and
  none in the instant in which the level is left.
- A level that everyone must answer is answered when everyone paged has; until then its clocks run for the others.
- A severity that gets worse leads to the level where its path starts, at once, even when the incident was answered or
  snoozed: what was said of a small incident was not said of this one.

After downtime a late tick performs everything that fell due, in order, but a level's clocks run from when it was
really entered: people need their time however late they were told. So a tick enters at most one level. The delay
*between* levels gives nobody time and is counted from the instant the level before it was due to end. A timeout
measured from the start that has passed already when its level is entered runs its whole length from the entry, so
that no level is entered and left in one instant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from policies.definition import AckMode, IfUnreachable, PolicyDef
from policies.escalation.actions import Action, CancelPages, Decision, EndLevel, StandDown
from policies.escalation.clocks import BusinessTime, Terms, around_the_clock, held, retimed, unclocked, unresolved
from policies.escalation.events import (
    Acknowledged,
    EscalateNow,
    Event,
    LevelPaged,
    LevelUnreachable,
    Mitigated,
    Reopened,
    Resolved,
    Restarted,
    SeverityChanged,
    SlaChanged,
    Snoozed,
    SnoozeEnded,
    Tick,
    Unacknowledged,
    Unmitigated,
)
from policies.escalation.state import WHOLE, Because, Phase, RunState
from policies.escalation.walk import (
    advance,
    answer,
    awaits_everyone,
    begin,
    enter,
    following,
    informed,
    repeat,
    rewound,
    ring_again,
)

_ESCALATES_BY_HAND = frozenset({Phase.WAITING, Phase.PAGING, Phase.ACKNOWLEDGED, Phase.SNOOZED})


def start(
    policy: PolicyDef,
    *,
    at: datetime,
    severity: int | None = None,
    sla_due_at: datetime | None = None,
    first_level: int | None = None,
    timers_percent: int = WHOLE,
    suppressed_until: datetime | None = None,
    calendar: BusinessTime = around_the_clock,
) -> Decision:
    """Begin a run at `first_level` (counted from 0; one past the end means the last), or higher where the policy starts
    incidents of `severity` higher.

    The delay of level 0 is waited for; a start higher up passes over the levels below, which are informed, and is at
    once. The run gets `timers_percent` (1 to 100; what lies outside counts as the nearer of the two) of the policy's
    times, as `Terms` says.

    With `suppressed_until`, an instant after `at`, nobody is paged or informed before then: the ladder is walked from
    there, without the first level's delay, which is long over or was never meant.
    """
    wanted = max(first_level or 0, policy.first_level_for(severity))
    first_level = min(max(wanted, 0), len(policy.levels) - 1)
    state = RunState(
        phase=Phase.WAITING,
        reason=Because.STARTED,
        cycle=0,
        level=first_level,
        entered=False,
        first_level=first_level,
        last_cycle=policy.cycles_for(severity) - 1,
        started_at=at,
        moved_at=at,
        cycle_started_at=at,
        severity=severity,
        sla_due_at=sla_due_at,
        timers_percent=min(max(timers_percent, 1), WHOLE),
    )
    if suppressed_until is not None and suppressed_until > at:
        silent = replace(
            state, phase=Phase.SNOOZED, reason=Because.SUPPRESSED, snoozed_until=suppressed_until, opens=True
        )
        return Decision(silent)
    begun = begin(Terms(policy, calendar), state, at, Because.STARTED)
    passed = informed(policy, range(first_level), cycle=0, because=Because.STARTED, at=at)
    return Decision(begun.state, begun.actions + passed)


def decide(policy: PolicyDef, state: RunState, event: Event, *, calendar: BusinessTime = around_the_clock) -> Decision:
    """What `event` makes of a run that stands at `state` in `policy` (the version the run began with).

    `calendar` counts the business time that some of the policy's durations are given in.
    """
    at = max(event.at, state.moved_at)
    decision = _decide(Terms(policy, calendar), state, event, at)
    if decision.state == state:
        return decision
    return Decision(replace(decision.state, moved_at=at), decision.actions)


def _decide(terms: Terms, state: RunState, event: Event, at: datetime) -> Decision:
    match event:
        case Tick():
            return _tick(terms, state, event.at, at)
        case Acknowledged():
            return _acknowledge(terms, state, at, event)
        case Unacknowledged(who=who):
            return _unacknowledge(terms, state, at, who)
        case Mitigated():
            counts = terms.policy.mitigated_satisfies_resolution and state.phase is not Phase.STOPPED
            return Decision(held(replace(state, mitigated=state.mitigated or counts), at))
        case Unmitigated():
            return Decision(held(replace(state, mitigated=False), at))
        case Resolved(because=because):
            return _stop(state, at, because)
        case Reopened() | Restarted():
            return _anew(terms, state, at, event)
        case EscalateNow():
            return _escalate_now(terms, state, at, event)
        case LevelUnreachable():
            return _skip(terms, state, at, event)
        case LevelPaged():
            return _paged(terms, state, at, event)
        case Snoozed(until=until):
            return _snooze(terms.policy, state, event.at, at, until)
        case SnoozeEnded():
            return _snooze_ends(terms, state, at) if state.phase is Phase.SNOOZED else Decision(state)
        case SeverityChanged(severity=severity):
            return _severity_changed(terms, state, at, severity)
        case SlaChanged(sla_due_at=sla_due_at):
            return Decision(retimed(terms, state, replace(state, sla_due_at=sla_due_at), at))
    assert_never(event)


def next_level(policy: PolicyDef, state: RunState) -> tuple[int, int] | None:
    """The (level, cycle) that an escalation by hand would enter, None where there is nothing to escalate to.

    A level one past the last is the catch-all.
    """
    return following(policy, state) if state.phase in _ESCALATES_BY_HAND else None


def _tick(terms: Terms, state: RunState, clock: datetime, at: datetime) -> Decision:
    """Perform what is due by `clock`, recorded as done `at`. Each round performs the earliest due instant; the rounds
    end because a level, once entered or told again, is due after `at` only. A clock that is behind performs nothing
    early."""
    actions: list[Action] = []
    while (due := state.next_due_at) is not None and due <= clock:
        step = _fall_due(terms, state, due, at)
        state = step.state
        actions.extend(step.actions)
    return Decision(state, tuple(actions))


def _fall_due(terms: Terms, state: RunState, due: datetime, at: datetime) -> Decision:
    """Perform the clock that is due at `due`. Of two that are, the one that wastes no time goes first."""
    if state.snoozed_until == due:
        return _snooze_ends(terms, state, at)
    if state.resolve_due_at == due:
        return advance(terms, state, at, Because.RESOLVE_TIMEOUT)
    if state.ack_expires_at == due:
        return ring_again(terms, state, at, Because.ACK_EXPIRED)
    if state.enter_next_at == due:
        return enter(terms, state, at, state.reason)
    if state.ack_due_at == due:
        because = Because.PARTLY_ANSWERED if state.answered else Because.ACK_TIMEOUT
        return advance(terms, state, at, because, waits_from=due)
    if any(clock is not None and clock <= at for clock in (state.ack_due_at, state.resolve_due_at)):
        # The level is about to be left: its people need not be told again first.
        return Decision(replace(state, repeat_due_at=None))
    return repeat(terms, state, at)


def _acknowledge(terms: Terms, state: RunState, at: datetime, event: Acknowledged) -> Decision:
    if state.phase is Phase.STOPPED:
        return Decision(state)
    if state.acknowledged:
        return Decision(replace(state, ack_expires_at=terms.ack_expires_at(at, event.expires_at)))
    if event.who is None or not awaits_everyone(terms.policy, state):
        return answer(terms, state, at, event.expires_at)
    if event.who not in {*state.paged, *state.told} or event.who in state.answered:
        return Decision(state)
    state = replace(state, answered=(*state.answered, event.who))
    if set(state.paged) <= set(state.answered):
        return answer(terms, state, at, event.expires_at)
    return Decision(state, (StandDown(event.who, Because.ACKNOWLEDGED, at),))


def _unacknowledge(terms: Terms, state: RunState, at: datetime, who: int | None) -> Decision:
    if state.acknowledged:
        return ring_again(terms, state, at, Because.UNACKNOWLEDGED)
    left = () if who is None else tuple(one for one in state.answered if one != who)
    return Decision(replace(state, answered=left))


def _paged(terms: Terms, state: RunState, at: datetime, event: LevelPaged) -> Decision:
    here = (event.level, event.cycle) == (state.level, state.cycle)
    everyone = terms.policy.levels[state.level].ack_mode is not AckMode.ANY
    if state.phase is not Phase.PAGING or not here or not everyone:
        return Decision(state)
    # Who is told in turn, or came on call meanwhile, replaces who was told before; their answers stay good.
    told = tuple(dict.fromkeys((*state.told, *event.recipients)))
    state = replace(state, paged=event.recipients, told=told)
    if state.answered and set(state.paged) <= set(state.answered):
        return answer(terms, state, at, None)
    return Decision(state)


def _snooze(policy: PolicyDef, state: RunState, clock: datetime, at: datetime, until: datetime) -> Decision:
    """By the clock of whoever snoozes: what another that was ahead has recorded of the run makes no future past."""
    if state.phase is Phase.STOPPED or until <= clock:
        return Decision(state)
    if state.phase is Phase.SNOOZED:
        return Decision(replace(state, reason=Because.SNOOZED, snoozed_until=until))
    state = unclocked(rewound(policy, state) if state.phase is Phase.EXHAUSTED else state)
    state = replace(state, phase=Phase.SNOOZED, reason=Because.SNOOZED, snoozed_until=until)
    return Decision(held(state, at), (CancelPages(Because.SNOOZED, at),))


def _snooze_ends(terms: Terms, state: RunState, at: datetime) -> Decision:
    """The level in force rings; where a rule had kept the incident silent, the walk begins, and with it what that says
    of the levels below."""
    if state.reason is not Because.SUPPRESSED:
        return ring_again(terms, state, at, Because.SNOOZE_ENDED)
    because = Because.SUPPRESSION_ENDED
    rung = ring_again(terms, state, at, because)
    passed = informed(terms.policy, range(state.level), cycle=state.cycle, because=because, at=at)
    return Decision(rung.state, rung.actions + passed)


def _stop(state: RunState, at: datetime, because: Because) -> Decision:
    if state.phase is Phase.STOPPED:
        return Decision(state)
    state = replace(unresolved(unclocked(state)), phase=Phase.STOPPED, reason=because)
    return Decision(state, (CancelPages(because, at),))


def _anew(terms: Terms, state: RunState, at: datetime, event: Reopened | Restarted) -> Decision:
    """Only what is stopped can be reopened, and only what is not can be restarted."""
    reopens = isinstance(event, Reopened)
    if reopens is not (state.phase is Phase.STOPPED):
        return Decision(state)
    if reopens:
        return begin(terms, rewound(terms.policy, replace(state, mitigated=False)), at, Because.REOPENED)
    return begin(terms, rewound(terms.policy, state), at, Because.RESTARTED)


def _escalate_now(terms: Terms, state: RunState, at: datetime, event: EscalateNow) -> Decision:
    wanted = next_level(terms.policy, state)
    if wanted is None or event.level not in (None, wanted[0]) or event.cycle not in (None, wanted[1]):
        return Decision(state)
    return advance(terms, state, at, Because.BY_HAND)


def _skip(terms: Terms, state: RunState, at: datetime, event: LevelUnreachable) -> Decision:
    if state.phase is not Phase.PAGING or (event.level, event.cycle) != (state.level, state.cycle):
        return Decision(state)
    waits = terms.policy.levels[state.level].if_unreachable is IfUnreachable.WAIT
    if waits and event.because is Because.NOBODY_REACHABLE:
        return Decision(state)
    return advance(terms, state, at, event.because)


def _severity_changed(terms: Terms, state: RunState, at: datetime, severity: int) -> Decision:
    policy = terms.policy
    cycles = policy.cycles_for(severity) - policy.cycles_for(state.severity)
    worse = replace(state, severity=severity, last_cycle=max(state.cycle, state.last_cycle + cycles))
    changed = retimed(terms, state, worse, at)
    first = max(changed.first_level, policy.first_level_for(severity))
    changed = replace(changed, first_level=first)
    if changed.phase in (Phase.STOPPED, Phase.EXHAUSTED) or changed.level >= first:
        return Decision(changed)
    ended: tuple[Action, ...] = ()
    passed_from = changed.level
    if changed.entered:
        ended = (EndLevel(changed.level, changed.cycle, Because.SEVERITY_RAISED, at),)
        changed = replace(changed, opens=False)
        passed_from += 1
    passed = informed(policy, range(passed_from, first), cycle=changed.cycle, because=Because.SEVERITY_RAISED, at=at)
    entered = enter(terms, replace(changed, level=first), at, Because.SEVERITY_RAISED)
    return Decision(entered.state, ended + entered.actions + passed)
