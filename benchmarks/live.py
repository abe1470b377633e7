"""From a change to the browser, with a thousand tabs that look at the same incident, and across a restart of the web server.

    python -m benchmarks.live [short|long] [sqlite] [postgresql]

A process beside the server comments on the incident and writes down when each comment was committed. Every tab notes when its nudge came.
Then the web server is killed, comments are written while it is away, and it is started again: each tab names the last entry it saw and
must hear of what it missed. The same tabs on a server that only repeats what it is told show what the machine itself needs.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.figures import heading, judged, percentile
from benchmarks.site import ROOT, Site, site

TABS = {"short": 1_000, "long": 1_000}
CHANGES = {"short": 20, "long": 100}
PAUSE_SECONDS = 0.5
GOAL_P99_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
OPENING = 50
"""How many tabs connect at a time."""


@dataclass
class Tab:
    """One browser tab: the last entry it saw, and when it heard of each."""

    address: str
    cookie: str
    topic: str
    seen: int = 0
    heard: dict[int, float] = field(default_factory=dict)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, opening: asyncio.Semaphore) -> None:
        """Stay connected; come back after a break, as the pages' script does."""
        while True:
            try:
                async with opening:
                    socket = await connect(
                        self.address,
                        additional_headers={"Cookie": self.cookie},
                        open_timeout=30,
                        proxy=None,
                        compression=None,
                    )
                    since = {"since": self.seen} if self.seen else {}
                    await socket.send(json.dumps({"subscribe": [self.topic], **since}))
                    await self._hear(socket)
                async for message in socket:
                    self._note(message)
            except (OSError, WebSocketException, TimeoutError):
                await asyncio.sleep(0.5)
            finally:
                self.ready.clear()

    async def _hear(self, socket: ClientConnection) -> None:
        """Until the server has said which entry is the newest."""
        while "topic" in self._note(await socket.recv()):
            pass
        self.ready.set()

    def _note(self, message: str | bytes) -> dict[str, object]:
        said = json.loads(message)
        entry = int(said.get("entry", 0))
        self.seen = max(self.seen, entry)
        if said.get("topic") == self.topic:
            self.heard.setdefault(entry, time.time())
        return dict(said)


def changed(bench: Site, number: int, count: int, pause: float) -> dict[int, float]:
    """Comment ``count`` times in a process of its own: ledger entry → when it was committed."""
    command = [sys.executable, "-m", "benchmarks.live", "comment", str(number), str(count), str(pause)]
    done = subprocess.run(command, cwd=ROOT, env=bench.environment, check=True, capture_output=True, text=True)
    return {int(entry): float(at) for entry, at in (line.split() for line in done.stdout.splitlines())}


def begun(bench: Site) -> tuple[int, str]:
    """An incident, and somebody's session."""
    command = [sys.executable, "-m", "benchmarks.live", "begin"]
    done = subprocess.run(command, cwd=ROOT, env=bench.environment, check=True, capture_output=True, text=True)
    number, session = done.stdout.split()
    return int(number), session


def spoken(arguments: Sequence[str]) -> None:
    """Inside the site's environment: make the incident and the session, or comment on it."""
    import django

    django.setup()
    from django.test import Client

    from escalation_site.kernel.instants import now
    from incidents.live.feed import latest_entry
    from incidents.models import Service
    from incidents.services.lifecycle import incident_comment, incident_open
    from oncall.models import User

    user = User.objects.get(username="one")
    if arguments[0] == "begin":
        service = Service.objects.select_related("team", "policy__current_version").get()
        incident = incident_open(
            title="Live", summary="", severity=3, service=service, reporter=user, at=now(), source="web"
        )
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        print(incident.pk, client.session.session_key)
        return
    number, count, pause = int(arguments[1]), int(arguments[2]), float(arguments[3])
    for one in range(count):
        incident_comment(incident_id=number, text=f"Update {one}", actor=user, at=now())
        print(latest_entry(), time.time(), flush=True)
        time.sleep(pause)


async def _all_ready(tabs: Sequence[Tab], what: str) -> None:
    for tab in tabs:
        await asyncio.wait_for(tab.ready.wait(), PATIENCE_SECONDS)
    print(f"  {len(tabs)} tabs {what}")


