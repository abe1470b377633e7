"""What an audit pack tells: its scope, and tables of who was paged, who answered, who was told, what ran by itself, what people did,
what was decided, and how it ended. All but attached files comes from the ledger, so that each row has an entry that proves it.

A table holds some rows for people and writes all of them to a file for programs as they come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from audit.bundles import MOST
from audit.leaves import instant
from audit.models import LedgerEntry
from audit.selectors import LedgerFilter, entries_matching
from escalation_site.documents.pdf import Column
from escalation_site.kernel.streams import csv_pieces
from escalation_site.ui import moments
from incidents.models import Attachment, Incident
from reports.audit.paged import Paged
from reports.audit.trail import ANSWERED, DECISIONS, ENDED, TOLD, is_automated, stage_of
from reports.ledger import differences, line, subject_of, written
from reports.models import AuditPack

MOST_READ = 2_000
"""Rows of one table in what people read; programs get all."""
Row = Sequence[str]
Begin = Callable[[str], IO[str]]
"""Opens a file of the pack by its name."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a pack is about: an incident, or what was written from ``since`` to before ``until``."""

    incident: Incident | None
    since: datetime | None
    until: datetime | None
    asked_by: str

    @classmethod
    def of(cls, pack: AuditPack) -> Scope:
        return cls(pack.incident, pack.since, pack.until, pack.asked_by.name)

    @property
    def wanted(self) -> LedgerFilter:
        if self.incident is not None:
            return LedgerFilter(subject=self.incident.subject)
        return LedgerFilter(since=self.since, until=self.until)

    @property
    def title(self) -> str:
        return str(self.incident) if self.incident is not None else _("Everything that happened")

    @property
    def about(self) -> str:
        if self.incident is not None:
            return _("from its first signal on")
        return f"{when_words(self.since)} – {when_words(self.until)}"


@dataclass(slots=True)
class Table:
    """One table of the report: rows for people up to a limit, all of them in ``name``.csv."""

    name: str
    title: str
    none: str
    columns: tuple[Column, ...]
    file: IO[str]
    rows: list[Row] = field(default_factory=list)
    count: int = 0

    def add(self, shown: Row, told: Row) -> None:
        self.count += 1
        if len(self.rows) < MOST_READ:
            self.rows.append(shown)
        row_write(self.file, told)

    @property
    def left_out(self) -> str:
        """What to say of the rows that people are not shown, "" where there are none."""
        count = self.count - len(self.rows)
        return _("%(count)d more stand in %(name)s.csv.") % {"count": count, "name": self.name} if count else ""


def scope_count(scope: Scope) -> int:
    """How many entries it holds, counted to one above the most a pack may have."""
    return entries_matching(scope.wanted).order_by()[: MOST + 1].count()


def tables_begin(begin: Begin) -> dict[str, Table]:
    """The tables, empty, each with its file under way."""
    done = (Column(_("When"), 40), Column(_("Who"), 38), Column(_("What")), Column(_("Entry"), 18, "R"))
    pages = (
        Column(_("When"), 40), Column(_("Who"), 34), Column(_("For")), Column(_("How it ended"), 48), Column(_("Entry"), 16, "R"),
    )  # fmt: skip
    files = (
        Column(_("Incident"), 40), Column(_("File")), Column(_("Bytes"), 18, "R"), Column("SHA-256", 52), Column(_("State"), 20),
    )  # fmt: skip

    def table(name: str, title: str, none: str, columns: tuple[Column, ...], head: Row) -> Table:
        file = begin(f"{name}.csv")
        row_write(file, head)
        return Table(name, title, none, columns, file)

    return {
        "paged": table("paged", _("Who was paged"), _("Nobody was paged."), pages, _PAGED),
        "answered": table(
            "acknowledgements", _("When it was acknowledged"), _("Nobody acknowledged anything."), done, _TOLD
        ),
        "notices": table("notices", _("Who was told"), _("Nobody was told."), done, _TOLD),
        "automated": table("automated-steps", _("Which automated steps ran"), _("No automated step ran."), done, _TOLD),
        "actions": table("actions", _("What people did"), _("Nobody did anything."), done, _TOLD),
        "decisions": table("decisions", _("Which decisions were taken"), _("No decision was taken."), done, _TOLD),
        "resolutions": table("resolutions", _("How it ended"), _("It has not ended."), done, _TOLD),
        "attachments": table("attachments", _("Attached files"), _("No file is attached."), files, _ATTACHED),
    }


