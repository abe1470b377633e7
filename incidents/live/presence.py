"""Who looks at an incident now. Kept in the cache that the web processes share, where it expires by itself; nobody's rows are written.

Sockets of one process hear of each other at once, those of others with their next sign of life.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache

from incidents.live.tailer import Queue

SIGN_SECONDS = 20.0
"""How often a socket says that its person is still there."""
EXPIRES = timedelta(seconds=50)
MARK = "here:"
"""What a queue is given where others came or went, before the topic."""

People = dict[int, str]

_LOCK_SECONDS = 2.0
"""After that somebody who died with the list in hand is no longer waited for; nobody waits longer."""
_one_at_a_time = threading.Lock()


class Board:
    """The sockets of this process by what they look at."""

    def __init__(self) -> None:
        self._watching: dict[str, set[Queue]] = defaultdict(set)

    def watch(self, topic: str, queue: Queue) -> None:
        self._watching[topic].add(queue)

    def leave(self, topic: str, queue: Queue) -> None:
        self._watching[topic].discard(queue)
        if not self._watching[topic]:
            del self._watching[topic]

    def tell(self, topic: str, *, but: Queue | None = None) -> None:
        """Others came or went: whoever looks at the same looks again."""
        for queue in self._watching.get(topic, ()):
            if queue is not but:
                queue.put_nowait((f"{MARK}{topic}", 0))


board = Board()


def people_at(topic: str, *, at: datetime) -> People:
    """Number and name of everybody who looks at it, by name."""
    return dict(sorted(((pk, name) for pk, (name, _until) in _present(topic, at).items()), key=lambda one: one[1]))


def arrive(topic: str, *, user_id: int, name: str, at: datetime) -> bool:
    """``user_id`` looks at it, or still does; whether that is news."""
    with _alone_with(topic):
        present = _present(topic, at)
        _keep(topic, {**present, user_id: (name, (at + EXPIRES).timestamp())})
    return user_id not in present


def depart(topic: str, *, user_id: int, at: datetime) -> bool:
    """``user_id`` looks elsewhere; whether they were there. Somebody with two tabs comes back with the other's next sign."""
    with _alone_with(topic):
        present = _present(topic, at)
        was = present.pop(user_id, None) is not None
        _keep(topic, present)
    return was


@contextmanager
def _alone_with(topic: str) -> Iterator[None]:
    """Two who arrive at once must not write over each other, be it in this process (the lock) or in another (the cache's)."""
    held = f"presence-lock:{topic}"
    with _one_at_a_time:
        deadline = time.monotonic() + _LOCK_SECONDS
        while not (mine := cache.add(held, True, _LOCK_SECONDS)) and time.monotonic() < deadline:
            time.sleep(0.005)
        try:
            yield
        finally:
            # Whoever went on without it leaves it to the other, who may still write.
            if mine:
                cache.delete(held)


def _present(topic: str, at: datetime) -> dict[int, tuple[str, float]]:
    found: Any = cache.get(f"presence:{topic}") or {}
    return {pk: (name, until) for pk, (name, until) in found.items() if until > at.timestamp()}


def _keep(topic: str, present: dict[int, tuple[str, float]]) -> None:
    cache.set(f"presence:{topic}", present, EXPIRES.total_seconds() * 2)
