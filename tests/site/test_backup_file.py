"""The file of a backup: what it holds, who may read it, and which files are refused.

What happens before the database has a part in it is shown on SQLite alone.
"""

import json
import os
import shutil
import stat
import subprocess
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from audit.models import LedgerEntry
from audit.services import EntryValue, entry_append
from escalation_site.backup import postgres, services, sqlite
from escalation_site.backup.archive import MANIFEST, files_extract, manifest_of
from escalation_site.backup.values import BackupError
from escalation_site.kernel.migrations import Mismatch
from tests.site.backups import Elsewhere, backup, ledger, opened, refused, restore
from tests.site.backups import database_elsewhere as database_elsewhere
from tests.site.backups import elsewhere as elsewhere
from tests.site.backups import file as file
from tests.world.harness import World

pytestmark = pytest.mark.django_db(transaction=True)


# --- the file


def test_the_file_is_for_its_owner_alone_and_says_what_is_in_it(world: World, file: Path) -> None:
    opened(world)
    last = LedgerEntry.objects.order_by("-pk")[0]

    said = backup(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"up to entry {last.pk} of the ledger" in said
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read(MANIFEST))
    assert manifest["version"] == services.version()
    assert manifest["made_at"] == "2026-11-22T02:09:00+00:00"
    assert manifest["vendor"] == connection.vendor
    assert "audit.0001_initial" in manifest["facts"]["migrations"]
    assert manifest["facts"]["tables"]["incidents_incident"] == 1
    assert manifest["facts"]["ledger"]["id"] == last.pk
    assert manifest["facts"]["ledger"]["action"] == last.action


@pytest.mark.sqlite
def test_what_is_attached_to_incidents_goes_along_and_comes_back(
    world: World, file: Path, elsewhere: Elsewhere, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    kept = tmp_path / "files" / "attachments" / "ab" / ("ab" * 32)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"log")
    backup(file)
    settings.MEDIA_ROOT = tmp_path / "new"
    there = tmp_path / "new" / kept.relative_to(tmp_path / "files")
    with elsewhere.used():
        restore(file)
        assert there.read_bytes() == b"log"
        there.write_bytes(b"kept as it is")
        restore(file, replace=True)
    assert there.read_bytes() == b"kept as it is"
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("files/../../outside", b"x")
    with pytest.raises(BackupError, match="leads elsewhere"):
        files_extract(file, tmp_path / "new")


@pytest.mark.sqlite
def test_nothing_but_the_file_is_left_in_its_folder(world: World, file: Path) -> None:
    backup(file)

    assert os.listdir(file.parent) == [file.name]


@pytest.mark.sqlite
def test_when_the_file_exists_then_it_stays_unless_told_to_go(world: World, file: Path) -> None:
    file.write_text("precious")

    assert "exists already" in refused(backup, file)
    assert file.read_text() == "precious"
    assert not LedgerEntry.objects.filter(action="backup.create").exists()

    backup(file, overwrite=True)
    assert manifest_of(file).facts.rows > 0


@pytest.mark.sqlite
def test_when_the_backup_fails_then_no_file_is_left(world: World, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sqlite, "facts_read", fail)

    assert "No space left on device" in refused(backup, file)
    assert os.listdir(file.parent) == []


@pytest.mark.sqlite
def test_when_the_folder_is_not_there_then_the_line_says_so(world: World, tmp_path: Path) -> None:
    assert "No such file or directory" in refused(backup, tmp_path / "nowhere" / "watchbell.zip")


def test_when_the_database_is_empty_then_there_is_nothing_to_keep(file: Path, elsewhere: Elsewhere) -> None:
    with elsewhere.used():
        assert "there is nothing to keep" in refused(backup, file)
    assert not file.exists()


