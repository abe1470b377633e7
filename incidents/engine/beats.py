"""Signs of life, as rows that the supervisor, the watchdog and the administrators read."""

import os
import socket
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from incidents.models import ProcessBeat

FORGET_AFTER = timedelta(hours=24)


def beat(name: str, *, at: datetime, started_at: datetime, info: Mapping[str, Any]) -> None:
    """Say that this process lives. ``info`` holds figures to show ("turns", "inbox"); how far this host's clock, read at ``at``, is
    off the database's is added. One query more on PostgreSQL."""
    own: dict[str, Any] = {"name": name, "host": socket.gethostname()[:100], "pid": os.getpid()}
    says: dict[str, Any] = {
        "beat_at": at,
        "started_at": started_at,
        "info": {**info, "clock_skew_seconds": round(_skew_seconds(), 3)},
    }
    with transaction.atomic():
        # Nobody else writes the row, and it is there already but for the first time: it need not be locked and read before.
        if not ProcessBeat.objects.filter(**own).update(**says):
            ProcessBeat.objects.update_or_create(**own, defaults=says)


def _skew_seconds() -> float:
    """How far this host's clock is ahead of the database's. On SQLite they are one."""
    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        there = float(cursor.fetchone()[0])
    return time.time() - there


def beat_end(name: str) -> None:
    """A clean stop leaves no beat behind, so that nobody takes it for a death."""
    ProcessBeat.objects.filter(name=name, host=socket.gethostname()[:100], pid=os.getpid()).delete()


def beats_forget(*, at: datetime) -> int:
    """Drop the beats of processes long gone; returns how many."""
    deleted, _by_model = ProcessBeat.objects.filter(beat_at__lt=at - FORGET_AFTER).delete()
    return deleted
