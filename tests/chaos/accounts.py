"""Accounting: every alert, every page and every mail of a round, in plain SQL. Raises AssertionError naming what is wrong."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from tests.peers.mailbox import Mail
from tests.peers.site import RunningSite

REASON_OF_A_MAIL_PERHAPS = ("outcome_unknown",)

_PAGES = """
SELECT p.run_id, p.cycle, p.level, p.repeat, p.recipient_id, p.state, p.state_reason, p.link_nonce, i.title,
       p.created_at > i.acknowledged_at
FROM incidents_page p JOIN incidents_incident i ON i.id = p.incident_id WHERE i.title LIKE %s ORDER BY p.id
"""
_LATE = "SELECT data FROM audit_ledgerentry WHERE id > %s AND action LIKE 'escalation.%%' ORDER BY id"


@dataclass
class Account:
    """What became of a round. ``late`` are the seconds after its instant at which the latest step was taken."""

    alerts: int
    pages: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    steps: int = 0
    late: float = 0.0

    def __str__(self) -> str:
        pages = ", ".join(f"{count} {state}" for state, count in sorted(self.pages.items()))
        return (
            f"{self.alerts} alerts, {self.pages.total()} pages ({pages}), {self.mails} mails; 0 lost, 0 doubled; "
            f"{self.steps} steps by the clock, the latest {self.late:.2f} s late"
        )


def account(
    site: RunningSite, mails: Collection[Mail], *, titles: Collection[str], prefix: str, acknowledged: Collection[str]
) -> Account:
    """Account for the alerts of these ``titles``, which begin with ``prefix``; people were told that they had ``acknowledged``."""
    found = site.rows("SELECT title, state FROM incidents_incident WHERE title LIKE %s", f"{prefix}%")
    doubled = [title for title, count in Counter(title for title, _state in found).items() if count > 1]
    assert not doubled, f"more than one incident: {doubled}"
    lost = set(titles) - {title for title, _state in found}
    assert not lost, f"accepted and lost: {sorted(lost)}"
    states = dict(found)
    forgotten = [title for title in acknowledged if states[title] not in ("acknowledged", "resolved")]
    assert not forgotten, f"acknowledged and forgotten: {forgotten}"
    pages = site.rows(_PAGES, f"{prefix}%")
    _check_pages(pages, titles)
    _check_mails(pages, mails)
    _nothing_is_left(site)
    return Account(len(titles), Counter(page[5] for page in pages), len(mails))


def _check_pages(pages: Collection[tuple[Any, ...]], titles: Collection[str]) -> None:
    doubled = [place for place, count in Counter(page[:5] for page in pages).items() if count > 1]
    assert not doubled, f"paged twice (run, cycle, level, repeat, recipient): {doubled}"
    silent = set(titles) - {page[8] for page in pages}
    assert not silent, f"nobody was ever paged for {sorted(silent)}"
    for *place, state, reason, _nonce, title, after in pages:
        assert state in ("delivered", "failed", "cancelled"), (title, place, state)
        assert state == "delivered" or reason, f"{title}: a page is {state} without a reason"
        assert not after, f"{title}: a page was made after it had been acknowledged: {place}"


def _check_mails(pages: Collection[tuple[Any, ...]], mails: Collection[Mail]) -> None:
    """Exactly one where the page says delivered, none where it says that nobody could be reached, at most one where
    nobody knows or it was called off on its way."""
    for what in ("message_id", "link"):
        doubled = [one for one, count in Counter(getattr(mail, what) for mail in mails).items() if count > 1]
        assert not doubled, f"mailed twice: {doubled}"
    sent = Counter(mail.link.split("/p/")[1].partition(":")[0] for mail in mails)
    strangers = sent.keys() - {page[7] for page in pages}
    assert not strangers, f"mails of no page: {strangers}"
    for *_place, state, reason, nonce, title, _after in pages:
        count = sent[nonce]
        if state == "delivered":
            assert count == 1, f"{title}: delivered, and {count} mails came"
        elif state == "failed" and reason not in REASON_OF_A_MAIL_PERHAPS:
            assert count == 0, f"{title}: {reason}, and {count} mails came"


def _nothing_is_left(site: RunningSite) -> None:
    for what, query in LEFT.items():
        count = site.value(query)
        assert count == 0, f"{count} {what}"


LEFT = {
    "signals were not read": "SELECT count(*) FROM incidents_inboxsignal WHERE processed_at IS NULL",
    "pages have not ended": "SELECT count(*) FROM incidents_page WHERE state = 'pending'",
    "reports of pages were not read": "SELECT count(*) FROM incidents_pagereport WHERE processed_at IS NULL",
    "messages have not ended": "SELECT count(*) FROM notifications_message WHERE state = 'pending'",
    "deliveries have not ended": "SELECT count(*) FROM notifications_delivery WHERE state IN ('queued', 'sending')",
    "attempts have not ended": "SELECT count(*) FROM notifications_attempt WHERE finished_at IS NULL",
    "runs were set aside": "SELECT count(*) FROM incidents_escalationrun WHERE set_aside_at IS NOT NULL",
}


def left(site: RunningSite) -> list[str]:
    """What is still under way, in words."""
    return [f"{count} {what}" for what, query in LEFT.items() if (count := site.value(query))]


def steps_since(site: RunningSite, entry: int) -> list[float]:
    """How late the clock's steps were taken that the ledger tells of after ``entry``."""
    documents = [json.loads(data) if isinstance(data, str) else data for (data,) in site.rows(_LATE, entry)]
    return [float(one["late_seconds"]) for one in documents if one and "late_seconds" in one]
