"""Writing to the ledger: always in the transaction of the change it records."""

from collections.abc import Iterable
from typing import Any

from audit.binding import acting
from audit.context import ActionContext
from audit.models import LedgerEntry
from audit.values import SYSTEM, Actor, EntryValue
from escalation_site.kernel.rows import facts_insert

__all__ = ["Actor", "EntryValue", "entries_append", "entry_append", "entry_made"]


def entries_append(values: Iterable[EntryValue], *, context: ActionContext | None = None) -> None:
    """Add the facts, in order, in one statement for hundreds of them. ``context`` is the action they belong to, where it is
    not the one under way.

    Call it inside the transaction of the change: both commit or neither (DESIGN.md §5, invariant 6).
    """
    context = context or acting()
    rows = [_columns(value, context) for value in values]
    if rows:
        # Nobody names an entry before it is read: no object is made of it and no number asked for.
        facts_insert(LedgerEntry, _COLUMNS, rows)


def entry_append(value: EntryValue) -> None:
    """Add one fact; see ``entries_append``."""
    entries_append((value,))


_COLUMNS = (
    "at", "action_id", "action", "actor_kind", "actor_id", "actor_label", "source", "address", "object_type", "object_id",
    "object_label", "subject", "before", "after", "data",
)  # fmt: skip


def _columns(value: EntryValue, context: ActionContext) -> tuple[Any, ...]:
    actor = value.actor or SYSTEM
    # A program that acts for a person is named beside them: they may have several, and be asleep.
    by = f" ({context.token})" if context.token and actor.kind == "user" else ""
    return (
        value.at,
        context.action_id,
        value.action,
        actor.kind,
        actor.id,
        f"{actor.label[: 150 - len(by)]}{by}",
        context.source if context.token else value.source or context.source,
        context.address,
        value.object_type,
        value.object_id,
        value.object_label[:200],
        value.subject,
        value.before,
        value.after,
        value.data,
    )


def entry_made(value: EntryValue, context: ActionContext) -> LedgerEntry:
    """The entry as an object that is not stored: for whoever stores many, sorted, later."""
    return LedgerEntry(**dict(zip(_COLUMNS, _columns(value, context), strict=True)))
