"""The escalation core: `(policy version, run state, event) -> (new run state, actions)`.

One pure function runs live incidents, drills, the simulator and back-tests. `machine` says what it promises, `values`
what its values mean.
"""

from policies.escalation.forecast import ForecastStep, forecast
from policies.escalation.machine import decide, next_level, start
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

__all__ = [
    "Acknowledged",
    "Action",
    "Because",
    "CancelPages",
    "Decision",
    "EndLevel",
    "EnterLevel",
    "EscalateNow",
    "Event",
    "Exhaust",
    "ForecastStep",
    "LevelUnreachable",
    "Mitigated",
    "PageCatchAll",
    "Phase",
    "Reopened",
    "Resolved",
    "Restarted",
    "RunState",
    "SnoozeEnded",
    "Snoozed",
    "StartCycle",
    "Tick",
    "Unacknowledged",
    "Unmitigated",
    "decide",
    "forecast",
    "next_level",
    "start",
]
