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


def instant_stored(value: datetime | str | None) -> datetime | None:
    """What a statement of our own text gives for an instant: SQLite keeps instants as text, in UTC."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value
