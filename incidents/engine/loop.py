"""The engine's loop: a turn does all that is due, then sleeps until the next thing is, never longer than the poll interval."""

import threading
import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import Error, connection

from escalation_site.kernel.instants import Clock, now
from incidents.engine.beats import beat, beat_end
from incidents.engine.outcomes import page_report
from incidents.engine.pace import Pace
from incidents.links import nonce_make, page_url
from incidents.services.intake import inbox_process
from incidents.services.pages import reports_process
from incidents.services.runs import next_due_at, runs_step
from notifications.selectors import next_due_at as next_delivery_at
from notifications.sender import Sender

log = structlog.get_logger(__name__)

BEAT_EVERY = timedelta(seconds=5)
DRAIN_SECONDS = 10.0
RETRY_SECONDS = 1.0
BREATH_SECONDS = 0.005
FULL_LOOK_SECONDS = 5.0


class Changed:
    """Whether the database may have changed since the last look.

    SQLite tells for almost nothing (``data_version`` moves when another connection commits), so that an idle engine costs next to
    nothing; elsewhere the answer is always yes. Every five seconds it is yes in any case.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._looked = 0.0

    def __call__(self) -> bool:
        if connection.vendor != "sqlite":
            return True
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            version: int = cursor.fetchone()[0]
        overdue = time.monotonic() - self._looked > FULL_LOOK_SECONDS
        if version == self._version and not overdue:
            return False
        self._version, self._looked = version, time.monotonic()
        return True


class Engine:
    """One engine process. ``turn`` is the whole work and is what tests, the safety net and the virtual clock call."""

    def __init__(self, *, clock: Clock = now, sender: Sender | None = None) -> None:
        self.clock = clock
        self.sender = sender or Sender(
            clock=clock, on_settled=page_report, concurrency_per_channel=getattr(settings, "ENGINE_SENDERS", None)
        )
        self.poll: float = getattr(settings, "ENGINE_POLL_SECONDS", 0.2)
        self.started_at = clock()
        self._stopping = threading.Event()
        batch: int = getattr(settings, "ENGINE_BATCH", 200)
        self._paces = {name: Pace(batch) for name in ("stepped", "reports", "signals")}
        self._changed = Changed()
        self._next_beat = self.started_at
        self._next_due: datetime | None = None
        self._did = {"stepped": 0, "signals": 0, "reports": 0, "sent": 0}

    def turn(self) -> int:
        """Do what is due now; returns how much was done. Timers first: a storm at the door delays no page that is due."""
        done = {
            "stepped": self._paces["stepped"].run(lambda limit: runs_step(at=self.clock(), limit=limit)),
            "reports": self._paces["reports"].run(lambda limit: reports_process(at=self.clock(), limit=limit)),
            "signals": self._paces["signals"].run(lambda limit: inbox_process(at=self.clock(), limit=limit)),
            "sent": self.sender.dispatch(),
        }
        for name, count in done.items():
            self._did[name] += count
        return sum(done.values())

    def run(self) -> None:
        """Turn after turn until ``stop``; a database that is away is waited for, and no fault of a turn ends the process."""
        # The first link loads the addresses of every page (measured: 1 s of CPU): now, and not while somebody waits for a page.
        page_url(nonce_make())
        log.info("engine.started", worker=self.sender.worker)
        busy = False
        while not self._stopping.is_set():
            try:
                self._beat_when_due()
                # After a turn that found work there may be more, whether or not anybody else wrote meanwhile.
                busy = bool((busy or not self._idle()) and self.turn())
                if not busy:
                    self._rest()
                elif connection.vendor == "sqlite":
                    # One who waits for the database gets it now (escalation_site.kernel.sqlite3).
                    self._stopping.wait(BREATH_SECONDS)
            except Exception as error:
                log.exception("engine.database_away" if isinstance(error, Error) else "engine.turn_failed")
                connection.close()
                busy = True  # What the turn left undone is still there, also when nobody writes anything new.
                self._stopping.wait(RETRY_SECONDS)
        drained = self.sender.drain(DRAIN_SECONDS)
        beat_end("engine")
        log.info("engine.stopped", drained=drained, **self._did)

    def stop(self) -> None:
        """End after this turn; calls under way are given ten seconds."""
        self._stopping.set()

    def _idle(self) -> bool:
        """Nothing can have changed and nothing is due: the look may be skipped."""
        due = self._next_due is not None and self._next_due <= self.clock()
        return not self._changed() and not due and not self.sender.under_way

    def _rest(self) -> None:
        self._next_due = min((instant for instant in (next_due_at(), next_delivery_at()) if instant), default=None)
        wait = self.poll
        if self._next_due is not None:
            wait = min(wait, max((self._next_due - self.clock()).total_seconds(), 0.005))
        self._stopping.wait(wait)

    def _beat_when_due(self) -> None:
        at = self.clock()
        if at >= self._next_beat:
            self._next_beat = at + BEAT_EVERY
            beat("engine", at=at, started_at=self.started_at, info=self._did)
