"""``manage.py ledger_forget``: destroy the salt of one subject, so that the ledger's proofs tell nothing of it any more."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.forgetting import subject_forget
from audit.values import Actor
from escalation_site.kernel.instants import now

_OPERATOR = Actor.system("operator")


class Command(BaseCommand):
    help = (
        "Destroy the salt under which the ledger holds what one subject did, or what is about it (user:7, incident:42). Every proof "
        "holds as before; that the contents are what they were, nobody can show any more. It cannot be undone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", help="for example user:7 or incident:42")
        parser.add_argument("--reason", required=True, help="why; it stands in the ledger")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        subject, reason = options["subject"].strip(), options["reason"].strip()
        if not reason:
            raise CommandError("Say why: it stands in the ledger.")
        if not options["yes"] and input(f"Forget {subject}? This cannot be undone. Type its name: ").strip() != subject:
            raise CommandError("Nothing was forgotten.")
        try:
            count = subject_forget(subject=subject, actor=_OPERATOR, at=now(), reason=reason)
        except LookupError as error:
            raise CommandError(f"Nothing of {subject} was ever sealed, or all of it is forgotten already.") from error
        self.stdout.write(f"{count} rows of {subject} say nothing any more, and are still proved to be in the tree.")
