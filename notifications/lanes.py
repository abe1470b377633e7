"""The threads of one channel."""

import logging
import queue
import threading
from collections.abc import Callable

from django.db import close_old_connections, connections

from notifications.hands import Hand

logger = logging.getLogger(__name__)

LINGER = 10.0  # Seconds an idle thread waits for more before it ends.


class Lane:
    """At most ``size`` calls at once; a thread that ends a hand takes the next due itself."""

    def __init__(self, size: int, work: Callable[[Hand], int], take: Callable[[], Hand | None]) -> None:
        self.size = size
        self._work, self._take = work, take
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Hand] = queue.SimpleQueue()
        self._threads = 0
        self._busy = 0

    @property
    def free(self) -> int:
        return self.size - self._busy

    def submit(self, hand: Hand) -> None:
        """Begin at once: call it only while ``free`` is above zero."""
        with self._lock:
            self._busy += 1
            self._jobs.put(hand)
            if self._threads >= self._busy:
                return
            self._threads += 1
        # A daemon, so that a hung provider cannot keep a stopped engine alive.
        threading.Thread(target=self._run, name="sender", daemon=True).start()

    def _run(self) -> None:
        try:
            while (hand := self._next_job()) is not None:
                self._serve(hand)
        finally:
            connections.close_all()

    def _next_job(self) -> Hand | None:
        while True:
            try:
                return self._jobs.get(timeout=LINGER)
            except queue.Empty:
                with self._lock:
                    if self._jobs.empty():
                        self._threads -= 1
                        return None

    def _serve(self, first: Hand) -> None:
        hand: Hand | None = first
        try:
            close_old_connections()
            while hand is not None:
                self._work(hand)
                hand = self._take()
        except Exception:
            # The lease brings the deliveries back; the thread lives on.
            logger.exception("a delivery could not be settled")
            connections.close_all()
        finally:
            with self._lock:
                self._busy -= 1
