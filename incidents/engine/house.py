"""The engine's own look at the house each minute, in a thread: a mail server that hangs must delay no page.

The cluster looks too (``incidents.tasks.house_check``). Where one of the two is what stands still, the other tells.
"""

import threading
from datetime import timedelta

import structlog
from django.db import close_old_connections, connections

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
        self._wanted = threading.Event()
        self._under_way = False

    def when_due(self) -> None:
        at = self._clock()
        due = at >= self._next or self._next - at > BEGUN_AFTER  # the clock was set back
        if not due or self._under_way:
            return
        self._next = at + LOOK_EVERY
        self._under_way = True
        if self._thread is None:
            # A daemon, so that a hung mail server cannot keep a stopped engine alive. It lives on and keeps its connection: a new
            # one each minute costs PostgreSQL a process.
            self._thread = threading.Thread(target=self._looks, name="house", daemon=True)
            self._thread.start()
        self._wanted.set()

    def _looks(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            try:
                close_old_connections()
                house_check(at=self._clock(), by="engine")
            except Exception:
                log.exception("engine.house_check_failed")
                connections.close_all()
            finally:
                self._under_way = False
