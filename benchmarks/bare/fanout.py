"""The least a server can do for many browsers: what one socket says goes to all, with no question asked. Served by the same uvicorn."""

import asyncio
from typing import Any

_queues: set[asyncio.Queue[str]] = set()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """ASGI: WebSockets only."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    queue: asyncio.Queue[str] = asyncio.Queue()
    _queues.add(queue)
    telling = asyncio.create_task(_tell(queue, send))
    try:
        while (message := await receive())["type"] == "websocket.receive":
            for one in _queues:
                one.put_nowait(message["text"])
    finally:
        _queues.discard(queue)
        telling.cancel()


async def _tell(queue: asyncio.Queue[str], send: Any) -> None:
    while True:
        await send({"type": "websocket.send", "text": await queue.get()})
