"""Many write at once, some are killed in the middle: what is left verifies, and what was undone is told from what was taken away."""

import random
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.db.utils import DatabaseError

from audit.findings import GONE
from audit.leaves import ENTRIES
from audit.models import LedgerEntry
from audit.sealing import ledger_seal
from audit.verifying import ledger_verify
from tests.audit.tampering import tamper
from tests.audit.writing import MINUTE, NOON, write

WRITERS, ROUNDS = 4, 6

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


class Undone(Exception):
    """A transaction that does not commit."""


def _writer(number: int) -> None:
    """Transactions that commit, that are undone, and whose connection is killed before they end."""
    chance = random.Random(number)
    for _round in range(ROUNDS):
        end = chance.choice(("commit", "undo", "kill"))
        with suppress(Undone, DatabaseError), transaction.atomic():
            write(chance.randint(1, 5), subject=f"incident:{number}")
            if end == "undo":
                raise Undone
            if end == "kill":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        if end == "kill":
            connection.close()
    connection.close()


@pytest.mark.requirement("R299")
def test_when_writers_are_killed_and_undone_while_it_is_sealed_then_the_log_verifies() -> None:
    write(1)
    threads = [threading.Thread(target=_writer, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    minute = 0
    while any(thread.is_alive() for thread in threads):
        ledger_seal(at=NOON + minute * MINUTE)
        minute += 1
    for later in (1, 2):
        ledger_seal(at=NOON + (minute + later) * MINUTE)
    verdict = ledger_verify()
    assert verdict.whole, verdict.findings
    assert verdict.undone > 0
    numbers = list(LedgerEntry.objects.order_by("pk").values_list("pk", flat=True))
    assert numbers[-1] - numbers[0] + 1 > len(numbers), "some numbers were undone"
    victim = numbers[len(numbers) // 2]
    tamper(ENTRIES, f"DELETE FROM {ENTRIES} WHERE id = %s", victim)  # noqa: S608  own names, values are parameters
    assert [(one.kind, one.row) for one in ledger_verify().findings] == [(GONE, victim)]
