"""How much the engine takes at a time, so that others may write too."""

import time
from collections.abc import Callable

from django.db import connection

HOLD_SECONDS = 0.1
FIRST_LIMIT = 25
FEWEST = 10


class Pace:
    """The size of one kind of batch.

    On SQLite, where everybody else waits while a batch is written, it is what a tenth of a second allows. Elsewhere
    writers do not wait for each other, and a batch is ``most`` rows.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._alone = connection.vendor == "sqlite"
        self.limit = min(most, FIRST_LIMIT) if self._alone else most

    def run(self, job: Callable[[int], int]) -> int:
        """Do ``job(limit)``, which returns how many rows it did; that many is returned."""
        began = self._clock()
        done = job(self.limit)
        took = self._clock() - began
        if self._alone and done >= FEWEST and took > 0:
            self.limit = max(FEWEST, min(self._most, int(done / took * HOLD_SECONDS)))
        return done
