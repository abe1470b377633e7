"""``manage.py run_engine``: reads the inbox, walks policies in time, sends. Any number on PostgreSQL, one on SQLite."""

import signal
import sys
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from escalation_site.kernel.memory import memory_settle
from escalation_site.kernel.migrations import EXIT_MISMATCH, migration_mismatch
from incidents.engine.loop import Engine


class Command(BaseCommand):
    help = f"Run the engine until it is told to stop. Exit code {EXIT_MISMATCH}: the migrations are not this code's."

    def handle(self, *args: Any, **options: Any) -> None:
        if mismatch := migration_mismatch():
            raise CommandError(mismatch.line, returncode=EXIT_MISMATCH)
        engine = Engine()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            engine.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        engine.prepare()
        memory_settle()
        engine.run()
        sys.stdout.flush()
