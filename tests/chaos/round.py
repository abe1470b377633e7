"""One round: alerts come in over HTTP and some are acknowledged by the link in the mail, while strikes befall the house."""

import http.client
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from tests.chaos.accounts import Account, account, left, steps_since
from tests.chaos.house import House
from tests.chaos.strikes import End, Strike, strike_begin
from tests.peers.alerts import alert, webhook
from tests.peers.mailbox import Mail
from tests.peers.organisation import STORM_KEY
from tests.peers.ports import until

PATIENCE = 150.0
"""Seconds until everything has ended: a mail is given up after 45 s, a dead engine's work taken over after 20, and the machine may
have more to do than this."""
GAP_SECONDS = 0.12  # between two alerts
CLIENTS = 8
UNANSWERED = (OSError, http.client.HTTPException)


@dataclass
class Round:
    """``play`` it once, and ``recover`` from it before the next. ``strikes`` are in the order of their beginning."""

    house: House
    prefix: str
    chance: Random
    strikes: Sequence[Strike]
    alerts: int
    _refused: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _acknowledged: set[str] = field(default_factory=set)

    def play(self) -> Account:
        before = int(self.house.site.value("SELECT coalesce(max(id), 0) FROM audit_ledgerentry"))
        taken = set(self.chance.sample(self.titles, k=self.alerts // 4))
        with ThreadPoolExecutor(CLIENTS) as clients, self._acknowledging(taken):
            posts = self._storm(clients)
            for post in posts:
                post.result()
            self._until("every alert to be answered for", self._answered_for)
        self._until("everything to have ended", lambda: not left(self.house.site))
        kept = self._account()
        late = steps_since(self.house.site, before)
        kept.steps, kept.late = len(late), max(late, default=0.0)
        return kept

    @property
    def titles(self) -> list[str]:
        return [f"{self.prefix}{number:03d}" for number in range(self.alerts)]

    # --- what comes in, and what befalls the house meanwhile

    def _storm(self, clients: ThreadPoolExecutor) -> list[Future[None]]:
        posts: list[Future[None]] = []
        ends: list[tuple[int, End]] = []
        waiting = list(self.strikes)
        for number, title in enumerate(self.titles):
            posts.append(clients.submit(self._accepted, title, "firing"))
            while waiting and waiting[0].begins <= number:
                strike = waiting.pop(0)
                ends.append((strike.ends, strike_begin(strike, self.house, refused=lambda: self._refused)))
            ends = _ended(ends, number)
            self.house.look_after()
            time.sleep(GAP_SECONDS)
        _ended(ends, self.alerts)
        return posts

    def _accepted(self, title: str, status: str) -> None:
        """What a monitor does: it sends again what was not answered 202, and only that, to the next server."""
        message = alert(title, status=status)
        webs, path = self.house.of("web"), webhook(STORM_KEY)
        deadline, tries = time.monotonic() + PATIENCE, hash(title)
        while time.monotonic() < deadline:
            tries += 1
            try:
                if (
                    self.house.site.post(f"{self.house.site.address_of(webs[tries % len(webs)])}{path}", message).status
                    == 202
                ):
                    return
                self._refused += 1
            except UNANSWERED:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{title} was never accepted{self._logs()}")

    @contextmanager
    def _acknowledging(self, titles: Collection[str]) -> Iterator[None]:
        """Somebody takes these as soon as the mail has come."""
        thread = threading.Thread(target=self._acknowledge, args=(set(titles),))
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _acknowledge(self, titles: set[str]) -> None:
        while not self._over.wait(0.2):
            for mail in self._mails():
                title = next((title for title in titles if title in mail.subject), None)
                if title is not None and self._pressed(mail):
                    titles.discard(title)
                    self._acknowledged.add(title)

    def _pressed(self, mail: Mail) -> bool:
        try:
            return self.house.site.post(f"{mail.link.rstrip('/')}/acknowledge/").status == 200
        except UNANSWERED:
            return False

    # --- the end

    def _answered_for(self) -> bool:
        """Each incident is there, and somebody has it or the second level was told, or there is nobody left to tell."""
        self.house.look_after()
        done = self.house.site.value(
            "SELECT count(*) FROM incidents_incident i WHERE title LIKE %s AND (state <> 'triggered' "
            "OR exhausted_at IS NOT NULL OR EXISTS (SELECT 1 FROM incidents_page p WHERE p.incident_id = i.id AND p.level > 0))",
            f"{self.prefix}%",
        )
        return bool(done >= self.alerts)

    def _account(self) -> Account:
        site = self.house.site
        return account(site, self._mails(), titles=self.titles, prefix=self.prefix, acknowledged=self._acknowledged)

    def recover(self) -> None:
        """The trouble is over everywhere, so that the next round begins with nothing under way."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(lambda title: self._accepted(title, "resolved"), self.titles))
        open_ones = "SELECT count(*) FROM incidents_incident WHERE title LIKE %s AND state <> 'resolved'"
        self._until("every incident to be resolved", lambda: not self.house.site.value(open_ones, f"{self.prefix}%"))
        self._until("what was called off to have ended", lambda: not left(self.house.site))
        self._account()

    def _mails(self) -> list[Mail]:
        return [mail for mail in self.house.mail.about(self.prefix) if mail.is_page]

    def _until(self, what: str, look: Callable[[], bool]) -> None:
        try:
            until(look, what, seconds=PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}; left: {left(self.house.site)}{self._logs()}") from error

    def _logs(self) -> str:
        return "".join(f"\n--- {name}\n{self.house.site.log(name)}" for name in self.house.names)


def _ended(ends: list[tuple[int, End]], number: int) -> list[tuple[int, End]]:
    """End what is over at alert ``number``; returns what goes on."""
    for last, end in ends:
        if last <= number:
            end()
    return [(last, end) for last, end in ends if last > number]
