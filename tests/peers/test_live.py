"""Live updates over real sockets: what one process changes, browsers at another hear of within a second."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.peers.alerts import alert, incidents, webhook
from tests.peers.ports import until
from tests.peers.site import RunningSite
from tests.world.cast import ALERTMANAGER_KEY


@dataclass
class Browser:
    """One tab: what it subscribed to and the nudges it heard, each with the instant it came."""

    socket: ClientConnection
    seen: int = 0
    heard: list[tuple[str, int, datetime]] = field(default_factory=list)

    def subscribe(self, *topics: str, since: int | None = None) -> None:
        """Ask, and listen until the server says which entry is the newest."""
        self.socket.send(json.dumps({"subscribe": topics, **({} if since is None else {"since": since})}))
        while self._next(5.0) != "":
            pass

    def hear(self, topic: str, *, seconds: float = 5.0) -> datetime:
        """When the next nudge about ``topic`` came."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._next(max(deadline - time.monotonic(), 0.01)) == topic:
                return self.heard[-1][2]
        raise AssertionError(f"nothing about {topic}; heard {self.heard}")

    def listen(self, *, seconds: float) -> None:
        """Note whatever comes within ``seconds``."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._next(left)

    def topics(self) -> set[str]:
        return {topic for topic, _entry, _at in self.heard}

    def _next(self, seconds: float) -> str | None:
        """The topic of the next message; "" for the newest entry's number, None when nothing came."""
        try:
            said: dict[str, Any] = json.loads(self.socket.recv(timeout=seconds))
        except TimeoutError:
            return None
        self.seen = max(self.seen, said["entry"])
        if "topic" in said:
            self.heard.append((said["topic"], said["entry"], datetime.now(UTC)))
        return str(said.get("topic", ""))


@contextmanager
def browser(site: RunningSite, username: str = "") -> Iterator[Browser]:
    """A tab of this person; of somebody who has not signed in, without a name."""
    headers = {"Cookie": f"sessionid={site.sessions[username]}"} if username else {}
    address = f"ws://127.0.0.1:{site.port}/live/"
    origin: Any = site.address
    with connect(address, origin=origin, additional_headers=headers, proxy=None, open_timeout=20) as socket:
        yield Browser(socket)


def entry_at(site: RunningSite, number: int, action: str) -> datetime:
    query = "SELECT at FROM audit_ledgerentry WHERE subject = %s AND action = %s ORDER BY id DESC LIMIT 1"
    found = site.value(query, f"incident:{number}", action)
    instant = found if isinstance(found, datetime) else datetime.fromisoformat(found)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


@pytest.mark.requirement("R023")
@pytest.mark.requirement("R328")
def test_when_the_engine_changes_an_incident_then_both_browsers_hear_of_it_within_a_second(
    running_site: RunningSite,
) -> None:
    with browser(running_site, "jonas") as jonas, browser(running_site, "elena") as elena:
        for tab in (jonas, elena):
            tab.subscribe("incidents")
        running_site.post(webhook(ALERTMANAGER_KEY), alert("SeenLive"))
        for tab in (jonas, elena):
            tab.hear("incidents")
        [(number, _state, _count)] = incidents(running_site, "SeenLive")
        for tab in (jonas, elena):
            tab.subscribe("incidents", f"incident:{number}")
            tab.listen(seconds=0.5)
        running_site.post(webhook(ALERTMANAGER_KEY), alert("SeenLive"))
        heard = [tab.hear(f"incident:{number}") for tab in (jonas, elena)]
        changed = entry_at(running_site, number, "alert.repeat")
        assert all(timedelta(0) <= at - changed < timedelta(seconds=1) for at in heard), (changed, heard)


def test_when_a_browser_was_away_then_it_hears_what_it_missed_since_the_entry_it_names(
    running_site: RunningSite,
) -> None:
    running_site.post(webhook(ALERTMANAGER_KEY), alert("WhileAway"))
    [(number, _state, _count)] = until(lambda: incidents(running_site, "WhileAway"), "the incident")
    topic = f"incident:{number}"
    with browser(running_site, "jonas") as tab:
        tab.subscribe(topic)
        tab.listen(seconds=1)
        seen = tab.seen
    running_site.post(webhook(ALERTMANAGER_KEY), alert("WhileAway"))
    until(lambda: incidents(running_site, "WhileAway")[0][2] == 2, "the repeat")
    with browser(running_site, "jonas") as tab:
        tab.subscribe(topic, since=seen)
        assert topic in tab.topics()
        assert tab.seen > seen


def test_somebody_who_has_not_signed_in_is_sent_away(running_site: RunningSite) -> None:
    with browser(running_site) as tab, pytest.raises(ConnectionClosed) as closed:
        tab.subscribe("incidents")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_restricted_incident_is_not_told_to_those_who_may_not_see_it(running_site: RunningSite) -> None:
    running_site.post(webhook(ALERTMANAGER_KEY), alert("Leak"))
    [(number, _state, _count)] = until(lambda: incidents(running_site, "Leak"), "the incident")
    running_site.write("UPDATE incidents_incident SET restricted = %s WHERE id = %s", True, number)
    topic = f"incident:{number}"
    with browser(running_site, "marta") as marta, browser(running_site, "nils") as nils:
        for tab in (marta, nils):
            tab.subscribe(topic, "incidents", since=1)
        running_site.post(webhook(ALERTMANAGER_KEY), alert("Leak"))
        marta.hear(topic)
        nils.hear("incidents")
        nils.listen(seconds=1)
        assert topic not in nils.topics()
