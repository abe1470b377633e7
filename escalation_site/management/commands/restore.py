"""`manage.py restore FILE`: make the database what it was in a backup (docs/operations/backup.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from escalation_site.backup.services import backup_check, backup_restore
from escalation_site.backup.values import BackupError
from escalation_site.kernel.instants import now


class Command(BaseCommand):
    help = "Puts a backup into an empty database, or with --replace in the place of what is there, all or nothing."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="What `manage.py backup` wrote.")
        parser.add_argument("--check", action="store_true", help="Only read the file to its end and say what is in it.")
        parser.add_argument("--replace", action="store_true", help="Give up what the database holds now.")
        parser.add_argument("--while-running", action="store_true", help="Although an engine works on the database.")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            if options["check"]:
                manifest = backup_check(path=path)
            else:
                manifest = backup_restore(
                    path=path, at=now(), replace=options["replace"], while_running=options["while_running"]
                )
        except BackupError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or error}") from None
        facts = manifest.facts
        self.stdout.write(
            f"{'Sound' if options['check'] else 'Restored'}: made {manifest.made_at} by version {manifest.version} on "
            f"{manifest.server}; {facts.rows} rows of {len(facts.tables)} tables, up to entry {facts.ledger_id} "
            "of the ledger."
        )
