"""A table written to a file in one of the formats, with bounded memory. Called by a request for small ones, by a task for all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from oncall.models import User
from oncall.rota.clock import zone_named
from oncall.telling import as_read_by
from reports.exports.paper import paper_write
from reports.exports.sources import table_of
from reports.exports.table import Table, counting
from reports.exports.text import csv_of, json_of
from reports.exports.workbook import workbook_write
from reports.models.exports import Format

TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PDF: "application/pdf",
}
AT_ONCE = 2_000
"""Rows of a workbook or a PDF that somebody waits for at the browser; more are made meanwhile."""
WORDED = (Format.XLSX, Format.PDF)
"""For people: names and labels. The others are for machines: slugs and keys."""


@dataclass(frozen=True, slots=True)
class Made:
    """``path`` lies in a folder that is deleted when the block ends."""

    path: Path
    filename: str
    rows: int
    title: str


def filename_of(table: Table, format: str, at: datetime) -> str:
    return f"{table.name}-{at:%Y%m%d-%H%M}.{format}"


@contextmanager
def file_made(*, user: User, source: str, query: str, format: str, at: datetime) -> Iterator[Made]:
    """The file as ``user`` may see it now, in their language and on their clock, until the block ends.

    Raises DomainError for a source or a format that cannot be, NotAllowed where their role does not see it.
    """
    with tempfile.TemporaryDirectory(prefix="watchbell-export-") as folder, as_read_by(user):
        table = table_of(source, user=user, query=query, at=at, words=format in WORDED)
        path = Path(folder) / filename_of(table, format, at)
        rows = _write(table, path, user=user, format=format, at=at)
        yield Made(path, path.name, rows, table.title)


def _write(table: Table, path: Path, *, user: User, format: str, at: datetime) -> int:
    zone = zone_named(user.time_zone)
    match format:
        case Format.XLSX:
            return workbook_write(table, path=path, zone=zone, folder=path.parent)
        case Format.PDF:
            foot = _("Made by Watchbell of %(house)s for %(name)s") % {
                "house": settings.ORGANISATION_NAME,
                "name": user.name,
            }
            return paper_write(table, path=path, zone=zone, made=at, foot=foot, language=user.language)
    counted = [0]
    told = replace(table, rows=counting(table.rows, counted))
    pieces = json_of(told) if format == Format.JSON else csv_of(told)
    with path.open("w", encoding="utf-8", newline="") as target:
        target.writelines(pieces)
    return counted[0]
