"""The cluster's queue: django-q2's own table, looked at for little while nothing waits."""

import time
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection
from django.utils.module_loading import import_string
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from escalation_site.kernel.instants import now
from escalation_site.kernel.migrations import DatabaseMismatch, database_fits
from escalation_site.kernel.prepared import Prepared
from escalation_site.kernel.unchanged import Changed
from escalation_site.schedules import schedules_resume

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
SET_BACK = timedelta(seconds=30)
_WAITING = f"SELECT 1 FROM {OrmQ._meta.db_table} WHERE key = %s AND lock < %s LIMIT 1"  # noqa: S608  our own words


class Queue(ORM):  # type: ignore[misc]  # django-q2 is not typed
    """What django-q2 asks each second through the ORM, and after asking whether its connection still lives: whether a task waits.

    Nothing is asked while nobody has written; every five seconds it is asked in any case, for a task that becomes free again by time
    alone. On PostgreSQL the question is prepared, and whoever gets no answer takes a new connection.
    """

    _seen: datetime | None = None

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._begin()

    def __setstate__(self, state: object) -> None:
        """In another process that is no fork of this one."""
        super().__setstate__(state)
        self._begin()

    def _begin(self) -> None:
        self._changed = Changed(longest=LOOK_SECONDS)
        self._waiting = Prepared(_WAITING)

    def ping(self) -> bool:
        """Asked once, before the cluster forks its workers and whenever another takes the place of one: what each of them would load by
        itself (measured: a second of CPU and more) is loaded now, and shared."""
        for name in (*(function for function, _minutes in settings.SCHEDULES.values()), *settings.EACH_MINUTE):
            import_string(name)
        with suppress(DatabaseMismatch, DatabaseError):
            # Who does not fit says so task by task.
            database_fits()
        return bool(super().ping())

    def dequeue(self) -> list[tuple[int, str]] | None:
        at = now()
        if self._waits(at):
            close_old_connections()
            self._changed.forget()  # There may be more.
            found: list[tuple[int, str]] | None = super().dequeue()
            return found
        self._resume(at)
        time.sleep(Conf.POLL)
        return None

    def _waits(self, at: datetime) -> bool:
        try:
            return self._asked_at(at)
        except (DatabaseError, InterfaceError):
            # The server was started anew, perhaps. If it is away the second try says so.
            connection.close()
            return self._asked_at(at)

    def _asked_at(self, at: datetime) -> bool:
        if not self._changed():
            return False
        return self._waiting([self.list_key, connection.ops.adapt_datetimefield_value(at)]) is not None

    def _resume(self, at: datetime) -> None:
        """What is planned by a clock that was set back since would wait until it is again what it was."""
        if self._seen is not None and self._seen - at > SET_BACK:
            log.warning("cluster.clock_set_back", resumed=schedules_resume(at=at))
        self._seen = at
