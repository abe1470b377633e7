"""The sender: gives due deliveries to their channels, a bounded number at once on each.

A slow provider therefore delays only itself.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from escalation_site.kernel.instants import Clock
from notifications.channels import channel_for, channel_kinds
from notifications.decisions import Result
from notifications.hands import Hand, Tempo, dealt
from notifications.lanes import Lane
from notifications.models import Delivery
from notifications.sending import delivery_call, ends_settle, withdrawn
from notifications.services.deliveries import (
    channels_forgotten,
    deliveries_claim,
    deliveries_release,
    leases_renew,
)
from notifications.services.neglect import neglect_look, waits_end
from notifications.services.settling import Ended, OnSettled, leases_recover, outcomes_report
from notifications.statements import channels_due, more_urgent_due

__all__ = ["OnSettled", "Sender"]

logger = logging.getLogger(__name__)

RENEW_EVERY = timedelta(seconds=5)
RECOVER_EVERY = timedelta(seconds=1)
PATIENCE = 15.0  # Seconds an outcome is kept while the database is away; shorter than a lease.
IsOver = Callable[[], bool]
"""Whether the time of whoever sends is up."""


def _never() -> bool:
    return False


def worker_name() -> str:
    """A name no other sender has, that tells an administrator where it runs."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{secrets.token_hex(4)}"


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
        self._tempos: dict[str, Tempo] = {}
        self._lock = threading.Lock()
        self._hands: dict[Hand, str] = {}
        self._stopping = False
        self._renew_at = self._recover_at = clock()
        self._channels_checked = False

    def run_once(self, *, within: timedelta | None = None) -> int:
        """Send all that is due now, in this thread, one after another; returns how many calls were made.

        After ``within`` no further call is begun, and what was claimed for it goes back to the queue: a storm may keep others busy
        for longer than whoever calls this has. For the safety net, tests, simulations and virtual clocks. With a real clock and slow
        providers use ``dispatch``.
        """
        self._look_after(every_time=True)
        began = self._clock()

        def is_over() -> bool:
            return within is not None and not timedelta(0) <= self._clock() - began < within

        sent = 0
        while in_this_round := sum(self._send_all(kind, is_over) for kind in channel_kinds()):
            sent += in_this_round
        return sent

    def _send_all(self, kind: str, is_over: IsOver = _never) -> int:
        """A look before each claim: one that finds nothing costs ten times as much, and on SQLite a writer's turn."""
        sent = 0
        while not is_over() and channels_due([kind], at=self._clock()):
            hands = self._hands_of(kind, players=1)
            if not hands:
                break  # Another sender was first.
            sent += self._play(kind, hands[0], is_over=is_over)
        return sent

    def dispatch(self) -> int:
        """Fill the free places of each channel with what is due, and return at once.

        For every turn of the engine's loop. Returns how many deliveries were taken. Also keeps the leases of calls
        under way, takes back those of dead engines, and relieves hands that last too long.
        """
        self._look_after()
        self._relieve_all()
        if self._stopping:
            return 0
        free = {kind: places for kind in channel_kinds() if (places := self._places(kind)) > 0}
        due = channels_due(list(free), at=self._clock())
        taken = 0
        for kind in (kind for kind in free if kind in due):
            for hand in self._hands_of(kind, players=free[kind]):
                taken += hand.size
                self._lane(kind).submit(hand)
        return taken

    def drain(self, timeout: float) -> bool:
        """Take nothing more, give back what is not begun and wait up to ``timeout`` seconds for the calls under way.

        True when all have ended. What is still under way is settled by whoever recovers its lease.
        """
        self._stopping = True
        deadline = time.monotonic() + timeout
        self._relieve_all()
        while self.under_way:
            if time.monotonic() >= deadline:
                return False
            self._look_after()
            self._relieve_all()
            time.sleep(0.02)
        return True

    @property
    def under_way(self) -> int:
        """How many calls are running."""
        return sum(lane.size - lane.free for lane in self._lanes.values())

    def _lane(self, kind: str) -> Lane:
        if kind not in self._lanes:
            size = self._concurrency or channel_for(kind).concurrency
            self._lanes[kind] = Lane(size, partial(self._play, kind, patience=PATIENCE), partial(self._take, kind))
        return self._lanes[kind]

    def _tempo(self, kind: str) -> Tempo:
        if kind not in self._tempos:
            self._tempos[kind] = Tempo(self._lane(kind).size if kind in channel_kinds() else 1)
        return self._tempos[kind]

    def _places(self, kind: str) -> int:
        """How many more players the channel takes now."""
        return min(self._lane(kind).free, self._tempo(kind).players - self._playing(kind))

    def _playing(self, kind: str) -> int:
        """How many play, those not counted who wait long for their provider: they keep no other out."""
        at = self._clock()
        with self._lock:
            return sum(its_kind == kind and not hand.is_over(at=at) for hand, its_kind in self._hands.items())

    def _take(self, kind: str) -> Hand | None:
        """The next hand of a player who has ended one; None where it should rest."""
        if self._stopping or self._playing(kind) >= self._tempo(kind).players:
            return None
        if not channels_due([kind], at=self._clock()):
            return None
        return next(iter(self._hands_of(kind, players=1)), None)

    def _hands_of(self, kind: str, *, players: int) -> list[Hand]:
        """Claim what is due on a channel for so many threads."""
        at = self._clock()
        limit = players * self._tempo(kind).limit
        claimed = deliveries_claim(at=at, channel=kind, limit=limit, worker=self.worker)
        time_limit = channel_for(kind).time_limit if kind in channel_kinds() else 0.0
        hands = dealt(claimed, players, began=at, time_limit=time_limit)
        with self._lock:
            self._hands.update(dict.fromkeys(hands, kind))
        return hands

    def _play(self, kind: str, hand: Hand, *, patience: float = 0.0, is_over: IsOver = _never) -> int:
        """Call for everything in ``hand`` and put the outcomes on record; returns how many calls were made."""
        calls = 0
        try:
            while (delivery := hand.next(at=self._clock())) is not None:
                self._call(delivery, hand, patience)
                calls += 1
                if hand.is_over(at=self._clock()) or is_over():
                    self._relieve(hand, patience)
            self._settle(hand.sent_taken(), patience)
        except Exception:
            # What is not begun waits for its lease: the database is away, or nobody knows what is wrong.
            self._settle(hand.sent_taken(), patience)
            raise
        finally:
            with self._lock:
                self._hands.pop(hand, None)
        self._tempo(kind).learn(calls, waited=hand.waited, took=self._clock() - hand.began)
        return calls

    def _call(self, delivery: Delivery, hand: Hand, patience: float) -> None:
        """Good news may wait for the others of the hand; what must go on is put on record at once."""
        end = delivery_call(delivery, clock=self._clock)
        hand.answered(waited=end.waited if end is not None else 0.0)
        if end is not None and end.result is Result.SENT:
            hand.keep(Ended(delivery, end))
        elif end is not None:
            self._settle([Ended(delivery, end)], patience)

    def _settle(self, ended: Sequence[Ended], patience: float) -> None:
        ends_settle(ended, clock=self._clock, on_settled=self._on_settled, patience=patience)

    def _relieve_all(self) -> None:
        """Take back what waits in hands that last too long, while something more urgent is due, and at the end."""
        with self._lock:
            hands = list(self._hands.items())
        at = self._clock()
        for kind in {kind for _hand, kind in hands}:
            own = [hand for hand, its_kind in hands if its_kind == kind]
            everything = self._stopping or self._overtaken(kind, own, at)
            for hand in own:
                if everything or hand.is_over(at=at):
                    self._relieve(hand, PATIENCE)

    def _overtaken(self, kind: str, hands: Sequence[Hand], at: datetime) -> bool:
        """Whether something due is more urgent than what waits in these hands, and no thread is free for it."""
        if kind in self._lanes and self._lanes[kind].free > 0:
            return False
        waiting = [priority for hand in hands if (priority := hand.least_urgent) is not None]
        return bool(waiting) and more_urgent_due(channel=kind, than=max(waiting), at=at)

    def _relieve(self, hand: Hand, patience: float) -> None:
        """Give back what is not begun and put on record what was sent."""
        rest = hand.rest_taken()
        staying = deliveries_release(deliveries=rest, worker=self.worker) if rest else []
        ended = [Ended(delivery, end) for delivery in staying if (end := withdrawn(delivery)) is not None]
        self._settle([*hand.sent_taken(), *ended], patience)

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
            self._neglected(at)

    def _neglected(self, at: datetime) -> None:
        found = neglect_look(at=at)
        if found.leases:
            leases_recover(at=at, on_settled=self._on_settled)
        if found.reports:
            outcomes_report(at=at, on_settled=self._on_settled)
        if found.waits and (hastened := waits_end(at=at)):
            logger.warning("%s messages waited by a clock that has been set back: they go on now", hastened)

    def _alive(self) -> list[int]:
        with self._lock:
            hands = list(self._hands)
        return [pk for hand in hands for pk in hand.alive()]
