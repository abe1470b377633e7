"""What the ledger tells, entry by entry: the fields of each incident, whether it is quiet, and what became of its pages."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import models

from incidents.changes import COLUMNS, COUNTERS
from incidents.models import Incident
from tests.simulation.asking import Broken, document, instant, plain, rows
from tests.simulation.runs import Run

ANSWERING = {"incident.acknowledge", "incident.mitigate", "incident.reassign"}
SILENCING = {"incident.resolve", "incident.snooze"}
RESTARTING = {
    "incident.unacknowledge",
    "incident.reopen",
    "incident.escalate",
    "incident.snooze_end",
    "incident.stall",
    "routing.path",
}
RINGING = {"page.create", "escalation.end_level", "escalation.skip_level"}
_CALLS_AGAIN = {"incident.severity", "routing.path", "routing.send_for"}
TRACKED = tuple(name for name in COLUMNS.values() if name not in (*COUNTERS, "id"))


TABLE, HISTORY = Incident._meta.db_table, Incident.history.model._meta.db_table
_FIELDS = {field.attname: field for field in Incident._meta.concrete_fields}


def _plain_of(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    """How a column's value, as either database gives it, is written in the ledger."""
    match field:
        case models.DateTimeField():
            return lambda value: plain(instant(value))
        case models.JSONField():
            return document
        case models.BooleanField():
            return lambda value: None if value is None else bool(value)
    return lambda value: value


_PLAIN = tuple((name, _plain_of(_FIELDS[name])) for name in TRACKED)
_COLUMNS = ", ".join(f'"{_FIELDS[name].column}"' for name in ("id", *TRACKED))


def tracked(table: str, condition: str, *parameters: Any) -> dict[int, dict[str, Any]]:
    """The fields of incidents, by incident, as their table or history has them: asked without the product's help."""
    found = rows(f'SELECT {_COLUMNS} FROM "{table}" WHERE {condition}', *parameters)  # noqa: S608  own names, values are parameters
    return {
        pk: {name: as_told(value) for (name, as_told), value in zip(_PLAIN, values, strict=True)}
        for pk, *values in found
    }


