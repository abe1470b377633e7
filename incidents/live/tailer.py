"""One task per web process tails the ledger and wakes the sockets that asked for what changed."""

import asyncio
import contextlib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import structlog
from django.db import connection

from incidents.live.feed import Change, Tail, latest_entry

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.15
RETRY_SECONDS = 1.0
LIST_TOPIC = "incidents"

Queue = asyncio.Queue[tuple[str, int]]


def topics_of(subject: str) -> tuple[str, ...]:
    """A change of "incident:42" concerns those who look at it and those who look at lists; the list's topic tells no number."""
    if subject.startswith("incident:"):
        return (subject, LIST_TOPIC)
    return (subject,) if subject else ()


class Tailer:
    """Fans changes out to queues. Runs while somebody listens."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Queue]] = defaultdict(set)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tail")
        self._task: asyncio.Task[None] | None = None
        self._looking = asyncio.Event()

    def subscribe(self, topic: str, queue: Queue) -> None:
        self._listeners[topic].add(queue)
        if self._task is None or self._task.done():
            self._looking = asyncio.Event()
            self._task = asyncio.create_task(self._run(self._looking))

    async def looking(self) -> None:
        """Wait until changes are being watched for: what is read after this misses nothing. Gives up while the database is away."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._looking.wait(), RETRY_SECONDS)

    def unsubscribe(self, topic: str, queue: Queue) -> None:
        self._listeners[topic].discard(queue)
        if not self._listeners[topic]:
            del self._listeners[topic]

    async def _run(self, looking: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        tail: Tail | None = None
        while self._listeners:
            try:
                if tail is None:
                    tail = await loop.run_in_executor(self._thread, Tail)
                    looking.set()
                self._tell(await loop.run_in_executor(self._thread, tail.read))
                await asyncio.sleep(POLL_SECONDS)
            except Exception:
                # The database may be away; sockets stay open, and the overlap makes up for what was missed.
                log.exception("live.tail_failed")
                await loop.run_in_executor(self._thread, connection.close)
                await asyncio.sleep(RETRY_SECONDS)

    def _tell(self, changes: list[Change]) -> None:
        newest: dict[str, int] = {}
        for change in changes:
            for topic in topics_of(change.subject):
                newest[topic] = change.entry
        for topic, entry in newest.items():
            for queue in self._listeners.get(topic, ()):
                queue.put_nowait((topic, entry))


tailer = Tailer()

__all__ = ["LIST_TOPIC", "Queue", "Tailer", "latest_entry", "tailer", "topics_of"]
