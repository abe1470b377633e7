"""The cluster's queue: django-q2's own table, looked at for little while nothing waits."""

import time

from django.db import close_old_connections, connection
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from escalation_site.kernel.instants import now

LOOK_SECONDS = 5.0
_WAITING = f"SELECT 1 FROM {OrmQ._meta.db_table} WHERE key = %s AND lock < %s LIMIT 1"  # noqa: S608  our own words


class Queue(ORM):  # type: ignore[misc]  # django-q2 is not typed
    """What django-q2 asks each second through the ORM (0.7 ms each time): whether a task waits.

    On SQLite nothing is asked while nobody has written (``data_version`` moves when another connection commits); every five seconds it is
    asked in any case, for a task that becomes free again by time alone.
    """

    _version: tuple[object, int] | None = None
    _asked = float("-inf")

    def dequeue(self) -> list[tuple[int, str]] | None:
        close_old_connections()
        if self._may_wait() and self._waits():
            self._version = None  # There may be more.
            found: list[tuple[int, str]] | None = super().dequeue()
            return found
        time.sleep(Conf.POLL)
        return None

    def _may_wait(self) -> bool:
        if connection.vendor != "sqlite":
            return True
        connection.ensure_connection()
        version = (connection.connection, connection.connection.execute("PRAGMA data_version").fetchone()[0])
        if version == self._version and time.monotonic() - self._asked < LOOK_SECONDS:
            return False
        self._version, self._asked = version, time.monotonic()
        return True

    def _waits(self) -> bool:
        at = connection.ops.adapt_datetimefield_value(now())
        with connection.cursor() as cursor:
            cursor.execute(_WAITING, [self.list_key, at])
            return cursor.fetchone() is not None
