"""The ledger is sealed minute by minute, and whoever changes the past is found and the place named."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from pytest_django import DjangoAssertNumQueries

from audit import keys
from audit.findings import ADDED, CHANGED, GONE, KEPT, SEAL, TILES
from audit.forgetting import subject_forget
from audit.leaves import ENTRIES, missing_in, tables
from audit.models import LedgerEntry, LedgerHorizon, LedgerKey, LedgerSalt, LedgerSeal, LedgerTile
from audit.proofs.merkle import inclusion_proof, inclusion_root, leaf_hash
from audit.proofs.notes import Checkpoint, checkpoint_read, note_read, note_signed_by
from audit.sealing import ledger_seal
from audit.services import EntryValue, entries_append
from audit.tiles import Tiles
from audit.values import Actor
from audit.verifying import ledger_verify
from tests.audit.tampering import tamper, triggers_off
from tests.world.harness import World

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MARTA = Actor("user", "7", "Marta Keller")


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def write(count: int, *, subject: str = "incident:42", begin: int = 0) -> None:
    entries_append(
        EntryValue(
            at=NOON + timedelta(seconds=begin + number),
            action="incident.comment",
            object_type="incident",
            object_id="42",
            object_label="INC-42 Payments fail",
            subject=subject,
            actor=MARTA,
            after={"note": f"number {begin + number}", "share": 0.5},
        )
        for number in range(count)
    )


@pytest.fixture
def base(db: None) -> int:
    """The leaves of what a new database begins with: the tree's size before the test writes."""
    return ledger_seal(at=NOON - MINUTE)


def numbers() -> list[int]:
    return list(LedgerEntry.objects.order_by("pk").values_list("pk", flat=True))