@dataclass
class Ledger:
    """Reads on from where it stopped.

    ``facts`` are each incident's fields as told, ``created`` the entry of each page, ``ends`` how often each page was told to have
    ended, ``born_failed`` the pages that nobody could be sent, ``quiet_since`` the last entry that silenced an incident, ``touched``
    the incidents told of since somebody emptied it.
    """

    facts: dict[int, dict[str, Any]] = field(default_factory=dict)
    created: dict[int, int] = field(default_factory=dict)
    ends: Counter[int] = field(default_factory=Counter)
    born_failed: set[int] = field(default_factory=set)
    quiet_since: dict[int, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    _read: int = 0
    _quiet: dict[int, bool] = field(default_factory=dict)
    _answered: dict[int, dict[int, int]] = field(default_factory=dict)

    def read(self, runs: dict[int, Run], every: dict[int, Run]) -> None:
        """``runs`` are the current ones by incident, ``every`` all by number. Raises Broken."""
        found = rows(
            "SELECT id, action_id, action, object_type, object_id, subject, after, data, actor_kind, actor_id "
            "FROM audit_ledgerentry WHERE id > %s ORDER BY id",
            self._read,
        )
        together: dict[tuple[Any, str], list[tuple[str, tuple[Any, Any]]]] = {}
        for row in found:
            said = document(row[7]) or {}
            causes = (said.get("because"), said.get("entered_because"))
            together.setdefault((row[1], row[5]), []).append((row[2], causes))
        pages = _pages([int(row[4]) for row in found if row[2] == "page.create"])
        for pk, action_id, action, object_type, object_id, subject, after, data, actor_kind, actor_id in found:
            self._read = pk
            kind, _colon, number = subject.partition(":")
            if kind != "incident":
                continue
            incident = int(number)
            after, data = document(after) or {}, document(data) or {}
            if action in RINGING and _restarts(together[action_id, subject]):
                self._ring(incident)
            if object_type == "incident":
                self._fold(incident, action, after)
                who = int(actor_id) if actor_kind == "user" else 0
                self._hear(incident, pk, action, after, who, runs.get(incident))
            elif action == "page.create":
                if after.get("state") == "failed":
                    self.born_failed.add(int(object_id))
                self._page_created(incident, pk, pages.get(int(object_id)), int(object_id))
            elif action == "page.settle":
                self._end(int(object_id))
            elif action == "escalation.enter_level":
                self._entered_as_pinned(incident, every.get(int(object_id)), data)

    def _fold(self, incident: int, action: str, after: dict[str, Any]) -> None:
        """What the ledger says of the incident's fields, entry by entry, from its first history row on."""
        self.touched.add(incident)
        if incident not in self.facts:
            first = tracked(HISTORY, "id = %s AND history_type = '+' ORDER BY history_id LIMIT 1", incident)
            if not first or action != "incident.open":
                raise Broken(6, f"INC-{incident} has entries but no beginning ({action})")
            self.facts[incident] = first[incident]
            return
        self.facts[incident] |= {COLUMNS[name]: value for name, value in after.items() if name in COLUMNS}

    def _hear(
        self,
        incident: int,
        pk: int,
        action: str,
        after: dict[str, Any],
        who: int,
        run: Run | None,
    ) -> None:
        """Whether it is quiet from now on (invariant 2)."""
        if action in RESTARTING:
            self._ring(incident)
        elif action in SILENCING:
            self._hush(incident, pk)
        elif action in ANSWERING:
            if action == "incident.acknowledge":
                self._answered.setdefault(incident, {})[who] = pk
            elif after.get("state") != "acknowledged":
                return  # Somebody has it already, and others are called since: a new owner stops nothing.
            if not self._waits_for_all(run):
                self._hush(incident, pk)

    def _waits_for_all(self, run: Run | None) -> bool:
        """A level that everybody must answer goes on telling the others: only there the run is asked where it stands."""
        if run is None or run.phase not in ("paging", "waiting"):
            return False
        return any(level.get("ack_mode") == "all" for level in run.levels)

    def _hush(self, incident: int, pk: int) -> None:
        self._quiet[incident] = True
        self.quiet_since[incident] = pk

    def _ring(self, incident: int) -> None:
        self._quiet[incident] = False
        self._answered.pop(incident, None)

    def _page_created(self, incident: int, pk: int, page: tuple[Any, ...] | None, page_id: int) -> None:
        self.created[page_id] = pk
        if page is None:
            raise Broken(6, f"the ledger tells of page {page_id}, which is not there")
        if self._quiet.get(incident):
            raise Broken(2, f"page {page_id} was made for INC-{incident}, which is quiet")
        _id, run, cycle, level, repeat, recipient = page
        answered = self._answered.get(incident, {}).get(recipient)
        if repeat and answered is not None:
            there = rows(
                "SELECT id, recipient_id FROM incidents_page WHERE run_id = %s AND cycle = %s AND level = %s",
                run,
                cycle,
                level,
            )
            if any(who == recipient and self.created.get(pk, answered) < answered for pk, who in there):
                raise Broken(2, f"person {recipient} was told again of INC-{incident}, which they had answered")

    def _end(self, page: int) -> None:
        self.ends[page] += 1
        if self.ends[page] > 1:
            raise Broken(4, f"page {page} ended twice")

    def _entered_as_pinned(self, incident: int, run: Run | None, data: dict[str, Any]) -> None:
        """The level that was told is that of the pinned version (invariant 7); levels are named after their version."""
        if run is None:
            raise Broken(6, f"INC-{incident} entered a level without a run")
        if data["level"] > len(run.levels) or run.levels[data["level"] - 1]["name"] != data["name"]:
            raise Broken(7, f"INC-{incident} entered {data['name']}, which is not in the version it began with")


def _restarts(together: list[tuple[str, tuple[Any, Any]]]) -> bool:
    """Whether these entries of one transaction tell of a rule that calls people again: a resolution timeout, also one whose
    level reached nobody, a severity that got worse, another path, or specialists whom a rule sends for."""
    return any(action in _CALLS_AGAIN or "resolve_timeout" in causes for action, causes in together)


def _pages(ids: list[int]) -> dict[int, tuple[Any, ...]]:
    if not ids:
        return {}
    marks = ", ".join(["%s"] * len(ids))
    found = rows(
        f"SELECT id, run_id, cycle, level, repeat, recipient_id FROM incidents_page WHERE id IN ({marks})",  # noqa: S608  own names, values are parameters
        *ids,
    )
    return {row[0]: row for row in found}
