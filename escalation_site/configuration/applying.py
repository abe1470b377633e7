"""Applying a file: read all of it, compare it with the database, write the difference; all of it or nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from audit import context as audit_context
from escalation_site.configuration.document import Item, document_read
from escalation_site.configuration.fields import Scope
from escalation_site.configuration.kind import Fields, Kind, NotWritten, Writing, validation_messages
from escalation_site.configuration.plan import Change, Plan, compared, created
from escalation_site.configuration.problems import did_you_mean
from escalation_site.configuration.registry import IGNORED_PREFIX, all_kinds
from escalation_site.kernel.errors import DomainError
from oncall.models import User

SOURCE = "command"


@dataclass(slots=True)
class _Wanted:
    """One entry of the file: where it stands, what it gives, and what there is of it already (None: nothing)."""

    name: str
    item: Item
    fields: Fields
    before: Fields | None


def configuration_apply(
    text: str, *, source: str, at: datetime, environ: Mapping[str, str], user: User | None = None, dry_run: bool = False
) -> Plan:
    """Make users, teams, schedules, policies, services and integrations what ``text`` (YAML) says.

    What the file does not name, objects and fields alike, stays as it is; nothing is ever deleted. ``source`` is the
    file's name for messages, ``user`` whoever applies it (None: the system), ``environ`` holds the secrets the file
    refers to. One transaction; with ``dry_run`` it is rolled back, so that the plan is what would really happen. A
    second run writes nothing.

    Raises ConfigurationInvalid naming every mistake with file, line and field.
    """
    document = document_read(text, source=source)
    with transaction.atomic(), audit_context.action(source=SOURCE):
        # The definitions' own rules speak plain language too: everything is read before anything is written.
        sections = _read(document, environ)
        document.problems.raise_if_any()
        writing = Writing(at=at, user=user, reason=source[:200])
        changes = [change for kind, entries in sections for change in _write_kind(kind, entries, writing)]
        document.problems.raise_if_any()
        if dry_run:
            transaction.set_rollback(True)
    return Plan(tuple(changes), tuple(writing.new_keys))


def _read(document: Item, environ: Mapping[str, str]) -> list[tuple[Kind, list[_Wanted]]]:
    """Every entry of every section, with the mistakes noted."""
    kinds = {kind.section: kind for kind in all_kinds()}
    sections: dict[str, Item] = {}
    for section, item in document.members.items():
        if section in kinds:
            if item.data is None or isinstance(item.data, dict):
                sections[section] = item
            else:
                item.wrong(_("must be a mapping of names to their fields"))
        elif not section.startswith(IGNORED_PREFIX):
            item.wrong(
                _("is not a known section.")
                + did_you_mean(section, kinds)
                + " "
                + _("Known are: %(known)s.") % {"known": ", ".join(kinds)}
            )
    stored = _Stored(kinds)
    scope = Scope(
        environ=environ,
        in_file={section: set(_entries(kinds[section], item)) for section, item in sections.items()},
        in_database=stored.names,
    )
    return [
        (kind, _read_section(kind, sections[kind.section], scope))
        for kind in kinds.values()
        if kind.section in sections
    ]


class _Stored:
    """The names there are in the database, read once a section and only when asked for."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._names: dict[str, set[str]] = {}

    def names(self, section: str) -> set[str]:
        if section not in self._names:
            self._names[section] = self._kinds[section].names()
        return self._names[section]


def _read_section(kind: Kind, section: Item, scope: Scope) -> list[_Wanted]:
    members = _entries(kind, section)
    current = kind.current() if members else {}
    entries = []
    for name, item in members.items():
        if not kind.single and not _may_be_called(kind, name):
            item.wrong(
                _("“%(name)s” cannot be a name here: at most %(most)d of %(pattern)s")
                % {"name": name, "most": kind.name_length, "pattern": kind.name_pattern}
            )
        elif not isinstance(item.data, dict):
            item.wrong(_("must be a mapping of fields"))
        else:
            before = current.get(name)
            entries.append(_Wanted(name, item, kind.read(item, scope, exists=before is not None), before))
    return _ordered(kind, entries, current)


def _entries(kind: Kind, section: Item) -> Mapping[str, Item]:
    """The entries by name. A section left empty says nothing, a single document neither."""
    if kind.single:
        return {} if section.data is None else {"": section}
    return section.members


def _may_be_called(kind: Kind, name: str) -> bool:
    return re.fullmatch(kind.name_pattern, name) is not None and len(name) <= kind.name_length


def _ordered(kind: Kind, entries: list[_Wanted], current: Mapping[str, Fields]) -> list[_Wanted]:
    """The entries with those that others of the section name first; a circle is noted."""
    named = {name: kind.own_name(fields) for name, fields in current.items()}
    named |= {entry.name: kind.own_name({**(entry.before or {}), **entry.fields}) for entry in entries}
    by_name = {entry.name: entry for entry in entries}
    order = TopologicalSorter({name: [other] if other else [] for name, other in named.items()})
    try:
        return [by_name[name] for name in order.static_order() if name in by_name]
    except CycleError as error:
        circle = error.args[1]
        entry = next(by_name[name] for name in circle if name in by_name)
        entry.item.wrong_at(
            (kind.own_reference or "follow",), _("makes a circle: %(names)s") % {"names": " → ".join(reversed(circle))}
        )
        return entries


def _write_kind(kind: Kind, entries: list[_Wanted], writing: Writing) -> list[Change]:
    changes = []
    for entry in entries:
        before = entry.before
        changed = {
            name: value
            for name, value in entry.fields.items()
            if before is None or kind.differs(name, before.get(name), value)
        }
        if before is None:
            changes.append(created(kind.section, entry.name, entry.fields))
        else:
            changes.append(compared(kind.section, entry.name, before, changed))
        if before is None or changed:
            _write(kind, entry, changed, writing)
    return changes


def _write(kind: Kind, entry: _Wanted, changed: Mapping[str, Any], writing: Writing) -> None:
    """Write one object.

    What its own rules refuse is noted, and the others are still tried: all mistakes are told at once.
    """
    try:
        with transaction.atomic():
            writing.rows[kind.section, entry.name] = kind.write(writing, entry.name, entry.fields, changed)
    except NotWritten:
        return
    except ValidationError as error:
        for field, message in validation_messages(error):
            entry.item.wrong_at(kind.place_of(field), message)
    except DomainError as error:
        entry.item.wrong(str(error))
