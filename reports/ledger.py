"""Ledger entries as the browser shows them, and what this installation expects its database to protect."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.timezone import localtime

from audit.models import LedgerEntry
from audit.selectors import Protection, only_growing, protection
from incidents.models import Service, Stage
from oncall.models import Team, User
from policies.models import EscalationPolicy
from policies.severity import Severity
from reports.audit.histories import histories
from reports.ledger_words import action_words, object_words

_INCIDENT = re.compile(r"(?:inc-|incident:)?([0-9]{1,18})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field before and after, in words; "" is nothing."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the list: what was done, to what, and what that belongs to."""

    entry: LedgerEntry
    what: str
    object: str
    subject: str


def line(entry: LedgerEntry) -> Line:
    return Line(
        entry,
        action_words(entry.action),
        entry.object_label or f"{object_words(entry.object_type)} {entry.object_id}",
        subject_of(entry.subject)[0],
    )


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry in full. ``subject_url`` leads to the incident it belongs to, where there is one; so do ``trail_url`` to that
    incident followed, ``past_url`` to its subject as it was just after, ``versions_url`` to the versions of the object.
    """

    line: Line
    object_kind: str
    differences: tuple[Difference, ...]
    data: tuple[tuple[str, str], ...]
    subject_label: str
    subject_url: str
    trail_url: str = ""
    past_url: str = ""
    versions_url: str = ""
    said: str = ""


def detail(entry: LedgerEntry) -> Detail:
    label, url = subject_of(entry.subject)
    said = said_in(entry)
    changed = differences(entry.before, entry.after, names=names_in(entry))
    return Detail(
        line=line(entry),
        object_kind=object_words(entry.object_type),
        # What is quoted need not stand there twice.
        differences=tuple(one for one in changed if one.before or not said or one.after != said),
        data=tuple((name, written(value)) for name, value in (entry.data or {}).items() if not said or value != said),
        subject_label=label,
        subject_url=url,
        said=said,
        **_ways(entry),
    )


def said_in(entry: LedgerEntry) -> str:
    """What a person wrote or gave as the reason, "" for nothing."""
    for side in (entry.after, entry.data):
        for name in ("text", "reason"):
            value = (side or {}).get(name)
            if value and isinstance(value, str) and entry.actor_kind == LedgerEntry.ActorKind.USER:
                return value
    return ""


_PAST_KINDS = ("incident", "schedule", "policy")
_MODELS = {"policy": "escalationpolicy"}
"""What the ledger calls otherwise than its model is called."""


def _ways(entry: LedgerEntry) -> dict[str, str]:
    """Addresses of what more there is about an entry's subject and its object."""
    found = {}
    kind, _colon, pk = entry.subject.partition(":")
    if kind in _PAST_KINDS and pk.isdecimal():
        # The clock of the page's field has whole seconds; the change itself is to be seen.
        after = localtime(entry.at + timedelta(seconds=1))
        moment = after.strftime("%Y-%m-%dT%H:%M:%S")
        found["past_url"] = f"{reverse('audit:past')}?{urlencode({'kind': kind, 'ref': pk, 'moment': moment})}"
        if kind == "incident":
            found["trail_url"] = reverse("audit:trail", args=(int(pk),))
    name = _MODELS.get(entry.object_type, entry.object_type.replace("_", ""))
    if name in histories() and entry.object_id.isdecimal():
        found["versions_url"] = reverse("audit:versions", args=(name, int(entry.object_id)))
    return found


Names = Mapping[tuple[str, Any], str]
"""What the keys of other rows are called, by field and key: ("owner", 20) is "Nils Aaker"."""

_ROWS: dict[str, type[Model]] = {
    "manager": User,
    "owner": User,
    "policy": EscalationPolicy,
    "reporter": User,
    "resolved_by": User,
    "service": Service,
    "stage": Stage,
    "team": Team,
}


def names_in(entry: LedgerEntry) -> Names:
    """Names for the keys that stand in an entry: a query for each kind of row that is mentioned."""
    keys: dict[type[Model], set[int]] = {}
    fields = [(field, value) for side in (entry.before, entry.after) for field, value in (side or {}).items()]
    mentioned = [(field, value) for field, value in fields if field in _ROWS and type(value) is int]
    for field, value in mentioned:
        keys.setdefault(_ROWS[field], set()).add(value)
    rows = {model: model._default_manager.in_bulk(found) for model, found in keys.items()}
    names = {(field, value): str(rows[_ROWS[field]].get(value, "")) for field, value in mentioned}
    for field, value in fields:
        if field == "severity" and value in Severity.values:
            names[field, value] = str(Severity(value).label)
    return names


def differences(
    before: dict[str, Any] | None, after: dict[str, Any] | None, *, names: Names | None = None
) -> tuple[Difference, ...]:
    """Field by field, those of ``before`` first; entries hold only what changed. Keys get the name of their row beside them."""
    old, new = before or {}, after or {}

    def side(values: dict[str, Any], field: str) -> str:
        text, value = written(values.get(field)), values.get(field)
        name = (names or {}).get((field, value)) if isinstance(value, int) else ""
        return f"{name} ({text})" if name else text

    fields = dict.fromkeys([*old, *new])
    return tuple(Difference(field.replace("_", " "), side(old, field), side(new, field)) for field in fields)


def written(value: Any) -> str:
    """A JSON value as text: plain values as they are, structures indented, nothing as ""."""
    if value is None or value == "":
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=1)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def subject_of(subject: str) -> tuple[str, str]:
    """Name and address of what an entry belongs to: "incident:42" is ("INC-42", its page)."""
    kind, _colon, pk = subject.partition(":")
    if kind != "incident" or not pk.isdecimal():
        return subject, ""
    try:
        return f"INC-{pk}", reverse("incidents:incident", args=(int(pk),))
    except NoReverseMatch:
        return f"INC-{pk}", ""


def subject_from(text: str) -> str:
    """What people type ("INC-42", "42", "incident:42", "policy:3") as the ledger's subject."""
    text = text.strip()
    found = _INCIDENT.fullmatch(text)
    return f"incident:{int(found[1])}" if found else text.lower()


def database_protection() -> Protection:
    """Asks this database whether everything that is sealed is append-only now: one query."""
    return protection(expected=only_growing())


def as_json(entry: LedgerEntry) -> dict[str, Any]:
    """Everything the entry holds, for exports."""
    return {
        "id": entry.pk,
        "at": instant(entry.at),
        "action": entry.action,
        "action_id": str(entry.action_id),
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "actor": entry.actor_label,
        "source": entry.source,
        "address": entry.address,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "object": entry.object_label,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
        "data": entry.data,
    }


def instant(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")
