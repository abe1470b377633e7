"""``manage.py ledger_archive``: write the oldest part of the ledger into a file that proves itself, and take it out."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError

from audit.models import LedgerSegment
from audit.retention import folder, segment_archive, segment_take_out
from audit.values import Actor
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now

_OPERATOR = Actor.system("operator")
LEAST_DAYS = 30


class Command(BaseCommand):
    help = "Archive what was sealed long ago; with --take-out take archived rows out of the database, while their leaves stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=int, metavar="DAYS", help=f"at least {LEAST_DAYS}")
        parser.add_argument("--to", type=Path, metavar="FOLDER", help="where the files are; DATA_DIR/ledger-archive")
        parser.add_argument(
            "--without-contents", action="store_true", help="digests only: nobody can read these entries again"
        )
        parser.add_argument(
            "--take-out",
            action="store_true",
            help="take every archived segment whose file is there out of the database",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        to = options["to"] or folder()
        try:
            if options["older_than"] is not None:
                self._archive(to, options["older_than"], contents=not options["without_contents"])
            if options["take_out"]:
                self._take_out(to)
        except (DomainError, OSError) as error:
            raise CommandError(str(error)) from error
        except ProgrammingError as error:
            raise CommandError(
                f"{error}: give DATABASE_URL of the role that owns the tables; the application's may not delete."
            ) from error
        for segment in LedgerSegment.objects.all():
            state = f"taken out {segment.dropped_at.isoformat()}" if segment.dropped_at else "in the database too"
            self.stdout.write(f"{segment.file}  {segment.rows} rows, {state}, SHA-256 {segment.sha256}")

    def _archive(self, to: Path, days: int, *, contents: bool) -> None:
        if days < LEAST_DAYS:
            raise CommandError(f"What is younger than {LEAST_DAYS} days stays.")
        at = now()
        segment_archive(until=at - timedelta(days=days), at=at, actor=_OPERATOR, to=to, contents=contents)

    def _take_out(self, to: Path) -> None:
        for segment in LedgerSegment.objects.filter(dropped_at=None):
            segment_take_out(segment=segment, file=to / segment.file, actor=_OPERATOR, at=now())
