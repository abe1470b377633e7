"""Any two recorded versions of one row, side by side: what django-simple-history kept of every model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.binding import versions_made
from audit.models import LedgerEntry
from escalation_site.ui import moments
from reports.audit.histories import histories
from reports.ledger import Difference, written

MOST = 200
"""Newest versions of one row that are listed."""
HIDDEN = ("password", "digest", "key_digest", "secret", "token")
"""Fields whose values are nobody's to read, were one ever kept."""


@dataclass(frozen=True, slots=True)
class Version:
    """One row of a history: its key, when and by whom it was written, and whether it created, changed or deleted."""

    key: int
    at: datetime
    by: str
    what: str


def version_words() -> dict[str, str]:
    """What a version did to its row, for people."""
    return {"created": _("Created"), "changed": _("Changed"), "deleted": _("Deleted")}


@dataclass(frozen=True, slots=True)
class VersionMade:
    """A version that an action made: of what, which one, what was done ("+", "~", "-"), and the page that shows it beside the
    one before."""

    model: str
    about: str
    what: str
    url: str


def versions_made_by(entry: LedgerEntry) -> list[VersionMade]:
    """What the action of an entry wrote into the histories, by table and number."""
    names = {model._meta.db_table: name for name, model in histories().items()}
    found = []
    for one in versions_made(entry):
        name = names[one.table.name]
        model: Any = histories()[name]
        page = reverse("audit:versions", args=(name, one.about)) if one.about.isdecimal() else ""
        found.append(
            VersionMade(
                str(model.instance_type._meta.verbose_name),
                one.about,
                one.kind,
                f"{page}?right={one.number}" if page else "",
            )
        )
    return found


def versions_of(name: str, pk: int) -> list[Version]:
    """Newest first. Raises KeyError for a model without a history."""
    rows = histories()[name]._default_manager.filter(id=pk).select_related("history_user")
    found: Any = rows.order_by("-history_date", "-history_id")[:MOST]
    return [
        Version(row.history_id, row.history_date, row.history_user.name if row.history_user else "", row.history_type)
        for row in found
    ]


def versions_compared(name: str, pk: int, first: int, second: int) -> list[Difference] | None:
    """The fields that differ between two versions of the row, ``first`` on the left; None where either is not there."""
    model = histories()[name]
    rows = {row.pk: row for row in model._default_manager.filter(id=pk, pk__in=(first, second))}
    if first not in rows or second not in rows:
        return None
    return [
        Difference(str(field.verbose_name), before, after)
        for field in _tracked(model)
        if (before := _text(rows[first], field)) != (after := _text(rows[second], field))
    ]


def _tracked(model: Any) -> Sequence[models.Field[Any, Any]]:
    own = {"history_id", "history_date", "history_change_reason", "history_type", "history_user"}
    return [field for field in model._meta.concrete_fields if field.name not in own]


def _text(row: models.Model, field: models.Field[Any, Any]) -> str:
    value = getattr(row, field.attname)
    if value in (None, ""):
        return ""
    if field.name in HIDDEN:
        return "…"
    if field.is_relation and field.related_model is not None:
        related: Any = field.related_model
        named = related._default_manager.filter(pk=value).first()
        return f"{named} ({value})" if named is not None else f"#{value}"
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return moments.exactly(value) if isinstance(value, datetime) else written(value)
