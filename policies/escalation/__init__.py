"""The escalation core: `(policy version, run state, event) -> (new run state, actions)`.

One pure function runs live incidents, drills, the simulator and back-tests. `machine` says what it promises, `state`,
`events` and `actions` what its values mean.
"""

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
    StandDown,
    StartCycle,
)
from policies.escalation.clocks import BusinessTime, around_the_clock
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
from policies.escalation.forecast import ForecastStep, forecast
from policies.escalation.machine import decide, next_level, start
from policies.escalation.setback import set_back
from policies.escalation.state import STATE_FORMAT, WHOLE, Because, Phase, RunState

__all__ = [
    "STATE_FORMAT",
    "WHOLE",
    "Acknowledged",
    "Action",
    "Because",
    "BusinessTime",
    "CancelPages",
    "Decision",
    "DeclareMajor",
    "EndLevel",
    "EnterLevel",
    "EscalateNow",
    "Event",
    "Exhaust",
    "ForecastStep",
    "InformLevel",
    "LevelPaged",
    "LevelUnreachable",
    "Mitigated",
    "PageCatchAll",
    "PageFinal",
    "Phase",
    "Reopened",
    "RepeatLevel",
    "Resolved",
    "Restarted",
    "RunState",
    "SeverityChanged",
    "SlaChanged",
    "SnoozeEnded",
    "Snoozed",
    "StandDown",
    "StartCycle",
    "Tick",
    "Unacknowledged",
    "Unmitigated",
    "around_the_clock",
    "decide",
    "forecast",
    "next_level",
    "set_back",
    "start",
]
