"""Looking is on record too, where few may look: who read a restricted incident, who searched the ledger.

A page says what it shows with ``reading_note``; whoever answered the request (escalation_site/reader.py) then enters it.
A page that refreshes itself, or is turned over and over, is one visit and one entry.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from audit.models import LedgerEntry
from audit.services import entries_append
from audit.values import Actor, EntryValue

VISIT = timedelta(minutes=15)
"""Whoever looks at the same again within this time is still on the same visit."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was shown. ``object_label`` tells apart what was looked for in the same object, as the filters of a search."""

    action: str
    object_type: str
    object_id: str
    object_label: str = ""
    subject: str = ""


_open: ContextVar[list[Reading] | None] = ContextVar("audit_readings", default=None)


def reading_note(reading: Reading) -> None:
    """Say that this is being shown. Outside a request it says nothing to anybody."""
    collected = _open.get()
    if collected is not None and reading not in collected:
        collected.append(reading)


@contextmanager
def readings_collected() -> Iterator[Sequence[Reading]]:
    """What is noted inside, as it comes."""
    collected: list[Reading] = []
    token = _open.set(collected)
    try:
        yield collected
    finally:
        _open.reset(token)


@transaction.atomic
def readings_append(*, readings: Sequence[Reading], actor: Actor, at: datetime) -> int:
    """Enter those that are no part of a visit already on record; returns how many. One query to look, one to write."""
    known = _on_record(readings, actor, at)
    fresh = [
        one for one in readings if (one.action, one.object_type, one.object_id, one.object_label[:200]) not in known
    ]
    entries_append(
        EntryValue(
            at=at,
            action=one.action,
            object_type=one.object_type,
            object_id=one.object_id,
            object_label=one.object_label,
            subject=one.subject,
            actor=actor,
        )
        for one in fresh
    )
    return len(fresh)


def _on_record(readings: Sequence[Reading], actor: Actor, at: datetime) -> set[tuple[str, str, str, str]]:
    """What the actor's own entries of the last minutes say, by an index."""
    last = LedgerEntry.objects.filter(
        actor_id=actor.id,
        actor_kind=actor.kind,
        action__in={reading.action for reading in readings},
        at__gt=at - VISIT,
        at__lte=at,
    )
    return set(last.values_list("action", "object_type", "object_id", "object_label"))
