"""Whether a database may have changed, at a price far below that of any question to its tables."""

import time

from django.db import connection
from psycopg import Error, pq

# Text as the protocol sends it: Django's cursors, and psycopg's, cost more than the question.
_SNAPSHOT = b"SELECT pg_current_snapshot()::text"


class Changed:
    """Called, it says whether anything may have been written since the call before.

    SQLite's ``data_version`` moves when another connection commits; what this connection wrote itself it knows. PostgreSQL's snapshot names
    which transactions are over and which are not, so that it differs once one that wrote has ended, in whatever database of the server.
    After ``longest`` seconds the answer is yes in any case.
    """

    def __init__(self, *, longest: float) -> None:
        self._longest = longest
        self._version: object = None
        self._said = float("-inf")

    def __call__(self) -> bool:
        connection.ensure_connection()
        # With the connection: the versions of two are two.
        version = (
            connection.connection,
            self._snapshot() if connection.vendor == "postgresql" else self._data_version(),
        )
        overdue = time.monotonic() - self._said > self._longest
        if version == self._version and version[1] is not None and not overdue:
            return False
        self._version, self._said = version, time.monotonic()
        return True

    def forget(self) -> None:
        """The next answer is yes."""
        self._version = None

    @staticmethod
    def _data_version() -> int:
        version: int = connection.connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    @staticmethod
    def _snapshot() -> bytes | None:
        """None where the server gives none: whoever asks something next is told why."""
        try:
            result = connection.connection.pgconn.exec_(_SNAPSHOT)
        except Error:
            return None
        return result.get_value(0, 0) if result.status == pq.ExecStatus.TUPLES_OK else None
