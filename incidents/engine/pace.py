"""How much the engine takes at a time, so that others may write too."""

import time
from collections.abc import Callable

from django.db import DEFAULT_DB_ALIAS, connection, connections

HOLD_SECONDS = 0.1
FIRST_LIMIT = 25
FEWEST = 20
BREATH_SECONDS = (
    0.005  # Between two batches on SQLite: one who waits for the database gets it (escalation_site.kernel.sqlite3).
)
SLOWER = 4
"""So many times as long as on a quiet machine a batch may take where others keep the processors busy. Small batches cost the most
there: with ten runs each, a step took five times the processor time."""


def seconds_waited() -> float:
    """How long this thread's connection has waited for others to end writing, in all."""
    waited: float = getattr(connections[DEFAULT_DB_ALIAS], "waited", 0.0)
    return waited


class Pace:
    """The size of one kind of batch.

    On SQLite, where everybody else waits while a batch is written, it is what a tenth of a second allows; the time the batch itself
    waited for others does not count (it did once, and the more others wrote, the smaller and dearer each batch became). Elsewhere
    writers do not wait for each other, and a batch is ``most`` rows. ``clock``, ``worked`` (this thread's own processor time) and
    ``waited`` give seconds.
    """

    def __init__(
        self,
        most: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.thread_time,
        waited: Callable[[], float] = seconds_waited,
    ) -> None:
        self._most, self._clock, self._worked, self._waited = most, clock, worked, waited
        self._alone = connection.vendor == "sqlite"
        self.limit = min(most, FIRST_LIMIT) if self._alone else most

    def run(self, job: Callable[[int], int]) -> int:
        """Do ``job(limit)``, which returns how many rows it did; that many is returned."""
        began, worked, waited = self._clock(), self._worked(), self._waited()
        done = job(self.limit)
        held = self._clock() - began - (self._waited() - waited)
        took = max(self._worked() - worked, held / SLOWER)
        if self._alone and done >= FEWEST and took > 0:
            self.limit = max(FEWEST, min(self._most, int(done / took * HOLD_SECONDS)))
        return done
