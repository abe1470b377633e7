"""Signs of life, as rows that the supervisor, the watchdog and the administrators read."""

import json
import os
import socket
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from incidents.models import ProcessBeat

FORGET_AFTER = timedelta(hours=24)
_TABLE = ProcessBeat._meta.db_table
# One statement, which writes how far this host's clock is ahead of the server's too.
_SKEW = "round((%s - extract(epoch FROM clock_timestamp()))::numeric, 3)"
_WRITE = (
    f"UPDATE {_TABLE} SET beat_at = %s, started_at = %s, info = {{info}} WHERE name = %s AND host = %s AND pid = %s"  # noqa: S608  our own words
)
_HERE = socket.gethostname()[:100]


def beat(name: str, *, at: datetime, started_at: datetime, info: Mapping[str, Any]) -> None:
    """Say that this process lives. ``info`` holds figures to show ("turns", "inbox"); how far this host's clock, read at ``at``, is
    off the database's is added. One statement but for the first time."""
    if not _written(name, at=at, started_at=started_at, info=info):
        ProcessBeat.objects.get_or_create(
            name=name, host=_HERE, pid=os.getpid(), defaults={"beat_at": at, "started_at": started_at}
        )
        _written(name, at=at, started_at=started_at, info=info)


def _written(name: str, *, at: datetime, started_at: datetime, info: Mapping[str, Any]) -> bool:
    """Nobody else writes the row: it need not be locked and read before."""
    facts: list[Any]
    if connection.vendor == "postgresql":
        column = f"%s::jsonb || jsonb_build_object('clock_skew_seconds', {_SKEW})"
        facts = [json.dumps(dict(info)), time.time()]
    else:
        # The database's clock is this host's.
        column, facts = "%s", [json.dumps({**info, "clock_skew_seconds": 0.0})]
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(_WRITE.format(info=column), [adapt(at), adapt(started_at), *facts, name, _HERE, os.getpid()])
        return bool(cursor.rowcount)


def beat_end(name: str) -> None:
    """A clean stop leaves no beat behind, so that nobody takes it for a death."""
    ProcessBeat.objects.filter(name=name, host=_HERE, pid=os.getpid()).delete()


def beats_forget(*, at: datetime) -> int:
    """Drop the beats of processes long gone; returns how many."""
    deleted, _by_model = ProcessBeat.objects.filter(beat_at__lt=at - FORGET_AFTER).delete()
    return deleted
