"""One unit of change: what services gather while they decide, written at its end in a handful of set-based statements.

A change to incidents, its timeline lines, its history rows and its ledger entries commit together or not at all (DESIGN.md §5,
invariant 6). The statements are as many for one incident as for five hundred.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from audit.services import entries_append
from audit.values import SYSTEM, Actor, EntryValue
from escalation_site.kernel.rows import rows_insert, rows_update
from incidents.models import Incident, TimelineEvent
from oncall.models import User

# Field → attribute: "owner" is kept in "owner_id".
COLUMNS = {field.name: field.attname for field in Incident._meta.concrete_fields}
COUNTERS = ("alert_count",)  # what changes with each repeat and has no history of its own


_HistoricalIncident: type[models.Model] = Incident.history.model
_TRACKED = tuple(field.attname for field in Incident.history.model.tracked_fields)


def actor_of(user: User | None) -> Actor:
    """The ledger's name for a person; None is the system."""
    return Actor("user", str(user.pk), user.name) if user else SYSTEM


def plain(value: Any) -> Any:
    """A field's value as the ledger keeps it: JSON types only, instants in ISO 8601 UTC."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value


@dataclass
class Changes:
    """Gathers; ``write`` commits. ``actor`` and ``source`` are who and by which way ("web", "email", "alert", "engine")."""

    at: datetime
    actor: Actor = SYSTEM
    user: User | None = None
    source: str = ""
    _entries: list[EntryValue] = field(default_factory=list)
    _events: list[TimelineEvent] = field(default_factory=list)
    _touched: dict[int, tuple[Incident, set[str]]] = field(default_factory=dict)

    def ledger(
        self,
        incident: Incident,
        action: str,
        *,
        object_type: str = "incident",
        object_id: str = "",
        object_label: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        actor: Actor | None = None,
    ) -> None:
        """A ledger entry under the incident's subject; without an object it is about the incident itself."""
        self._entries.append(
            EntryValue(
                at=self.at,
                action=action,
                object_type=object_type,
                object_id=object_id or str(incident.pk),
                object_label=object_label or (str(incident) if object_type == "incident" else incident.reference),
                subject=incident.subject,
                actor=actor or self.actor,
                source=self.source,
                before=before,
                after=after,
                data=data,
            )
        )

    def timeline(self, incident: Incident, kind: str, *, text: str = "", user: User | None = None, **data: Any) -> None:
        """A line of the incident's timeline, by ``user`` or whoever acts."""
        self._events.append(
            TimelineEvent(incident=incident, at=self.at, kind=kind, actor=user or self.user, text=text, data=data)
        )

    def set(self, incident: Incident, action: str, *, data: Mapping[str, Any] | None = None, **values: Any) -> None:
        """Change fields of ``incident`` and enter the difference in the ledger as ``action``. Without one only the entry is written."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for name, value in values.items():
            column = COLUMNS[name]
            old = getattr(incident, column)
            setattr(incident, name, value)
            new = getattr(incident, column)
            if old != new:
                before[name], after[name] = plain(old), plain(new)
        if after:
            self._touched.setdefault(incident.pk, (incident, set()))[1].update(after)
        self.ledger(incident, action, before=before, after=after, data=data)

    def touch(self, incident: Incident, *fields: str) -> None:
        """Write these fields with the rest, without an entry of their own (counters)."""
        self._touched.setdefault(incident.pk, (incident, set()))[1].update(fields)

    def write(self) -> None:
        """Store everything gathered. Call it inside the transaction that locked the incidents."""
        if not transaction.get_connection().in_atomic_block:
            raise RuntimeError("Changes.write outside a transaction would part a change from its ledger entry")
        self._write_incidents()
        if self._events:
            rows_insert(self._events)
        entries_append(self._entries)
        self._events, self._entries, self._touched = [], [], {}

    def _write_incidents(self) -> None:
        """Rows that change the same fields share a statement, so that no column is written that nobody touched."""
        groups: dict[tuple[str, ...], list[Incident]] = {}
        for incident, fields in self._touched.values():
            groups.setdefault(tuple(sorted(fields)), []).append(incident)
        for names, incidents in groups.items():
            if len(incidents) == 1:
                values = {name: getattr(incidents[0], name) for name in names}
                Incident.objects.filter(pk=incidents[0].pk).update(**values)
            else:
                rows_update(incidents, names)
            if names != COUNTERS:
                history_append(incidents, user=self.user, at=self.at, update=True)


def history_append(rows: list[Incident], *, user: User | None, at: datetime, update: bool) -> None:
    """History rows for bulk writes, which send no signal that would make them."""
    rows_insert(
        [
            _HistoricalIncident(
                history_date=at,
                history_type="~" if update else "+",
                history_user_id=user.pk if user else None,
                **{name: getattr(row, name) for name in _TRACKED},
            )
            for row in rows
        ]
    )


def lock(incident_ids: list[int]) -> models.QuerySet[Incident]:
    """The incidents, each locked until the transaction ends: the incident's row is the lock of all that hangs on it.

    Rows are locked in the order of their ids, so that two that want the same ones never wait for each other. They are read after
    they are locked: PostgreSQL would leave out a row that somebody gave another stage, service or team while we waited for it,
    because it no longer matches the joined row that was found before.
    """
    chosen = Incident.objects.filter(pk__in=incident_ids).order_by("pk")
    if connection.features.has_select_for_update:
        list(chosen.select_for_update().values_list("pk"))
    return chosen.select_related("service__policy__current_version", "team", "stage")
