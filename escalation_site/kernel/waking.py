"""A bell between processes on PostgreSQL: whoever wrote something to do rings, and whoever sleeps on it wakes.

Rung after the commit, by a statement of its own, and once a second at most: NOTIFY takes one lock of the whole server until its transaction
has ended, so that in the transaction of each accepted signal it would let a storm at the door through one by one. A ring may be lost, as
behind a pooler that parts transactions: nothing may need one, it only saves a look.
"""

import select
import time
from contextlib import suppress
from typing import Any

from django.db import connection, transaction
from psycopg import Connection, Error
from psycopg.pq.abc import PGconn

RINGS_APART = 1.0
"""Seconds. Who has heard one must stay awake for longer."""
_RING = b"NOTIFY watchbell_work"
_LISTEN = b"LISTEN watchbell_work"
_rung_at = float("-inf")


def work_written() -> None:
    """Ring once what this transaction writes is committed; without a transaction it is already."""
    if connection.vendor == "postgresql":
        transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    global _rung_at
    if time.monotonic() - _rung_at < RINGS_APART:
        return
    _rung_at = time.monotonic()
    with suppress(Error):  # What was to be done is done; whoever asks something next is told what is wrong.
        connection.connection.pgconn.exec_(_RING)


class Bell:
    """What a sleeper waits on, over this thread's own connection."""

    def __init__(self) -> None:
        self._listening: Connection[Any] | None = None
        self._heard = False

    def wait(self, seconds: float) -> bool:
        """Sleep for so long, or until somebody rings. True too where it only now begins to listen: what was written before rang for
        nobody."""
        connection.ensure_connection()
        own: Connection[Any] = connection.connection
        with connection.wrap_database_errors:
            if own is not self._listening:
                own.add_notify_handler(self._hear)
                own.pgconn.exec_(_LISTEN)
                self._listening = own
                return True
            if self._rang(own.pgconn):
                return True
            ready = select.poll()  # Not select(), which takes no socket beyond the thousandth a process has open.
            ready.register(own.pgconn.socket, select.POLLIN)
            ready.poll(seconds * 1000)
            own.pgconn.consume_input()
            return self._rang(own.pgconn)

    def _rang(self, pgconn: PGconn) -> bool:
        """Whether one came, with this look or the answer to some question before."""
        while pgconn.notifies() is not None:
            self._heard = True
        heard, self._heard = self._heard, False
        return heard

    def _hear(self, _notify: object) -> None:
        self._heard = True
