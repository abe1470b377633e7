"""The sender: gives due deliveries to their channels, a bounded number at once on each.

A slow provider therefore delays only itself.
"""

import logging
import os
import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import close_old_connections, connections

from escalation_site.kernel.instants import Clock
from notifications.channels import channel_for, channel_kinds
from notifications.models import Delivery
from notifications.sending import delivery_send
from notifications.services.deliveries import channels_forgotten, deliveries_claim, leases_renew
from notifications.services.settling import OnSettled, leases_recover, outcomes_report
from notifications.statements import anything_due

__all__ = ["OnSettled", "Sender", "deliveries_claim", "delivery_send"]

logger = logging.getLogger(__name__)

RENEW_EVERY = timedelta(seconds=5)
RECOVER_EVERY = timedelta(seconds=1)
BATCH = 20  # Deliveries claimed together by run_once.
LINGER = 10.0  # Seconds an idle thread waits for more before it ends.
PATIENCE = 15.0  # Seconds an outcome is kept while the database is away; shorter than a lease.


def worker_name() -> str:
    """A name no other sender has, that tells an administrator where it runs."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


class Lane:
    """The threads of one channel: at most ``size`` calls at once; a thread that ends one takes the next due itself."""

    def __init__(self, size: int, work: Callable[[Delivery], None], take: Callable[[], Delivery | None]) -> None:
        self.size = size
        self._work, self._take = work, take
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._threads = 0
        self._busy = 0

    @property
    def free(self) -> int:
        return self.size - self._busy

    def submit(self, delivery: Delivery) -> None:
        """Begin at once: call it only while ``free`` is above zero."""
        with self._lock:
            self._busy += 1
            self._jobs.put(delivery)
            if self._threads >= self._busy:
                return
            self._threads += 1
        # A daemon, so that a hung provider cannot keep a stopped engine alive.
        threading.Thread(target=self._run, name="sender", daemon=True).start()

    def _run(self) -> None:
        try:
            while (delivery := self._next_job()) is not None:
                self._serve(delivery)
        finally:
            connections.close_all()

    def _next_job(self) -> Delivery | None:
        while True:
            try:
                return self._jobs.get(timeout=LINGER)
            except queue.Empty:
                with self._lock:
                    if self._jobs.empty():
                        self._threads -= 1
                        return None

    def _serve(self, first: Delivery) -> None:
        delivery: Delivery | None = first
        try:
            close_old_connections()
            while delivery is not None:
                self._work(delivery)
                delivery = self._take()
        except Exception:
            # The lease brings the delivery back; the thread lives on.
            logger.exception("a delivery could not be settled")
            connections.close_all()
        finally:
            with self._lock:
                self._busy -= 1


class Sender:
    """Sends what is due. One per engine.

    ``clock`` reads the present instant. ``on_settled(message, outcome, at)`` is called inside the transaction in
    which a message ends. ``concurrency_per_channel`` overrides what each channel says of itself.
    """

    def __init__(
        self, *, clock: Clock, on_settled: OnSettled, concurrency_per_channel: int | None = None, worker: str = ""
    ) -> None:
        self.worker = worker or worker_name()
        self._clock, self._on_settled = clock, on_settled
        self._concurrency = concurrency_per_channel
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()
        self._in_hand: dict[int, float] = {}  # Delivery id → monotonic second from which its call counts as hung.
        self._stopping = False
        self._renew_at = self._recover_at = clock()
        self._channels_checked = False

    def run_once(self) -> int:
        """Send all that is due now, in this thread, one after another; returns how many calls were made.

        For tests, simulations and virtual clocks. With a real clock and slow providers use ``dispatch``.
        """
        self._look_after(every_time=True)
        sent = 0
        while in_this_round := sum(self._send_all(kind) for kind in channel_kinds()):
            sent += in_this_round
        return sent

    def _send_all(self, kind: str) -> int:
        sent = 0
        while claimed := deliveries_claim(at=self._clock(), channel=kind, limit=BATCH, worker=self.worker):
            for delivery in claimed:
                if delivery.lease_until is not None and self._clock() < delivery.lease_until:
                    delivery_send(delivery, clock=self._clock, on_settled=self._on_settled)
                    sent += 1
        return sent

    def dispatch(self) -> int:
        """Fill the free places of each channel with what is due, and return at once.

        For every turn of the engine's loop. Returns how many deliveries were taken. Also keeps the leases of calls
        under way and takes back those of dead engines.
        """
        self._look_after()
        if self._stopping:
            return 0
        free = {kind: lane.free for kind in channel_kinds() if (lane := self._lane(kind)).free > 0}
        if not free or not anything_due(at=self._clock()):
            return 0
        taken = 0
        for kind, places in free.items():
            for delivery in self._claim(kind, places):
                self._lane(kind).submit(delivery)
                taken += 1
        return taken

    def drain(self, timeout: float) -> bool:
        """Take nothing more and wait up to ``timeout`` seconds for the calls under way; True when all have ended.

        What is still under way is settled by whoever recovers its lease.
        """
        self._stopping = True
        deadline = time.monotonic() + timeout
        while self.under_way:
            if time.monotonic() >= deadline:
                return False
            self._look_after()
            time.sleep(0.02)
        return True

    @property
    def under_way(self) -> int:
        """How many calls are running."""
        return sum(lane.size - lane.free for lane in self._lanes.values())

    def _lane(self, kind: str) -> Lane:
        if kind not in self._lanes:
            size = self._concurrency or channel_for(kind).concurrency
            self._lanes[kind] = Lane(size, self._send, lambda: self._take(kind))
        return self._lanes[kind]

    def _take(self, kind: str) -> Delivery | None:
        return None if self._stopping else next(iter(self._claim(kind, 1)), None)

    def _claim(self, kind: str, limit: int) -> list[Delivery]:
        claimed = deliveries_claim(at=self._clock(), channel=kind, limit=limit, worker=self.worker)
        hung_at = time.monotonic() + channel_for(kind).time_limit if claimed else 0.0
        with self._lock:
            self._in_hand.update({delivery.pk: hung_at for delivery in claimed})
        return claimed

    def _send(self, delivery: Delivery) -> None:
        try:
            delivery_send(delivery, clock=self._clock, on_settled=self._on_settled, patience=PATIENCE)
        finally:
            with self._lock:
                self._in_hand.pop(delivery.pk, None)

    def _look_after(self, *, every_time: bool = False) -> None:
        at = self._clock()
        if not self._channels_checked:
            # A channel disappears only by a change of code or configuration, with a start of the engine.
            self._channels_checked = True
            for kind in channels_forgotten(kinds=channel_kinds()):
                self._send_all(kind)
        if every_time or at >= self._renew_at or self._renew_at - at > RENEW_EVERY:
            self._renew_at = at + RENEW_EVERY
            leases_renew(delivery_ids=self._alive(), worker=self.worker, at=at)
        if every_time or at >= self._recover_at or self._recover_at - at > RECOVER_EVERY:
            self._recover_at = at + RECOVER_EVERY
            leases_recover(at=at, on_settled=self._on_settled)
            outcomes_report(at=at, on_settled=self._on_settled)

    def _alive(self) -> list[int]:
        with self._lock:
            return [pk for pk, hung_at in self._in_hand.items() if time.monotonic() < hung_at]
