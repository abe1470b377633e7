"""`manage.py apply FILE.yaml`: make the configuration what the file says (docs/configuration-as-code.md)."""

import json
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from escalation_site.configuration.applying import configuration_apply
from escalation_site.configuration.plan import Plan, Step
from escalation_site.configuration.problems import ConfigurationInvalid
from escalation_site.configuration.registry import file_schema
from escalation_site.kernel.instants import now
from oncall.models import User


class Command(BaseCommand):
    help = "Makes users, teams, schedules, policies, services … what a YAML file says. Deletes nothing."
    # Applying reads and writes rows; importing every page for the system checks would take longer than that.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", metavar="FILE.yaml", help="The file; - reads standard input.")
        parser.add_argument("--dry-run", action="store_true", help="Print the plan and write nothing.")
        parser.add_argument(
            "--actor", metavar="USERNAME", help="Who applies it, for the ledger; the system unless given."
        )
        parser.add_argument(
            "--schema", action="store_true", help="Print the JSON Schema of such files and do nothing else."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["schema"]:
            self.stdout.write(json.dumps(file_schema(), indent=2))
            return
        if not options["file"]:
            raise CommandError("Which file? Example: manage.py apply organisation.yaml")
        source = "standard input" if options["file"] == "-" else options["file"]
        text = self._text(options["file"])
        user = self._actor(options["actor"])
        dry_run: bool = options["dry_run"]
        try:
            plan = configuration_apply(text, source=source, at=now(), environ=os.environ, user=user, dry_run=dry_run)
        except ConfigurationInvalid as error:
            for problem in error.problems:
                self.stderr.write(str(problem))
            count = len(error.problems)
            raise CommandError(f"{count} {'mistake' if count == 1 else 'mistakes'}; nothing was changed.") from None
        self._print(plan, dry_run=dry_run, verbosity=options["verbosity"])

    def _text(self, name: str) -> str:
        try:
            return (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode("utf-8-sig")
        except OSError as error:
            raise CommandError(f"{name}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise CommandError(f"{name}: is not UTF-8 (byte {error.start})") from None

    def _actor(self, username: str | None) -> User | None:
        if username is None:
            return None
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"--actor: there is no active user “{username}”")
        return user

    def _print(self, plan: Plan, *, dry_run: bool, verbosity: int) -> None:
        """The differences; what is unchanged is only counted, unless asked for with -v 2."""
        for change in plan.changes:
            if change.step is not Step.UNCHANGED or verbosity > 1:
                for line in change.lines():
                    self.stdout.write(line)
        self.stdout.write(plan.summary(dry_run=dry_run))
        if plan.new_keys and not dry_run:
            self.stdout.write("New keys, shown this once and stored only as digests:")
            for name, key in plan.new_keys:
                self.stdout.write(f"  {name}: {key}")
