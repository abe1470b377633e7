"""Reading the ledger's tail: which subjects changed since an entry. Synchronous; the tailer calls it in its own thread."""

from dataclasses import dataclass

from django.db import connection

from audit.models import LedgerEntry

# Ids are taken from a sequence before their transaction commits, so that on PostgreSQL a lower id may appear after a higher one. The
# tail therefore reads this many entries again and tells only those it has not told.
OVERLAP = 2000
# How many looks after the last change the overlap is still read again: a few seconds.
SETTLING = 20
MAX_REPLAY = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """A ledger entry's number and what it was about ("incident:42")."""

    entry: int
    subject: str


class Tail:
    """What was added to the ledger since the last look. One per process."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._settling = SETTLING
        self.last = latest_entry()
        self._told: set[int] = set(LedgerEntry.objects.filter(pk__gt=self.last - OVERLAP).values_list("pk", flat=True))

    def read(self) -> list[Change]:
        """New entries in order; one cheap question when there are none."""
        if not self._may_have_changed():
            return []
        rows = LedgerEntry.objects.filter(pk__gt=self.last - OVERLAP).order_by("pk").values_list("pk", "subject")
        seen = [Change(pk, subject) for pk, subject in rows]
        fresh = [change for change in seen if change.entry not in self._told]
        if seen:
            self.last = max(self.last, seen[-1].entry)
            self._told = {change.entry for change in seen if change.entry > self.last - OVERLAP}
        return fresh

    def _may_have_changed(self) -> bool:
        if connection.vendor != "sqlite":
            self._settling = SETTLING if latest_entry() != self.last else self._settling - 1
            return self._settling >= 0
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            version: int = cursor.fetchone()[0]
        changed = version != self._version
        self._version = version
        return changed


def latest_entry() -> int:
    """The number of the newest ledger entry; 0 when there is none."""
    return LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def changes_since(entry: int) -> list[Change] | None:
    """What a browser that last saw ``entry`` missed; None when that is too much to tell piece by piece and it should look at everything."""
    # On SQLite entries are numbered in the order in which they are committed.
    overlap = 0 if connection.vendor == "sqlite" else OVERLAP // 10
    rows = list(
        LedgerEntry.objects.filter(pk__gt=entry - overlap).order_by("pk").values_list("pk", "subject")[: MAX_REPLAY + 1]
    )
    if len(rows) > MAX_REPLAY:
        return None
    return [Change(pk, subject) for pk, subject in rows]
