"""Signs of life as rows: a process that runs but no longer works stops writing its row, and is then replaced.

A row is one process (name, host, pid). The engine writes its own each few seconds; the cluster's is written by a task that went
through the whole queue (`cluster_beat`), because a django-q2 cluster that lost an idle worker looks alive and does nothing.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.apps import apps
from django.db.models import Max, Model
from django.db.models.manager import Manager

from escalation_site.kernel.instants import now

CLUSTER_BEAT_EXTRA = timedelta(seconds=180)


@dataclass(frozen=True, slots=True)
class Expectation:
    """How long a process called ``name`` may stay silent, counted from its start or its last beat, whichever is later."""

    name: str
    silence: timedelta


def _beats() -> Manager[Model]:
    # By name: this package is the lowest layer and must not import the application that holds the table.
    manager: Manager[Model] = apps.get_model("incidents", "ProcessBeat")._default_manager
    return manager


def beat(name: str, *, at: datetime) -> None:
    """Write the sign of life of this process. One statement; safe to repeat and to run from several hosts."""
    model = apps.get_model("incidents", "ProcessBeat")
    row = model(name=name, host=socket.gethostname(), pid=os.getpid(), beat_at=at)
    model._default_manager.bulk_create(
        [row], update_conflicts=True, update_fields=["beat_at"], unique_fields=["name", "host", "pid"]
    )


def cluster_beat() -> None:
    """The task a django-q2 schedule runs each minute."""
    beat("cluster", at=now())


def newest_beat(name: str, *, host: str | None = None) -> datetime | None:
    """The latest beat of any process called ``name`` (on ``host``); None when there never was one."""
    rows = _beats().filter(name=name)
    if host is not None:
        rows = rows.filter(host=host)
    newest: datetime | None = rows.aggregate(newest=Max("beat_at"))["newest"]
    return newest


def beats_forget(*, before: datetime) -> int:
    """Delete the rows of processes that ended long ago; returns how many."""
    deleted, _by_model = _beats().filter(beat_at__lt=before).delete()
    return deleted


def silent(expectations: Mapping[str, Expectation], started: Mapping[str, datetime], *, at: datetime) -> list[str]:
    """Which of the ``started`` processes (name → start) on this host have been silent for too long."""
    host = socket.gethostname()
    overdue = []
    for name, start in started.items():
        expected = expectations.get(name)
        if expected is None or at - start <= expected.silence:
            continue
        last = newest_beat(name, host=host)
        if last is None or at - max(last, start) > expected.silence:
            overdue.append(name)
    return overdue
