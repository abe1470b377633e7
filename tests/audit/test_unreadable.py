"""Rows and seals in which something stands that nobody can read are named; a database that cannot be asked is no tampering."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection

from audit.findings import CHANGED, SEAL
from audit.leaves import ENTRIES
from audit.models import LedgerSeal
from audit.sealing import ledger_seal
from audit.verifying import _Verification, ledger_verify
from incidents.models import Stage
from tests.audit.tampering import tamper
from tests.audit.writing import MINUTE, NOON, write

HISTORY = "incidents_historicalstage"

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R299")]


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def found() -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.table, one.row) for one in ledger_verify().findings]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "change",
    [
        """after = '{"x": 1E400}'""",
        """data = '{"broken'""",
        "at = 'the day before'",
        "action_id = 'nobody'",
        "actor_label = CAST(X'ff' AS TEXT)",
        "action = X'00'",
    ],
)
def test_when_a_row_is_made_such_that_nobody_can_read_it_then_it_alone_is_named(change: str) -> None:
    numbers = write(40)
    ledger_seal(at=NOON)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        tamper(ENTRIES, f"UPDATE {ENTRIES} SET {change} WHERE id = %s", numbers[17])  # noqa: S608  own names, values are parameters
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    assert found() == [(CHANGED, ENTRIES, numbers[17])]


@pytest.mark.sqlite
def test_when_two_rows_of_a_history_cannot_be_read_then_both_are_named() -> None:
    stage = Stage.objects.get(key="new")
    for _version in range(9):
        stage.save()
    ledger_seal(at=NOON)
    numbers = list(Stage.history.order_by("pk").values_list("pk", flat=True))
    for victim in (numbers[1], numbers[-1]):
        tamper(HISTORY, f"UPDATE {HISTORY} SET history_date = 'some day' WHERE history_id = %s", victim)  # noqa: S608  own names, values are parameters
    assert found() == [(CHANGED, HISTORY, numbers[1]), (CHANGED, HISTORY, numbers[-1])]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "change",
    [
        "begins = 'some'",
        "lowest = X'00'",
        "root = 'a word'",
        "size = 'many'",
        "note = CAST(X'ff' AS TEXT)",
        "contents = '{'",
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_when_a_seal_is_made_such_that_nobody_can_read_it_then_verification_says_so(change: str, place: int) -> None:
    for minute in range(2):
        write(3)
        ledger_seal(at=NOON + minute * MINUTE)
    victim = LedgerSeal.objects.order_by("pk").values_list("pk", flat=True)[place]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        tamper("audit_ledgerseal", f"UPDATE audit_ledgerseal SET {change} WHERE id = %s", victim)  # noqa: S608  own names, values are parameters
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    assert SEAL in {kind for kind, _table, _row in found()}


@pytest.mark.sqlite
def test_when_the_database_is_locked_in_between_then_no_seal_is_accused(monkeypatch: pytest.MonkeyPatch) -> None:
    write(3)
    ledger_seal(at=NOON)
    tamper("audit_ledgerseal", "UPDATE audit_ledgerseal SET note = CAST(X'ff' AS TEXT)")

    def locked(*_asked: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(_Verification, "run", locked)
    with pytest.raises(OperationalError, match="locked"):
        ledger_verify()
