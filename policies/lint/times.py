"""When the levels of a definition are reached while nobody answers: walked by the escalation core itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from policies.definition import PolicyDef
from policies.escalation import EnterLevel, forecast, start

_ANY_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Walk:
    """Seconds from the start: when each level is first entered (levels never entered are missing), and the end."""

    entered: dict[int, int]
    ends: int

    def lasts(self, level: int) -> int:
        """Seconds from this level to whatever comes next."""
        begun = self.entered.get(level, self.ends)
        later = [seconds for seconds in self.entered.values() if seconds > begun]
        return min(later, default=self.ends) - begun


def walked(definition: PolicyDef, *, severity: int | None = None) -> Walk:
    begun = start(definition, at=_ANY_INSTANT, severity=severity)
    entered = {action.level: 0 for action in begun.actions if isinstance(action, EnterLevel)}
    ends = 0
    # Every level of every cycle, and the end.
    for step in forecast(definition, begun.state, limit=len(definition.levels) * definition.cycles + 1):
        seconds = round((step.at - _ANY_INSTANT).total_seconds())
        ends = max(ends, seconds)
        if step.level is not None:
            entered.setdefault(step.level, seconds)
    return Walk(entered, ends)
