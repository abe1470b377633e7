"""A run in tests: walked by minutes, with everything it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from policies.definition import PolicyDef
from policies.escalation import (
    BusinessTime,
    Decision,
    EnterLevel,
    Event,
    InformLevel,
    PageFinal,
    RepeatLevel,
    RunState,
    Tick,
    around_the_clock,
    decide,
    start,
)

BEGAN = datetime(2026, 11, 22, 2, 9, 14, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


class Run:
    """A run and everything it has done, told in minutes after the beginning."""

    def __init__(
        self,
        policy: PolicyDef,
        *,
        first_level: int | None = None,
        severity: int | None = None,
        sla: float | None = None,
        percent: int = 100,
        calendar: BusinessTime = around_the_clock,
    ) -> None:
        self.policy = policy
        self.calendar = calendar
        self.done: list[object] = []
        sla_due_at = None if sla is None else at(sla)
        begun = start(
            policy,
            at=BEGAN,
            severity=severity,
            sla_due_at=sla_due_at,
            first_level=first_level,
            timers_percent=percent,
            calendar=calendar,
        )
        self._take(begun)

    def _take(self, decision: Decision) -> tuple[object, ...]:
        self.state: RunState = decision.state
        self.done.extend(decision.actions)
        return decision.actions

    def on(self, event: Event) -> tuple[object, ...]:
        return self._take(decide(self.policy, self.state, event, calendar=self.calendar))

    def let_pass(self, until: float) -> None:
        """Tick exactly when something is due, up to and with minute `until`."""
        while (due := self.state.next_due_at) is not None and due <= at(until):
            self.on(Tick(due))

    @property
    def entered(self) -> list[tuple[float, int, int]]:
        """(minute, level, cycle) of every level entered."""
        return [
            ((action.at - BEGAN) / timedelta(minutes=1), action.level, action.cycle)
            for action in self.done
            if isinstance(action, EnterLevel)
        ]

    @property
    def told_again(self) -> list[tuple[float, int, int]]:
        """(minute, level, repeat) of every time a level or the final decision-maker was told again."""
        return [
            ((action.at - BEGAN) / timedelta(minutes=1), action.level, action.repeat)
            for action in self.done
            if isinstance(action, RepeatLevel | PageFinal) and action.repeat
        ]

    @property
    def informed(self) -> list[int]:
        return [action.level for action in self.done if isinstance(action, InformLevel)]
