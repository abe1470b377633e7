"""SQLite lets one connection write at a time, and has no queue: who finds it busy looks again after a while.

Its own waiting looks again after up to a tenth of a second, by which time a busy writer is writing again: in a storm the
engine kept intake, acknowledgements and its own senders out for seconds, and they kept it out in turn (measured: an
accept took 2.4 s, at worst the 20 s after which it is refused). It also waits with the connection's mutex held, and a
thread that holds the database and happens to collect a cursor of that connection waits for the mutex: both stand still
until the time is up.

Here a transaction that has to wait looks every two milliseconds, between which it holds nothing, and of each process only
one thread looks at a time, so that waiting costs next to nothing. With a writer that pauses a little longer than that
between two transactions, nobody waits longer than one transaction lasts.
"""

import os
import sqlite3
import threading
import time

from django.db.backends.sqlite3 import base
from django.db.backends.utils import debug_transaction

from escalation_site.kernel.sqlite3.operations import DatabaseOperations

LOOK_EVERY_SECONDS = 0.002
_SECONDS = 20.0  # when OPTIONS name no timeout

_looking = threading.Lock()


def _after_fork() -> None:
    """A child begins with nobody waiting, whoever waited in its parent."""
    global _looking
    _looking = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    waited = 0.0
    """Seconds this connection has waited for others before its transactions began."""

    def _start_transaction_under_autocommit(self) -> None:
        options = self.settings_dict["OPTIONS"]
        statement = f"BEGIN {options.get('transaction_mode') or 'DEFERRED'}"
        timeout = float(options.get("timeout", _SECONDS))
        asked = time.monotonic()
        with self.wrap_database_errors, debug_transaction(self, statement), _looking:
            self.connection.execute("PRAGMA busy_timeout = 0")
            try:
                self._begin(statement, deadline=time.monotonic() + timeout)
            finally:
                self.waited += time.monotonic() - asked
                # Statements outside a transaction wait by SQLite's own way.
                self.connection.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")

    def _begin(self, statement: str, *, deadline: float) -> None:
        """Not through a cursor of Django: the many refusals would leave cursors to the garbage collector of any thread."""
        while True:
            try:
                self.connection.execute(statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
            else:
                return
            time.sleep(LOOK_EVERY_SECONDS)
