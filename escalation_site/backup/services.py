"""Making a backup and going back to one. Both leave an entry in the ledger."""

import tomllib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction

from audit.leaves import tables
from audit.services import EntryValue, entry_append
from audit.values import Actor
from escalation_site.backup import postgres, sqlite
from escalation_site.backup.archive import (
    Counted,
    archive_write,
    files_extract,
    manifest_of,
    payload_extract,
    temporary,
)
from escalation_site.backup.values import BackupError, Facts, Manifest
from escalation_site.env import BASE_DIR
from escalation_site.kernel.migrations import migration_mismatch, migrations_unknown
from escalation_site.supervisor.beats import newest_beat
from incidents.models import ProcessBeat
from reports.ledger import database_protection

OPERATOR = Actor.system("operator")


class Store(Protocol):
    """What is done in its own way on each kind of database: the modules `sqlite` and `postgres`."""

    MEMBER: str
    COMPRESS: bool

    def copy_out(self, sink: Counted, *, path: Path) -> Facts: ...
    def facts_now(self) -> Facts: ...
    def put_back(
        self, payload: Path, manifest: Manifest, *, replace: bool, numbers: dict[str, int]
    ) -> dict[str, list[int]]: ...
    def sequences(self) -> dict[str, int]: ...
    def server(self) -> str: ...


def store() -> Store:
    return sqlite if connection.vendor == "sqlite" else postgres


def version() -> str:
    """Of this code."""
    project = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def backup_create(*, path: Path, at: datetime, overwrite: bool = False) -> Manifest:
    """Write all of the database and the attached files into the file ``path`` while everybody works on, and note it in the
    ledger.

    Raises BackupError where there is nothing to copy, where the file exists and where the database is damaged;
    OSError as writing does. No file is left then.
    """
    own = store()

    def fill(sink: Counted) -> "_Making":
        facts = own.copy_out(sink, path=path)
        if not facts.migrations:
            raise BackupError("The database holds no tables of Watchbell: there is nothing to keep.")
        return _Making(facts, at, own.server())

    manifest = archive_write(
        path, member=own.MEMBER, compress=own.COMPRESS, overwrite=overwrite, fill=fill, files=Path(settings.MEDIA_ROOT)
    )
    entry_append(
        EntryValue(
            at=at,
            action="backup.create",
            object_type="backup",
            object_id=manifest.id,
            object_label=path.name,
            subject=f"backup:{manifest.id}",
            actor=OPERATOR,
            source="command",
            data={"ledger_entry": manifest.facts.ledger_id, "rows": manifest.facts.rows, "sha256": manifest.sha256},
        )
    )
    return manifest


class _Making:
    """The manifest, once the payload is written."""

    def __init__(self, facts: Facts, at: datetime, server: str) -> None:
        self._facts, self._at, self._server = facts, at, server

    def __call__(self, sha256: str, size: int) -> Manifest:
        return Manifest(
            id=str(uuid.uuid4()),
            made_at=self._at.isoformat(timespec="seconds"),
            version=version(),
            vendor=connection.vendor,
            server=self._server,
            facts=self._facts,
            sha256=sha256,
            size=size,
        )


def backup_check(*, path: Path) -> Manifest:
    """Read all of the backup ``path`` and change nothing. Raises BackupError unless it could be restored by this code
    into this kind of database."""
    manifest = manifest_of(path)
    if manifest.vendor != connection.vendor:
        raise BackupError(f"It was made on {manifest.server}; DATABASE_URL names another kind of database.")
    if unknown := migrations_unknown(manifest.facts.migrations):
        raise BackupError(
            f"It was made by a newer version ({manifest.version}; {unknown[0]} is not known here): install that one."
        )
    payload_extract(path, None, manifest=manifest, member=store().MEMBER)
    return manifest


def backup_restore(*, path: Path, at: datetime, replace: bool = False, while_running: bool = False) -> Manifest:
    """Make the database what it was in the backup ``path``, with what has to be so afterwards.

    Rows keep their numbers. Numbers that the replaced database gave are not given again, so that an entry of the
    ledger that somebody has kept is never contradicted by another one of the same number. Sessions end and signs of
    life are forgotten; migrations that the backup lacks are applied.

    Raises BackupError, before anything was changed, where the database holds tables and ``replace`` is not set, where
    an engine beats and ``while_running`` is not set, and where the file cannot be used.
    """
    own = store()
    manifest = backup_check(path=path)
    replaced = own.facts_now()
    if replaced.tables and not replace:
        raise BackupError("The database is not empty: make a backup of it first, then give --replace.")
    if "incidents_processbeat" in replaced.tables and not while_running:
        _refuse_while_running(at)
    numbers = own.sequences()
    connection.close()
    with temporary(Path(settings.DATA_DIR) / own.MEMBER, "restore") as payload:
        payload_extract(path, payload, manifest=manifest, member=own.MEMBER)
        # Files first: what they are named by comes after them.
        files_extract(path, Path(settings.MEDIA_ROOT))
        skipped = own.put_back(payload, manifest, replace=replace, numbers=numbers)
    connection.close()
    if migration_mismatch().missing:
        call_command("migrate", interactive=False, verbosity=0)
    _finish(manifest, replaced=replaced, path=path, skipped=skipped, at=at)
    if broken := database_protection().broken:
        raise BackupError(f"It is restored, but nothing protects the history in {', '.join(broken)}.")
    return manifest


def _refuse_while_running(at: datetime) -> None:
    beat_at = newest_beat("engine")
    if beat_at is not None and at - beat_at < timedelta(seconds=settings.BEAT_TIMEOUT_SECONDS):
        raise BackupError("An engine works on this database: stop Watchbell first, or give --while-running.")


@transaction.atomic
def _finish(
    manifest: Manifest, *, replaced: Facts, path: Path, skipped: Mapping[str, Sequence[int]], at: datetime
) -> None:
    # Somebody may have signed out since; and no process of that time lives.
    Session.objects.all().delete()
    ProcessBeat.objects.all().delete()
    entry_append(
        EntryValue(
            at=at,
            action="backup.restore",
            object_type="backup",
            object_id=manifest.id,
            object_label=path.name,
            subject=f"backup:{manifest.id}",
            actor=OPERATOR,
            source="command",
            before={"ledger_entry": replaced.ledger_id, "rows": replaced.rows} if replaced.tables else None,
            after={"ledger_entry": manifest.facts.ledger_id, "rows": manifest.facts.rows},
            data={
                "made_at": manifest.made_at,
                "version": manifest.version,
                "sha256": manifest.sha256,
                # Verification goes by it: numbers of these no row will ever have (audit.batches.Facts.skipped).
                "skipped": {name: both for name, both in skipped.items() if name in tables()},
            },
        )
    )