@pytest.mark.django_db
def test_what_was_written_is_sealed_once_and_the_checkpoint_is_signed(
    base: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    write(3)
    assert ledger_seal(at=NOON) == 3
    write(2, begin=3)
    assert ledger_seal(at=NOON + MINUTE) == 2
    # On PostgreSQL it asks for its lock, and each table in which numbers are missing is looked at for them.
    looked_at = LedgerHorizon.objects.exclude(gaps=[]).count()
    with django_assert_num_queries(4 if connection.vendor == "sqlite" else 5 + 2 * looked_at):
        assert ledger_seal(at=NOON + 2 * MINUTE) == 0
    first, second = LedgerSeal.objects.filter(begins__gte=base)
    assert (first.begins, first.size, second.begins, second.size) == (base, base + 3, base + 3, base + 5)
    note = note_read(second.note)
    assert [one.encoded() for one in note_signed_by(note, keys.verifiers())] == [LedgerKey.objects.get().public]
    assert checkpoint_read(note.text) == Checkpoint(keys.origin(), base + 5, bytes(second.root))
    verdict = ledger_verify()
    assert verdict.whole
    assert (verdict.leaves, verdict.root) == (base + 5, bytes(second.root))


@pytest.mark.django_db
def test_every_entry_has_a_proof_that_leads_to_the_signed_root(base: int) -> None:
    write(300)
    ledger_seal(at=NOON)
    write(20, begin=300)
    ledger_seal(at=NOON + MINUTE)
    seal = LedgerSeal.objects.order_by("-size")[0]
    tiles, salts = Tiles(), {row.subject: bytes(row.salt or b"") for row in LedgerSalt.objects.all()}
    for place, row in enumerate(tables()[ENTRIES].rows(Q(pk__gt=0)), base):
        leaf = row.leaf(salts)
        assert leaf is not None
        if place % 37 == 0:
            proof = inclusion_proof(tiles, place, seal.size)
            assert inclusion_root(leaf, place, seal.size, proof) == bytes(seal.root)


@pytest.mark.django_db
@pytest.mark.requirement("R299", "R035")
@pytest.mark.parametrize(
    "change",
    [
        "actor_label = 'Nobody'",
        "action = 'incident.resolve'",
        "address = '10.0.0.9'",
        "before = '{}'",
        "subject = 'incident:43'",
    ],
)
def test_when_a_column_of_an_entry_is_changed_then_it_is_named(base: int, change: str) -> None:
    write(10)
    ledger_seal(at=NOON)
    victim = numbers()[6]
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET {change} WHERE id = %s", victim)  # noqa: S608  own names, values are parameters
    (finding,) = ledger_verify().findings
    assert (finding.kind, finding.table, finding.row, finding.leaf) == (CHANGED, ENTRIES, victim, base + 6)


@pytest.mark.django_db
def test_when_an_entry_is_deleted_then_it_is_named_and_its_neighbours_are_not(base: int) -> None:
    write(10)
    ledger_seal(at=NOON)
    victim = numbers()[3]
    tamper(ENTRIES, f"DELETE FROM {ENTRIES} WHERE id = %s", victim)  # noqa: S608  own names, values are parameters
    (finding,) = ledger_verify().findings
    assert (finding.kind, finding.row, finding.leaf) == (GONE, victim, base + 3)


@pytest.mark.django_db
def test_when_two_entries_change_places_then_both_are_named() -> None:
    write(6)
    ledger_seal(at=NOON)
    first, second = numbers()[1], numbers()[4]
    with triggers_off(ENTRIES):
        for was, becomes in ((first, -1), (second, first), (-1, second)):
            LedgerEntry.objects.filter(pk=was).update(id=becomes)
    assert {(one.kind, one.row) for one in ledger_verify().findings} == {(CHANGED, first), (CHANGED, second)}


@pytest.mark.django_db
def test_when_an_entry_is_slipped_in_below_sealed_ones_then_it_is_named() -> None:
    write(5)
    ledger_seal(at=NOON)
    LedgerEntry.objects.filter(pk=numbers()[-1])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(id) FROM {ENTRIES}")  # noqa: S608  own names, values are parameters
        last = int(cursor.fetchone()[0])
    write(1, begin=5)
    slipped = numbers()[-1]
    with triggers_off(ENTRIES):
        LedgerEntry.objects.filter(pk=slipped).update(id=last + 5)
    write(1, begin=6)
    with triggers_off(ENTRIES):
        LedgerEntry.objects.filter(pk=numbers()[0]).update(at=NOON)
        LedgerEntry.objects.filter(pk__gt=last).exclude(pk=last + 5).update(id=last + 9)
    ledger_seal(at=NOON + MINUTE)
    horizon = LedgerHorizon.objects.get(table=ENTRIES)
    horizon.gaps = []
    horizon.save()
    with triggers_off(ENTRIES):
        LedgerEntry.objects.create(
            id=last + 7,
            at=NOON,
            action="user.sign_in",
            actor_kind="user",
            actor_id="9",
            actor_label="Ghost",
            object_type="user",
            object_id="9",
        )
    findings = ledger_verify().findings
    assert [one.row for one in findings if one.kind == ADDED] == [last + 7]
    # Where numbers are never lost, those that were skipped are missed.
    assert bool([one for one in findings if one.kind == GONE]) == (connection.vendor == "sqlite")


@pytest.mark.django_db
def test_when_the_tail_is_forged_with_its_tiles_then_the_seal_names_it(base: int) -> None:
    write(4)
    ledger_seal(at=NOON)
    write(4, begin=4)
    ledger_seal(at=NOON + MINUTE)
    place = base + 5
    victim = numbers()[5]
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET action = 'x' WHERE id = %s", victim)  # noqa: S608  own names, values are parameters
    tile = LedgerTile.objects.get(level=0)
    hashes = bytearray(tile.hashes)
    hashes[place * 32 : place * 32 + 32] = leaf_hash(b"forged")
    tile.hashes = bytes(hashes)
    tile.save()
    findings = ledger_verify().findings
    assert {one.kind for one in findings} == {CHANGED, SEAL}
    assert [one.row for one in findings if one.kind == CHANGED] == [victim]
    assert {one.seal for one in findings} == {NOON + MINUTE}


@pytest.mark.django_db
def test_when_only_tiles_are_changed_then_the_rows_are_cleared() -> None:
    write(4)
    ledger_seal(at=NOON)
    LedgerTile.objects.update(hashes=b"\x00" * 32 * LedgerSeal.objects.order_by("-size")[0].size)
    assert [one.kind for one in ledger_verify().findings] == [TILES]


@pytest.mark.django_db
def test_when_the_log_is_written_anew_under_another_key_then_a_kept_checkpoint_tells() -> None:
    write(4)
    ledger_seal(at=NOON)
    kept = checkpoint_read(note_read(LedgerSeal.objects.order_by("-size")[0].note).text)
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET action = 'x' WHERE id = %s", numbers()[2])  # noqa: S608  own names, values are parameters
    with triggers_off("audit_ledgerseal"):
        LedgerSeal.objects.all().delete()
    for model in (LedgerTile, LedgerHorizon, LedgerSalt, LedgerKey):
        model._default_manager.all().delete()
    keys.key_file().unlink()
    ledger_seal(at=NOON + MINUTE)
    assert ledger_verify().whole
    assert [one.kind for one in ledger_verify(kept=[kept]).findings] == [KEPT]


@pytest.mark.django_db
def test_when_the_note_is_signed_by_a_strange_key_then_the_seal_is_not_believed() -> None:
    write(2)
    ledger_seal(at=NOON)
    LedgerKey.objects.all().delete()
    assert [(one.kind, one.detail) for one in ledger_verify().findings] == [(SEAL, "no known key has signed it")]


@pytest.mark.django_db
def test_when_a_subject_is_forgotten_then_its_salt_is_gone_and_every_proof_holds(base: int) -> None:
    write(3, subject="incident:42")
    write(2, subject="incident:43", begin=3)
    ledger_seal(at=NOON)
    hidden = subject_forget(subject="incident:43", actor=MARTA, at=NOON + MINUTE, reason="asked by the person")
    write(1, subject="incident:43", begin=5)
    ledger_seal(at=NOON + 2 * MINUTE)
    verdict = ledger_verify()
    assert verdict.whole
    assert (hidden, verdict.leaves, verdict.beyond) == (2, base + 7, 2)
    assert not LedgerSalt.objects.filter(destroyed_at__isnull=False, salt__isnull=False).exists()
    victim = numbers()[0]
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET subject = 'incident:43', after = NULL WHERE id = %s", victim)  # noqa: S608  own names, values are parameters
    assert [(one.kind, one.row) for one in ledger_verify().findings] == [(CHANGED, victim)], "no hiding behind it"


@pytest.mark.django_db
def test_histories_are_sealed_too(world: World) -> None:
    world.alert()
    world.settle()
    world.expect_page("marta", level=1)
    ledger_seal(at=NOON)
    assert ledger_verify().whole
    table = "incidents_historicalincident"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MIN(history_id) FROM {table}")  # noqa: S608  own names, values are parameters
        victim = int(cursor.fetchone()[0])
    tamper(table, f"UPDATE {table} SET title = 'Nothing happened' WHERE history_id = %s", victim)  # noqa: S608  own names, values are parameters
    (finding,) = ledger_verify().findings
    assert (finding.kind, finding.table, finding.row) == (CHANGED, table, victim)


@pytest.mark.django_db
@pytest.mark.postgres
def test_when_a_transaction_ends_late_then_its_entries_are_sealed_after_higher_numbers() -> None:
    write(2)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval(pg_get_serial_sequence('{ENTRIES}', 'id'))")
        late = int(cursor.fetchone()[0])
    write(2, begin=2)
    ledger_seal(at=NOON)
    assert [late, late, NOON.isoformat()] in LedgerHorizon.objects.get(table=ENTRIES).gaps
    verdict = ledger_verify()
    undone = verdict.undone
    assert verdict.whole
    assert undone
    LedgerEntry.objects.create(
        id=late,
        at=NOON,
        action="user.sign_in",
        actor_kind="user",
        actor_id="9",
        actor_label="Nils",
        object_type="user",
        object_id="9",
    )
    assert ledger_verify().whole, "it may still come"
    ledger_seal(at=NOON + MINUTE)
    assert all(last != late for _first, last, _seen in LedgerHorizon.objects.get(table=ENTRIES).gaps)
    verdict = ledger_verify()
    assert (verdict.whole, verdict.undone) == (True, undone - 1)
    assert LedgerSeal.objects.order_by("-size")[0].contents == [[ENTRIES, [[late, late]]]]


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE audit_ledgerseal SET size = size + 1", "DELETE FROM audit_ledgerseal"])
def test_a_seal_is_never_changed_or_deleted(statement: str) -> None:
    write(1)
    ledger_seal(at=NOON)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_ranges_without_rows_are_told() -> None:
    assert missing_in([3, 4, 7], 1, 9) == [[1, 2], [5, 6], [8, 9]]
    assert missing_in([1, 2], 1, 2) == []
    assert missing_in([], 5, 6) == [[5, 6]]
