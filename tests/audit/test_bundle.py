"""What is exported can be checked by somebody who has nothing but one file, and whoever changed it is found."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from audit import watchbell_verify
from audit.bundles import NothingSealed, bundle_write
from audit.forgetting import subject_forget
from audit.models import LedgerEntry, LedgerKey, LedgerSeal
from audit.proofs.notes import signer_make
from audit.proving import entries_waiting, entry_proof
from audit.sealing import ledger_seal
from audit.services import EntryValue, entries_append
from audit.values import Actor

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MARTA = Actor("user", "7", "Marta Keller")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def write(count: int, *, subject: str = "incident:42") -> list[int]:
    last = LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    entries_append(
        EntryValue(
            at=NOON + timedelta(seconds=number),
            action="incident.comment",
            object_type="incident",
            object_id="42",
            object_label="INC-42 «Payments» fail",
            subject=subject,
            actor=MARTA,
            data={"text": f"Größe {number}", "share": 0.5},
        )
        for number in range(count)
    )
    return list(LedgerEntry.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True))


def bundle(path: Path, numbers: list[int]) -> Path:
    with path.open("wb") as file:
        bundle_write(file, numbers, at=NOON)
    return path


def changed(path: Path, name: str, change: Callable[[str], str]) -> Path:
    """The bundle with one of its files changed."""
    target = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for item in source.namelist():
            text = source.read(item).decode()
            copy.writestr(item, change(text) if item == name else text)
    return target


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    numbers = write(5)
    ledger_seal(at=NOON)
    write(3)
    ledger_seal(at=NOON + MINUTE)
    return bundle(tmp_path / "bundle.zip", numbers)


@pytest.mark.requirement("R299")
def test_the_verifier_alone_proves_a_bundle_with_nothing_of_watchbell_at_hand(sealed: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(sealed) as archive:
        archive.extract("watchbell_verify.py", tmp_path)
    ended = subprocess.run(
        [sys.executable, "-I", "watchbell_verify.py", sealed.name, "--key", LedgerKey.objects.get().public],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.startswith("PROVED: 5 entries of "), ended.stdout + ended.stderr
    assert "signed by the key you gave" in ended.stdout
    assert ended.returncode == 0


def test_when_a_word_of_an_entry_is_changed_then_the_entry_is_named(sealed: Path) -> None:
    victim = json.loads(zipfile.ZipFile(sealed).read("entries.jsonl").splitlines()[2])["entry"]
    forged = changed(sealed, "entries.jsonl", lambda text: text.replace("Größe 2", "Größe 9"))
    with pytest.raises(watchbell_verify.NotProved, match=f"entry {victim}: its part “what”"):
        watchbell_verify.check(str(forged))


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("entries.jsonl", lambda text: text.replace("incident.comment", "incident.resolve", 1), "is not leaf"),
        ("entries.jsonl", lambda text: text + text.splitlines()[0] + "\n", "occurs twice"),
        (
            "entries.jsonl",
            lambda text: "".join(line + "\n" for line in text.splitlines()[1:]),
            "the manifest speaks of",
        ),
        (
            "signed-checkpoint.txt",
            lambda text: text.replace("\n", "0\n", 2).replace("0\n", "\n", 1),
            "changed after it was signed",
        ),
        ("signed-checkpoint.txt", lambda text: text.rpartition("\n\n")[0] + "\n\n", "not signed by that key"),
    ],
)
def test_when_a_bundle_is_tampered_with_then_it_says_what_does_not_hold(
    sealed: Path, name: str, change: Callable[[str], str], why: str
) -> None:
    with pytest.raises(watchbell_verify.NotProved, match=why):
        watchbell_verify.check(str(changed(sealed, name, change)))


def test_when_another_key_is_trusted_then_the_bundle_is_not_believed(sealed: Path) -> None:
    stranger = signer_make("watchbell.example/ledger").verifier.encoded()
    with pytest.raises(watchbell_verify.NotProved, match="not signed by that key"):
        watchbell_verify.check(str(sealed), stranger)


def test_a_kept_checkpoint_is_held_against_the_tree(sealed: Path, tmp_path: Path) -> None:
    first, last = LedgerSeal.objects.order_by("begins")[0], LedgerSeal.objects.order_by("-begins")[0]
    kept = tmp_path / "kept.txt"
    for seal, words in ((first, "is its beginning"), (last, "is this one")):
        kept.write_text(seal.note, encoding="utf-8")
        assert words in watchbell_verify.check(str(sealed), kept=str(kept))
    later = bundle(tmp_path / "older.zip", write(1) and list(LedgerEntry.objects.values_list("pk", flat=True)))
    ledger_seal(at=NOON + 2 * MINUTE)
    kept.write_text(LedgerSeal.objects.order_by("-begins")[0].note, encoding="utf-8")
    with pytest.raises(watchbell_verify.NotProved, match="the log was cut, or the bundle is older"):
        watchbell_verify.check(str(later), kept=str(kept))


def test_a_forgotten_subject_leaves_digests_and_the_proof_holds(tmp_path: Path) -> None:
    numbers = write(2) + write(2, subject="incident:43")
    ledger_seal(at=NOON)
    subject_forget(subject="incident:43", actor=MARTA, at=NOON + MINUTE, reason="asked for")
    ledger_seal(at=NOON + 2 * MINUTE)
    write(1, subject="incident:43")
    ledger_seal(at=NOON + 3 * MINUTE)
    path = bundle(tmp_path / "bundle.zip", numbers)
    assert watchbell_verify.check(str(path)).startswith("PROVED: 4 entries")
    lines: list[dict[str, Any]] = [
        json.loads(line) for line in zipfile.ZipFile(path).read("entries.jsonl").splitlines()
    ]
    assert [line["parts"]["what"]["content"] is None for line in lines] == [False, False, True, True]


def test_what_waits_for_its_seal_has_no_proof_yet() -> None:
    with pytest.raises(NothingSealed):
        bundle_write(io.BytesIO(), write(1), at=NOON)
    ledger_seal(at=NOON)
    (fresh,) = write(1)
    assert entry_proof(fresh) is None
    assert entries_waiting([fresh, fresh - 1]) == {fresh}
    ledger_seal(at=NOON + MINUTE)
    assert entries_waiting([fresh, fresh - 1]) == set()
    proof = entry_proof(fresh)
    assert proof is not None
    assert (proof.number, proof.sealed_at) == (fresh, NOON + MINUTE)


def told_otherwise(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The bundle with its first entry changed."""

    def first(text: str) -> str:
        line, *more = text.splitlines()
        entry = json.loads(line)
        change(entry)
        return "\n".join([json.dumps(entry), *more])

    return changed(path, "entries.jsonl", first)


