"""Writing to the ledger: always in the transaction of the change it records."""

import uuid
from collections.abc import Iterable

from audit.context import current_action
from audit.models import LedgerEntry
from audit.values import SYSTEM, Actor, EntryValue
from escalation_site.kernel.rows import rows_insert

__all__ = ["Actor", "EntryValue", "entries_append", "entry_append"]


def entries_append(values: Iterable[EntryValue]) -> None:
    """Add the facts, in order, in one statement for hundreds of them.

    Call it inside the transaction of the change: both commit or neither (DESIGN.md §5, invariant 6).
    """
    action = current_action()
    action_id = action.action_id if action else uuid.uuid4()
    rows = [
        _row(
            value, action_id=action_id, source=action.source if action else "", address=action.address if action else ""
        )
        for value in values
    ]
    if rows:
        rows_insert(rows)


def entry_append(value: EntryValue) -> None:
    """Add one fact; see ``entries_append``."""
    entries_append((value,))


def _row(value: EntryValue, *, action_id: uuid.UUID, source: str, address: str) -> LedgerEntry:
    actor = value.actor or SYSTEM
    return LedgerEntry(
        at=value.at,
        action_id=action_id,
        action=value.action,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label[:150],
        source=value.source or source,
        address=address,
        object_type=value.object_type,
        object_id=value.object_id,
        object_label=value.object_label[:200],
        subject=value.subject,
        before=value.before,
        after=value.after,
        data=value.data,
    )
