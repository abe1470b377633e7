"""The fast way in: signals are taken before Django's request machinery and committed many at a time.

Walk: an ASGI request for an intake path → its body → one queue → a single writer thread takes all that is waiting, checks keys,
stores them in ONE transaction → each sender gets its own answer. An answer of 202 therefore still means "on disk", yet a storm shares
its commits; while one batch is being written the next gathers.
"""

import asyncio
import re
import urllib.parse
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import Error, connection

from escalation_site.kernel.instants import now
from incidents.intake.door import MAX_BODY, Answer, answer_events, answer_webhook
from incidents.services.inbox import signals_accept

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BATCH = 500
log = structlog.get_logger(__name__)

_WEBHOOK = re.compile(r"^/integrations/(?P<kind>[a-z0-9_-]+)/(?P<key>[^/]+)/?$")
_EVENTS = ("/v2/enqueue", "/v2/enqueue/")
_BUSY = Answer(503, {"error": "Not stored: the database does not answer. Send it again."})
_STRANGE = Answer(400, {"error": "The message cannot be read."})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request at the door. ``kind`` is empty for the events API, whose key is in the body."""

    kind: str
    key: str
    body: bytes

    def answer(self) -> Answer:
        return answer_webhook(self.kind, self.key, self.body) if self.kind else answer_events(self.body)


def store_arrivals(arrivals: list[Arrival]) -> list[Answer]:
    """Answer each arrival, having made durable all that are accepted, in one transaction. Runs in the writer thread."""
    try:
        answers = [_answer(arrival) for arrival in arrivals]
        signals = [answer.store for answer in answers if answer.store is not None]
        if signals:
            signals_accept(signals=signals, at=now())
    except Exception:
        # Senders retry a 503; the connection may be what is broken, so the next batch gets a new one.
        log.exception("intake.not_stored", arrivals=len(arrivals))
        connection.close()
        return [_BUSY] * len(arrivals)
    return answers


def _answer(arrival: Arrival) -> Answer:
    """The door's answer; a message that makes our own reading fail is refused alone, not with all that came beside it."""
    try:
        return arrival.answer()
    except Error:
        raise
    except Exception:
        log.exception("intake.unreadable", kind=arrival.kind, size=len(arrival.body))
        return _STRANGE


class GroupCommit:
    """Gathers arrivals while the writer is busy and hands them over together."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Arrival, asyncio.Future[Answer]]] = []
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intake")
        self._draining: asyncio.Task[None] | None = None

    async def store(self, arrival: Arrival) -> Answer:
        """The answer for ``arrival``, once it is durable or refused."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, future))
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            answers = await loop.run_in_executor(self._writer, store_arrivals, [arrival for arrival, _future in batch])
            for (_arrival, future), answer in zip(batch, answers, strict=True):
                if not future.done():  # the sender may have hung up; what it sent is stored all the same
                    future.set_result(answer)


class IntakeDoor:
    """ASGI middleware: intake paths are handled here, everything else goes on to the application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.commit = GroupCommit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.application(scope, receive, send)
            return
        path: str = scope["path"]
        if path in _EVENTS:
            kind, key = "", ""
        elif match := _WEBHOOK.match(path):
            kind, key = match["kind"], urllib.parse.unquote(match["key"])
        else:
            await self.application(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            return
        await _send(send, await self.commit.store(Arrival(kind, key, body)))


async def _read(receive: Receive) -> bytes | None:
    """The whole body, but no more than one byte above the limit is kept; None when the sender went away."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        if size <= MAX_BODY:
            chunks.append(chunk)
            size += len(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def _send(send: Send, answer: Answer) -> None:
    content = answer.content
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
