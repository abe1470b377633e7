"""An old stretch is archived into a file that proves itself and taken out, and every proof still holds."""

import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection, transaction

from audit import watchbell_verify
from audit.bundles import bundle_write
from audit.findings import ADDED, CHANGED, GONE
from audit.forgetting import subject_forget
from audit.leaves import ENTRIES
from audit.models import LedgerEntry, LedgerKey, LedgerSeal, LedgerSegment
from audit.retention import NotAsSealed, NothingToArchive, segment_archive, segment_take_out
from audit.sealing import ledger_seal
from audit.verifying import ledger_verify
from incidents.models import Stage
from tests.audit.tampering import tamper, triggers_off
from tests.audit.writing import MARTA, MINUTE, NOON, write

LATER = NOON + timedelta(days=400)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def old(tmp_path: Path) -> list[int]:
    """Old entries, a history and something forgotten, then what is young: only the first is to be archived."""
    numbers = write(300)
    Stage.objects.get(key="new").save()
    ledger_seal(at=NOON)
    numbers += write(4, subject="incident:43")
    ledger_seal(at=NOON + MINUTE)
    subject_forget(subject="incident:43", actor=MARTA, at=NOON + 2 * MINUTE, reason="asked for")
    ledger_seal(at=NOON + 3 * MINUTE)
    write(5, at=LATER)
    ledger_seal(at=LATER)
    return numbers


def archived(tmp_path: Path, *, contents: bool = True) -> tuple[LedgerSegment, Path]:
    folder = tmp_path / "archive"
    segment = segment_archive(
        until=NOON + timedelta(days=1), at=LATER + MINUTE, actor=MARTA, to=folder, contents=contents
    )
    return segment, folder / segment.file


@pytest.mark.requirement("R299")
def test_the_archive_proves_itself_and_after_taking_out_the_ledger_and_every_proof_hold(
    old: list[int], tmp_path: Path
) -> None:
    segment, path = archived(tmp_path)
    public = LedgerKey.objects.get().public
    said = watchbell_verify.check(str(path), public)
    assert said.startswith(f"PROVED: all {segment.rows} rows of leaves 0 to {segment.size - 1}")
    root = ledger_verify().root

    taken = segment_take_out(segment=segment, file=path, actor=MARTA, at=LATER + 2 * MINUTE)

    assert taken > len(old)
    assert not LedgerEntry.objects.filter(pk__in=old).exists()
    assert LedgerEntry.objects.filter(action="ledger.forget").exists(), "verification goes by it"
    verdict = ledger_verify()
    assert verdict.whole, verdict.findings
    assert (verdict.root, verdict.beyond >= taken) == (root, True)
    ledger_seal(at=LATER + 3 * MINUTE)
    assert ledger_verify().whole
    entry = LedgerEntry.objects.get(action="ledger.take_out")
    assert entry.data is not None
    assert entry.data["sha256"] == segment.sha256
    young = list(LedgerEntry.objects.filter(at__gte=LATER).values_list("pk", flat=True))
    bundle = tmp_path / "bundle.zip"
    with bundle.open("wb") as file:
        bundle_write(file, young, at=LATER, kept=[segment.size])
    kept = tmp_path / "kept.txt"
    kept.write_text(LedgerSeal.objects.get(size=segment.size).note, encoding="utf-8")
    assert "is its beginning" in watchbell_verify.check(str(bundle), public, str(kept))


def test_the_next_segment_begins_where_the_last_one_ended_and_proves_itself(old: list[int], tmp_path: Path) -> None:
    first, _path = archived(tmp_path)
    ledger_seal(at=LATER + 2 * MINUTE)
    with pytest.raises(NothingToArchive):
        archived(tmp_path)
    segment = segment_archive(until=LATER + timedelta(days=2), at=LATER, actor=MARTA, to=tmp_path)
    assert segment.begins == first.size
    assert f"leaves {first.size} to" in watchbell_verify.check(str(tmp_path / segment.file))


def test_an_archive_without_contents_proves_the_same_and_tells_nothing(old: list[int], tmp_path: Path) -> None:
    segment, path = archived(tmp_path, contents=False)
    text = zipfile.ZipFile(path).read("leaves.jsonl").decode()
    assert "Marta" not in text
    assert "Größe" not in text
    assert f"all {segment.rows} rows" in watchbell_verify.check(str(path))


def _drop(lines: list[str]) -> list[str]:
    return lines[:3] + lines[4:]


def _swap(lines: list[str]) -> list[str]:
    return [lines[1], lines[0], *lines[2:]]


def _change(lines: list[str]) -> list[str]:
    row = json.loads(lines[5])
    row["told"]["action"] = "incident.resolve"
    return [*lines[:5], json.dumps(row), *lines[6:]]


def _cut(lines: list[str]) -> list[str]:
    return lines[:-2]


def _more(lines: list[str]) -> list[str]:
    return [*lines, lines[0]]


