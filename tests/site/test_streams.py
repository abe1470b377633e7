"""Downloads that are sent as they are made, by a real server: whoever goes away ends the work, and a fault midway leaves no whole file."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path

from escalation_site.handler import OneHopHandler
from escalation_site.kernel import streams
from escalation_site.kernel.streams import streamed

PIECE = "one line of a million\n" * 4_000
LONG = 60
"""Seconds until a test that waits gives up."""


class Pieces:
    """An endless download that remembers who made its pieces, and whether it was ended."""

    def __init__(self, *, fails_after: int = 0) -> None:
        self.threads: set[str] = set()
        self.made = 0
        self.ended = threading.Event()
        self.ended_in = ""
        self._fails_after = fails_after

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return streamed(request, self._pieces(), content_type="text/csv", filename="million.csv")

    def _pieces(self) -> Iterator[str]:
        try:
            while True:
                self.threads.add(threading.current_thread().name)
                self.made += 1
                if self.made == self._fails_after:
                    raise RuntimeError("the database has gone")
                yield PIECE
        finally:
            self.ended_in = threading.current_thread().name
            self.ended.set()


@pytest.fixture
def endless() -> Pieces:
    return Pieces()


@pytest.fixture
def failing() -> Pieces:
    return Pieces(fails_after=4)


@pytest.fixture
def port(settings: Any, endless: Pieces, failing: Pieces) -> Iterator[int]:
    """A server of ours with both downloads."""
    module: Any = ModuleType("downloads_of_this_test")
    module.urlpatterns = [path("endless", endless), path("failing", failing)]
    settings.ROOT_URLCONF = module
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(OneHopHandler(threads=1), log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        # No signal handlers: it is not the main thread, and the test's own are to stay.
        server.capture_signals = nullcontext  # type: ignore[assignment]  # a context that does nothing, for one that does little
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = server.force_exit = True
        thread.join(LONG)
        assert not thread.is_alive()


def test_when_the_client_goes_away_midway_then_no_more_is_made(port: int, endless: Pieces) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert endless.ended.wait(LONG)
    assert endless.threads == {endless.ended_in}, "what is open between two pieces belongs to one thread alone"


def test_when_making_it_fails_midway_then_the_client_sees_that_it_is_not_whole(port: int, failing: Pieces) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    client.request("GET", "/failing")
    answer = client.getresponse()
    assert answer.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as fault:
        answer.read()
    if isinstance(fault.value, http.client.IncompleteRead):
        assert fault.value.partial.startswith(PIECE.encode())
    assert failing.ended.wait(LONG)


def test_when_a_download_runs_then_other_requests_have_their_threads(port: int, endless: Pieces) -> None:
    """The server has one thread for requests here: a download that held it would keep everybody else out."""
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000)
        other = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
        other.request("GET", "/nothing-here")
        assert other.getresponse().status == 404
        other.close()
    assert endless.ended.wait(LONG)


def test_when_as_many_downloads_are_made_as_may_be_then_the_next_waits_for_one_to_end(
    port: int, endless: Pieces, failing: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds a connection to the database: without a bound whoever clicks often enough leaves none to the engine."""
    monkeypatch.setattr(streams, "_places", threading.BoundedSemaphore(1))
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as first:
        first.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert first.recv(1000)
        second = socket.create_connection(("127.0.0.1", port), timeout=LONG)
        second.sendall(b"GET /failing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert second.recv(1000).startswith(b"HTTP/1.1 200")
        assert failing.made == 0
    assert endless.ended.wait(LONG)
    assert failing.ended.wait(LONG)
    second.close()
