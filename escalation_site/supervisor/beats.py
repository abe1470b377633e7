"""Signs of life as rows (name, host, pid): a process that runs but no longer works stops writing its row, and is then
replaced.

The engine writes its own each few seconds; the cluster's is written by a task that went through the whole queue,
because a django-q2 cluster that lost an idle worker looks alive and does nothing. Whoever writes, this only reads.
"""

import os
import socket
from datetime import datetime

from django.apps import apps


def newest_beat(name: str, *, group: int | None = None) -> datetime | None:
    """The latest beat of any process called ``name``, or of one in the process group ``group`` on this host.

    None when there never was one. A group is asked for and not a pid, because a cluster's beat comes from one of its
    workers.
    """
    # By name: this package is below the application that holds the table.
    rows = apps.get_model("incidents", "ProcessBeat")._default_manager.filter(name=name)
    if group is not None:
        rows = rows.filter(host=socket.gethostname()[:100])
    beats = rows.values_list("pid", "beat_at")
    return max((beat_at for pid, beat_at in beats if group is None or _group_of(pid) == group), default=None)


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return None
