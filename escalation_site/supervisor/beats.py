"""Signs of life as rows: a process that runs but no longer works stops writing its row, and is then replaced.

A row is one process (name, host, pid). The engine writes its own each few seconds; the cluster's is written by a task
that went through the whole queue (`cluster_beat`), because a django-q2 cluster that lost an idle worker looks alive
and does nothing.
"""

import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psutil
from django.apps import apps
from django.db.models import Max, QuerySet

from escalation_site.kernel.instants import now
from escalation_site.supervisor.orphans import MARK_VARIABLE


def _model() -> Any:
    # By name: this package is below the application that holds the table.
    return apps.get_model("incidents", "ProcessBeat")


def own_pid() -> int:
    """The pid a supervisor knows this process by: that of its group's leader; its own when it runs unsupervised."""
    return os.getpgid(0) if os.environ.get(MARK_VARIABLE) else os.getpid()


@lru_cache(maxsize=4)
def _started_at(pid: int) -> datetime:
    return datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)


def beat(name: str, *, at: datetime, info: Mapping[str, Any] | None = None) -> None:
    """Write the sign of life of this process, with figures worth showing. One statement; safe to repeat, and from
    several hosts."""
    model = _model()
    pid = own_pid()
    row = model(
        name=name, host=socket.gethostname(), pid=pid, started_at=_started_at(pid), beat_at=at, info=dict(info or {})
    )
    model._default_manager.bulk_create(
        [row],
        update_conflicts=True,
        update_fields=["started_at", "beat_at", "info"],
        unique_fields=["name", "host", "pid"],
    )


def cluster_beat() -> None:
    """The task a django-q2 schedule runs each minute (settings.SCHEDULES)."""
    beat("cluster", at=now())


def newest_beat(name: str, *, pid: int | None = None) -> datetime | None:
    """The latest beat of any process called ``name``, or of the one with ``pid`` on this host; None when there never
    was one."""
    rows: QuerySet[Any] = _model()._default_manager.filter(name=name)
    if pid is not None:
        rows = rows.filter(host=socket.gethostname(), pid=pid)
    newest: datetime | None = rows.aggregate(newest=Max("beat_at"))["newest"]
    return newest


def beats_forget(*, before: datetime) -> int:
    """Delete the rows of processes that last beat before ``before``; returns how many."""
    deleted, _by_model = _model()._default_manager.filter(beat_at__lt=before).delete()
    return int(deleted)
