"""`manage.py up`: everything an installation on one machine needs, in the foreground until Ctrl-C."""

import os
import threading
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any, NoReturn

from django.core.management.base import BaseCommand
from django.db import connections

from escalation_site.env import EXIT_CODE, Environment, read_or_exit
from escalation_site.kernel.instants import now
from escalation_site.kernel.migrations import EXIT_MISMATCH, migration_mismatch
from escalation_site.schedules import schedules_apply
from escalation_site.supervisor import prepare
from escalation_site.supervisor.lock import AlreadyRunning, SingleStart
from escalation_site.supervisor.output import Output
from escalation_site.supervisor.programs import address_is_free, is_answering, mail_directory, programs
from escalation_site.supervisor.run import Supervisor


class Command(BaseCommand):
    # Each of the programs checks for itself.
    requires_system_checks = ()
    help = "Starts web server, engine and task cluster, and restarts what dies or hangs, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--prepare", action="store_true", help="First migrate the database and collect static files."
        )
        parser.add_argument(
            "--demo", action="store_true", help="With --prepare: load the demo organisation into an empty database."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        environment = read_or_exit(os.environ)
        output = Output(as_json=environment.log_format == "json")
        lock = SingleStart(environment.data_dir)
        supervisor = Supervisor(
            programs(environment),
            lock=lock,
            output=output,
            grace=timedelta(seconds=environment.stop_grace_seconds),
            clock=now,
        )
        try:
            supervisor.run(
                prepare=lambda: self._prepare(environment, options, output),
                when_started=lambda stopping: _greet(environment, output, stopping),
            )
        except KeyboardInterrupt:
            output.say("stopped before it began")
        except AlreadyRunning as error:
            self._refuse(
                f"DATA_DIR: Watchbell already runs on {environment.data_dir} (process {error.pid}); "
                "example: DATA_DIR=./data-2"
            )

    def _prepare(self, environment: Environment, options: dict[str, Any], output: Output) -> None:
        if not address_is_free(environment):
            self._refuse(
                f"PORT: {environment.port} on {environment.host} is taken by another program; "
                f"example: PORT={environment.port % 65535 + 1}"
            )
        mismatch = migration_mismatch()
        if mismatch.unknown:
            self._refuse(mismatch.line, code=EXIT_MISMATCH)
        if options["prepare"]:
            prepare.database_prepare(output.say)
            prepare.static_prepare(output.say)
            if options["demo"]:
                prepare.demo_prepare(output.say)
        elif mismatch:
            self._refuse(f"{mismatch.line} `manage.py up --prepare` does it too.", code=EXIT_MISMATCH)
        schedules_apply()
        connections.close_all()

    def _refuse(self, line: str, *, code: int = EXIT_CODE) -> NoReturn:
        self.stderr.write(line)
        raise SystemExit(code)


def _greet(environment: Environment, output: Output, stopping: threading.Event) -> None:
    """Wait until the web server answers, then say where it is, who can sign in and where messages go."""
    while not is_answering(environment):
        if stopping.wait(0.2):
            return
    lines = ["", f"Watchbell is ready: {environment.public_url}"]
    logins = prepare.demo_logins()
    if logins:
        lines += ["", "Demo logins, one per role:", *(f"  {line}" for line in logins)]
    elif prepare.is_empty():
        lines.append("Nobody has an account yet: open the address to create the first administrator.")
    if (directory := mail_directory(environment)) is not None:
        lines += ["", f"No mail server is set (EMAIL_URL): messages are written as files into {directory}"]
    for line in [*lines, "Ctrl-C ends it.", ""]:
        output.say(line)
    connections.close_all()
