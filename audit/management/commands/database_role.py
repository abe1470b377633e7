"""``manage.py database_role``: make or check the PostgreSQL role that runs the application."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connection

from audit.roles import role_faults, role_make

EXIT_WRONG = 1


class Command(BaseCommand):
    help = (
        "Check that a PostgreSQL role can add to the ledger and the histories and do nothing else to them. "
        "Ends with 1 where anything is wrong. With --make the role is made, or put right, first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", nargs="?", help="its name; that of DATABASE_URL unless said")
        parser.add_argument("--make", action="store_true", help="run as the role that owns the tables")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("SQLite has no roles: whoever can write the file can write all of it.")
        role = options["role"] or _own_name()
        try:
            if options["make"]:
                role_make(role)
            faults = role_faults(role)
        except LookupError as error:
            raise CommandError(f"There is no role {role}: --make makes it.") from error
        except ProgrammingError as error:
            raise CommandError(f"{error}: give DATABASE_URL of the role that owns the tables.") from error
        for fault in faults:
            self.stdout.write(f"{role} {fault.what}{f': {fault.table}' if fault.table else ''}")
        if faults:
            self.stdout.write(f"NOT SAFE: {len(faults)} faults. As the owner: manage.py database_role {role} --make")
            sys.exit(EXIT_WRONG)
        self.stdout.write(f"{role} adds to the ledger and the histories, and can do nothing else to them.")


def _own_name() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])
