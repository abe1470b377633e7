"""``manage.py audit_verify``: hold every row of the ledger and the histories against the signed tree."""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.models import LedgerSeal
from audit.proofs.notes import BadNote, Checkpoint, Verifier, checkpoint_read, note_read, verifier_read
from audit.selectors import only_growing, protection
from audit.verifying import Verdict, cosigned_kept, ledger_verify, sent_kept

EXIT_BROKEN = 1


class Command(BaseCommand):
    help = "Verify the ledger against its signed tree. Ends with 1 where anything is not as it was sealed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=int, default=0, metavar="SIZE", help="begin at the seal with this size")
        parser.add_argument(
            "--kept",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="a checkpoint that was kept elsewhere",
        )
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="NAME+ID+KEY",
            help="believe this key of the ledger and those that it introduced, and not whatever the database names",
        )
        parser.add_argument(
            "--witness",
            action="append",
            default=[],
            metavar="NAME+ID+KEY",
            help="the public key of a witness; what it has signed is held against the tree",
        )
        parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that read and hash")
        parser.add_argument("--json", action="store_true", help="print the verdict as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not LedgerSeal.objects.exists():
            raise CommandError("Nothing is sealed yet: the cluster seals every minute (manage.py up).")
        kept = [_checkpoint(path) for path in options["kept"]]
        kept += _cosigned(options["witness"]) + sent_kept()
        verdict = ledger_verify(
            since=options["since"],
            kept=kept,
            trusted=_keys(options["key"]),
            progress=self._progress,
            jobs=max(1, options["jobs"]),
        )
        unprotected = protection(expected=only_growing()).broken
        if sys.stderr.isatty():
            self.stderr.write("")
        self.stdout.write(_json(verdict, unprotected) if options["json"] else "\n".join(lines(verdict, unprotected)))
        if not verdict.whole or unprotected:
            sys.exit(EXIT_BROKEN)

    def _progress(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done} of {total} leaves", ending="")


def _checkpoint(path: Path) -> Checkpoint:
    try:
        return checkpoint_read(note_read(path.read_text(encoding="utf-8")).text)
    except (BadNote, OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} is no checkpoint: {error}") from error


def _keys(given: list[str]) -> list[Verifier]:
    try:
        return [verifier_read(key) for key in given]
    except BadNote as error:
        raise CommandError(f"The key {error}") from error


def _cosigned(given: list[str]) -> list[Checkpoint]:
    """What witnesses have signed; with keys given, each of them must have signed something."""
    try:
        witnesses = [verifier_read(key) for key in given]
        found = cosigned_kept(witnesses)
    except (BadNote, KeyError) as error:
        raise CommandError(f"Witness: {error}") from error
    if witnesses and not found:
        raise CommandError("None of these witnesses has signed a checkpoint that is on record.")
    return found


def lines(verdict: Verdict, unprotected: Sequence[str] = ()) -> list[str]:
    """The verdict for people, worst first; ``unprotected`` are tables whose triggers are missing or switched off."""
    found = [
        " ".join(
            part
            for part in (
                f"{one.kind.upper():8}",
                f"{one.table} {one.row}" if one.table else "",
                f"leaf {one.leaf}" if one.leaf is not None else "",
                f"sealed {one.seal.isoformat()}" if one.seal else "",
                one.detail,
            )
            if part
        )
        for one in verdict.findings
    ]
    counted = f"{verdict.leaves} leaves in {verdict.seals} seals, root {verdict.root.hex()}"
    if verdict.beyond:
        counted += f"; {verdict.beyond} rows of forgotten subjects or in archives stand, and their contents cannot be checked here"
    if verdict.undone:
        counted += f"; {verdict.undone} numbers belong to transactions that were undone"
    if verdict.unbound:
        named = ", ".join(f"{table} {row}" for table, row in verdict.unbound_first)
        counted += f"; {verdict.unbound} versions name no action, or one of which there is no entry: {named}"
    if verdict.words:
        entries = ", ".join(map(str, verdict.words))
        counted += (
            f". That subjects were forgotten or segments taken out is believed by the word of these entries: {entries}"
        )
    bare = [f"UNPROTECTED {table}: its triggers are missing or switched off" for table in unprotected]
    return [*found, *bare, counted, "Whole." if verdict.whole else f"NOT WHOLE: {len(verdict.findings)} findings."]


def _json(verdict: Verdict, unprotected: Sequence[str]) -> str:
    return json.dumps(
        {**asdict(verdict), "root": verdict.root.hex(), "whole": verdict.whole, "unprotected": list(unprotected)},
        default=str,
        ensure_ascii=False,
        indent=1,
    )