async def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done() and time.monotonic() < deadline:  # noqa: ASYNC110  many tabs, no one event of theirs
        await asyncio.sleep(0.1)


def _delays(tabs: Sequence[Tab], entries: dict[int, float]) -> tuple[list[float], int]:
    """How long each change took to each tab, and how many never came. A nudge that names a later entry tells of the earlier too."""
    delays, lost = [], 0
    for tab in tabs:
        for entry, at in entries.items():
            heard = [when for other, when in tab.heard.items() if other >= entry]
            if heard:
                delays.append(max(min(heard) - at, 0.0))
            else:
                lost += 1
    return delays, lost


def _print(delays: list[float]) -> None:
    shares = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (1.0, "max"))
    print("  " + "   ".join(f"{name} {percentile(delays, share) * 1000:6.0f} ms" for share, name in shares))


async def _story(bench: Site, profile: str) -> float:
    """Measure, kill, measure again; the p99 of the quiet part."""
    number, session = begun(bench)
    address, cookie = f"ws://127.0.0.1:{bench.port}/live/", f"sessionid={session}"
    tabs = [Tab(address, cookie, f"incident:{number}") for _tab in range(TABS[profile])]
    opening = asyncio.Semaphore(OPENING)
    running = [asyncio.create_task(tab.run(opening)) for tab in tabs]
    try:
        await _all_ready(tabs, "look at one incident")
        entries = await asyncio.to_thread(changed, bench, number, CHANGES[profile], PAUSE_SECONDS)
        last = max(entries)
        await _until(lambda: all(max(tab.heard, default=0) >= last for tab in tabs))
        delays, lost = _delays(tabs, entries)
        _print(delays)
        worst = percentile(delays, 0.99)
        print(
            f"  p99 in seconds: {judged(worst, GOAL_P99_SECONDS, at_most=True)}; lost: {lost} of {len(delays) + lost}"
        )
        web = bench.processes.pop()
        web.kill()
        web.wait(10)
        away = await asyncio.to_thread(changed, bench, number, 5, 0.0)
        bench.web()
        await _until(lambda: all(max(tab.heard, default=0) >= max(away) for tab in tabs))
        missed = sum(1 for tab in tabs if max(tab.heard, default=0) < max(away))
        print(
            f"  after the web server was killed and started again: {missed} of {len(tabs)} tabs missed what was written meanwhile"
        )
        return worst
    finally:
        for task in running:
            task.cancel()


async def _bare(bench: Site, profile: str) -> float:
    """The same tabs on a server that only repeats: the p99."""
    sockets = [
        await connect(f"ws://127.0.0.1:{bench.port}/", open_timeout=30, proxy=None, compression=None)
        for _tab in range(TABS[profile])
    ]
    delays: list[float] = []

    async def listen(socket: ClientConnection) -> None:
        async for message in socket:
            delays.append(time.time() - float(message))

    listening = [asyncio.create_task(listen(socket)) for socket in sockets]
    for _change in range(CHANGES[profile]):
        await sockets[0].send(f"{time.time():.6f}")
        await asyncio.sleep(PAUSE_SECONDS)
    for task in listening:
        task.cancel()
    _print(delays)
    return percentile(delays, 0.99)


def report(database: str, profile: str) -> None:
    with site(database) as bench:
        bench.prepare()
        heading(f"{database}: a bare server that repeats to {TABS[profile]} tabs")
        bench.serve("benchmarks.bare.fanout:app")
        bare = asyncio.run(_bare(bench, profile))
        bench.stop()
        heading(f"{database}: from the commit of a change to {TABS[profile]} tabs")
        bench.web()
        worst = asyncio.run(_story(bench, profile))
        print(f"  {worst / bare:.1f} times the p99 of the bare server")


def main(arguments: list[str]) -> None:
    if arguments and arguments[0] in ("begin", "comment"):
        spoken(arguments)
        return
    chosen = [name for name in ("sqlite", "postgresql") if name in arguments] or ["sqlite", "postgresql"]
    for database in chosen:
        report(database, "long" if "long" in arguments else "short")


if __name__ == "__main__":
    main(sys.argv[1:])
