"""What the cluster does each minute besides the escalation check, as one task: a task through the queue costs an idle machine as much as
most of these cost themselves."""

import time

import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from django_q.tasks import async_task

log = structlog.get_logger(__name__)

TOGETHER_SECONDS = 30.0
"""After so long each of the rest gets a task of its own: the cluster ends one after two minutes."""


class PartsFailed(Exception):
    """Names the parts; the task that raises it is kept and shown as failed."""


def each_minute() -> list[str]:
    """Do all of settings.EACH_MINUTE in their order; the names of those that were left to tasks of their own. One that fails stops no
    other. Raises PartsFailed at the end."""
    began = time.monotonic()
    left, failed = [], []
    for name in settings.EACH_MINUTE:
        if time.monotonic() - began > TOGETHER_SECONDS:
            async_task(name)
            left.append(name)
            continue
        try:
            import_string(name)()
        except Exception as error:
            log.exception("minute.failed", part=name)
            failed.append(f"{name}: {type(error).__name__}: {error}")
    if failed:
        raise PartsFailed("; ".join(failed))
    return left
