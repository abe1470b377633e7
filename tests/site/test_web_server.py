"""The web server under the supervisor: it wakes once a second while nothing happens, and ends at once when it is told to."""

import asyncio
import signal
from typing import Any

import pytest
import uvicorn

from escalation_site.supervisor import web
from escalation_site.supervisor.web import Server


async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("nobody asks anything")


def server() -> Server:
    return Server(uvicorn.Config(nothing, log_config=None, lifespan="off"))


def test_when_it_is_told_to_end_then_it_waits_for_no_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_TICK_SECONDS", 3600.0)
    one = server()

    async def life() -> None:
        serving = asyncio.create_task(one.main_loop())
        await asyncio.sleep(0)  # It has ticked and waits.
        one.handle_exit(signal.SIGTERM, None)
        await asyncio.wait_for(serving, 20)

    asyncio.run(life())
    assert one.should_exit


def test_when_it_is_told_to_end_while_it_starts_then_it_does_not_begin_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_TICK_SECONDS", 3600.0)
    one = server()
    one.handle_exit(signal.SIGTERM, None)
    asyncio.run(asyncio.wait_for(one.main_loop(), 20))


def test_each_tick_brings_the_date_that_answers_carry_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter((0, 1, 2))
    monkeypatch.setattr(web, "_TICK_SECONDS", 0.0)
    monkeypatch.setattr("uvicorn.server.time.time", lambda: next(seconds))
    one = server()
    dates: list[bytes] = []
    tick = one.on_tick

    async def ticks(counter: int) -> bool:
        ends = await tick(counter)
        dates.append(dict(one.server_state.default_headers)[b"date"])
        return ends or len(dates) == 3

    monkeypatch.setattr(one, "on_tick", ticks)
    asyncio.run(one.main_loop())

    assert [date.split()[4] for date in dates] == [b"00:00:00", b"00:00:01", b"00:00:02"]
