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
    people: list[str] = field(default_factory=list)

    def look_at(self, topic: str | None) -> None:
        """Say what the person looks at now, None for a hidden tab."""
        self.socket.send(json.dumps({"here": topic}))

    def sees(self, *names: str, seconds: float = 20.0) -> bool:
        """Whether, in the end, exactly these people are said to look at the same."""
        deadline = time.monotonic() + seconds
        while self.people != [*names] and (left := deadline - time.monotonic()) > 0:
            self._next(left)
        return self.people == [*names]

    def subscribe(self, *topics: str, since: int | None = None) -> None:
        """Ask, and listen until the server says which entry is the newest."""
        self.socket.send(json.dumps({"subscribe": topics, **({} if since is None else {"since": since})}))
        while self._next(5.0) != "":
            pass

    def hear(self, topic: str, *, seconds: float = 20.0) -> datetime:
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
        self.seen = max(self.seen, said.get("entry", 0))
        if "people" in said:
            self.people = said["people"]
            return "here"
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


def entry_of(site: RunningSite, number: int, action: str) -> tuple[int, datetime] | None:
    """The newest entry about this incident with this action, and its instant."""
    query = "SELECT id, at FROM audit_ledgerentry WHERE subject = %s AND action = %s ORDER BY id DESC LIMIT 1"
    for entry, at in site.rows(query, f"incident:{number}", action):
        instant = at if isinstance(at, datetime) else datetime.fromisoformat(at)
        return entry, instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return None


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
        running_site.post(webhook(ALERTMANAGER_KEY), alert("SeenLive"))
        for tab in (jonas, elena):
            heard = tab.hear(f"incident:{number}")
            # The page that went out may still be told of before.
            while not (found := entry_of(running_site, number, "alert.repeat")) or tab.heard[-1][1] < found[0]:
                heard = tab.hear(f"incident:{number}")
            assert timedelta(0) <= heard - found[1] < timedelta(seconds=1), (found, tab.heard)


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


@pytest.mark.requirement("R306")
def test_when_people_look_at_the_same_incident_then_each_sees_the_others_and_a_stranger_sees_nobody(
    running_site: RunningSite,
) -> None:
    running_site.post(webhook(ALERTMANAGER_KEY), alert("LookedAt"))
    [(number, _state, _count)] = until(lambda: incidents(running_site, "LookedAt"), "the incident")
    running_site.write("UPDATE incidents_incident SET restricted = %s WHERE id = %s", True, number)
    topic = f"incident:{number}"
    with (
        browser(running_site, "jonas") as jonas,
        browser(running_site, "elena") as elena,
        browser(running_site, "nils") as nils,
    ):
        for tab in (jonas, nils, elena):
            tab.look_at(topic)
        assert jonas.sees("Elena Conti")
        assert elena.sees("Jonas de Wit")
        elena.look_at(None)
        assert jonas.sees()
        elena.look_at(topic)
        assert jonas.sees("Elena Conti")
        assert nils.sees()


def test_when_the_web_server_is_killed_then_a_tab_that_comes_back_hears_what_was_written_meanwhile(
    running_site: RunningSite,
) -> None:
    running_site.post(webhook(ALERTMANAGER_KEY), alert("Restarted"))
    [(number, _state, _count)] = until(lambda: incidents(running_site, "Restarted"), "the incident")
    topic = f"incident:{number}"
    with browser(running_site, "jonas") as tab:
        tab.subscribe(topic)
        seen = tab.seen
    # Taken in while the server lives, worked on by the engine while it does not.
    running_site.post(webhook(ALERTMANAGER_KEY), alert("Restarted"))
    running_site.kill("web")
    until(lambda: incidents(running_site, "Restarted")[0][2] == 2, "the repeat")
    running_site.start("web")
    running_site.wait_until_up()
    with browser(running_site, "jonas") as tab:
        tab.subscribe(topic, since=seen)
        assert topic in tab.topics()
