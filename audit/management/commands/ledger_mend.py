"""``manage.py ledger_mend``: write tiles anew that do not lead to the signed roots."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.mending import tiles_mend
from audit.values import Actor
from escalation_site.kernel.instants import now


class Command(BaseCommand):
    help = (
        "Write the ledger's tiles anew where they do not lead to the signed roots (sealing has stopped, audit_verify names them). "
        "Rows, seals and signatures are only read. Find out first what changed them: a disk, or somebody."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = tiles_mend(actor=Actor.system("operator"), at=now())
        except LookupError as error:
            raise CommandError(f"Nothing was written: {error}. Take the ledger from a backup.") from error
        if not count:
            self.stdout.write("All tiles lead to the signed roots; nothing was written.")
            return
        self.stdout.write(f"{count} tiles were written anew. audit_verify says whether all else is as it was sealed.")