def rewritten(path: Path, change: Callable[[list[str]], list[str]], *, without: str = "") -> Path:
    """The archive with other lines, and without one of its files."""
    forged = path.with_name("forged.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(forged, "w") as copy:
        for name in source.namelist():
            text = source.read(name).decode()
            if name != without:
                copy.writestr(name, "\n".join(change(text.splitlines())) if name == "leaves.jsonl" else text)
    return forged


@pytest.mark.parametrize(
    ("change", "place"), [(_drop, 4), (_swap, 1), (_change, 5)], ids=lambda one: getattr(one, "__name__", "")
)
def test_when_the_archive_is_tampered_with_then_the_first_row_that_is_not_in_its_place_is_named(
    old: list[int], tmp_path: Path, change: Callable[[list[str]], list[str]], place: int
) -> None:
    segment, path = archived(tmp_path)
    row = json.loads(zipfile.ZipFile(path).read("leaves.jsonl").splitlines()[place])
    forged = rewritten(path, change)
    leaf = place if change is not _drop and change is not _swap else place - 1
    with pytest.raises(
        watchbell_verify.NotProved, match=f"{row['table']} {row['row']} is not what was sealed as leaf {leaf}:"
    ):
        watchbell_verify.check(str(forged))
    with pytest.raises(watchbell_verify.NotProved, match="do not lead to the signed root"):
        watchbell_verify.check(str(rewritten(path, change, without="leaf-hashes.txt")))
    forged.replace(path)
    with pytest.raises(NotAsSealed, match="not the file that was archived"):
        segment_take_out(segment=segment, file=path, actor=MARTA, at=LATER)
    assert LedgerEntry.objects.filter(pk__in=old).count() == len(old)


def test_when_rows_are_cut_off_the_archive_or_put_behind_it_then_that_is_said(old: list[int], tmp_path: Path) -> None:
    segment, path = archived(tmp_path)
    with pytest.raises(watchbell_verify.NotProved, match=f"the rows end before leaf {segment.size - 2}"):
        watchbell_verify.check(str(rewritten(path, _cut)))
    with pytest.raises(watchbell_verify.NotProved, match="was put in behind the last row"):
        watchbell_verify.check(str(rewritten(path, _more)))


def test_when_a_row_is_not_what_was_sealed_then_nothing_is_archived(old: list[int], tmp_path: Path) -> None:
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET action = 'x' WHERE id = %s", old[7])  # noqa: S608  own names, values are parameters
    with pytest.raises(NotAsSealed, match=f"{ENTRIES} {old[7]}"):
        archived(tmp_path)
    assert not LedgerSegment.objects.exists()


@pytest.mark.parametrize("contents", ["5", f'[["{ENTRIES}", [[1, {2**60}]]]]'])
def test_when_a_seal_holds_what_none_can_then_nothing_is_archived(
    old: list[int], tmp_path: Path, contents: str
) -> None:
    table = LedgerSeal._meta.db_table
    first = LedgerSeal.objects.earliest("begins").pk
    tamper(table, f"UPDATE {table} SET contents = %s WHERE id = %s", contents, first)  # noqa: S608  own names, values are parameters
    with pytest.raises(NotAsSealed, match="other contents"):
        archived(tmp_path)
    assert not LedgerSegment.objects.exists()


def test_after_taking_out_nothing_else_can_be_changed_and_what_comes_back_is_named(
    old: list[int], tmp_path: Path
) -> None:
    segment, path = archived(tmp_path)
    segment_take_out(segment=segment, file=path, actor=MARTA, at=LATER + MINUTE)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LedgerEntry.objects.all().delete()
    with triggers_off(ENTRIES):
        LedgerEntry.objects.create(
            pk=old[0], at=NOON, action="user.sign_in", actor_kind="user", actor_id="9", actor_label="Ghost",
            object_type="user", object_id="9",
        )  # fmt: skip
    assert [(one.kind, one.row) for one in ledger_verify().findings] == [(ADDED, old[0])]


def test_what_the_ledger_says_of_itself_is_verified_in_a_segment_that_was_taken_out(
    old: list[int], tmp_path: Path
) -> None:
    segment, path = archived(tmp_path)
    segment_take_out(segment=segment, file=path, actor=MARTA, at=LATER + MINUTE)
    word = LedgerEntry.objects.get(action="ledger.forget")
    tamper(ENTRIES, f"UPDATE {ENTRIES} SET actor_label = 'x' WHERE id = %s", word.pk)  # noqa: S608  own names, values are parameters
    assert [(one.kind, one.row) for one in ledger_verify().findings] == [(CHANGED, word.pk)]


def test_when_a_segment_is_marked_as_taken_out_without_a_word_in_the_ledger_then_its_rows_are_missed(
    old: list[int], tmp_path: Path
) -> None:
    segment, _path = archived(tmp_path)
    LedgerSegment.objects.filter(pk=segment.pk).update(dropped_at=LATER)
    with triggers_off(ENTRIES):
        LedgerEntry.objects.filter(pk=old[0]).delete()
    assert [(one.kind, one.row) for one in ledger_verify().findings] == [(GONE, old[0])]


@pytest.mark.postgres
def test_when_a_session_names_a_segment_then_rows_outside_it_stay_refused(old: list[int], tmp_path: Path) -> None:
    segment, _path = archived(tmp_path)
    young = LedgerEntry.objects.filter(at__gte=LATER)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('watchbell.segment', %s, true)", [str(segment.pk)])
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        young.delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        LedgerEntry.objects.filter(pk=old[0]).update(action="x")
