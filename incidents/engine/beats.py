"""Signs of life, as rows that the supervisor, the watchdog and the administrators read."""

import os
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from incidents.models import ProcessBeat

FORGET_AFTER = timedelta(hours=24)


def beat(name: str, *, at: datetime, started_at: datetime, info: Mapping[str, Any]) -> None:
    """Say that this process lives. ``info`` holds figures to show ("turns", "inbox")."""
    ProcessBeat.objects.update_or_create(
        name=name,
        host=socket.gethostname()[:100],
        pid=os.getpid(),
        defaults={"beat_at": at, "started_at": started_at, "info": dict(info)},
    )


def beat_end(name: str) -> None:
    """A clean stop leaves no beat behind, so that nobody takes it for a death."""
    ProcessBeat.objects.filter(name=name, host=socket.gethostname()[:100], pid=os.getpid()).delete()


def beats_forget(*, at: datetime) -> int:
    """Drop the beats of processes long gone; returns how many."""
    deleted, _by_model = ProcessBeat.objects.filter(beat_at__lt=at - FORGET_AFTER).delete()
    return deleted
