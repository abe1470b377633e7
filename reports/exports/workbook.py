"""XLSX: a workbook written row by row to disk, so that a million rows need no more memory than a thousand."""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import xlsxwriter
from django.utils.translation import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from reports.exports.table import Column, Kind, Table

MOST_ROWS = 1_048_576
"""Rows of one sheet, its head among them: as many as spreadsheets know. What is beyond goes on the next sheet."""
MOST_CHARS = 32_767
"""Characters of one cell."""
WIDTHS = {Kind.TEXT: 22, Kind.LONG: 48, Kind.NUMBER: 11, Kind.INSTANT: 19, Kind.FLAG: 9, Kind.SECONDS: 13}
SECONDS_A_DAY = 86_400
_FORBIDDEN = str.maketrans("", "", "".join(chr(code) for code in range(32) if chr(code) not in "\t\n\r"))
"""XML has no place for these."""


class _Book:
    """A workbook and its formats, open until ``close``."""

    def __init__(self, path: Path, zone: tzinfo, folder: Path) -> None:
        # Rows go to a file of their own as they come. Text stays text: what looks like a formula or an address is neither.
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "tmpdir": str(folder),
        }
        self.book = xlsxwriter.Workbook(str(path), {**options, "strings_to_numbers": False, "use_zip64": True})
        self.zone = zone
        self.head: Format = self.book.add_format({"bold": True, "bottom": 1, "valign": "top"})
        self.instant: Format = self.book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.span: Format = self.book.add_format({"num_format": "[h]:mm:ss"})

    def sheet(self, name: str, columns: list[Column]) -> Worksheet:
        sheet = self.book.add_worksheet(name)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, WIDTHS[column.kind])
            sheet.write_string(0, place, self.label(column), self.head)
        sheet.freeze_panes(1, 1)
        return sheet

    def label(self, column: Column) -> str:
        """With the zone where it is an instant: a cell cannot carry one."""
        return f"{column.label} ({self.zone})" if column.kind is Kind.INSTANT else column.label

    def write(self, sheet: Worksheet, row: int, place: int, value: Any, kind: Kind) -> None:
        if value is None or value == "":
            return
        if isinstance(value, bool):
            sheet.write_string(row, place, _("yes") if value else _("no"))
        elif isinstance(value, datetime):
            sheet.write_datetime(row, place, value.astimezone(self.zone).replace(tzinfo=None), self.instant)
        elif kind is Kind.SECONDS:
            sheet.write_number(row, place, value / SECONDS_A_DAY, self.span)
        elif isinstance(value, int | float):
            sheet.write_number(row, place, value)
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            sheet.write_string(row, place, text.translate(_FORBIDDEN)[:MOST_CHARS])


def workbook_write(table: Table, *, path: Path, zone: tzinfo, folder: Path) -> int:
    """Write ``table`` to ``path``; how many rows it had. Instants are shown on the clock of ``zone``; ``folder`` takes what is
    written meanwhile, as much again as the file unpacked."""
    book, columns = _Book(path, zone, folder), list(table.columns)
    title, number, written = _sheet_name(table.title), 1, 0
    sheet, row = book.sheet(title, columns), 1
    kinds = [column.kind for column in columns]
    for values in table.rows:
        if row == MOST_ROWS:
            _finish(sheet, row, columns)
            number += 1
            sheet, row = book.sheet(f"{title} {number}", columns), 1
        for place, value in enumerate(values):
            book.write(sheet, row, place, value, kinds[place])
        row += 1
        written += 1
    _finish(sheet, row, columns)
    _about(book, table, written)
    book.book.close()
    return written


def _finish(sheet: Worksheet, rows: int, columns: list[Column]) -> None:
    sheet.autofilter(0, 0, rows - 1, len(columns) - 1)


def _about(book: _Book, table: Table, written: int) -> None:
    """A last sheet that says what this is: somebody will read it without the mail."""
    sheet = book.book.add_worksheet(_sheet_name(_("About")))
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 90)
    for row, (label, text) in enumerate([(_("What"), table.title), *table.about, (_("Rows"), str(written))]):
        sheet.write_string(row, 0, label, book.head)
        sheet.write_string(row, 1, text.translate(_FORBIDDEN)[:MOST_CHARS])


def _sheet_name(title: str) -> str:
    """At most 25 characters, so that a number has room too, and none of those that a sheet's name may not have."""
    return "".join(" " if char in "[]:*?/\\'" else char for char in title)[:25].strip() or "Data"
