"""The engine's own look at the house each minute, in a thread: a mail server that hangs must delay no page.

The cluster looks too (``incidents.tasks.house_check``). Where one of the two is what stands still, the other tells.
"""

import threading
from datetime import timedelta

import structlog
from django.db import connections

from escalation_site.kernel.instants import Clock
from incidents.services.alarms import house_check

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(minutes=1)
BEGUN_AFTER = timedelta(minutes=2)
"""A cluster beats half a minute after its start (measured), and later on a machine that has much to do."""


class HouseLook:
    """``when_due`` begins a look unless one is under way. The first comes when all have begun to beat."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._next = clock() + BEGUN_AFTER
        self._thread: threading.Thread | None = None

    def when_due(self) -> None:
        at = self._clock()
        if at < self._next or (self._thread is not None and self._thread.is_alive()):
            return
        self._next = at + LOOK_EVERY
        # A daemon, so that a hung mail server cannot keep a stopped engine alive.
        self._thread = threading.Thread(target=self._look, name="house", daemon=True)
        self._thread.start()

    def _look(self) -> None:
        try:
            house_check(at=self._clock(), by="engine")
        except Exception:
            log.exception("engine.house_check_failed")
        finally:
            connections.close_all()
