"""Counts the figures of the reports anew, from the incidents: after a restore, or where they are not believed."""

from typing import Any

from django.core.management.base import BaseCommand

from escalation_site.kernel.instants import now
from reports.figures.keeping import figures_rebuild


class Command(BaseCommand):
    help = "Forget the rolled-up figures of the reports and make them anew from the incidents."

    def handle(self, *args: Any, **options: Any) -> None:
        count = figures_rebuild(at=now())
        self.stdout.write(f"{count} incidents counted.")
