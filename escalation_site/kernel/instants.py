"""The clock, read at the edges only.

Services and pure modules are handed ``at``; views, commands and the engine's loop read it here once per request or tick.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def seconds_between(start: datetime, end: datetime) -> float:
    """Elapsed seconds from ``start`` to ``end``; both aware."""
    return (end - start) / timedelta(seconds=1)
