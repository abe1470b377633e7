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
from escalation_site.demo.rows import HistoricalIncident, Rows
from incidents.changes import COUNTERS, Changes, actor_of
from incidents.models import EscalationRun, Incident, Page
from incidents.services import escalator as escalator_service
from incidents.services import paging
from incidents.services.escalator import Escalator
from incidents.services.paging import PageOrder
from notifications.entries import message_entry
from notifications.models import Delivery, Message
from notifications.services import messages as messages_service
from oncall.models import User
from policies.escalation import Because, EnterLevel, start
from policies.models import PolicyVersion
from policies.reach import Telling
from policies.services import version_definition

_TRACKED = tuple(field.attname for field in HistoricalIncident.tracked_fields)  # type: ignore[attr-defined]
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

    def history(self, incident: Incident, *, user: User | None, at: datetime, kind: str) -> None:
        """One history row: the incident as it is now."""
        self.rows.add(
            [
                HistoricalIncident(
                    history_date=at,
                    history_type=kind,
                    history_user_id=user.pk if user else None,
                    **{name: getattr(incident, name) for name in _TRACKED},
                )
            ]
        )

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
                self.recording.history(incident, user=self.user, at=self.at, kind="~")
        self.recording.rows.add(self._events)
        self.recording.rows.enter(self._entries)
        self._events, self._entries, self._touched = [], [], {}


class RecordedEscalator(Escalator):
    """As Escalator, for one incident: people are looked up in the directory, runs and pages are kept."""

    def __init__(self, changes: RecordedChanges) -> None:
        super().__init__(changes)
        self.recording = changes.recording
        self.resolver = DirectoryResolver(self.recording.directory, at=changes.at)
        self.pages: list[Page] = []
        self.deliveries: list[Delivery] = []

    def start(self, incidents: Iterable[tuple[Incident, PolicyVersion]]) -> list[EscalationRun]:
        runs = []
        for incident, version in incidents:
            decision = start(version_definition(version), at=self.changes.at, severity=incident.severity)
            run = EscalationRun(
                incident=incident, policy_version=version, started_at=self.changes.at, priority=incident.severity
            )
            escalator_service._store(run, decision.state)
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
                self._skip(run, order, Because.NOBODY_REACHABLE if own else Because.NOBODY_ON_CALL)

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
        """The message and its first delivery, or one that has failed for want of an address."""
        value = paging._message_value(order, recipient, nonce, self.changes)
        methods = self.recording.directory.methods.get(value.recipient_id, [])
        message = messages_service._message(value, reachable=bool(methods), at=self.changes.at)
        self.recording.rows.number(message)
        if methods:
            delivery = messages_service.delivery_queued(message, methods[0], position=0, at=self.changes.at)
            self.recording.rows.number(delivery)
            self.deliveries.append(delivery)
        else:
            self.recording.rows.enter([message_entry(message, "message.failed", at=self.changes.at)])
        return message


def seconds(count: float) -> timedelta:
    return timedelta(milliseconds=round(count * 1000))
