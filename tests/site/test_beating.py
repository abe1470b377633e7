"""Web servers beat: from the server's start to its end, also when the database is away for a while."""

import asyncio
import threading
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError

from escalation_site.operations import beating
from escalation_site.operations.beating import Beating

Scope = dict[str, Any]


async def nothing(_scope: Scope, _receive: Any, _send: Any) -> None:
    raise AssertionError("the application itself knows no lifespan")


async def never(*_arguments: Any) -> Any:
    raise AssertionError("not asked for here")


async def life(application: Beating, enough: threading.Event) -> list[str]:
    """A server's life that ends when ``enough`` is set; what the application said meanwhile."""
    said: list[str] = []
    asked = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Scope:
        kind = next(asked)
        if kind == "lifespan.shutdown":
            assert await asyncio.to_thread(enough.wait, 20)
        return {"type": kind}

    async def send(message: Scope) -> None:
        said.append(message["type"])

    await application({"type": "lifespan"}, receive, send)
    return said


def test_a_web_server_beats_until_its_end_and_a_database_that_is_away_only_costs_it_beats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    enough = threading.Event()

    def beat(name: str, *, at: datetime, started_at: datetime, info: Any) -> None:
        told.append(name)
        if len(told) == 2:
            raise OperationalError("connection refused")
        if len(told) == 4:
            enough.set()

    monkeypatch.setattr(beating, "beat", beat)
    monkeypatch.setattr(beating, "beat_end", lambda name: told.append(f"end of {name}"))

    said = asyncio.run(life(Beating(nothing, every=0.001), enough))

    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert set(told[:-1]) == {"web"}
    assert told[-1] == "end of web"


def test_requests_go_to_the_application_as_they_are() -> None:
    seen: list[Scope] = []

    async def application(scope: Scope, _receive: Any, _send: Any) -> None:
        seen.append(scope)

    async def served() -> None:
        await Beating(application)({"type": "http", "path": "/"}, never, never)

    asyncio.run(served())

    assert seen == [{"type": "http", "path": "/"}]
