"""Entries to seal: what the tests of the ledger's proof write."""

from datetime import UTC, datetime, timedelta

from audit.models import LedgerEntry
from audit.services import EntryValue, entries_append
from audit.values import Actor

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MARTA = Actor("user", "7", "Marta Keller")


def write(count: int, *, subject: str = "incident:42", actor: Actor = MARTA, at: datetime = NOON) -> list[int]:
    """Comments on an incident, a second apart; returns their numbers."""
    last = LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    entries_append(
        EntryValue(
            at=at + timedelta(seconds=number),
            action="incident.comment",
            object_type="incident",
            object_id=subject.partition(":")[2],
            object_label="INC-42 «Payments» fail",
            subject=subject,
            actor=actor,
            before={"note": None},
            after={"note": f"Größe {number}", "share": 0.5},
            data={"number": number},
        )
        for number in range(count)
    )
    return list(LedgerEntry.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True))
