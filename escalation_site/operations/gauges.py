"""The same figures for Prometheus: depth and age of each queue, read when /metrics is asked."""

from collections.abc import Sequence

from django.db import DatabaseError

from escalation_site.kernel.instants import now
from escalation_site.metrics import gauge_register
from escalation_site.operations.selectors import queues
from escalation_site.operations.values import Queue


def _queues() -> Sequence[Queue]:
    """None while the database is away: what this process counts by itself is wanted then most of all."""
    try:
        return queues(at=now())
    except DatabaseError:
        return ()


def gauges_register() -> None:
    """Called once, when the applications are loaded."""
    gauge_register(
        "watchbell_queue_depth",
        "Rows that are due and not done.",
        lambda: [((one.code,), float(one.depth)) for one in _queues()],
        labels=("queue",),
    )
    gauge_register(
        "watchbell_queue_oldest_due_seconds",
        "Seconds for which the oldest of them has been due; 0 where none is.",
        lambda: [((one.code,), one.age.total_seconds()) for one in _queues()],
        labels=("queue",),
    )
