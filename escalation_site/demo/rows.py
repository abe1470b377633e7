"""Rows made in memory, numbered as the database will number them, and stored together in the order in which they
happened.
"""

import random
import uuid
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.db import connection, models

from audit import services as ledger
from audit.context import ActionContext
from audit.models import LedgerEntry
from audit.values import EntryValue
from escalation_site.kernel.rows import rows_insert
from incidents.models import Alert, EscalationRun, Incident, Page, PageReport, TimelineEvent
from notifications.models import Attempt, Delivery, Message

HistoricalIncident: type[models.Model] = Incident.history.model

NUMBERED: tuple[type[models.Model], ...] = (Incident, Alert, EscalationRun, Message, Delivery, Page)
"""Rows that others name by their number: theirs is known before they are stored, in the order in which they are
made.
"""

UNNUMBERED: dict[type[models.Model], str] = {
    Attempt: "started_at",
    PageReport: "at",
    HistoricalIncident: "history_date",
    TimelineEvent: "at",
    LedgerEntry: "at",
}
"""Rows nobody names, with the instant by which they are put in order when they are stored."""


class Acts(Protocol):
    """What people did meanwhile by the services themselves, which enter it in the ledger at once."""

    @property
    def next_at(self) -> datetime | None:
        """When the next one happens; None when all have."""

    def act(self) -> None:
        """Let it happen."""


class NumbersTaken(RuntimeError):
    """Somebody else stored rows meanwhile: the history would name the wrong ones. It is rolled back; load it again."""


class Rows:
    """Collects. ``store`` writes everything; call it in a transaction."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next = {model: _next_number(model) for model in NUMBERED}
        self._rows: dict[type[models.Model], list[Any]] = defaultdict(list)

    def number(self, row: models.Model) -> None:
        """Give ``row`` the number it will be stored under."""
        model = type(row)
        row.pk = self._next[model]
        self._next[model] += 1
        self._rows[model].append(row)

    def add(self, rows: Iterable[models.Model]) -> None:
        """Take rows that nobody names."""
        for row in rows:
            self._rows[type(row)].append(row)

    def enter(self, values: Sequence[EntryValue], *, versions: Sequence[models.Model] = ()) -> None:
        """Ledger entries of one action, as ``audit.services.entries_append`` makes them, and the versions it made."""
        action_id = uuid.UUID(int=self._chance.getrandbits(128), version=4)
        context = ActionContext(action_id)
        for version in versions:
            version.__dict__["history_change_reason"] = str(action_id)
        self.add(versions)
        self.add(ledger.entry_made(value, context) for value in values)

    def made(self, model: type[models.Model]) -> list[Any]:
        """What has been collected of one model, in the order in which it was made."""
        return self._rows[model]

    def of(self, model: type[models.Model]) -> list[Any]:
        """What has been collected of one model, in the order in which it will be stored."""
        rows = self._rows[model]
        instant = UNNUMBERED.get(model)
        # Sorting keeps the order of what happened at one instant.
        return sorted(rows, key=lambda row: _instant(row, instant)) if instant else rows

    def store(self, acts: Acts | None = None) -> int:
        """Write everything; returns how many rows. Raises NumbersTaken.

        The ledger comes last, and each of ``acts`` happens when it has got to that instant: so it runs forward.
        """
        count = 0
        for model in (*NUMBERED, *UNNUMBERED):
            rows = self.of(model)
            expected = [row.pk for row in rows] if model in NUMBERED else None
            if model is LedgerEntry and acts is not None:
                _insert_around(rows, acts)
            else:
                rows_insert(rows)
            if expected is not None and [row.pk for row in rows] != expected:
                raise NumbersTaken(model.__name__)
            count += len(rows)
        return count


def _insert_around(entries: Sequence[LedgerEntry], acts: Acts) -> None:
    start = 0
    while (at := acts.next_at) is not None:
        end = bisect_right(entries, at, lo=start, key=lambda entry: entry.at)
        rows_insert(entries[start:end])
        start = end
        acts.act()
    rows_insert(entries[start:])


def _instant(row: Any, attribute: str) -> datetime:
    instant: datetime = getattr(row, attribute)
    return instant


def _next_number(model: type[models.Model]) -> int:
    """The number the database gives to the next row of ``model``."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            found = cursor.fetchone()
            return int(found[0]) + 1 if found else 1
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{table}"', "id"])
        sequence = cursor.fetchone()[0]
        # The name comes from the database's own catalogue.
        cursor.execute(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608  own names, values are parameters
        last, is_called = cursor.fetchone()
        return int(last) + 1 if is_called else int(last)
