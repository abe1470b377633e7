"""The web process: uvicorn serving escalation_site.asgi, configured by the environment.

python -m escalation_site.supervisor.web
"""

import asyncio
import os
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from escalation_site.env import Environment, read_or_exit

_SHUTDOWN_SECONDS = 5
_TICK_SECONDS = 1.0
_FAILED = 3  # As uvicorn's own command ends where it cannot start.


class Server(uvicorn.Server):
    """Ticks once a second, for the Date header, and at once when it is told to end.

    Uvicorn looks ten times a second whether it is to end: most of what an idle web server used.
    """

    _told: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self._told, self._loop = asyncio.Event(), asyncio.get_running_loop()
        while not await self.on_tick(0):  # Told before this line, it sees so itself.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), _TICK_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None and self._told is not None:
            self._loop.call_soon_threadsafe(self._told.set)


def serve(environment: Environment) -> None:
    """Serve until told to stop. Logs go where Django's settings send them: uvicorn's own set-up is switched off."""
    options: dict[str, Any] = {
        "app": "escalation_site.asgi:application",
        "host": environment.host,
        "port": environment.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(environment.trusted_proxies),
        "forwarded_allow_ips": list(environment.trusted_proxies),
        # Live connections never end by themselves.
        "timeout_graceful_shutdown": _SHUTDOWN_SECONDS,
    }
    if environment.web_workers > 1:
        # Its parent makes servers of uvicorn's own kind.
        uvicorn.run(**options, workers=environment.web_workers)
        return
    server = Server(uvicorn.Config(**options))
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(_FAILED)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "escalation_site.settings")
    serve(read_or_exit(os.environ))
