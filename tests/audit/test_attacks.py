"""What an owner of the database may think of beyond changing a row: times that nobody signs, numbers taken
away before their seal, keys of his own, versions that name nobody."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django.db.models import Q

from audit import keys, watchbell_verify
from audit.bundles import bundle_write
from audit.checking import ledger_check
from audit.findings import ADDED, CHANGED, GONE, KEPT, SEAL, TILES
from audit.forgetting import subject_forget
from audit.leaves import ENTRIES, tables
from audit.management.commands.audit_verify import lines
from audit.models import (
    Keeper,
    KeeperSending,
    LedgerCheck,
    LedgerDigest,
    LedgerEntry,
    LedgerHorizon,
    LedgerKey,
    LedgerSalt,
    LedgerSeal,
    LedgerSegment,
    LedgerTile,
)
from audit.proofs.notes import Verifier, signer_make, verifier_read
from audit.proving import entry_proof
from audit.retention import segment_archive, segment_take_out
from audit.rows import row_set
from audit.sealing import ledger_seal
from audit.services import EntryValue, entries_append
from audit.verifying import ledger_verify
from incidents.models import Stage
from tests.audit.tampering import tamper, triggers_off
from tests.audit.writing import MARTA, MINUTE, NOON, write

HISTORY = "incidents_historicalstage"

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R299")]


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def found(trusted: Sequence[Verifier] = ()) -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.table, one.row) for one in ledger_verify(trusted=trusted).findings]


# --- forgetting as a hiding place


def test_when_the_time_of_a_later_seal_is_set_back_then_a_forgotten_subject_hides_nothing_of_it() -> None:
    write(3, subject="incident:43")
    ledger_seal(at=NOON)
    subject_forget(subject="incident:43", actor=MARTA, at=NOON + MINUTE, reason="asked for")
    ledger_seal(at=NOON + 2 * MINUTE)
    (victim,) = write(1, subject="incident:43")
    ledger_seal(at=NOON + 3 * MINUTE)
    salt = bytes(LedgerSalt.objects.get(subject="incident:43", destroyed_at=None).salt or b"")
    (row,) = tables()[ENTRIES].rows(Q(pk=victim))
    LedgerDigest.objects.create(table=ENTRIES, row=victim, part="what", digest=row.digest("what", salt))
    with triggers_off(ENTRIES), triggers_off("audit_ledgerseal"):
        LedgerSeal.objects.filter(lowest__lte=victim, highest__gte=victim).update(at=NOON - MINUTE)
        LedgerEntry.objects.filter(pk=victim).update(after={"note": "nothing happened"})
    assert found() == [(CHANGED, ENTRIES, victim)]


def test_when_a_subject_is_forgotten_before_its_last_rows_are_sealed_then_every_proof_holds(tmp_path: Path) -> None:
    old = write(2, subject="incident:43")
    ledger_seal(at=NOON)
    young = write(2, subject="incident:43")
    assert subject_forget(subject="incident:43", actor=MARTA, at=NOON + MINUTE, reason="asked for") == len(old)
    ledger_seal(at=NOON + 2 * MINUTE)

    assert ledger_verify().whole
    for number in (*old, *young):
        proof = entry_proof(number)
        assert proof is not None
        assert proof.holds, number
        assert (proof.parts["what"].content is None) == (number in old)
    segment = segment_archive(until=NOON + timedelta(days=1), at=NOON, actor=MARTA, to=tmp_path)
    assert "PROVED" in watchbell_verify.check(str(tmp_path / segment.file))
    target = tmp_path / "bundle.zip"
    with target.open("wb") as file:
        bundle_write(file, [*old, *young], at=NOON)
    assert watchbell_verify.check(str(target)).startswith("PROVED: 4 entries")


def test_what_is_believed_of_forgotten_subjects_is_said_with_the_entry_that_tells_it() -> None:
    write(2, subject="incident:43")
    ledger_seal(at=NOON)
    call_command("ledger_forget", "incident:43", reason="asked for by the person", yes=True, verbosity=0)
    word = LedgerEntry.objects.get(action="ledger.forget")
    assert (word.object_id, word.data, word.source) == (
        "incident:43",
        {"reason": "asked for by the person"},
        "command",
    )
    ledger_seal(at=NOON + MINUTE)
    verdict = ledger_verify()
    assert (verdict.whole, verdict.words) == (True, (word.pk,))
    assert f"believed by the word of these entries: {word.pk}" in "\n".join(lines(verdict))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("table", "change"),
    [
        (ENTRIES, "at = '2026-13-45 00:00:00'"),
        (ENTRIES, "object_id = CAST(X'ff' AS TEXT)"),
        ("audit_ledgersalt", "destroyed_at = '2026-13-45 00:00:00'"),
        ("audit_ledgersalt", "subject = CAST(X'ff' AS TEXT)"),
    ],
)
def test_when_the_word_of_forgetting_cannot_be_read_then_verification_ends_and_finds_it(
    table: str, change: str
) -> None:
    write(2, subject="incident:43")
    ledger_seal(at=NOON)
    subject_forget(subject="incident:43", actor=MARTA, at=NOON + MINUTE, reason="asked for")
    ledger_seal(at=NOON + 2 * MINUTE)
    assert found() == []
    which = "action = 'ledger.forget'" if table == ENTRIES else "destroyed_at IS NOT NULL"
    tamper(table, f"UPDATE {table} SET {change} WHERE {which}")  # noqa: S608  own names
    assert CHANGED in {kind for kind, _table, _row in found()}


@pytest.mark.parametrize(
    "contents",
    [
        "5",
        "[]",
        '[["audit_ledgerentry", 5]]',
        '[["audit_ledgerentry", [[1, 1152921504606846976]]]]',
        '[["audit_ledgerentry", [[1, 36893488147419103232]]]]',
        '[["audit_ledgerentry", [[9, 3]]]]',
        '[["no_such_table", [[1, 7]]]]',
    ],
)
def test_when_a_seal_is_made_to_hold_what_none_can_then_it_is_named_and_verification_ends(contents: str) -> None:
    write(7)
    ledger_seal(at=NOON)
    write(7)
    ledger_seal(at=NOON + MINUTE)
    seal = LedgerSeal.objects.order_by("-begins")[1]
    table = LedgerSeal._meta.db_table
    tamper(table, f"UPDATE {table} SET contents = %s WHERE id = %s", contents, seal.pk)  # noqa: S608  own names, values are parameters
    assert SEAL in {kind for kind, _table, _row in found()}


@pytest.mark.parametrize("gaps", [5, [5], [["a", "b", "c"]], [[3]], [[1, 2**70, "x"]]])
def test_when_gaps_are_written_that_are_none_then_verification_goes_on_and_they_excuse_nothing(gaps: Any) -> None:
    gone = write(7)[3]
    ledger_seal(at=NOON)
    LedgerHorizon.objects.filter(table=ENTRIES).update(gaps=gaps)
    tamper(ENTRIES, f"DELETE FROM {ENTRIES} WHERE id = %s", gone)  # noqa: S608  own names, values are parameters
    assert found() == [(GONE, ENTRIES, gone)]


# --- what the tree stands on


def test_when_a_tile_above_the_leaves_is_changed_then_it_is_named_and_nothing_is_signed_on_top_of_it() -> None:
    write(300)
    ledger_seal(at=NOON)
    tile = LedgerTile.objects.get(level=1, index=0)
    LedgerTile.objects.filter(pk=tile.pk).update(hashes=bytes(32))
    assert found() == [(TILES, "", None)]

    write(1)
    with pytest.raises(LookupError, match="do not lead to the sealed root"):
        ledger_seal(at=NOON + MINUTE)

    LedgerTile.objects.filter(pk=tile.pk).update(hashes=tile.hashes)
    assert ledger_seal(at=NOON + MINUTE) == 1
    assert found() == []


@pytest.mark.parametrize("contents", [{}, 5, {"audit_ledgerentry": [["a", 2**70]]}])
def test_when_a_row_is_put_where_one_was_archived_then_what_the_segment_says_of_itself_hides_it_not(
    contents: Any, tmp_path: Path
) -> None:
    numbers = write(3)
    ledger_seal(at=NOON)
    segment = segment_archive(until=NOON + MINUTE, at=NOON + MINUTE, actor=MARTA, to=tmp_path)
    segment_take_out(segment=segment, file=tmp_path / segment.file, actor=MARTA, at=NOON + MINUTE)
    assert found() == []
    LedgerEntry.objects.create(
        pk=numbers[1], at=NOON, action="incident.comment", object_type="incident", object_id="1",
        actor_kind="user", actor_id="7", actor_label="Marta", after={"text": "Never said"},
    )  # fmt: skip
    LedgerSegment.objects.filter(pk=segment.pk).update(contents=contents)
    assert found() == [(ADDED, ENTRIES, numbers[1])]


# --- taken away before the seal


def test_when_an_entry_is_taken_away_before_its_seal_then_only_a_lost_number_can_excuse_it() -> None:
    """PostgreSQL loses the number of a transaction that is undone, SQLite gives it to the next one."""
    write(1)
    ledger_seal(at=NOON)
    gone = write(3)[1]
    tamper(ENTRIES, f"DELETE FROM {ENTRIES} WHERE id = %s", gone)  # noqa: S608  own names, values are parameters
    ledger_seal(at=NOON + MINUTE)
    verdict = ledger_verify()
    if connection.vendor == "sqlite":
        assert [(one.kind, one.table, one.row) for one in verdict.findings] == [(GONE, ENTRIES, gone)]
    else:
        assert verdict.whole
        assert verdict.undone >= 1


@pytest.mark.sqlite
def test_when_the_newest_entry_is_taken_away_before_its_seal_then_its_number_is_missed() -> None:
    write(2)
    ledger_seal(at=NOON)
    (gone,) = write(1)
    tamper(ENTRIES, f"DELETE FROM {ENTRIES} WHERE id = %s", gone)  # noqa: S608  own names, values are parameters
    assert found() == [(GONE, ENTRIES, gone)]


@pytest.mark.sqlite
@pytest.mark.parametrize("skipped", [[1, 99], "all", {"audit_ledgerentry": 99}, {"audit_ledgerentry": [1, 99]}])
def test_when_a_false_word_of_a_restore_names_numbers_to_come_then_what_is_taken_away_is_missed_all_the_same(
    skipped: Any,
) -> None:
    write(2)
    restore = EntryValue(at=NOON, action="backup.restore", object_type="", object_id="", object_label="x",
                         subject="", actor=MARTA, data={"skipped": skipped})  # fmt: skip
    entries_append([restore])
    gone = write(3)[1]
    tamper(ENTRIES, f"DELETE FROM {ENTRIES} WHERE id = %s", gone)  # noqa: S608  own names, values are parameters
    ledger_seal(at=NOON + MINUTE)
    assert found() == [(GONE, ENTRIES, gone)]


@pytest.mark.sqlite
@pytest.mark.parametrize("action", ["backup.restore", "ledger.take_out"])
def test_when_an_entry_that_verification_goes_by_says_something_senseless_then_it_is_named_and_the_rest_is_verified(
    action: str,
) -> None:
    write(2)
    entries_append([EntryValue(at=NOON, action=action, object_type="", object_id="", object_label="x", subject="",
                               actor=MARTA, data={"sha256": "x"})])  # fmt: skip
    word = LedgerEntry.objects.get(action=action).pk
    ledger_seal(at=NOON)
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET data = '[1]' WHERE id = %s", word)  # noqa: S608  own names, values are parameters
    assert found() == [(CHANGED, ENTRIES, word)]


def test_when_the_tail_is_cut_off_with_its_seals_then_what_was_sent_to_a_keeper_is_remembered() -> None:
    write(2)
    ledger_seal(at=NOON)
    before = LedgerSeal.objects.latest("size")
    write(2)
    ledger_seal(at=NOON + MINUTE)
    newest = LedgerSeal.objects.latest("size")
    keeper = Keeper.objects.create(slug="notary", name="Notary", kind="email", address="a@brightquay.example")
    KeeperSending.objects.create(keeper=keeper, at=NOON, size=newest.size, root=newest.root, outcome="sent")
    with triggers_off(ENTRIES), triggers_off("audit_ledgerseal"):
        LedgerEntry.objects.filter(pk__in=range(newest.lowest or 0, (newest.highest or 0) + 1))._raw_delete("default")
        newest.delete()
    tile = LedgerTile.objects.get(level=0, index=0)
    tile.hashes = bytes(tile.hashes)[: before.size * 32]
    tile.save()
    LedgerHorizon.objects.filter(table=ENTRIES).update(upto=before.highest)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [before.highest, ENTRIES])
    assert found() == [], "it agrees with itself"
    ledger_check(at=NOON + 2 * MINUTE)
    (finding,) = LedgerCheck.objects.get().findings
    assert (finding["kind"], f"size {newest.size}" in finding["detail"]) == (KEPT, True)


# --- keys, triggers, versions of nobody


def test_when_the_log_is_written_anew_under_a_key_put_into_the_database_then_a_trusted_key_tells() -> None:
    write(5)
    ledger_seal(at=NOON)
    trusted = verifier_read(LedgerKey.objects.get().public)
    forger = signer_make(keys.origin())
    with triggers_off(ENTRIES), triggers_off("audit_ledgerseal"):
        LedgerEntry.objects.filter(action="incident.comment").update(actor_label="Nobody")
        LedgerSeal.objects.all().delete()
    for model in (LedgerTile, LedgerHorizon, LedgerSalt):
        model._default_manager.all().delete()
    keys.key_file().write_text(forger.encoded() + "\n", encoding="utf-8")
    ledger_seal(at=NOON + MINUTE)
    assert found() == []
    assert {kind for kind, _table, _row in found([trusted])} == {SEAL}
    with pytest.raises(SystemExit):
        call_command("audit_verify", key=[trusted.encoded()], jobs=1)


def test_when_the_key_was_changed_by_introduction_then_the_first_one_is_enough() -> None:
    write(1)
    ledger_seal(at=NOON)
    first = verifier_read(LedgerKey.objects.get().public)
    keys.key_rotate(at=NOON + MINUTE)
    ledger_seal(at=NOON + 2 * MINUTE)
    assert found([first]) == []


def test_when_triggers_are_off_then_the_verification_names_the_table_and_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(1)
    ledger_seal(at=NOON)
    call_command("audit_verify", jobs=1)
    assert capsys.readouterr().out.endswith("Whole.\n")
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER wb_append_only_incidents_timelineevent_update")
        else:
            cursor.execute("ALTER TABLE incidents_timelineevent DISABLE TRIGGER ALL")
    with pytest.raises(SystemExit):
        call_command("audit_verify", jobs=1)
    assert "UNPROTECTED incidents_timelineevent" in capsys.readouterr().out


def test_when_a_version_is_written_in_that_names_no_action_then_it_is_counted_and_named() -> None:
    stage = Stage.objects.get(key="new")
    row_set(stage, {"name": "Just in"}, noun="stage", at=NOON, actor=None)
    version: Any = stage.history.latest()
    version.pk, version.history_change_reason, version.name = None, None, "Never so"
    version.history_date = NOON - timedelta(days=3)
    version.save(force_insert=True)
    ledger_seal(at=NOON)
    verdict = ledger_verify()
    assert verdict.whole, "nothing that was sealed was changed"
    assert verdict.unbound_first == ((HISTORY, version.pk),)
