"""Answers too long to hold in memory: text sent piece by piece."""

import asyncio
import csv
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

AT_ONCE = 8
"""So many downloads are made at once by one process: each holds a connection to the database, and engine and pages need theirs."""
_places = threading.BoundedSemaphore(AT_ONCE)
_LOOK_SECONDS = 0.2
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def streamed(request: HttpRequest, pieces: Iterator[str], *, content_type: str, filename: str) -> StreamingHttpResponse:
    """A download made of `pieces`, each computed when the one before has been sent, and none any more once nobody listens."""
    body = _InOneThread(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"},
    )


class _InOneThread:
    """Pieces computed in a thread of their own, with a connection to the database of their own.

    Under ASGI Django would read a plain iterator to its end before it sends the first byte. The rows come from a cursor that stays open
    between two pieces: in a thread that others use, theirs was the connection too, and whoever found it too old closed it under the rows.
    Beyond ``AT_ONCE`` they wait for one to end, without thread or connection.
    """

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stream")
        self._has_place = False

    async def __aiter__(self) -> AsyncIterator[str]:
        while not _places.acquire(blocking=False):  # noqa: ASYNC110  a place is given back by a thread, which knows no loop
            await asyncio.sleep(_LOOK_SECONDS)
        self._has_place = True
        pull = sync_to_async(self._next, thread_sensitive=False, executor=self._thread)
        while (piece := await pull()) is not None:
            yield piece

    def _next(self) -> str | None:
        return next(self._pieces, None)

    def close(self) -> None:
        """Whoever sends the answer calls it at the end, however that came about. A piece that is under way is the last."""
        self._thread.submit(self._end)
        self._thread.shutdown(wait=False)

    def _end(self) -> None:
        try:
            # What is left of it is a query that nobody reads to its end.
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()
        finally:
            connections.close_all()
            if self._has_place:
                self._has_place = False
                _places.release()


def csv_pieces(rows: Iterable[Iterable[Any]], *, at_once: int = 500) -> Iterator[str]:
    """The rows as CSV (RFC 4180), some hundreds per piece."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(value) for value in row])
        if number % at_once == 0:
            yield _emptied(buffer)
    if buffer.tell():
        yield _emptied(buffer)


def _emptied(buffer: StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _cell(value: Any) -> Any:
    """Spreadsheets run what looks like a formula; a leading apostrophe makes it text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
