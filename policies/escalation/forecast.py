"""What a run will do if nobody does anything: the same `decide`, fed with the run's own due instants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from policies.definition import PolicyDef
from policies.escalation.machine import decide
from policies.escalation.values import Because, EnterLevel, Exhaust, RunState, Tick


@dataclass(frozen=True, slots=True)
class ForecastStep:
    """At `at`, `level` of `cycle` (both from 0) will be entered; a `level` of None is the exhausted end."""

    level: int | None
    cycle: int
    at: datetime
    because: Because


def forecast(
    policy: PolicyDef, state: RunState, *, not_before: datetime | None = None, limit: int = 200
) -> tuple[ForecastStep, ...]:
    """The steps to come while nobody acts, in order, at most `limit` of them; empty when nothing will happen.

    `not_before` is the present: what is overdue is then shown as happening at that instant, as the engine would do it.
    It does not know who is on call: a level that turns out empty is skipped and brings the later ones forward.
    """
    steps: list[ForecastStep] = []
    for step in _steps(policy, state, not_before):
        if len(steps) == limit:
            break
        steps.append(step)
    return tuple(steps)


def _steps(policy: PolicyDef, state: RunState, not_before: datetime | None) -> Iterator[ForecastStep]:
    while (due := state.next_due_at) is not None:
        decision = decide(policy, state, Tick(due if not_before is None else max(due, not_before)))
        state = decision.state
        for action in decision.actions:
            if isinstance(action, EnterLevel):
                yield ForecastStep(action.level, action.cycle, action.at, action.because)
            elif isinstance(action, Exhaust):
                yield ForecastStep(None, action.cycle, action.at, action.because)
