"""``manage.py run_engine``: reads the inbox, walks policies in time, sends. Any number on PostgreSQL, one on SQLite."""

import signal
import sys
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from escalation_site.kernel.memory import memory_settle
from incidents.engine.loop import Engine


class Command(BaseCommand):
    help = "Run the engine until it is told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            first = missing[0][0]
            raise CommandError(
                f"The database is behind this code ({first} and {len(missing) - 1} more): run manage.py migrate."
            )
        engine = Engine()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            engine.stop()

        memory_settle()
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        engine.run()
        sys.stdout.flush()
