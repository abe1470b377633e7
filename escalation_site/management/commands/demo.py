"""`manage.py demo`: load Brightquay Operations, the example organisation, with twelve months of incidents."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from escalation_site.demo import loading
from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from reports.figures.keeping import figures_follow_all


class Command(BaseCommand):
    help = "Loads the demo organisation with a year of incidents into an empty database."
    # Loading reads and writes rows; importing every page for the system checks would take longer than much of it.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--logins", action="store_true", help="Print the demo's logins, one per role, and do nothing else."
        )
        parser.add_argument(
            "--until", metavar="INSTANT", help="The present of the demo (ISO 8601); now, to the minute, unless given."
        )
        parser.add_argument("--seed", type=int, default=loading.SEED, help="The same seed tells the same year.")
        parser.add_argument("--incidents", type=int, default=loading.INCIDENTS, help="About how many incidents.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["logins"]:
            for login in loading.demo_logins():
                self.stdout.write(f"{login.role:14} {login.username:8} {login.password}")
            return
        if loading.demo_is_loaded():
            self.stdout.write("The demo organisation is loaded already.")
            return
        started = time.monotonic()
        say: loading.Say = self.stdout.write if options["verbosity"] else str
        try:
            loading.demo_load(
                until=self._until(options["until"]), seed=options["seed"], incidents=options["incidents"], say=say
            )
        except DomainError as error:
            raise CommandError(str(error)) from None
        # Counted now, not by the first task a minute later: somebody opens the dashboards before.
        figures_follow_all(at=now())
        say(f"The demo organisation is loaded ({time.monotonic() - started:.0f} s).")

    def _until(self, text: str | None) -> datetime:
        if text is None:
            return now().replace(second=0, microsecond=0)
        try:
            parsed = parse_datetime(text)
        except ValueError:
            parsed = None
        if parsed is None:
            raise CommandError(f"--until: “{text}” is no instant; example: 2026-11-22T02:15:00Z")
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
