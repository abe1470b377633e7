"""PDF: the columns that a page has room for, and below them each row by itself where there is more to say."""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.documents.pdf import Column as PaperColumn
from escalation_site.documents.pdf import Sheet
from escalation_site.kernel.errors import DomainError
from escalation_site.ui import durations, moments
from reports.exports.table import Column, Kind, Row, Table

MOST_ROWS = 5_000
"""The pages are held in memory, and nobody turns more of them."""
MOST_DETAILS = 200
MOST_LINES = 300
"""Lines of one incident's timeline."""
WIDTHS = {Kind.NUMBER: 16.0, Kind.INSTANT: 37.0, Kind.FLAG: 14.0, Kind.SECONDS: 22.0}
"""Millimetres: an instant stands on one line."""
OWN_WIDTHS = {"reference": 21.0, "severity": 25.0, "state": 25.0}
LONG_SHARE = 2.0
"""What is written by people has so many times the width of a name."""


def paper_check(count: int) -> None:
    """Raises DomainError (field "format") where a PDF has no room for so many rows."""
    if count > MOST_ROWS:
        raise DomainError(
            _("A PDF has room for %(most)d rows. Narrow it down, or take a table (XLSX, CSV).") % {"most": MOST_ROWS},
            field="format",
        )


def paper_write(table: Table, *, path: Path, zone: tzinfo, made: datetime, foot: str, language: str) -> int:
    """Write ``table`` to ``path``; how many rows it had. Raises DomainError as ``paper_check``."""
    paper_check(table.count)
    about = " · ".join(text for _label, text in table.about[:2])
    sheet = Sheet(
        title=table.title,
        about=about,
        made=made,
        foot=foot,
        language=language,
        page_of=_("Page %(page)s of %(pages)s"),
        landscape=True,
    )
    sheet.facts([*table.about, (_("Made"), moments.written(made, "full", at=made, zone=zone))])
    kept: list[Row] = []
    rows = _kept(table, kept)
    number = sheet.table([_column(table.columns[place]) for place in table.printed], _cells(table, rows, zone))
    sheet.paragraph(ngettext("%(number)d row.", "%(number)d rows.", number) % {"number": number}, soft=True)
    if table.detail is not None:
        _details(sheet, table, kept, zone)
    if sheet.missing:
        words = _(
            "%(count)d characters have no letter in this print and show as squares; the table formats (XLSX, CSV) have them."
        )
        sheet.paragraph(words % {"count": sheet.missing}, soft=True)
    with path.open("wb") as target:
        sheet.write(target)
    return number


def _kept(table: Table, kept: list[Row]) -> Iterator[Row]:
    """The rows, of which the first ones are kept to be printed in full."""
    for number, row in enumerate(table.rows):
        if number >= MOST_ROWS:
            return
        if table.detail is not None and number < MOST_DETAILS:
            kept.append(row)
        yield row


def _column(column: Column) -> PaperColumn:
    width = WIDTHS.get(column.kind, OWN_WIDTHS.get(column.key, 0.0))
    share = LONG_SHARE if column.kind is Kind.LONG else 1
    return PaperColumn(column.label, width, "R" if column.kind in (Kind.NUMBER, Kind.SECONDS) else "L", share)


def _cells(table: Table, rows: Iterator[Row], zone: tzinfo) -> Iterator[list[str]]:
    for row in rows:
        yield [_text(row[place], table.columns[place].kind, zone) for place in table.printed]


def _text(value: Any, kind: Kind, zone: tzinfo) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    if kind is Kind.SECONDS:
        return durations.in_two_units(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _details(sheet: Sheet, table: Table, rows: Sequence[Row], zone: tzinfo) -> None:
    sheet.heading(_("In detail"))
    if table.count > len(rows):
        words = _("The first %(shown)d of %(all)d; the table formats hold all of them.")
        sheet.paragraph(words % {"shown": len(rows), "all": table.count}, soft=True)
    for row in rows:
        sheet.heading(f"{row[0]} {row[1]}", level=2)
        said = (
            (column.label, _text(value, column.kind, zone)) for column, value in zip(table.columns, row, strict=True)
        )
        sheet.facts([(label, text) for label, text in list(said)[2:] if text])
        below = table.detail(row) if table.detail else None
        if below is not None and below.count:
            lines = (line for line, _number in zip(below.rows, range(MOST_LINES), strict=False))
            sheet.table([_column(below.columns[place]) for place in below.printed], _cells(below, lines, zone))
