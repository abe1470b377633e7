"""A hand: a few deliveries claimed together by one thread, so that a quick channel pays once for the claim and for the outcomes."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from notifications.models import Delivery
from notifications.services.settling import Ended

HAND_LASTS = timedelta(seconds=0.5)
"""Of its provider's time. After that, what is not begun goes back to the queue and what was sent is noted. Something more urgent does
not wait for it (``Sender.dispatch``)."""

HAND_LONGEST = timedelta(seconds=2)
"""Of all time: a database or a machine that is slow is no reason to give back what it has just claimed, and to claim it again. A
killed engine leaves a hand's calls unknown, ``MOST`` at most."""

HAND_WAITS = 0.1  # Seconds of its provider's time that a hand may take.
FIRST = 4  # Deliveries in the hands of a channel nobody has tried yet.
MOST = 16


class Tempo:
    """How quick one channel is, learnt from the hands played: ``limit`` deliveries make a hand, ``players`` are worth having.

    A hand is what keeps its provider busy for ``HAND_WAITS`` and lasts half of ``HAND_LONGEST``: one where the channel is slow, many
    where only the database or the machine is (with the half of 0.5 s hands shrank to one on a machine with a load of nine a
    core, and each delivery cost five times as much). More players help where a provider is waited for. On SQLite everything else is
    done with one pen: with a quick channel, eight players who take turns at it cost four times the CPU of one and are three times as
    slow (measured with a channel that does nothing).
    """

    def __init__(self, size: int) -> None:
        self.limit = FIRST
        self.players = self._size = size
        self._one_pen = connection.vendor == "sqlite"

    def learn(self, calls: int, *, waited: float, took: timedelta) -> None:
        """``calls`` calls took so long with all that belongs to them, of which providers were waited for ``waited`` seconds."""
        if not calls:
            return
        seconds = max(took.total_seconds(), 0.001)
        allowed = min(HAND_WAITS / max(waited, 0.001), HAND_LONGEST.total_seconds() / 2 / seconds)
        self.limit = max(1, min(int(calls * allowed), 2 * self.limit, MOST))
        if self._one_pen:
            own = max(seconds - waited, 0.001)
            self.players = max(1, min(1 + round(waited / own), self._size))


class Hand:
    """Deliveries that one thread gives to their channel one after another, most urgent first.

    Another thread may relieve it: of what is not begun, and of what was sent and is not on record yet. What somebody has
    taken from here is that one's alone. A call that lasts longer than ``time_limit`` seconds is taken for hung.
    """

    def __init__(self, deliveries: Sequence[Delivery], *, began: datetime, time_limit: float) -> None:
        self.began = began
        self.size = len(deliveries)
        self._time_limit = time_limit
        self._lock = threading.Lock()
        self._waiting = deque(deliveries)
        self._called: Delivery | None = None
        self._called_at: datetime | None = None
        self._hung_at = 0.0
        self._sent: list[Ended] = []
        self.waited = 0.0  # Seconds spent in the provider's hands.

    def next(self, *, at: datetime) -> Delivery | None:
        """The delivery to call for now, at ``at``."""
        with self._lock:
            self._called_at = at
            self._called = self._waiting.popleft() if self._waiting else None
            self._hung_at = time.monotonic() + self._time_limit
            return self._called

    def answered(self, *, waited: float) -> None:
        """The call is over; its provider was waited for so many seconds."""
        with self._lock:
            self._called_at = None
            self.waited += waited

    def keep(self, ended: Ended) -> None:
        """Hold this outcome until the others of the hand are known."""
        with self._lock:
            self._sent.append(ended)

    def sent_taken(self) -> list[Ended]:
        """What was sent and is not on record: the caller's to settle now."""
        with self._lock:
            sent, self._sent = self._sent, []
        return sent

    def rest_taken(self) -> list[Delivery]:
        """What is not begun: the caller's to give back now."""
        with self._lock:
            rest = list(self._waiting)
            self._waiting.clear()
        return rest

    @property
    def least_urgent(self) -> int | None:
        """The priority of the last that waits here, None when none does."""
        with self._lock:
            return self._waiting[-1].priority if self._waiting else None

    def is_over(self, *, at: datetime) -> bool:
        """Whether it or its provider has taken long enough, or the clock was set back."""
        with self._lock:
            waiting = at - self._called_at if self._called_at is not None else timedelta(0)
        provider = waiting + timedelta(seconds=self.waited)
        return provider >= HAND_LASTS or not timedelta(0) <= at - self.began < HAND_LONGEST

    def alive(self) -> list[int]:
        """The deliveries whose leases are to be renewed: all of them but a hung call."""
        with self._lock:
            ids = [delivery.pk for delivery in self._waiting] + [one.delivery.pk for one in self._sent]
            if self._called is not None and time.monotonic() < self._hung_at:
                ids.append(self._called.pk)
        return ids


def dealt(deliveries: Sequence[Delivery], players: int, *, began: datetime, time_limit: float) -> list[Hand]:
    """Hands for up to ``players``, so that few deliveries are sent at once and not one after another."""
    hands = [deliveries[player::players] for player in range(players)]
    return [Hand(hand, began=began, time_limit=time_limit) for hand in hands if hand]
