"""Tests with real transactions leave nothing behind, and the triggers that refuse changes are still there
afterwards."""

import pytest
from django.db import DatabaseError, transaction

from audit.models import LedgerEntry
from audit.services import EntryValue, entry_append
from escalation_site.kernel.instants import now


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", ["first", "second"])
def test_when_a_test_commits_ledger_entries_then_the_next_one_finds_none(turn: str) -> None:
    entry_append(EntryValue(at=now(), action="test.done", object_type="test", object_id=turn))

    assert [entry.object_id for entry in LedgerEntry.objects.all()] == [turn]
    with pytest.raises(DatabaseError), transaction.atomic():
        LedgerEntry.objects.all().delete()