_PAGED = (
    "page", "at", "person", "incident", "cycle", "level", "ways", "outcome", "reason", "settled_at", "answered_at", "declined_at",
    "entry",
)  # fmt: skip
_TOLD = (
    "entry", "at", "actor_kind", "actor", "action", "object_type", "object", "subject", "before", "after", "data",
)  # fmt: skip
_ATTACHED = ("incident", "name", "bytes", "sha256", "state")


def row_write(file: IO[str], row: Row) -> None:
    """One row of CSV, guarded against what spreadsheets would run."""
    file.writelines(csv_pieces((row,)))


def rows_of(scope: Scope, tables: dict[str, Table]) -> None:
    """Fill the table that the ledger does not: attached files."""
    for row in _attachments(scope).iterator(chunk_size=1000):
        values = (str(row.incident), row.name, str(row.size), row.sha256, row.get_state_display())
        tables["attachments"].add(values, values)


def entry_sorted(entry: LedgerEntry, tables: dict[str, Table]) -> None:
    """Put an entry into the tables it belongs to."""
    wanted = []
    if entry.action in ANSWERED:
        wanted.append("answered")
    if entry.action in TOLD:
        wanted.append("notices")
    if entry.action in ENDED:
        wanted.append("resolutions")
    if stage_of(entry.action) == DECISIONS:
        wanted.append("decisions")
    wanted.append("automated" if is_automated(entry) else "actions")
    one = line(entry)
    what = ". ".join(part for part in (f"{one.what}: {one.object}", _said(entry)) if part)
    shown = (when_words(entry.at), entry.actor_label, what, str(entry.pk))
    told = (
        str(entry.pk), instant(entry.at), entry.actor_kind, entry.actor_label, entry.action, entry.object_type,
        entry.object_label, entry.subject, flat(entry.before), flat(entry.after), flat(entry.data),
    )  # fmt: skip
    for name in wanted:
        tables[name].add(shown, told)


_LONGEST = 300
"""Characters of what was said or changed that people are shown beside an entry."""


def _said(entry: LedgerEntry) -> str:
    """Whom it was told, and what a person wrote, or else which fields changed from what to what, in one line."""
    words = [str((side or {}).get(name) or "") for side in (entry.after, entry.data) for name in ("text", "reason")]
    people = (entry.data or {}).get("people")
    told = ", ".join(map(str, people)) if isinstance(people, list) else ""
    found = " ".join(word for word in (told, *words) if word)
    if not found:
        changed = differences(entry.before, entry.after)
        found = "; ".join(f"{one.field}: {one.before or '–'} → {one.after or '–'}" for one in changed)
    found = " ".join(found.split())
    return found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}…"


def _attachments(scope: Scope) -> QuerySet[Attachment]:
    found = Attachment.objects.filter(incident__isnull=False, removed_at=None).select_related("incident").order_by("id")
    if scope.incident is not None:
        return found.filter(incident=scope.incident)
    return found.filter(created_at__gte=scope.since, created_at__lt=scope.until)


def page_add(page: Paged, table: Table, scope: Scope) -> None:
    """One page, as the ledger tells it."""
    incident = subject_of(page.subject)[0]
    outcome = page.outcome + (f": {page.reason}" if page.reason else "")
    if page.answered_at:
        outcome += ". " + _("Answered %(when)s") % {"when": when_words(page.answered_at)}
    if page.declined_at:
        outcome += ". " + _("Declined %(when)s") % {"when": when_words(page.declined_at)}
    place = _("level %(level)d, round %(cycle)d") % {"level": page.level, "cycle": page.cycle}
    ways = page.ways_words
    table.add(
        (
            when_words(page.at), page.person, f"{scope.incident or incident}, {place}",
            f"{outcome} ({ways})" if ways else outcome, str(page.entry),
        ),
        (
            page.number, instant(page.at), page.person, incident, str(page.cycle), str(page.level), ways, page.state, page.reason,
            *(instant(at) if at else "" for at in (page.settled_at, page.answered_at, page.declined_at)), str(page.entry),
        ),
    )  # fmt: skip


def when_words(at: datetime | None) -> str:
    """An instant on both clocks, "" for none."""
    return moments.exactly(at) if at else ""


def flat(value: Any) -> str:
    """A value in a cell: structures as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict | list) else written(value)
