"""Forgetting: a subject's salt is destroyed, so that the tree's hashes say nothing of it any more. Every proof still holds."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from audit.leaves import ENTRIES, Row, tables, within
from audit.models import LedgerDigest, LedgerHorizon, LedgerSalt
from audit.sealing import sealing_held
from audit.services import entry_append
from audit.values import Actor, EntryValue


@transaction.atomic
def subject_forget(*, subject: str, actor: Actor, at: datetime, reason: str) -> int:
    """Destroy the salt of ``subject`` ("user:7", "incident:42"); returns how many rows it hid.

    What its leaves are made of is kept as digests, so that the entries can still be proved to be in the tree; that
    their contents are what they were, nobody can show any more. What is not sealed yet will be, under a new salt.
    Raises LookupError where there is no such salt.
    """
    sealing_held()
    salt = LedgerSalt.objects.select_for_update().filter(subject=subject, destroyed_at=None).first()
    if salt is None or salt.salt is None:
        raise LookupError(subject)
    secret = bytes(salt.salt)
    kept = [
        LedgerDigest(table=table, row=row.number, part=part, digest=row.digest(part, secret))
        for table, row in _sealed_rows(subject)
        for part, (whose, _content) in row.secret.items()
        if whose == subject
    ]
    # An entry of two subjects, of which the other was forgotten before, has that part already.
    LedgerDigest.objects.bulk_create(kept, batch_size=500, ignore_conflicts=True)
    salt.salt, salt.destroyed_at = None, at
    salt.save(update_fields=["salt", "destroyed_at"])
    entry_append(
        EntryValue(
            at=at,
            action="ledger.forget",
            object_type="ledger",
            object_id=subject,
            actor=actor,
            source="command",
            data={"reason": reason},
        )
    )
    return len({(digest.table, digest.row) for digest in kept})


def _sealed_rows(subject: str) -> Iterator[tuple[str, Row]]:
    """The entries that ``subject`` did or that are about it, its history, and its facts, as far as they are sealed."""
    kind, _colon, own = subject.partition(":")
    entries = Q(actor_kind=kind, actor_id=own) | Q(subject=subject) | Q(subject="", object_type=kind, object_id=own)
    for horizon in LedgerHorizon.objects.all():
        table = tables().get(horizon.table)
        if table is None or (table.name != ENTRIES and table.noun != kind):
            continue
        wanted = entries if table.name == ENTRIES else Q(**{table.about: own})
        waiting = within(table.key, [gap[:2] for gap in horizon.gaps])
        for row in table.rows(wanted & Q(**{f"{table.key}__lte": horizon.upto}) & ~waiting):
            yield table.name, row
