"""What policies ask of the apps above, which they must not import: those plug in here when they start.

A harmless answer holds until then, so that policies stand alone.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

LastPaged = Callable[[Collection[int]], Mapping[int, datetime]]


def _never(user_ids: Collection[int]) -> Mapping[int, datetime]:
    return {}


_last_paged: LastPaged = _never


def plug(*, last_paged: LastPaged) -> None:
    """Called once, by the app above, while Django starts."""
    global _last_paged  # One assembly per process, made before any request.
    _last_paged = last_paged


def last_paged(user_ids: Collection[int]) -> Mapping[int, datetime]:
    """When each of these people was paged last, by user id; whoever never was is missing."""
    return _last_paged(user_ids) if user_ids else {}
