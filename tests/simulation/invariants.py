"""DESIGN.md §5 asked of the rows, in plain SQL and with as little of the product's own thinking as possible.

What happened is read from the ledger, which nobody can rewrite; what is, from the tables; what a provider took, from the provider.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from notifications.services.neglect import CLOCKS_APART
from tests.audit.ground import append_only_models
from tests.simulation.asking import Broken, difference, document, rows
from tests.simulation.books import nobody_is_to_be_paged
from tests.simulation.ledger import HISTORY, TABLE, Ledger, tracked
from tests.simulation.provider import Got
from tests.simulation.runs import Run, Runs


@dataclass
class Invariants:
    """Looks after each unit of work; raises Broken. Remembers what was, to see what must not change."""

    got: list[Got] = field(default_factory=list)
    stalled: set[int] = field(default_factory=set)
    """Incidents that ring and have no run (their service has no policy): the watchdog's, within a minute."""
    put_off: dict[int, str] = field(default_factory=dict)
    """Incidents that wait by a clock that was ahead, and when they were moved by it: the watchdog's too, within a few minutes."""
    _runs: Runs = field(default_factory=Runs)
    _ledger: Ledger = field(default_factory=Ledger)
    _kept: dict[str, dict[Any, bytes]] = field(default_factory=dict)

    # --- when to look

    def look(self, *, at: datetime) -> None:
        """After each unit of work: what can be seen at any moment."""
        runs = self._runs.current()
        self._ledger.read(runs, self._runs.every)
        self._next_steps(runs, at)
        self._steps_put_off(at)
        self._levels_in_force(runs)
        self._once()
        self._changes_and_entries(self._ledger.touched)
        self._ledger.touched = set()

    def look_closely(self, *, at: datetime) -> None:
        """Now and then: all of it, and whether anything written has changed since."""
        self.look(at=at)
        self._changes_and_entries(self._ledger.facts)
        self._pages_and_entries()
        self._skips()
        self._nothing_rewritten()
        self._nothing_set_aside()

    def look_at_the_end(self, *, at: datetime) -> None:
        """When everything has come to rest."""
        self.look_closely(at=at)
        self._all_settled()
        self._attempted()
        self._taken_once()
        waiting = rows("SELECT count(*) FROM incidents_inboxsignal WHERE processed_at IS NULL")[0][0]
        if waiting:
            raise Broken(0, f"{waiting} accepted signals were never read")

    def handed_over(self, taken: Got) -> None:
        """At the very moment at which a provider has a message (invariants 2 and 3)."""
        if taken in self.got:
            raise Broken(3, f"{taken.address} got {taken.key} twice by {taken.kind}")
        self.got.append(taken)
        self._ledger.read(self._runs.current(), self._runs.every)
        page = rows(
            "SELECT p.id, p.incident_id FROM incidents_page p JOIN notifications_message m ON m.id = p.message_id "
            "WHERE m.idempotency_key = %s",
            taken.key,
        )
        for page_id, incident_id in page:
            if self._ledger.created.get(page_id, 0) < self._ledger.quiet_since.get(incident_id, 0):
                raise Broken(2, f"page {page_id} was sent after INC-{incident_id} had become quiet")

    # --- asking the tables

    def _next_steps(self, runs: dict[int, Run], at: datetime) -> None:
        """Invariant 1."""
        ringing = rows(
            "SELECT id FROM incidents_incident WHERE state = 'triggered' AND exhausted_at IS NULL "
            "AND (snoozed_until IS NULL OR snoozed_until <= %s)",
            connection.ops.adapt_datetimefield_value(at),
        )
        asked = {incident for (incident,) in rows("SELECT incident_id FROM incidents_checkpoint WHERE outcome = ''")}
        self.stalled = {
            incident
            for (incident,) in ringing
            if incident not in asked and (incident not in runs or runs[incident].next_due_at is None)
        }
        if self.stalled - runs.keys():
            self.stalled -= nobody_is_to_be_paged() - runs.keys()
        for incident in self.stalled & runs.keys():
            raise Broken(1, f"INC-{incident} rings, and nothing will ever follow")
        for incident, run in runs.items():
            if run.phase in ("paging", "waiting", "snoozed") and run.next_due_at is None:
                raise Broken(1, f"the run of INC-{incident} is {run.phase} and has no next instant")

    def _steps_put_off(self, at: datetime) -> None:
        """Moved, or asked about, at an instant still to come."""
        later = connection.ops.adapt_datetimefield_value(at + CLOCKS_APART)
        found = rows(
            "SELECT incident_id, state ->> 'moved_at' FROM incidents_escalationrun WHERE NOT superseded "
            "AND next_due_at > %s AND state ->> 'moved_at' > %s UNION ALL SELECT incident_id, CAST(created_at AS text) "
            "FROM incidents_checkpoint WHERE outcome = '' AND due_at > created_at AND created_at > %s",
            later,
            (at + CLOCKS_APART).isoformat(),
            later,
        )
        self.put_off = dict(found)

    def _levels_in_force(self, runs: dict[int, Run]) -> None:
        """Invariant 5: nobody waits at a level that can reach nobody."""
        answerable = {run.pk: False for run in runs.values()}
        people: dict[tuple[int, int], tuple[bool, bool]] = {}
        for run_id, recipient, state, declined in rows(
            "SELECT p.run_id, p.recipient_id, p.state, p.declined_at IS NOT NULL FROM incidents_page p "
            "JOIN incidents_escalationrun r ON r.id = p.run_id AND r.level = p.level AND r.cycle = p.cycle "
            "WHERE r.phase = 'paging'"
        ):
            can, out = people.get((run_id, recipient), (False, False))
            people[run_id, recipient] = (can or state != "failed", out or bool(declined))
        for (run_id, _recipient), (can, out) in people.items():
            answerable[run_id] = answerable.get(run_id, False) or (can and not out)
        places = {(run.pk, run.level, run.cycle) for run in runs.values()}
        for said in rows(
            "SELECT context FROM notifications_message WHERE destination_id IS NOT NULL "
            "AND state IN ('pending', 'delivered')"
        ):
            about = document(said[0])
            where = (about.get("run"), about.get("level"), about.get("cycle"))
            if where in places:
                answerable[where[0]] = True
        for incident, run in runs.items():
            level = run.levels[run.level]
            waits = run.phase == "paging" and level.get("if_unreachable") != "wait"
            if waits and not answerable[run.pk]:
                raise Broken(5, f"INC-{incident} waits at level {run.level + 1}, which reaches nobody")

    def _once(self) -> None:
        """Invariant 3, asked of the rows whatever their constraints say."""
        doubled = rows(
            "SELECT run_id, cycle, level, repeat, recipient_id FROM incidents_page "
            "GROUP BY run_id, cycle, level, repeat, recipient_id HAVING count(*) > 1"
        )
        if doubled:
            raise Broken(3, f"paged twice (run, cycle, level, repeat, person): {doubled[0]}")

    def _changes_and_entries(self, incidents: Iterable[int]) -> None:
        """Invariant 6: the ledger, the history and the row tell the same of each field."""
        wanted = sorted(incidents)
        if not wanted:
            return
        among = f"IN ({', '.join(map(str, wanted))})"
        for pk, is_now in tracked(TABLE, f"id {among}").items():
            told = self._ledger.facts.get(pk)
            if told != is_now:
                raise Broken(6, f"INC-{pk}: the ledger says {difference(told or {}, is_now)}")
        last = f'history_id IN (SELECT max(history_id) FROM "{HISTORY}" WHERE id {among} GROUP BY id)'  # noqa: S608  own names and numbers
        for pk, kept in tracked(HISTORY, last).items():
            if kept != self._ledger.facts[pk]:
                raise Broken(6, f"INC-{pk}: the history says {difference(kept, self._ledger.facts[pk])}")

    def _pages_and_entries(self) -> None:
        """Invariant 6: how each page ended is told once, at its birth or later."""
        pages = dict(rows("SELECT id, state FROM incidents_page"))
        if pages.keys() != self._ledger.created.keys():
            raise Broken(6, f"pages without their entry: {sorted(pages.keys() ^ self._ledger.created.keys())}")
        told = self._ledger.born_failed | {page for page, times in self._ledger.ends.items() if times}
        for page, state in pages.items():
            if (state == "pending") is (page in told):
                raise Broken(6, f"page {page} is {state}, and the ledger says otherwise")

    def _skips(self) -> None:
        """Invariant 5: what is skipped is shown and audited."""
        shown = Counter(
            rows("SELECT incident_id FROM incidents_timelineevent WHERE kind = 'escalation.skip_level' ORDER BY id")
        )
        audited: Counter[tuple[int]] = Counter()
        places: Counter[tuple[str, Any, Any]] = Counter()
        for action, subject, object_id, data in rows(
            "SELECT action, subject, object_id, data FROM audit_ledgerentry "
            "WHERE action IN ('escalation.skip_level', 'escalation.end_level') ORDER BY id"
        ):
            data = document(data)
            if action == "escalation.skip_level":
                audited[(int(subject.partition(":")[2]),)] += 1
            if data["because"] == "nobody_on_call":
                places[object_id, data["level"], data["cycle"]] += 1 if action == "escalation.skip_level" else -1
        if shown != audited:
            raise Broken(5, f"skipped levels shown {dict(shown)} but audited {dict(audited)}")
        unsaid = [place for place, count in places.items() if count]
        if unsaid:
            raise Broken(5, f"left for want of people, and not said (run, level, cycle): {unsaid[0]}")

    def _nothing_rewritten(self) -> None:
        """Invariant 8."""
        for model in append_only_models():
            table, key = model._meta.db_table, str(model._meta.pk.column)
            columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
            found = rows(f'SELECT "{key}", {columns} FROM "{table}"')  # noqa: S608  own names, values are parameters
            now = {row[0]: hashlib.sha256(repr(row).encode()).digest() for row in found}
            changed = [pk for pk, digest in self._kept.get(table, {}).items() if now.get(pk) != digest]
            if changed:
                raise Broken(8, f"rows of {table} were changed or deleted: {changed[:5]}")
            self._kept[table] = now

    def _nothing_set_aside(self) -> None:
        aside = rows(
            "SELECT 'run', id, error FROM incidents_escalationrun WHERE set_aside_at IS NOT NULL "
            "UNION ALL SELECT 'signal', id, error FROM incidents_inboxsignal WHERE set_aside_at IS NOT NULL"
        )
        if aside:
            raise Broken(0, f"set aside: {aside[0]}")

    def _all_settled(self) -> None:
        """Invariant 4."""
        for pk, state, reason, settled_at, message_state in rows(
            "SELECT p.id, p.state, p.state_reason, p.settled_at, m.state FROM incidents_page p "
            "LEFT JOIN notifications_message m ON m.id = p.message_id"
        ):
            if state == "pending" or settled_at is None:
                raise Broken(4, f"page {pk} stays silent: {state}, its message {message_state}")
            if state != "delivered" and not reason:
                raise Broken(4, f"page {pk} is {state} without a reason")
            if state != message_state:
                raise Broken(4, f"page {pk} is {state}, its message {message_state}")
        for table, ended in (("message", "settled_at"), ("delivery", "settled_at"), ("attempt", "finished_at")):
            left = rows(f"SELECT id FROM notifications_{table} WHERE {ended} IS NULL")  # noqa: S608  own names, values are parameters
            if left:
                raise Broken(4, f"{table} {left[0][0]} never ended")
        left = rows("SELECT id FROM incidents_pagereport WHERE processed_at IS NULL")
        if left:
            raise Broken(4, f"the report {left[0][0]} of a page was never read")

    def _attempted(self) -> None:
        """Invariant 3: a page that was created is always attempted, unless it was called off first."""
        silent = rows(
            "SELECT p.id FROM incidents_page p WHERE p.state <> 'cancelled' AND p.state_reason <> 'no_contact_method' "
            "AND NOT EXISTS (SELECT 1 FROM notifications_delivery d JOIN notifications_attempt a ON a.delivery_id = d.id "
            "WHERE d.message_id = p.message_id)"
        )
        if silent:
            raise Broken(3, f"page {silent[0][0]} was never attempted")
        taken = {one.key for one in self.got}
        for key, state in rows("SELECT idempotency_key, state FROM notifications_message WHERE state = 'delivered'"):
            if key not in taken:
                raise Broken(4, f"{key} counts as {state}, and no provider has it")

    def _taken_once(self) -> None:
        """A second method is tried only where nobody knows about the first (decision 0004)."""
        by_key: dict[str, list[Got]] = {}
        for one in self.got:
            by_key.setdefault(one.key, []).append(one)
        for key, several in by_key.items():
            for earlier in several[:-1]:
                unknown = rows(
                    "SELECT 1 FROM notifications_attempt a JOIN notifications_delivery d ON d.id = a.delivery_id "
                    "JOIN notifications_message m ON m.id = d.message_id WHERE m.idempotency_key = %s "
                    "AND d.channel = %s AND d.address = %s AND a.outcome = 'unknown'",
                    key,
                    earlier.kind,
                    earlier.address,
                )
                if not unknown:
                    raise Broken(3, f"{key} was taken by {earlier.kind} and then sent by another method")
