"""What a screen on the wall shows: open incidents, who has them, what comes next, and who is on call.

Anybody who walks past reads it, so that restricted incidents are never on it, whoever signed the screen in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from incidents.models import Incident
from incidents.querysets import IncidentQuerySet
from incidents.selectors.listing import Row, rows_of
from oncall.models import Schedule
from oncall.selectors import Holder, on_call_now
from policies.severity import Severity

MOST = 10
MOST_SCHEDULES = 12


@dataclass(frozen=True, slots=True)
class Wall:
    """``more`` are open and not shown; ``resolved`` is how many were resolved in the last 24 hours, ``last`` the last of them."""

    severities: Sequence[tuple[int, int]]
    rows: Sequence[Row]
    more: int
    unanswered: int
    on_call: Sequence[tuple[Schedule, Sequence[Holder]]]
    resolved: int
    last: Incident | None

    @property
    def total(self) -> int:
        return len(self.rows) + self.more


def wall_of(visible: IncidentQuerySet, open_visible: IncidentQuerySet, *, at: datetime) -> Wall:
    """Eleven queries. ``open_visible`` is what of ``visible`` is open. Tests are left out: a drill is nothing to look up for."""
    shown = visible.filter(restricted=False).counted()
    open_now = open_visible.filter(restricted=False).counted()
    counted = list(open_now.order_by().values_list("severity", "state").annotate(number=Count("pk")))
    total = sum(number for _severity, _state, number in counted)
    found = open_now.select_related("service", "team", "owner", "stage")
    rows = rows_of(list(found.order_by("severity", "-state", "started_at", "pk")[:MOST]), at=at)
    # Told by the instant alone, which only they have: by the state SQLite read everything that was ever resolved.
    resolved = shown.filter(resolved_at__gt=at - timedelta(days=1))
    newest = resolved.order_by("-resolved_at").select_related("resolved_by")
    return Wall(
        [(one.value, sum(number for severity, _state, number in counted if severity == one)) for one in Severity],
        rows,
        total - len(rows),
        sum(number for _severity, state, number in counted if state == Incident.State.TRIGGERED),
        [(schedule, holders) for schedule, holders in on_call_now(at) if holders][:MOST_SCHEDULES],
        resolved.count(),
        newest.first(),
    )
