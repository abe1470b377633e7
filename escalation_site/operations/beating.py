"""Web servers beat too: an administrator sees each of them, and how far its host's clock is off the database's."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.db import connections

from escalation_site.kernel.instants import Clock, now
from incidents.engine.beats import beat, beat_end

log = structlog.get_logger(__name__)

EVERY_SECONDS = 10.0
END_SECONDS = 3.0
"""How long the end of a web server may be held up by a database that does not answer."""
NAME = "web"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Beating:
    """The ASGI application as it is, and a thread that beats from the server's start until its end.

    The server's life is ASGI's "lifespan"; under a server that does not speak it nothing beats, and nothing else
    changes.
    """

    def __init__(self, application: Application, *, every: float = EVERY_SECONDS, clock: Clock = now) -> None:
        self._application = application
        self._every, self._clock = every, clock
        self._stop = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        await receive()
        thread = threading.Thread(target=self._beat, name="beat", daemon=True)
        thread.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._stop.set()
        await asyncio.to_thread(thread.join, END_SECONDS)
        await send({"type": "lifespan.shutdown.complete"})

    def _beat(self) -> None:
        started_at = self._clock()
        try:
            while True:
                self._once(lambda: beat(NAME, at=self._clock(), started_at=started_at, info={}))
                if self._stop.wait(self._every):
                    break
            self._once(lambda: beat_end(NAME))
        finally:
            connections.close_all()

    @staticmethod
    def _once(work: Callable[[], None]) -> None:
        """A database that is away must not end the thread: the next beat comes when it is back."""
        try:
            work()
        except Exception as error:
            log.warning("web.no_beat", error=type(error).__name__)
            connections.close_all()
