"""What holds for every policy and every order of events (DESIGN.md §5, invariants 1, 2, 3 and 5)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from policies.definition import MAX_REPEATS, AckMode, IfUnreachable, MeasuredFrom, PolicyDef
from policies.escalation import (
    Acknowledged,
    Action,
    Because,
    CancelPages,
    DeclareMajor,
    EndLevel,
    EnterLevel,
    EscalateNow,
    Event,
    Exhaust,
    InformLevel,
    LevelPaged,
    LevelUnreachable,
    Mitigated,
    PageCatchAll,
    PageFinal,
    Phase,
    Reopened,
    RepeatLevel,
    Resolved,
    Restarted,
    RunState,
    SeverityChanged,
    SlaChanged,
    Snoozed,
    SnoozeEnded,
    StandDown,
    Tick,
    Unacknowledged,
    Unmitigated,
    decide,
    forecast,
    next_level,
    start,
)
from policies.escalation.clocks import shortened
from tests.policies.strategies import durations, policies, severities, steady

BEGAN = datetime(2027, 3, 28, 0, 57, tzinfo=UTC)
QUIET_PHASES = {Phase.ACKNOWLEDGED, Phase.SNOOZED, Phase.STOPPED}
RESTARTING = {
    Because.RESOLVE_TIMEOUT,
    Because.ACK_EXPIRED,
    Because.UNACKNOWLEDGED,
    Because.BY_HAND,
    Because.SNOOZE_ENDED,
    Because.SUPPRESSION_ENDED,
    Because.REOPENED,
    Because.RESTARTED,
    Because.SEVERITY_RAISED,
}
ENDINGS = st.sampled_from([Because.RESOLVED, Because.CLOSED, Because.MERGED, Because.SUPPRESSED])


def pages_in(actions: tuple[Action, ...] | list[Action]) -> list[EnterLevel | PageCatchAll]:
    return [action for action in actions if isinstance(action, EnterLevel | PageCatchAll)]


def seconds(count: int) -> timedelta:
    return timedelta(seconds=count)


def clock_steps() -> st.SearchStrategy[timedelta]:
    """Mostly forwards, now and then backwards: hosts disagree about the time."""
    return (durations(0) | st.integers(-900, 0)).map(seconds)


def even_hours(at: datetime, length: int) -> datetime:
    """Business hours as a simple rule: of every two hours the first is worked. Negative lengths count back."""
    hour = 3600
    worked = BEGAN.replace(minute=0, second=0, microsecond=0)
    offset = (at - worked).total_seconds()
    done = (offset // (2 * hour)) * hour + min(offset % (2 * hour), hour) + length
    return worked + timedelta(seconds=(done // hour) * 2 * hour + done % hour)


class RunMachine(RuleBasedStateMachine):
    """One run under everything that people, hosts and clocks may do to it."""

    levels_seen: Bundle[tuple[int, int]] = Bundle("levels_seen")

    @initialize(
        policy=policies(),
        first_level=st.none() | st.integers(-1, 4),
        severity=severities(),
        sla=st.none() | durations(0),
        percent=st.just(100) | st.integers(1, 100),
        silent=st.none() | durations(0),
    )
    def begin(
        self,
        policy: PolicyDef,
        first_level: int | None,
        severity: int | None,
        sla: int | None,
        percent: int,
        silent: int | None,
    ) -> None:
        self.policy = policy
        self.now = BEGAN
        self.paged: list[EnterLevel | PageCatchAll] = []
        self.ended: list[EndLevel] = []
        self.told_again: list[RepeatLevel | PageFinal] = []
        self.severities = {severity}
        sla_due_at = None if sla is None else BEGAN + seconds(sla)
        decision = start(
            policy,
            at=BEGAN,
            severity=severity,
            sla_due_at=sla_due_at,
            first_level=first_level,
            timers_percent=percent,
            suppressed_until=None if silent is None else BEGAN + seconds(silent),
            calendar=even_hours,
        )
        self.state = decision.state
        self.declared: list[DeclareMajor] = []
        wanted = max(first_level or 0, policy.first_level_for(severity))
        assert self.state.first_level == min(wanted, len(policy.levels) - 1)
        self._keep(decision.actions)
        informed = [action.level for action in decision.actions if isinstance(action, InformLevel)]
        suppressed = self.state.phase is Phase.SNOOZED
        assert suppressed is bool(silent)
        quiet = suppressed or not policy.inform_skipped
        assert informed == ([] if quiet else list(range(self.state.first_level)))

    def _keep(self, actions: tuple[Action, ...]) -> None:
        self.paged += pages_in(actions)
        self.told_again += [action for action in actions if isinstance(action, RepeatLevel | PageFinal)]
        self.ended += [action for action in actions if isinstance(action, EndLevel)]
        self.declared += [action for action in actions if isinstance(action, DeclareMajor)]

    def _send(self, event: Event) -> tuple[Action, ...]:
        before = self.state
        decision = decide(self.policy, before, event, calendar=even_hours)
        assert decision == decide(self.policy, before, event, calendar=even_hours)
        self.state = decision.state
        self._keep(decision.actions)
        self._check_silence(before, decision.actions)
        self._check_end(decision.actions)
        kinds = {type(action) for action in decision.actions}
        assert not {RepeatLevel, EndLevel} <= kinds, "told again and left at once"
        return decision.actions

    def _check_silence(self, before: RunState, actions: tuple[Action, ...]) -> None:
        """Invariant 2: whoever answered, resolved or snoozed it is followed by no page until a rule restarts it."""
        if before.phase in QUIET_PHASES:
            assert {page.because for page in pages_in(actions)[:1]} <= RESTARTING
            assert not any(isinstance(action, RepeatLevel | PageFinal) for action in actions[:1])
        if self.state.phase in QUIET_PHASES:
            assert not pages_in(actions)
            assert all(isinstance(action, CancelPages) for action in actions)

    def _check_end(self, actions: tuple[Action, ...]) -> None:
        ends = [action for action in actions if isinstance(action, Exhaust)]
        catch_alls = [action for action in actions if isinstance(action, PageCatchAll)]
        told_again = any(isinstance(action, PageFinal) and action.repeat for action in actions)
        ended = self.state.phase is Phase.EXHAUSTED and bool(actions) and not told_again
        assert len(ends) == len(catch_alls) == (1 if ended else 0)

    @rule(target=levels_seen, step=clock_steps())
    def tick(self, step: timedelta) -> tuple[int, int]:
        self.now += step
        before = self.state
        actions = self._send(Tick(self.now))
        due = self.state.next_due_at
        assert due is None or due > self.now, "what is due was left undone"
        assert sum(isinstance(action, EnterLevel) for action in actions) <= 1
        assert sum(isinstance(action, RepeatLevel | PageFinal) for action in actions) <= 1
        settled = self.state
        assert self._send(Tick(self.now)) == (), "a doubled tick did something"
        assert self._send(Tick(self.now - timedelta(days=1))) == (), "a stale tick did something"
        assert self.state == settled
        if before.next_due_at is None or before.next_due_at > self.now:
            assert actions == ()
        return self.state.level, self.state.cycle

    @rule()
    def tick_exactly_when_due(self) -> None:
        due = self.state.next_due_at
        if due is not None:
            self.now = max(self.now, due)
            self._send(Tick(due))
            assert self.state.next_due_at != due

    @rule(expiry=st.none() | durations(1))
    def acknowledge(self, expiry: int | None) -> None:
        expires_at = None if expiry is None else self.now + seconds(expiry)
        stopped = self.state.phase is Phase.STOPPED
        self._send(Acknowledged(self.now, expires_at))
        assert self.state.acknowledged is not stopped
        assert self._send(Acknowledged(self.now, expires_at)) == ()

    @rule(people=st.lists(st.integers(1, 3), min_size=1, unique=True))
    def say_who_is_paged(self, people: list[int]) -> None:
        before = self.state
        self._send(LevelPaged(self.now, self.state.level, self.state.cycle, tuple(people)))
        if self.state.acknowledged and not before.acknowledged:
            assert set(people) <= set(before.answered)

    @rule(who=st.integers(1, 4))
    def one_person_acknowledges(self, who: int) -> None:
        """Where everyone must answer, the level is answered with the last of them and not before."""
        before = self.state
        waits_for_all = before.phase is Phase.PAGING and self.policy.levels[before.level].ack_mode is AckMode.ALL
        actions = self._send(Acknowledged(self.now, None, who))
        if not (waits_for_all and before.paged):
            return
        missing = set(before.paged) - {*before.answered, who}
        if who in before.paged and not missing:
            assert self.state.acknowledged
        else:
            assert self.state.phase is Phase.PAGING
            assert self.state.ack_due_at == before.ack_due_at
            stands_down = who in before.told and who not in before.answered
            assert [type(action) for action in actions] == ([StandDown] if stands_down else [])
        assert self._send(Acknowledged(self.now, None, who)) == ()

    @rule(severity=st.integers(1, 5))
    def change_severity(self, severity: int) -> None:
        before = self.state
        actions = self._send(SeverityChanged(self.now, severity))
        self.severities.add(severity)
        assert self.state.severity == severity
        assert (self.state.cycle, self.state.level) >= (before.cycle, before.level)
        entered = pages_in(actions)
        assert len(entered) <= 1
        for page in entered:
            assert page.because is Because.SEVERITY_RAISED
            assert page.level == self.policy.first_level_for(severity) > before.level
        if before.phase in {Phase.STOPPED, Phase.EXHAUSTED}:
            assert actions == ()
        assert self._send(SeverityChanged(self.now, severity)) == ()

    @rule(sla=st.none() | durations(0))
    def change_sla(self, sla: int | None) -> None:
        assert self._send(SlaChanged(self.now, None if sla is None else self.now + seconds(sla))) == ()

    @rule()
    def unacknowledge(self) -> None:
        answered = self.state.acknowledged
        assert bool(self._send(Unacknowledged(self.now))) is answered
        assert not self.state.acknowledged

    @rule()
    def mitigate(self) -> None:
        assert self._send(Mitigated(self.now)) == ()
        if self.state.mitigated:
            assert self.policy.mitigated_satisfies_resolution
            assert self.state.resolve_due_at is None

    @rule()
    def unmitigate(self) -> None:
        assert self._send(Unmitigated(self.now)) == ()

    @rule(because=ENDINGS)
    def resolve(self, because: Because) -> None:
        self._send(Resolved(self.now, because))
        assert self.state.phase is Phase.STOPPED
        assert self.state.next_due_at is None
        assert self._send(Resolved(self.now, because)) == ()

    @rule()
    def reopen(self) -> None:
        stopped = self.state.phase is Phase.STOPPED
        self._send(Reopened(self.now))
        if stopped:
            assert self.state.phase in {Phase.PAGING, Phase.WAITING}
            assert self.state.level == self.state.first_level

    @rule()
    def restart(self) -> None:
        self._send(Restarted(self.now))

    @rule()
    def escalate(self) -> None:
        wanted = next_level(self.policy, self.state)
        actions = self._send(EscalateNow(self.now))
        if wanted is None:
            assert actions == ()
        else:
            (page,) = pages_in(actions)
            assert (page.level, page.cycle) == wanted
            assert self._send(EscalateNow(self.now, *wanted)) == (), "a second press counted"

    @rule()
    def find_the_level_in_force_unreachable(self) -> None:
        """Invariant 5: such a level is left at once."""
        here = (self.state.level, self.state.cycle)
        rings = self.state.phase is Phase.PAGING
        if rings and self.policy.levels[self.state.level].if_unreachable is IfUnreachable.WAIT:
            assert self._send(LevelUnreachable(self.now, *here, Because.NOBODY_REACHABLE)) == ()
        actions = self._send(LevelUnreachable(self.now, *here))
        if rings:
            assert isinstance(actions[0], EndLevel)
            assert (actions[0].level, actions[0].cycle) == here
            assert self.state.phase in {Phase.PAGING, Phase.EXHAUSTED}
            assert self._send(LevelUnreachable(self.now, *here)) == ()
        else:
            assert actions == ()

    @rule(seen=levels_seen)
    def hear_late_of_a_level_that_has_been_left(self, seen: tuple[int, int]) -> None:
        if seen != (self.state.level, self.state.cycle):
            assert self._send(LevelUnreachable(self.now, *seen)) == ()

    @rule(length=durations(0))
    def snooze(self, length: int) -> None:
        self._send(Snoozed(self.now, until=self.now + seconds(length)))

    @rule()
    def end_snooze(self) -> None:
        self._send(SnoozeEnded(self.now))
        assert self.state.phase is not Phase.SNOOZED

    @invariant()
    def there_is_a_next_step_or_a_visible_end(self) -> None:
        """Invariant 1."""
        if self.state.phase in {Phase.PAGING, Phase.WAITING, Phase.SNOOZED}:
            assert self.state.next_due_at is not None
        if self.state.phase is Phase.STOPPED:
            assert self.state.next_due_at is None
        if self.state.phase is Phase.EXHAUSTED:
            assert self.state.next_due_at == self.state.repeat_due_at

    @invariant()
    def the_clocks_fit_the_phase(self) -> None:
        state = self.state
        assert (state.ack_due_at is not None) == (state.phase is Phase.PAGING)
        assert (state.enter_next_at is not None) == (state.phase is Phase.WAITING)
        assert (state.snoozed_until is not None) == (state.phase is Phase.SNOOZED)
        assert state.ack_expires_at is None or state.acknowledged
        assert state.resolve_due_at is None or state.resolve_left is None
        assert state.phase is not Phase.PAGING or state.entered
        assert state.repeat_due_at is None or state.phase in {Phase.PAGING, Phase.EXHAUSTED}
        assert not state.paged or not set(state.paged) <= set(state.answered) or state.phase is not Phase.PAGING

    @invariant()
    def each_level_of_each_cycle_is_entered_at_most_once_and_in_order(self) -> None:
        """Invariant 3, as far as it is decided here."""
        places = [(page.cycle, page.level) for page in self.paged]
        assert places == sorted(set(places))
        assert all(0 <= level <= len(self.policy.levels) for _cycle, level in places)

    @invariant()
    def nobody_is_told_again_twice_for_the_same_time(self) -> None:
        """Invariant 3 with repeats: (cycle, level, repeat) is the key."""
        places = [(told.cycle, told.level, told.repeat) for told in self.told_again]
        assert len(places) == len(set(places))
        assert all(repeat <= MAX_REPEATS for _cycle, _level, repeat in places)

    @invariant()
    def instants_never_go_back(self) -> None:
        instants = [page.at for page in self.paged]
        assert instants == sorted(instants)

    @invariant()
    def a_level_that_went_unanswered_had_its_time(self) -> None:
        entered = {(page.level, page.cycle): page.at for page in self.paged}
        for end in self.ended:
            timeout = self.policy.levels[end.level].ack_timeout
            if end.because is Because.ACK_TIMEOUT:
                had = end.at - entered[end.level, end.cycle]
                assert had > timedelta(0)
                if timeout and timeout.measured_from is MeasuredFrom.LEVEL:
                    least = min(timeout.seconds_for(severity) for severity in self.severities)
                    assert had >= seconds(shortened(least, self.state.timers_percent))

    @invariant()
    def it_is_declared_major_once_when_it_gets_as_far_as_a_level_that_says_so(self) -> None:
        top = max((page.level for page in self.paged if isinstance(page, EnterLevel)), default=-1)
        reached = any(level.major for level in self.policy.levels[: top + 1])
        assert len(self.declared) == reached == self.state.declared_major

    @invariant()
    def the_state_survives_storage(self) -> None:
        assert RunState.from_json(json.loads(json.dumps(self.state.to_json()))) == self.state

    def teardown(self) -> None:
        """Left alone, every run comes to rest, and the forecast said how."""
        if not hasattr(self, "state"):
            return
        foretold = forecast(self.policy, self.state, limit=1000, repeats=True, calendar=even_hours)
        happened: list[Action] = []
        most = (self.state.last_cycle - self.state.cycle + 2) * len(self.policy.levels) + 2
        while (due := self.state.next_due_at) is not None:
            happened += self._send(Tick(due))
            assert len(pages_in(happened)) <= most, "the run does not end"
        assert self.state.phase in {Phase.EXHAUSTED, Phase.ACKNOWLEDGED, Phase.STOPPED}
        told = [
            (action.level, action.at, action.repeat if isinstance(action, RepeatLevel) else 0)
            for action in happened
            if isinstance(action, EnterLevel | RepeatLevel)
        ]
        assert [(step.level, step.at, step.repeat) for step in foretold if step.level is not None] == told


TestRunMachine = pytest.mark.slow(RunMachine.TestCase)
TestRunMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


@steady
@given(policies(), st.lists(st.integers(0, 10_000), max_size=60))
def test_when_nobody_answers_then_the_run_is_exhausted_after_every_level_of_every_cycle(
    policy: PolicyDef, lateness: list[int]
) -> None:
    state, actions = (decision := start(policy, at=BEGAN)).state, list(decision.actions)
    late = iter(lateness)

    while (due := state.next_due_at) is not None:
        decision = decide(policy, state, Tick(due + seconds(next(late, 0))))
        state, actions = decision.state, [*actions, *decision.actions]

    entered = [(action.cycle, action.level) for action in actions if isinstance(action, EnterLevel)]
    assert entered == [(cycle, level) for cycle in range(policy.cycles) for level in range(len(policy.levels))]
    assert state.phase is Phase.EXHAUSTED
    assert sum(isinstance(action, PageCatchAll) for action in actions) == 1
    finals = [action.repeat for action in actions if isinstance(action, PageFinal)]
    assert finals == (list(range(policy.final.times + 1)) if policy.final else [])


@steady
@given(policies())
def test_when_nobody_is_reachable_anywhere_then_the_run_is_exhausted_in_one_instant(policy: PolicyDef) -> None:
    state = start(policy, at=BEGAN).state
    if state.phase is Phase.WAITING:
        state = decide(policy, state, EscalateNow(BEGAN)).state
    skipped = 0

    while state.phase is Phase.PAGING:
        state = decide(policy, state, LevelUnreachable(BEGAN, state.level, state.cycle)).state
        skipped += 1
        if state.phase is Phase.WAITING:
            break

    assert state.phase is Phase.EXHAUSTED
    assert skipped == policy.cycles * len(policy.levels)


@steady
@given(policies(), durations(1), durations(0))
def test_when_the_engine_ticks_more_often_than_needed_then_the_walk_is_the_same(
    policy: PolicyDef, step: int, offset: int
) -> None:
    """Needless ticks between the due ones change neither levels nor instants."""

    def walk(extra: bool) -> list[EnterLevel | PageCatchAll]:
        decision = start(policy, at=BEGAN)
        state, pages = decision.state, pages_in(decision.actions)
        while (due := state.next_due_at) is not None:
            if extra:
                state = decide(policy, state, Tick(due - seconds(step))).state
                state = decide(policy, state, Tick(BEGAN - seconds(offset))).state
            decision = decide(policy, state, Tick(due))
            state, pages = decision.state, [*pages, *pages_in(decision.actions)]
        return pages

    assert walk(extra=True) == walk(extra=False)


@steady
@given(policies(), st.integers(0, 4), st.integers(1, 100))
def test_when_a_forecast_is_made_then_it_is_in_order_and_ends_exhausted(
    policy: PolicyDef, level: int, percent: int
) -> None:
    steps = forecast(policy, start(policy, at=BEGAN, first_level=level, timers_percent=percent).state, limit=1000)

    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert steps[-1].level is None
    assert all(step.level is not None for step in steps[:-1])