@pytest.mark.sqlite
def test_when_others_write_meanwhile_then_the_copy_is_one_state_of_the_database(world: World, file: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with transaction.atomic():
                for half in ("left", "right"):
                    entry_append(EntryValue(at=world.now, action="test.done", object_type=half, object_id=str(number)))
            number += 1
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not LedgerEntry.objects.filter(action="test.done").exists():
            pass
        backup(file)
    finally:
        stop.set()
        writer.join()
    with zipfile.ZipFile(file) as archive:
        copy = Path(archive.extract("database.sqlite3", file.parent))
    with sqlite._open(copy) as database:
        halves = dict(
            database.execute(
                "SELECT object_type, COUNT(*) FROM audit_ledgerentry WHERE action = 'test.done' GROUP BY object_type"
            )
        )
    assert halves["left"] == halves["right"] > 0


# --- files that are refused


@pytest.mark.sqlite
def test_when_the_file_is_damaged_then_nothing_is_changed(world: World, file: Path) -> None:
    backup(file)
    before = ledger()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)

    assert "damaged" in refused(restore, file, replace=True)
    assert ledger() == before


@pytest.mark.sqlite
@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04"])
def test_when_the_file_is_no_backup_then_the_line_says_so(world: World, file: Path, content: bytes) -> None:
    file.write_bytes(content)

    assert "is no backup of Watchbell, or it is damaged" in refused(restore, file, replace=True)


def rewritten(file: Path, **changes: Any) -> None:
    """Give the backup another manifest."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members[MANIFEST])
    manifest["facts"].update(changes.pop("facts", {}))
    members[MANIFEST] = json.dumps({**manifest, **changes}).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 9}, "Its format 9 is not known"),
        ({"vendor": "oracle"}, "names another kind of database"),
        ({"facts": {"migrations": ["incidents.0999_future"]}}, "made by a newer version"),
        ({"sha256": "0" * 64}, "damaged"),
        ({"colour": "red"}, "Its manifest cannot be read"),
    ],
)
def test_when_this_code_cannot_use_the_backup_then_nothing_is_changed(
    world: World, file: Path, changes: dict[str, Any], words: str
) -> None:
    backup(file)
    before = ledger()
    rewritten(file, **changes)

    assert words in refused(restore, file, replace=True)
    assert ledger() == before


@pytest.mark.sqlite
def test_when_the_rows_are_not_those_of_the_manifest_then_nothing_is_changed(world: World, file: Path) -> None:
    backup(file)
    before = ledger()
    rewritten(file, facts={"tables": {"incidents_incident": 7}})

    assert "The rows are not those of the manifest" in refused(restore, file, replace=True)
    assert ledger() == before


@pytest.mark.sqlite
def test_a_backup_can_be_checked_without_touching_the_database(world: World, file: Path) -> None:
    backup(file)
    before = ledger()

    assert restore(file, check=True).startswith("Sound: made 2026-11-22T02:09:00+00:00 by version")
    assert ledger() == before


def test_when_the_backup_is_of_an_older_release_then_its_tables_are_brought_up_to_date(
    world: World, file: Path, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(file)
    asked: list[str] = []
    monkeypatch.setattr(services, "migration_mismatch", lambda: Mismatch(("incidents.0099_new",), ()))
    monkeypatch.setattr(services, "call_command", lambda name, **_options: asked.append(name))

    with elsewhere.used():
        restore(file)

    assert asked == ["migrate"]


# --- PostgreSQL's own programs


@pytest.mark.postgres
def test_when_postgresqls_programs_are_missing_then_the_line_names_them(
    world: World, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    assert refused(backup, file).startswith("pg_dump is not installed here")


@pytest.mark.postgres
def test_the_password_is_no_argument(world: World, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], dict[str, str]]] = []
    original = subprocess.Popen

    def popen(arguments: list[str], **options: Any) -> Any:
        calls.append((arguments, options["env"]))
        return original(arguments, **options)

    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "not-for-everybody")
    monkeypatch.setattr(subprocess, "Popen", popen)

    backup(file)

    ((arguments, environment),) = calls
    assert not any("not-for-everybody" in argument for argument in arguments)
    assert environment["PGPASSWORD"] == "not-for-everybody"


@pytest.mark.postgres
def test_when_the_restore_fails_half_way_then_the_database_is_as_it_was(
    world: World, file: Path, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(file)
    with elsewhere.used():
        restore(file)
        before = ledger()
        monkeypatch.setattr(postgres, "_DROP_ALL", postgres._DROP_ALL + "SELECT 1 / 0;\n")

        assert "division by zero" in refused(restore, file, replace=True)
        assert ledger() == before
