"""Answers too long to hold in memory: text sent piece by piece."""

import csv
from collections.abc import AsyncIterator, Iterable, Iterator
from io import StringIO
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def streamed(request: HttpRequest, pieces: Iterator[str], *, content_type: str, filename: str) -> StreamingHttpResponse:
    """A download made of `pieces`, each computed when the one before has been sent."""
    body = _asynchronous(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(
        body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"},
    )


async def _asynchronous(pieces: Iterator[str]) -> AsyncIterator[str]:
    # Under ASGI Django would read a plain iterator to its end before it sends the first byte.
    pull = sync_to_async(lambda: next(pieces, None))
    while (piece := await pull()) is not None:
        yield piece


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
