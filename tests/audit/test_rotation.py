"""A ledger whose key was changed, twice, is still one ledger: its seals hold, and whoever trusts the first key alone can check
all of it offline, with one file. A key that was put in the place of another is found."""

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from audit import keys
from audit.bundles import bundle_write
from audit.findings import SEAL
from audit.models import LedgerEntry, LedgerKey, LedgerSeal
from audit.proofs.notes import checkpoint_read, note_read, note_sign, signer_make, verifier_read
from audit.sealing import ledger_seal
from audit.verifying import ledger_verify
from tests.audit.tampering import triggers_off
from tests.audit.writing import MINUTE, NOON, write

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R299")]


@pytest.fixture(autouse=True)
def own_key(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.LEDGER_KEY = ""


def told(*options: str) -> list[str]:
    """What ``manage.py ledger_key`` prints: the public keys, and since when."""
    out = io.StringIO()
    call_command("ledger_key", *options, stdout=out, stderr=io.StringIO())
    return out.getvalue().split("\n")


@pytest.fixture
def first() -> str:
    """The public key that somebody outside wrote down when the ledger began; it is changed twice since."""
    write(4)
    ledger_seal(at=NOON)
    known = LedgerKey.objects.get().public
    told("--rotate")
    write(4, subject="incident:43")
    ledger_seal(at=NOON + MINUTE)
    told("--rotate")
    write(4, subject="incident:44")
    ledger_seal(at=NOON + 2 * MINUTE)
    return known


def bundled(tmp_path: Path) -> Path:
    numbers = list(LedgerEntry.objects.filter(action="incident.comment").order_by("pk").values_list("pk", flat=True))
    path = tmp_path / "bundle.zip"
    with path.open("wb") as file:
        bundle_write(file, numbers, at=NOON + 3 * MINUTE)
    with zipfile.ZipFile(path) as archive:
        archive.extract("watchbell_verify.py", tmp_path)
    return path


def offline(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The single file by itself, with nothing of ours on its path."""
    return subprocess.run(
        [sys.executable, "-I", "watchbell_verify.py", path.name, *options],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_when_the_key_was_changed_twice_then_every_seal_holds_by_the_key_of_its_time(first: str) -> None:
    verdict = ledger_verify()

    assert verdict.whole, verdict.findings
    public = list(LedgerKey.objects.order_by("pk").values_list("public", flat=True))
    assert public[0] == first
    assert len(set(public)) == 3
    notes = [note_read(note) for note in LedgerSeal.objects.order_by("begins").values_list("note", flat=True)]
    signed = [[one for one in public if verifier_read(one).verified(note) is not None] for note in notes]
    assert [who for (who,) in signed] == public
    assert [LedgerKey.objects.filter(retired_at=None).get().public] == public[-1:]
    entries = list(LedgerEntry.objects.filter(action__startswith="ledger.key").values_list("action", flat=True))
    assert entries == ["ledger.key_introduce", "ledger.key_change"] * 2


def test_when_somebody_trusts_the_first_key_only_then_the_single_file_proves_everything_offline(
    first: str, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(LedgerSeal.objects.order_by("begins")[0].note, encoding="utf-8")
    path = bundled(tmp_path)

    by_first = offline(path, "--key", first, "--kept", kept.name)
    by_last = offline(path, "--key", LedgerKey.objects.get(retired_at=None).public)

    assert by_first.returncode == 0, by_first.stdout + by_first.stderr
    assert re.match(
        r"PROVED: 12 entries of .*a key \(id [0-9a-f]{8}\) that the key you gave has introduced", by_first.stdout
    )
    assert "The checkpoint you kept" in by_first.stdout
    assert by_last.returncode == 0, by_last.stdout
    assert "signed by the key you gave" in by_last.stdout


def test_when_an_introduction_is_missing_then_the_first_key_proves_nothing(first: str, tmp_path: Path) -> None:
    path = bundled(tmp_path)
    cut = tmp_path / "cut.zip"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(cut, "w") as copy:
        for item in source.namelist():
            data = source.read(item)
            if item == "introductions.json":
                data = json.dumps(json.loads(data)[:1]).encode()
            copy.writestr(item, data)

    ended = offline(cut, "--key", first)

    assert ended.returncode == 1
    assert ended.stdout == "NOT PROVED: the checkpoint is not signed by that key\n"


def test_when_a_key_is_replaced_then_the_seals_it_had_signed_are_no_longer_believed(first: str) -> None:
    """Whoever puts his own key on record in the place of one that has signed is found, wherever it stands in the row."""
    for number, key in enumerate(LedgerKey.objects.order_by("pk")):
        stranger = signer_make(keys.origin()).verifier.encoded()
        original = key.public
        LedgerKey.objects.filter(pk=key.pk).update(public=stranger)

        findings = ledger_verify().findings

        seal = LedgerSeal.objects.order_by("begins")[number]
        assert [(one.kind, one.seal, one.detail) for one in findings] == [(SEAL, seal.at, "no known key has signed it")]
        LedgerKey.objects.filter(pk=key.pk).update(public=original)
    assert ledger_verify().whole


def test_when_every_seal_is_signed_anew_by_a_replaced_key_then_whoever_holds_the_first_key_refuses_it(
    first: str, tmp_path: Path
) -> None:
    kept = checkpoint_read(note_read(LedgerSeal.objects.order_by("begins")[0].note).text)
    forger = signer_make(keys.origin())
    with triggers_off("audit_ledgerseal"):
        for seal in LedgerSeal.objects.all():
            text = note_read(seal.note).text
            LedgerSeal.objects.filter(pk=seal.pk).update(note=note_sign(text, [forger]).encoded())
    LedgerKey.objects.all().delete()
    LedgerKey.objects.create(public=forger.verifier.encoded(), since=NOON)
    keys.key_file().write_text(forger.encoded() + "\n", encoding="utf-8")

    path = bundled(tmp_path)

    assert ledger_verify(kept=[kept]).whole, "the tree is the same: only who signed it differs"
    ended = offline(path, "--key", first)
    assert (ended.returncode, ended.stdout) == (1, "NOT PROVED: the checkpoint is not signed by that key\n")


def test_when_the_environment_holds_the_key_then_it_is_changed_by_introducing_the_next(
    settings: LazySettings, tmp_path: Path
) -> None:
    out, named = io.StringIO(), io.StringIO()
    call_command("ledger_key", "--new", stdout=out, stderr=named)
    settings.LEDGER_KEY = out.getvalue().strip()
    old = named.getvalue().split()[-1]
    write(2)
    ledger_seal(at=NOON)
    with pytest.raises(CommandError, match="--introduce"):
        told("--rotate")
    fresh = signer_make(keys.origin())
    told("--introduce", fresh.verifier.encoded())
    ledger_seal(at=NOON + MINUTE)
    assert LedgerKey.objects.get(retired_at=None).public == old, "introduced, and not in use yet"

    settings.LEDGER_KEY = fresh.encoded()
    write(2)
    ledger_seal(at=NOON + 2 * MINUTE)

    assert LedgerKey.objects.get(retired_at=None).public == fresh.verifier.encoded()
    assert ledger_verify().whole
    ended = offline(bundled(tmp_path), "--key", old)
    assert ended.returncode == 0, ended.stdout
