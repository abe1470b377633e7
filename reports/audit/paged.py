"""Who was paged, how it reached them and when they answered, put together from the ledger alone: the rows of the pages themselves may
be changed by whoever owns the database, and nobody would find it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.models import LedgerEntry
from audit.selectors import LedgerFilter, entries_matching
from incidents.models import Page
from notifications.models import Delivery

_ENDS = {
    "delivery.sent": Delivery.State.DELIVERED,
    "delivery.failed": Delivery.State.FAILED,
    "delivery.cancelled": Delivery.State.CANCELLED,
}
_PAGES = ("page.create", "page.settle", "page.decline", "incident.acknowledge")


@dataclass(slots=True)
class Paged:
    """One page: the entry that tells of it, who, in which place of the policy (from 1 on), by which ways it went, and how it ended as
    far as that was told. ``recipient`` is the person's key, "" where old entries do not say it."""

    number: str
    entry: int
    at: datetime
    person: str
    recipient: str
    subject: str
    cycle: int
    level: int
    state: str
    reason: str = ""
    settled_at: datetime | None = None
    answered_at: datetime | None = None
    declined_at: datetime | None = None
    ways: list[tuple[str, str]] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        return str(dict(Page.State.choices).get(self.state, self.state))

    @property
    def ways_words(self) -> str:
        """Channels with how each ended."""
        words = dict(Delivery.State.choices)
        return ", ".join(f"{channel} {words[state]}" for channel, state in self.ways)


class Pages:
    """Gathers pages from entries in the order in which they were written."""

    def __init__(self) -> None:
        self._pages: dict[str, Paged] = {}
        self._by_message: dict[Any, Paged] = {}
        self._unanswered: dict[str, list[Paged]] = {}

    def all(self) -> Sequence[Paged]:
        return list(self._pages.values())

    def see(self, entry: LedgerEntry) -> None:
        """Take in what one entry tells; most tell nothing of pages."""
        if entry.action == "page.create":
            self._created(entry)
        elif entry.action in ("page.settle", "page.decline"):
            self._ended(entry)
        elif entry.action == "incident.acknowledge":
            self._answered(entry)
        elif entry.action in _ENDS:
            page = self._by_message.get((entry.data or {}).get("message"))
            if page is not None:
                page.ways.append((entry.object_label.partition(":")[0], _ENDS[entry.action]))

    def _created(self, entry: LedgerEntry) -> None:
        told, data = entry.after or {}, entry.data or {}
        page = Paged(
            number=entry.object_id,
            entry=entry.pk,
            at=entry.at,
            person=entry.object_label,
            recipient=str(data.get("recipient", "")),
            subject=entry.subject,
            cycle=int(told.get("cycle", 1)),
            level=int(told.get("level", 1)),
            state=str(told.get("state", "")),
        )
        if page.state == Page.State.FAILED:
            page.settled_at = entry.at
        self._pages[page.number] = page
        self._unanswered.setdefault(page.subject, []).append(page)
        if data.get("message") is not None:
            self._by_message[data["message"]] = page

    def _ended(self, entry: LedgerEntry) -> None:
        page = self._pages.get(entry.object_id)
        if page is None:
            return
        if entry.action == "page.decline":
            page.declined_at = entry.at
            return
        told = entry.after or {}
        page.state, page.reason, page.settled_at = str(told.get("state", "")), str(told.get("reason", "")), entry.at

    def _answered(self, entry: LedgerEntry) -> None:
        """Whoever acknowledges has answered every page that they got of it."""
        waiting = self._unanswered.get(entry.subject, [])
        theirs = [page for page in waiting if _is_of(page, entry)]
        for page in theirs:
            page.answered_at = entry.at
        if theirs:
            self._unanswered[entry.subject] = [page for page in waiting if page.answered_at is None]


def _is_of(page: Paged, entry: LedgerEntry) -> bool:
    if entry.actor_kind != LedgerEntry.ActorKind.USER:
        return False
    # A program that acts for a person is named behind them.
    return page.recipient == entry.actor_id if page.recipient else entry.actor_label.startswith(page.person)


def pages_of(entries: Iterable[LedgerEntry]) -> Sequence[Paged]:
    """The pages that these entries tell of, in the order in which they were made."""
    pages = Pages()
    for entry in entries:
        pages.see(entry)
    return pages.all()


def pages_by(subject: str, *, at: datetime) -> Sequence[Paged]:
    """The pages of one incident as the ledger told them by ``at``: one query by an index."""
    told = entries_matching(LedgerFilter(subject=subject)).filter(at__lte=at, action__in=(*_PAGES, *_ENDS))
    return pages_of(told.order_by("id"))
