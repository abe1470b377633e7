"""What django-q2 runs every minute about duty. Each step only calls a service, and may come late, twice or not at all without harm."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from django.core.cache import cache

from escalation_site.kernel.instants import now
from oncall.calendars.sources import sources_check
from oncall.handoff_check import handoffs_check
from oncall.handoff_reminders import handoffs_remind
from oncall.holidays_sync import holidays_sync
from oncall.swaps import swaps_check

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)


def duties_check() -> dict[str, int | None]:
    """Handoffs and their reminders, swaps, public holidays once a day, calendars to read. One step that fails stops no other."""
    at = now()
    steps: Mapping[str, Callable[[], int | None]] = {
        "handoffs": lambda: handoffs_check(at=at),
        "reminders": lambda: handoffs_remind(at=at),
        "swaps": lambda: swaps_check(at=at),
        "calendars": lambda: sources_check(at=at),
        "holidays": lambda: _once_a_day("holidays", lambda: holidays_sync(at=at), at=at),
    }
    done: dict[str, int | None] = {}
    for name, step in steps.items():
        try:
            done[name] = step()
        except Exception:
            log.exception("duties.failed", step=name)
    return done


def _once_a_day(name: str, step: Callable[[], int | None], *, at: datetime) -> int | None:
    """Run ``step`` on the first call of each day (UTC); one that raises is tried again at the next call."""
    key = f"duties.{name}.{at.date().isoformat()}"
    if cache.get(key):
        return 0
    result = step()
    # Doing it twice does no harm, so that a cache that forgets is no danger.
    cache.set(key, True, DAY.total_seconds())
    return result
