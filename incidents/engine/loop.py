"""The engine's loop: a turn does all that is due, then sleeps until the next thing is, never longer than the poll interval; on PostgreSQL,
once it has been quiet for a while, never longer than a second, and whoever writes something to do wakes it."""

import math
import threading
import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import Error, connection

from escalation_site.kernel.instants import Clock, now
from escalation_site.kernel.unchanged import Changed
from escalation_site.kernel.waking import Bell
from incidents.engine.beats import beat, beat_end
from incidents.engine.glance import Glance, glance
from incidents.engine.house import HouseLook
from incidents.engine.outcomes import page_report
from incidents.engine.pace import BREATH_SECONDS, Pace
from incidents.links import nonce_make, page_url
from incidents.services.deciding import checkpoints_expire
from incidents.services.intake import inbox_process
from incidents.services.pages import reports_process
from incidents.services.runs import runs_step
from notifications.sender import Sender

log = structlog.get_logger(__name__)

BEAT_EVERY = timedelta(seconds=5)
DRAIN_SECONDS = 10.0
RETRY_SECONDS = 1.0
FULL_LOOK_SECONDS = 5.0
WHOLE_TURN_SECONDS = 30.0
"""A look sees all that a turn would find. A turn of all parts happens in any case, for what a look should not have known of."""
GATHER_SECONDS = 0.2
"""How long outcomes are gathered while more are on their way: entered one by one each costs ten times as much."""
GATHER_LONGEST = 1.0
GATHER_TIMES = (
    8  # As long as entering took last: on a busy machine 0.2 s bring three, and a batch costs as much as fifteen.
)
QUIET_AFTER = 5.0
"""Seconds without anything to do after which the engine waits to be woken: longer than whoever rings leaves between two rings."""
QUIET_LOOK_SECONDS = 1.0
"""How long it sleeps then at most, should a ring be lost. Each look costs the engine and the server a waking."""
SENDING_PAUSE = 0.05  # While threads send they take the next themselves: the loop need not look for them all the time.


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
        self._paces = {name: Pace(batch) for name in ("stepped", "checkpoints", "reports", "signals")}
        self._changed = Changed(longest=FULL_LOOK_SECONDS)
        self._bell = Bell() if connection.vendor == "postgresql" else None
        self._quiet_from = -math.inf
        self._house = HouseLook(clock=clock)
        self._next_beat = self.started_at
        self._enter_at = -math.inf
        self._next_due: datetime | None = None
        self._whole_turn = -math.inf
        self._did = {"stepped": 0, "checkpoints": 0, "signals": 0, "reports": 0, "sent": 0}

    def turn(self, seen: Glance | None = None) -> int:
        """Do what is due now; returns how much was done. Timers first: a storm at the door delays no page that is due.

        With ``seen``, the parts that have nothing to do are left out.
        """
        done = {
            "stepped": self._step() if seen is None or seen.runs_due(at=self.clock()) else 0,
            "checkpoints": self._expire() if seen is None or seen.checkpoint_at is not None else 0,
            "reports": self._enter_reports() if seen is None or seen.reports else 0,
            "signals": self._read_inbox() if seen is None or seen.signals else 0,
        }
        # What was just done has mostly made messages; and calls under way want their leases renewed.
        sends = seen is None or any(done.values()) or self.sender.under_way or seen.sends(at=self.clock())
        done["sent"] = self.sender.dispatch() if sends else 0
        for name, count in done.items():
            self._did[name] += count
        return sum(done.values())

    def turn_as_seen(self) -> int:
        """Look, and do what is due: as nearly every turn is."""
        seen = glance()
        self._next_due = seen.next_at
        if not self.sender.under_way and not seen.anything_due(at=self.clock()):
            return 0
        return self.turn(seen)

    def _step(self) -> int:
        return self._paces["stepped"].run(lambda limit: runs_step(at=self.clock(), limit=limit))

    def _expire(self) -> int:
        return self._paces["checkpoints"].run(lambda limit: checkpoints_expire(at=self.clock(), limit=limit))

    def _read_inbox(self) -> int:
        return self._paces["signals"].run(lambda limit: inbox_process(at=self.clock(), limit=limit))

    def _enter_reports(self) -> int:
        if self.sender.under_way and time.monotonic() < self._enter_at:
            return 0
        began = time.monotonic()
        entered = self._paces["reports"].run(lambda limit: reports_process(at=self.clock(), limit=limit))
        ended = time.monotonic()
        self._enter_at = ended + max(GATHER_SECONDS, min(GATHER_TIMES * (ended - began), GATHER_LONGEST))
        return entered

    def prepare(self) -> None:
        """Load what the first page would: the addresses of every page (measured: 1 s of CPU), while nobody waits."""
        page_url(nonce_make())

    def run(self) -> None:
        """Turn after turn until ``stop``; a database that is away is waited for, and no fault of a turn ends the process."""
        self.prepare()
        log.info("engine.started", worker=self.sender.worker)
        busy = False
        while not self._stopping.is_set():
            try:
                self._beat_when_due()
                self._house.when_due()
                # After a turn that found work there may be more, whether or not anybody else wrote meanwhile.
                busy = bool((busy or not self._idle()) and self._turn_where_needed())
                if not busy:
                    self._rest()
                    continue
                self._stay_awake()
                if connection.vendor == "sqlite":
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

    def _turn_where_needed(self) -> int:
        """Look, and do what is due; every half minute a whole turn, whatever the look says."""
        if time.monotonic() - self._whole_turn <= WHOLE_TURN_SECONDS:
            return self.turn_as_seen()
        self._next_due = glance().next_at
        done = self.turn()
        self._whole_turn = time.monotonic()  # One that failed is repeated.
        return done

    def _rest(self) -> None:
        """Sleep until the next thing is due. What others write meanwhile is seen at the next look."""
        quiet = self._bell is not None and not self.sender.under_way and time.monotonic() > self._quiet_from
        wait = max(self.poll, QUIET_LOOK_SECONDS) if quiet else self.poll
        if self._next_due is not None:
            least = SENDING_PAUSE if self.sender.under_way else BREATH_SECONDS
            wait = min(wait, max((self._next_due - self.clock()).total_seconds(), least))
        if self._bell is None or not quiet:
            self._stopping.wait(wait)
        elif self._bell.wait(wait):
            self._stay_awake()

    def _stay_awake(self) -> None:
        self._quiet_from = time.monotonic() + QUIET_AFTER

    def _beat_when_due(self) -> None:
        at = self.clock()
        # Where the clock was set back, the next beat would else be as far away as the clock was set.
        if at >= self._next_beat or self._next_beat - at > BEAT_EVERY:
            self._next_beat = at + BEAT_EVERY
            beat("engine", at=at, started_at=self.started_at, info=self._did)