def test_when_contents_stand_without_the_salt_that_proves_them_then_they_are_not_believed(sealed: Path) -> None:
    def lie(entry: dict[str, Any]) -> None:
        entry["parts"]["what"] |= {"salt": None, "content": '{"after":null}'}

    with pytest.raises(watchbell_verify.NotProved, match="has contents, and no salt"):
        watchbell_verify.check(str(told_otherwise(sealed, lie)))


def test_when_a_part_stands_in_for_what_is_told_openly_then_it_is_not_believed(sealed: Path) -> None:
    """The leaf would be the one that was sealed, and the line would say something else."""

    def lie(entry: dict[str, Any]) -> None:
        entry["parts"]["action"] = {"digest": entry["told"]["action"], "content": None, "salt": None}
        entry["told"]["action"] = "incident.nothing"

    with pytest.raises(watchbell_verify.NotProved, match="“action” stands in it twice"):
        watchbell_verify.check(str(told_otherwise(sealed, lie)))


def test_when_a_file_lies_beside_that_nothing_proves_then_the_bundle_is_not_believed(sealed: Path) -> None:
    with zipfile.ZipFile(sealed, "a") as archive:
        archive.writestr("report.html", "Nothing happened.")
    with pytest.raises(watchbell_verify.NotProved, match=r"nothing proves report\.html"):
        watchbell_verify.check(str(sealed))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_when_a_file_stands_in_it_twice_then_the_bundle_is_not_believed(sealed: Path) -> None:
    """One program reads the first of them, another the last."""
    with zipfile.ZipFile(sealed, "a") as archive:
        archive.writestr("entries.jsonl", archive.read("entries.jsonl"))
    with pytest.raises(watchbell_verify.NotProved, match=r"nothing proves entries\.jsonl"):
        watchbell_verify.check(str(sealed))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"told": {', '"told": {"action": "incident.nothing", '),
        ('"parts": {', '"parts": {"what": {"content": "{\\"after\\":null}"}, '),
        ('"content": ', '"content": "nothing", "content": '),
    ],
)
def test_when_a_line_says_a_thing_twice_then_it_is_not_believed(sealed: Path, before: str, after: str) -> None:
    """One program reads the first of them, another the last."""
    lying = changed(sealed, "entries.jsonl", lambda text: text.replace(before, after, 1))
    with pytest.raises(watchbell_verify.NotProved, match="says one thing twice"):
        watchbell_verify.check(str(lying))


@pytest.mark.parametrize("member", ["note", "comment"])
def test_when_a_line_says_more_than_its_proof_holds_then_it_is_not_believed(sealed: Path, member: str) -> None:
    def lie(entry: dict[str, Any]) -> None:
        (entry if member == "note" else entry["parts"]["who"])[member] = "Marta did it"

    with pytest.raises(watchbell_verify.NotProved, match="more than its proof holds"):
        watchbell_verify.check(str(told_otherwise(sealed, lie)))


@pytest.mark.parametrize(
    "change",
    [
        {"entry": []},
        {"index": 0.5},
        {"index": True},
        {"size": 99},
        {"parts": 5},
        {"parts": {"who": {"digest": 5, "content": 5, "salt": "00"}}},
        {"proof": [None]},
        {"told": None},
    ],
)
def test_when_a_line_is_made_up_to_trip_its_reader_then_the_program_says_so_and_fails(
    sealed: Path, change: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert watchbell_verify.main([str(told_otherwise(sealed, lambda entry: entry.update(change)))]) == 1
    assert capsys.readouterr().out.startswith("NOT PROVED: ")


def test_when_lines_are_nested_too_deep_to_read_then_the_program_says_so_and_fails(
    sealed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = changed(sealed, "entries.jsonl", lambda _text: "[" * 200_000)
    assert watchbell_verify.main([str(deep)]) == 1
    assert capsys.readouterr().out.startswith("NOT PROVED: ")


@pytest.mark.parametrize("before", [0, -1, -4])
def test_a_tree_without_leaves_is_no_beginning_and_the_question_ends(before: int) -> None:
    assert not watchbell_verify.consistent(before, b"\0" * 32, 8, b"\1" * 32, [b"\2" * 32] * 3)
