"""``manage.py ledger_key``: show the key that signs checkpoints, or change it."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit import keys
from audit.models import LedgerKey
from audit.proofs.notes import BadNote, signer_make
from escalation_site.kernel.instants import now


class Command(BaseCommand):
    help = "Show the public keys of the ledger; with --rotate put a new key in the place of the one kept in the data directory."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rotate", action="store_true", help="make a new key; what the old one signed stays good")
        parser.add_argument(
            "--new", action="store_true", help="print a new private key for LEDGER_KEY, and change nothing"
        )

        parser.add_argument(
            "--introduce",
            metavar="NAME+ID+KEY",
            help="let the key in use name the next one, so that whoever trusts the first can trust the second",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"]:
            made = signer_make(keys.origin())
            self.stdout.write(made.encoded())
            self.stderr.write(f"Its public key: {made.verifier.encoded()}")
            return
        try:
            if options["introduce"]:
                keys.key_introduce(public=options["introduce"], at=now())
            if options["rotate"]:
                self._rotate()
            keys.signer(at=now())
        except (BadNote, OSError) as error:
            raise CommandError(f"The key cannot be read: {error}") from error
        for key in LedgerKey.objects.all():
            self.stdout.write(f"{key.public}  since {key.since.isoformat()}, {_state(key)}")

    def _rotate(self) -> None:
        if settings.LEDGER_KEY:
            raise CommandError(
                "LEDGER_KEY holds the key: make one with --new, let the one in use introduce it (--introduce), "
                "then put it into LEDGER_KEY."
            )
        keys.key_rotate(at=now())


def _state(key: LedgerKey) -> str:
    if key.retired_at is None:
        return "in use"
    if key.retired_at == key.since:
        return "introduced, not in use yet"
    return f"until {key.retired_at.isoformat()}"
