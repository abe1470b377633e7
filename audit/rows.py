"""Saving one row of configuration: validated, with its history row and its ledger entry, and nothing at all where
nothing changes.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, transaction

from audit.services import entry_append
from audit.values import Actor, EntryValue
from escalation_site.kernel.errors import DomainError

_HIDDEN = "(changed)"
WHOLE_IS_NAME: Mapping[str, str] = MappingProxyType({NON_FIELD_ERRORS: "name"})
"""What concerns a row as a whole is told at its name: nearly always a name that is taken."""


@transaction.atomic
def row_set(
    row: models.Model,
    values: Mapping[str, Any],
    *,
    noun: str,
    at: datetime,
    actor: Actor | None,
    user: models.Model | None = None,
    secret: Collection[str] = (),
    data: Mapping[str, Any] | None = None,
) -> bool:
    """Give ``row``, new or stored, these field values; returns whether anything had to be written.

    The entry is ``<noun>.create`` or ``<noun>.change`` about the object ``<noun>`` and holds the fields that differ,
    those named in ``secret`` without their values. ``user`` stands in the history row. Raises ValidationError for what
    the model's own rules refuse.
    """
    is_new = row._state.adding
    before, after = _difference(row, values, secret)
    if not after and not is_new:
        return False
    row.full_clean()
    history: Any = row
    history._history_date = at
    history._history_user = user
    row.save()
    entry_append(
        EntryValue(
            at=at,
            action=f"{noun}.create" if is_new else f"{noun}.change",
            object_type=noun,
            object_id=str(row.pk),
            object_label=str(row),
            subject=f"{noun}:{row.pk}",
            actor=actor,
            before=None if is_new else before,
            after=after,
            data=data,
        )
    )
    return True


def refusal_of(error: ValidationError, *, told_at: Mapping[str, str] = WHOLE_IS_NAME, taken: str = "") -> DomainError:
    """What a model's own rules refuse, as the refusal of the first field at fault.

    ``told_at`` renames fields that nobody typed. ``taken`` are the words for several fields that are the same as another row's;
    without them Django's own are used. Such a rule is known by its code: its words are in the reader's language.
    """
    field, found = next(iter(error.error_dict.items()))
    is_taken = any(one.code == "unique_together" for one in found)
    message = taken if taken and is_taken else " ".join(error.message_dict[field])
    return DomainError(message, field=told_at.get(field, field))


def _difference(
    row: models.Model, values: Mapping[str, Any], secret: Collection[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set the values; the fields that differ, as they were and as they are."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    is_new = row._state.adding
    for name, value in values.items():
        old = getattr(row, name, None) if not is_new else None
        setattr(row, name, value)
        new = getattr(row, name)
        if is_new or old != new:
            before[name], after[name] = (_HIDDEN, _HIDDEN) if name in secret else (_plain(old), _plain(new))
    return before, after


def _plain(value: Any) -> Any:
    """JSON types; another object by what people call it."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)
