"""The services' own gathering and deciding, with the rows kept in memory instead of being stored one change at a time.

Only what touches the database is replaced here; what a row says comes from the services' code. A test plays the same
incidents through the services and compares every column.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audit.values import Actor
from escalation_site.demo.directory import Directory, DirectoryResolver
from escalation_site.demo.rows import Rows
from incidents.changes import COUNTERS, Changes, actor_of, version_of
from incidents.models import EscalationRun, Page
from incidents.services import paging
from incidents.services.escalator import Escalator, RunStart
from incidents.services.paging import PageOrder
from notifications.entries import message_entry
from notifications.models import Delivery, Message
from notifications.services import messages as messages_service
from notifications.values import MessageValue
from oncall.models import User
from policies.escalation import Because, EnterLevel
from policies.reach import Telling

_NONCE_LENGTH = 22
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(slots=True)
class Recording:
    """Where everything recorded goes, and what it is made from."""

    rows: Rows
    directory: Directory
    chance: random.Random

    def nonce(self) -> str:
        return "".join(self.chance.choices(_LETTERS, k=_NONCE_LENGTH))

    def message(self, value: MessageValue, *, at: datetime) -> tuple[Message, list[Delivery]]:
        """The message and its first delivery, or one that has failed for want of an address."""
        methods = self.directory.methods.get(value.recipient_id, []) if value.recipient_id is not None else []
        message = messages_service._message(value, reachable=bool(methods), at=at)
        self.rows.number(message)
        if not methods:
            self.rows.enter([message_entry(message, "message.failed", at=at)])
            return message, []
        delivery = messages_service.delivery_queued(message, methods[0], position=0, at=at)
        self.rows.number(delivery)
        return message, [delivery]

    def changes(
        self, at: datetime, *, user: User | None = None, source: str = "", actor: Actor | None = None
    ) -> "RecordedChanges":
        changes = RecordedChanges(at=at, actor=actor or actor_of(user), user=user, source=source)
        changes.recording = self
        return changes


class RecordedChanges(Changes):
    """As Changes; ``write`` hands over to the recording."""

    recording: Recording

    def write(self) -> None:
        for incident, fields in self._touched.values():
            if tuple(sorted(fields)) != COUNTERS:
                self._versions.append(version_of(incident, user=self.user, at=self.at, kind="~"))
        self.recording.rows.add(self._events)
        self.recording.rows.enter(self._entries, versions=self._versions)
        self._events, self._entries, self._versions, self._touched = [], [], [], {}


class RecordedEscalator(Escalator):
    """As Escalator, for one incident: people are looked up in the directory, runs and pages are kept."""

    def __init__(self, changes: RecordedChanges) -> None:
        super().__init__(changes)
        self.recording = changes.recording
        self.resolver = DirectoryResolver(self.recording.directory, at=changes.at)
        self.pages: list[Page] = []
        self.deliveries: list[Delivery] = []

    def start(self, starts: Iterable[RunStart]) -> list[EscalationRun]:
        runs = []
        for one in starts:
            run, decision = self._begun(one)
            self.recording.rows.number(run)
            self._todo += [(run, action) for action in decision.actions]
            runs.append(run)
        return runs

    def settle(self) -> None:
        while self._todo:
            todo, self._todo = self._todo, []
            for run, action in todo:
                self._record(run, action)
            self._page([(run, action) for run, action in todo if isinstance(action, Telling)])
        self._changed = {}

    def _page(self, entered: Sequence[tuple[EscalationRun, Telling]]) -> None:
        orders = [self._order(run, action) for run, action in entered]
        pages = self._pages_create(orders)
        for (run, action), order, own in zip(entered, orders, pages, strict=True):
            self._told(order, own, action)
            if isinstance(action, EnterLevel) and all(page.state == Page.State.FAILED for page in own):
                self._skip(run, order, action, Because.NOBODY_REACHABLE if own else Because.NOBODY_ON_CALL)

    def _pages_create(self, orders: Sequence[PageOrder]) -> list[list[Page]]:
        made = []
        for order in orders:
            nonces = [self.recording.nonce() for _recipient in order.recipients]
            messages = [
                self._message(order, recipient, nonce)
                for recipient, nonce in zip(order.recipients, nonces, strict=True)
            ]
            pages = [
                paging._page(order, recipient, nonce, message, self.changes)
                for recipient, nonce, message in zip(order.recipients, nonces, messages, strict=True)
            ]
            for page in pages:
                self.recording.rows.number(page)
            paging._record(order, pages, self.changes)
            self.pages += pages
            made.append(pages)
        return made

    def _message(self, order: PageOrder, recipient: Any, nonce: str) -> Message:
        value = paging._message_value(order, recipient, nonce, self.changes)
        message, deliveries = self.recording.message(value, at=self.changes.at)
        self.deliveries += deliveries
        return message


def seconds(count: float) -> timedelta:
    return timedelta(milliseconds=round(count * 1000))
