"""What the cluster does each minute besides the escalation check, as one task: a task through the queue costs an idle machine as much as
most of these cost themselves."""

import time
from collections.abc import Sequence

import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from django_q.exceptions import TimeoutException
from django_q.tasks import async_task

log = structlog.get_logger(__name__)

TOGETHER_SECONDS = 30.0
"""After so long each of the rest gets a task of its own: the cluster ends one after two minutes."""


class PartsFailed(Exception):
    """Names the parts; the task that raises it is kept and shown as failed."""


def each_minute() -> list[str]:
    """Do all of settings.EACH_MINUTE in their order; the names of those that were left to tasks of their own. One that fails stops no
    other, nor does one over which the cluster ends the task. Raises PartsFailed at the end."""
    began = time.monotonic()
    parts: Sequence[str] = settings.EACH_MINUTE
    failed: list[str] = []
    for number, name in enumerate(parts):
        if time.monotonic() - began > TOGETHER_SECONDS:
            return _end(parts[number:], failed)
        try:
            import_string(name)()
        except TimeoutException:
            # What comes after it would else be left out each minute for as long as this one takes too long.
            log.exception("minute.out_of_time", part=name)
            _apart(parts[number + 1 :])
            raise
        except Exception as error:
            log.exception("minute.failed", part=name)
            failed.append(f"{name}: {type(error).__name__}: {error}")
    return _end((), failed)


def _end(left: Sequence[str], failed: Sequence[str]) -> list[str]:
    _apart(left)
    if failed:
        raise PartsFailed("; ".join(failed))
    return list(left)


def _apart(parts: Sequence[str]) -> None:
    for name in parts:
        async_task(name)
