"""The contents of an audit pack: one ZIP that tells what happened, to people and to programs, and proves it.

The files are written to a folder that vanishes, a batch of entries at a time, and then packed: memory does not grow with the
pack. Who was paged, when it was acknowledged, which automated steps ran and which decisions were taken each have a file.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import IO, Any, BinaryIO

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from audit import keys
from audit.bundles import bundle_write
from audit.leaves import instant
from audit.proofs.notes import note_sign
from audit.selectors import entries_matching
from escalation_site.documents.pdf import Column, Sheet
from reports.audit.pack_tables import (
    Scope,
    Table,
    entry_sorted,
    flat,
    page_add,
    row_write,
    rows_of,
    scope_count,
    tables_begin,
    when_words,
)
from reports.audit.paged import Pages
from reports.audit.past import Past, past_of
from reports.ledger import as_json

SIGNED = "signed-manifest.txt"
_TOGETHER = 1_000
_COPY = 1 << 20
Progress = Callable[[int, int], None]


def pack_write(target: BinaryIO, scope: Scope, *, at: datetime, progress: Progress) -> int:
    """Write the pack of ``scope`` as of ``at`` in the language and zone that are active; returns how many entries it has.

    Raises audit.bundles.NothingSealed where nothing happened in it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        numbers, tables = _files(folder, scope, progress)
        with (folder / "bundle.zip").open("w+b") as proved:
            bundle_write(proved, numbers, at=at)
        past = past_of("incident", scope.incident, at=at) if scope.incident is not None else None
        context = _context(scope, tables, past, at, len(numbers))
        (folder / "report.html").write_text(render_to_string("audit/pack/report.html", context), encoding="utf-8")
        style = finders.find("css/pages/pack.css")
        (folder / "report.css").write_bytes(Path(str(style)).read_bytes())
        with (folder / "report.pdf").open("wb") as file:
            _print(file, context)
        _packed(target, folder)
    _signed(target, scope, at)
    progress(len(numbers), len(numbers))
    return len(numbers)


def _files(folder: Path, scope: Scope, progress: Progress) -> tuple[list[int], list[Table]]:
    """One pass over the entries fills the files for programs and the tables for people."""
    total = scope_count(scope)
    numbers: list[int] = []
    with ExitStack() as opened:

        def begin(name: str) -> IO[str]:
            return opened.enter_context((folder / name).open("w", encoding="utf-8", newline=""))

        tables, pages = tables_begin(begin), Pages()
        whole, lines = begin("entries.csv"), begin("entries.json")
        # As it happened, and not newest first as the browser has it.
        for entry in entries_matching(scope.wanted).reverse().iterator(chunk_size=_TOGETHER):
            fields = as_json(entry)
            if not numbers:
                row_write(whole, list(fields))
            lines.write(("[\n" if not numbers else ",\n") + json.dumps(fields, ensure_ascii=False))
            row_write(whole, [flat(value) for value in fields.values()])
            numbers.append(entry.pk)
            entry_sorted(entry, tables)
            pages.see(entry)
            if len(numbers) % _TOGETHER == 0:
                progress(len(numbers) // 2, total)
        lines.write("\n]\n" if numbers else "[]\n")
        for page in pages.all():
            page_add(page, tables["paged"], scope)
        rows_of(scope, tables)
    return numbers, list(tables.values())


def _context(scope: Scope, tables: list[Table], past: Past | None, at: datetime, count: int) -> dict[str, Any]:
    return {
        "language": translation.get_language(),
        "scope": scope,
        "tables": tables,
        "past": past,
        "lines": _lines(past) if past is not None else [],
        "facts": [
            (_("About"), scope.title),
            (_("Time"), scope.about),
            (_("Entries of the ledger"), str(count)),
            (_("Asked for by"), scope.asked_by),
            (_("Made"), when_words(at)),
            (_("Ledger"), keys.origin()),
            (_("Key"), keys.signer(at=at).verifier.encoded()),
        ],
        "made": at,
        "how": _(
            "signed-manifest.txt names every file of this pack with its SHA-256 and is signed with the ledger’s key. "
            "Unpack watchbell_verify.py and run: python watchbell_verify.py PACK.zip --key KEY. It proves offline that each entry "
            "stands in the ledger’s signed tree and that no file of the pack was changed."
        ),
    }


def _lines(past: Past) -> list[tuple[str, str]]:
    """The timeline from its beginning, as far as it is shown."""
    return [
        (when_words(one.at), " ".join((unescape(strip_tags(one.sentence)), one.text)).strip())
        for one in reversed(past.lines)
    ]


def _print(file: BinaryIO, context: dict[str, Any]) -> None:
    scope: Scope = context["scope"]
    past: Past | None = context["past"]
    sheet = Sheet(
        title=scope.title,
        about=_("Audit pack, %(about)s") % {"about": scope.about},
        made=context["made"],
        foot=f"{keys.origin()} · {when_words(context['made'])}",
        language=context["language"] or "en",
        page_of=_("Page %(page)s of %(pages)s"),
    )
    sheet.facts(context["facts"])
    sheet.paragraph(context["how"], soft=True)
    for table in context["tables"]:
        sheet.heading(f"{table.title} ({table.count})")
        if not table.count:
            sheet.paragraph(table.none, soft=True)
            continue
        sheet.table(table.columns, table.rows)
        if table.left_out:
            sheet.paragraph(table.left_out, soft=True)
    if past is not None:
        sheet.heading(_("The incident when this was made"))
        sheet.facts((one.label, one.value) for one in past.fields if one.value)
        sheet.heading(_("Timeline"))
        sheet.table((Column(_("When"), 40), Column(_("What"))), context["lines"])
    if sheet.missing:
        sheet.paragraph(
            _("%(count)d characters have no letter in this print and show as squares; report.html has them.")
            % {"count": sheet.missing},
            soft=True,
        )
    sheet.write(file)


def _packed(target: BinaryIO, folder: Path) -> None:
    """Everything in the folder into one ZIP, the proofs among it, a piece at a time."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            if path.name != "bundle.zip":
                archive.write(path, path.name)
        with zipfile.ZipFile(folder / "bundle.zip") as bundle:
            for name in bundle.namelist():
                with bundle.open(name) as source, archive.open(name, "w") as copy:
                    for piece in _pieces(source):
                        copy.write(piece)


def _signed(target: BinaryIO, scope: Scope, at: datetime) -> None:
    """Add the list of all files with their SHA-256, read back from the pack and signed with the ledger's key."""
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        sums = []
        for name in sorted(archive.namelist()):
            digest = hashlib.sha256()
            with archive.open(name) as source:
                for piece in _pieces(source):
                    digest.update(piece)
            sums.append(f"{digest.hexdigest()}  {name}\n")
        about = " ".join(f"{scope.title}, {scope.about}".split())
        text = f"watchbell audit pack\n{keys.origin()}\n{instant(at)}\n{about}\n{''.join(sums)}"
        archive.writestr(SIGNED, note_sign(text, [keys.signer(at=at)]).encoded())


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_COPY):
        yield piece
