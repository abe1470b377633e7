"""One unit of change: what services gather while they decide, written at its end in a handful of set-based statements.

A change to incidents, its timeline lines, its history rows and its ledger entries commit together or not at all (DESIGN.md §5,
invariant 6). The statements are as many for one incident as for five hundred.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models, transaction

from audit.binding import acting
from audit.context import ActionContext
from audit.services import entries_append
from audit.values import SYSTEM, Actor, EntryValue
from escalation_site.kernel.composed import Composed
from escalation_site.kernel.rows import rows_insert, rows_update
from escalation_site.kernel.waking import work_written
from incidents.models import Incident, TimelineEvent
from oncall.models import User

# Field → attribute: "owner" is kept in "owner_id".
COLUMNS = {field.name: field.attname for field in Incident._meta.concrete_fields}
JOINED_AT_MOST = 8  # rows
COUNTERS = ("alert_count",)  # what changes with each repeat and has no history of its own

ENGINE = Actor.system("engine")
OF_ITSELF = ("escalation.", "routing.", "page.create", "page.settle", "problem.propose")
"""What Watchbell does of itself, though it may begin within what a person or a monitor does: an incident is filed, rules route it, a
level is called. The ledger names who did it; that it followed from the other says the action's id."""

Row = TypeVar("Row", bound=models.Model)

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
    _versions: list[models.Model] = field(default_factory=list)

    def opened(self, incidents: list[Incident]) -> None:
        """The first version of new incidents, as they are now."""
        self._versions += [version_of(incident, user=self.user, at=self.at, kind="+") for incident in incidents]

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
        """A ledger entry under the incident's subject; without an object it is about the incident itself. ``actor`` is who did it, where
        that is neither whoever acts nor Watchbell of itself (``OF_ITSELF``)."""
        self._entries.append(
            EntryValue(
                at=self.at,
                action=action,
                object_type=object_type,
                object_id=object_id or str(incident.pk),
                object_label=object_label or (str(incident) if object_type == "incident" else incident.reference),
                subject=incident.subject,
                actor=actor or (ENGINE if action.startswith(OF_ITSELF) else self.actor),
                source=self.source,
                before=before,
                after=after,
                data=data,
            )
        )

    def timeline(
        self, incident: Incident, kind: str, *, text: str = "", user: User | None = None, **data: Any
    ) -> TimelineEvent:
        """A line of the incident's timeline, by ``user`` or whoever acts. It has its number once ``write`` has stored it."""
        event = TimelineEvent(incident=incident, at=self.at, kind=kind, actor=user or self.user, text=text, data=data)
        self._events.append(event)
        return event

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
        context = acting()
        self._write_incidents()
        history_append(self._versions, context)
        if self._events:
            rows_insert(self._events)
        entries_append(self._entries, context=context)
        self._events, self._entries, self._versions, self._touched = [], [], [], {}
        work_written()

    def _write_incidents(self) -> None:
        """Rows that change the same fields share a statement, so that no column is written that nobody touched."""
        groups: dict[tuple[str, ...], list[Incident]] = {}
        for incident, fields in self._touched.values():
            groups.setdefault(tuple(sorted(fields)), []).append(incident)
        for names, incidents in groups.items():
            rows_update(incidents, names)
            if names != COUNTERS:
                self._versions += [version_of(one, user=self.user, at=self.at, kind="~") for one in incidents]


def version_of(incident: Incident, *, user: User | None, at: datetime, kind: str) -> models.Model:
    """A row of the history, not stored yet: bulk writes send no signal that would make it."""
    return _HistoricalIncident(
        history_date=at,
        history_type=kind,
        history_user_id=user.pk if user else None,
        **{name: getattr(incident, name) for name in _TRACKED},
    )


def history_append(versions: Sequence[models.Model], context: ActionContext) -> None:
    """Store rows of the history, bound to the entries of this action."""
    for version in versions:
        version.__dict__["history_change_reason"] = str(context.action_id)
    rows_insert(versions)


def lock(incident_ids: Sequence[int]) -> list[Incident]:
    """The incidents, each locked until the transaction ends: the incident's row is the lock of all that hangs on it.

    Rows are locked in the order of their ids, so that two that want the same ones never wait for each other. They are read after
    they are locked: PostgreSQL would leave out a row that somebody gave another stage, service or team while we waited for it,
    because it no longer matches the joined row that was found before.
    """
    if connection.features.has_select_for_update:
        _lock(ids=incident_ids)
    if len(incident_ids) <= JOINED_AT_MOST:
        return _locked(ids=incident_ids)
    chosen = Incident.objects.filter(pk__in=incident_ids).order_by("pk")
    return list(with_related(chosen, *_LOCKED_WITH, rows=len(incident_ids)))


def lock_one(incident_id: int) -> Incident:
    """The incident, locked. Raises Incident.DoesNotExist."""
    found = lock([incident_id])
    if not found:
        raise Incident.DoesNotExist(f"INC-{incident_id}")
    return found[0]


_LOCKED_WITH = ("service__policy__current_version", "team", "stage")
_lock = Composed(lambda ids: Incident.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
_locked = Composed(lambda ids: Incident.objects.filter(pk__in=ids).order_by("pk").select_related(*_LOCKED_WITH))


def with_related(chosen: models.QuerySet[Row], *paths: str, rows: int) -> models.QuerySet[Row]:
    """``chosen`` together with what these foreign keys lead to.

    A few rows get it in one statement. Of many, most lead to the same: it is read and built once, with a statement for each step
    (of 200 runs under one policy the engine read its definition 200 times, a seventh of its processor time).
    """
    return chosen.select_related(*paths) if rows <= JOINED_AT_MOST else chosen.prefetch_related(*paths)
