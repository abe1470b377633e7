"""What a run will do if nobody does anything: the same `decide`, fed with the run's own due instants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from policies.definition import PolicyDef
from policies.escalation.actions import EnterLevel, Exhaust, PageFinal, RepeatLevel
from policies.escalation.clocks import BusinessTime, around_the_clock
from policies.escalation.events import Tick
from policies.escalation.machine import decide
from policies.escalation.state import Because, RunState


@dataclass(frozen=True, slots=True)
class ForecastStep:
    """At `at`, `level` of `cycle` (both from 0) will be entered; a `level` of None is the exhausted end.

    With a `repeat` above 0 it is not entered but told again for that time; past the end that is the final
    decision-maker.
    """

    level: int | None
    cycle: int
    at: datetime
    because: Because
    repeat: int = 0


def forecast(
    policy: PolicyDef,
    state: RunState,
    *,
    not_before: datetime | None = None,
    limit: int = 200,
    repeats: bool = False,
    calendar: BusinessTime = around_the_clock,
) -> tuple[ForecastStep, ...]:
    """The steps to come while nobody acts, in order, at most `limit` of them; empty when nothing will happen.

    `not_before` is the present: what is overdue is then shown as happening at that instant, as the engine would do it.
    With `repeats`, the times a level or the final decision-maker is told again are steps too. It does not know who is
    on call: a level that turns out empty is skipped and brings the later ones forward.
    """
    steps: list[ForecastStep] = []
    # Most ask for one: to look whether there is another before stopping would decide twice as much.
    for step in _steps(policy, state, not_before, calendar) if limit > 0 else ():
        if repeats or not step.repeat:
            steps.append(step)
            if len(steps) == limit:
                break
    return tuple(steps)


def _steps(
    policy: PolicyDef, state: RunState, not_before: datetime | None, calendar: BusinessTime
) -> Iterator[ForecastStep]:
    while (due := state.next_due_at) is not None:
        at = due if not_before is None else max(due, not_before)
        decision = decide(policy, state, Tick(at), calendar=calendar)
        state = decision.state
        for action in decision.actions:
            match action:
                case EnterLevel() | RepeatLevel():
                    told_again = action.repeat if isinstance(action, RepeatLevel) else 0
                    yield ForecastStep(action.level, action.cycle, action.at, action.because, told_again)
                case Exhaust():
                    yield ForecastStep(None, action.cycle, action.at, action.because)
                case PageFinal(repeat=told_again) if told_again:
                    yield ForecastStep(None, action.cycle, action.at, action.because, told_again)
