"""`manage.py backup FILE`: the whole database in one file, while everybody works on (docs/operations/backup.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from escalation_site.backup.services import backup_create
from escalation_site.backup.values import BackupError
from escalation_site.kernel.instants import now


class Command(BaseCommand):
    help = "Writes the whole database into one file that only its owner may read, checked, while everybody works on."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", type=Path, help="Where to; example: /backups/watchbell-2026-11-22.zip"
        )
        parser.add_argument("--overwrite", action="store_true", help="Put it in the place of a file of that name.")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            manifest = backup_create(path=path, at=now(), overwrite=options["overwrite"])
        except BackupError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}") from None
        facts = manifest.facts
        self.stdout.write(
            f"{path}: {facts.rows} rows of {len(facts.tables)} tables, up to entry {facts.ledger_id} of the ledger."
        )
