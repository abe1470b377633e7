"""``world``: move the clock, send alerts, expect pages. Anything sent that no test expected fails the test."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import time_machine
from django.db import connection
from django.test import Client

from escalation_site.kernel.instants import now
from incidents.engine.glance import glance
from incidents.engine.loop import Engine
from incidents.engine.outcomes import page_report
from incidents.intake.door import keys
from incidents.models import EscalationRun, Incident, Page
from notifications.channels import Outgoing, channels_replaced
from notifications.sender import Sender
from notifications.testing import FakeChannel
from tests.world.cast import ALERTMANAGER_KEY, PAGERDUTY_KEY, Cast, cast_make
from tests.world.kept import Kept

NIGHT = datetime(2026, 11, 22, 2, 9, 0, tzinfo=UTC)  # 03:09 in Rome, a Sunday
_LINK = re.compile(r"https?://[^/\s]+(/p/\S+)")


class InlineSender(Sender):
    """Sends in the test's own thread, so that the clock stands still meanwhile."""

    def dispatch(self) -> int:
        return self.run_once()


class World:
    """See the module. ``world.cast.marta`` is a person; ``world.now`` the virtual instant."""

    def __init__(self, traveller: "time_machine.Traveller", email: FakeChannel) -> None:
        self._traveller = traveller
        self.email = email
        self.cast: Cast = cast_here(at=now())
        self.client = Client()
        self._expected = 0
        self.engine = self.engine_start()

    # --- the clock and the engine

    @property
    def now(self) -> datetime:
        return now()

    def engine_start(self) -> Engine:
        """A fresh engine, as after a restart: nothing is remembered but rows."""
        return Engine(clock=now, sender=InlineSender(clock=now, on_settled=page_report))

    def settle(self) -> None:
        """Let the engine do all that is due at this very instant."""
        for _turn in range(200):
            if not self.engine.turn():
                return
        raise AssertionError("the engine finds work for ever")

    def advance(self, **span: float) -> None:
        """Move the clock (``minutes=5``), stopping at every instant at which something is due."""
        until = self.now + timedelta(**span)
        self.settle()
        while (due := self._next_due()) is not None and due <= until:
            self._traveller.move_to(max(due, self.now))
            self.settle()
        self._traveller.move_to(until)
        self.settle()

    def jump(self, **span: float) -> None:
        """Move the clock with no engine running meanwhile, as when it was down."""
        self._traveller.move_to(self.now + timedelta(**span))

    def jump_to(self, instant: datetime) -> None:
        """Move the clock to an instant, with no engine running meanwhile."""
        self._traveller.move_to(instant)

    def _next_due(self) -> datetime | None:
        seen = glance()
        instants = (seen.run_at, seen.checkpoint_at, seen.delivery_at)
        return min((instant for instant in instants if instant is not None and instant > self.now), default=None)

    # --- signals

    def alert(self, name: str = "PaymentErrorRateHigh", *, status: str = "firing", **labels: str) -> None:
        """Alertmanager posts one alert to our webhook."""
        merged = {"alertname": name, "severity": "critical", **labels}
        body = {
            "status": status,
            "groupKey": f'{{}}:{{alertname="{name}"}}',
            "alerts": [
                {
                    "status": status,
                    "labels": merged,
                    "annotations": {"summary": f"{name} is bad"},
                    "startsAt": self.now.isoformat(),
                    "endsAt": "0001-01-01T00:00:00Z",
                    "fingerprint": fingerprint(merged),
                }
            ],
        }
        answer = self.post(f"/integrations/alertmanager/{ALERTMANAGER_KEY}/", body)
        assert answer.status_code == 202, answer.content

    def recover(self, name: str = "PaymentErrorRateHigh", **labels: str) -> None:
        self.alert(name, status="resolved", **labels)

    def event(self, action: str, dedup_key: str, **payload: Any) -> Any:
        """An event of PagerDuty's API v2."""
        body: dict[str, Any] = {"routing_key": PAGERDUTY_KEY, "event_action": action, "dedup_key": dedup_key}
        if action == "trigger":
            body["payload"] = {"summary": dedup_key, "source": "test", "severity": "critical", **payload}
        return self.post("/v2/enqueue", body)

    def post(self, path: str, body: Any) -> Any:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.post(path, content, content_type="application/json")

    # --- what people get

    def expect_page(self, username: str, *, level: int | None = None) -> Outgoing:
        """The next unexpected message went to ``username`` (a page of ``level``, counted from 1). Returns it."""
        assert len(self.email.got) > self._expected, (
            f"no page for {username}; nothing was sent since the last expected message"
        )
        message = self.email.got[self._expected]
        assert message.address == f"{username}@brightquay.example", (
            f"expected {username}, got {message.address}: {message.subject}"
        )
        if level is not None:
            page = self.page_of(message)
            assert page.level + 1 == level, f"expected level {level}, got level {page.level + 1}"
        self._expected += 1
        return message

    def expect_notice(self, username: str) -> Outgoing:
        """The next unexpected message went to ``username`` and is no page."""
        message = self.email.got[self._expected]
        assert (message.kind, message.address) == ("notice", f"{username}@brightquay.example")
        self._expected += 1
        return message

    def notices(self) -> list[tuple[str, str]]:
        """Who was told what since the last expected message, pages excepted: (user name, subject), by name. Expects them."""
        got = self.email.got[self._expected :]
        assert all(message.kind == "notice" for message in got), [message.subject for message in got]
        self._expected = len(self.email.got)
        return sorted((message.address.partition("@")[0], message.subject) for message in got)

    def expect_silence(self) -> None:
        """Nothing was sent that no test expected."""
        unexpected = [f"{message.address}: {message.subject}" for message in self.email.got[self._expected :]]
        assert not unexpected, f"unexpected messages: {unexpected}"

    def page_of(self, message: Outgoing) -> Page:
        return Page.objects.get(message__idempotency_key=message.idempotency_key)

    def link_in(self, message: Outgoing) -> str:
        """The path of the link in a message's text."""
        found = _LINK.search(message.body)
        assert found, f"no link in: {message.body}"
        return found[1]

    @property
    def incident(self) -> Incident:
        """The one incident there is."""
        return Incident.objects.get()

    @property
    def run(self) -> EscalationRun:
        return EscalationRun.objects.get(superseded=False)


def fingerprint(labels: dict[str, str]) -> str:
    """Sixteen hex digits that tell one set of labels from another, as Alertmanager's."""
    return hashlib.sha256(orjson.dumps(labels, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


_cast_kept: dict[datetime, Kept] = {}


def cast_here(*, at: datetime) -> Cast:
    """The organisation as of ``at``: made by its services once in a process, from then on as they left it."""
    if not connection.in_atomic_block:
        # What is told once a transaction is over is told by the services alone.
        return cast_make(at=at)
    kept = _cast_kept.get(at)
    if kept is None:
        kept = _cast_kept[at] = Kept(lambda: vars(cast_make(at=at)))
        return Cast(**kept.made)
    again = kept.again()
    return cast_make(at=at) if again is None else Cast(**again)


@contextmanager
def world_made() -> Iterator[World]:
    """A world at 03:09 on a Sunday night."""
    email = FakeChannel()
    keys.forget()
    with time_machine.travel(NIGHT, tick=False) as traveller, channels_replaced({"email": email}):
        world = World(traveller, email)
        yield world
        world.expect_silence()
