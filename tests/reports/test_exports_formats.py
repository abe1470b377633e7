"""How tables are written: CSV, JSON, XLSX, PDF; and when something regular is due. Values in, files out."""

import csv
import json
import zipfile
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from escalation_site.kernel.errors import DomainError
from reports.exports import workbook
from reports.exports.paper import MOST_ROWS, paper_write
from reports.exports.table import Kind, Table, columns_of
from reports.exports.text import csv_of, json_of
from reports.exports.workbook import workbook_write
from reports.regular import Cadence, Regular

ROME = ZoneInfo("Europe/Rome")
NIGHT = datetime(2026, 11, 22, 2, 9, tzinfo=UTC)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def table(rows: list[list[Any]], **more: Any) -> Table:
    columns = columns_of(
        ("reference", "Reference", Kind.TEXT, True),
        ("title", "Title", Kind.LONG, True),
        ("started_at", "Started", Kind.INSTANT, True),
        ("took", "Took", Kind.SECONDS),
        ("major", "Major", Kind.FLAG),
    )
    return Table("incidents", "Incidents", columns, rows, len(rows), **more)


def cells(path: Path, sheet: int = 1) -> list[list[str]]:
    """What a spreadsheet program would show of a sheet, instants and spans as the numbers they are."""
    with zipfile.ZipFile(path) as book:
        tree = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml"))  # noqa: S314  Our own.
    rows = tree.findall(f"{SHEET}sheetData/{SHEET}row")
    return [[_shown(cell) for cell in row.findall(f"{SHEET}c")] for row in rows]


def _shown(cell: ElementTree.Element) -> str:
    assert cell.find(f"{SHEET}f") is None, "a formula"
    return "".join(cell.itertext())


def test_when_a_text_looks_like_a_formula_then_no_format_lets_a_spreadsheet_run_it(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["INC-1", '=HYPERLINK("http://evil.example","x")', NIGHT, 5.0, True]]
    _head, line = csv.reader(StringIO("".join(csv_of(table(rows)))))
    assert line[1].startswith("'=")
    workbook_write(table(rows), path=tmp_path / "a.xlsx", zone=ROME, folder=tmp_path)
    assert cells(tmp_path / "a.xlsx")[1][1] == '=HYPERLINK("http://evil.example","x")'  # text: `cells` refuses formulas
    assert "hyperlink" not in zipfile.ZipFile(tmp_path / "a.xlsx").read("xl/worksheets/sheet1.xml").decode()


def test_when_values_are_for_machines_then_instants_are_in_utc_and_what_is_missing_is_empty() -> None:
    rows: list[list[Any]] = [["INC-1", "Größe", NIGHT.astimezone(ROME), 61.0, False], ["INC-2", "", None, None, True]]
    lines = list(csv.reader(StringIO("".join(csv_of(table(rows))))))
    assert lines[1] == ["INC-1", "Größe", "2026-11-22T02:09:00+00:00", "61", "no"]
    assert lines[2] == ["INC-2", "", "", "", "yes"]
    first, second = json.loads("".join(json_of(table(rows))))
    assert datetime.fromisoformat(first["started_at"]) == NIGHT
    assert (second["started_at"], second["took"], second["major"]) == (None, None, True)
    assert json.loads("".join(json_of(table([])))) == []


def test_when_a_workbook_is_read_then_instants_are_on_the_readers_clock_and_it_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    about = [("Filters", "severity: 1")]
    rows: list[list[Any]] = [["INC-1", "Bell\x07 rings", NIGHT, 3600.0, True]]
    assert workbook_write(table(rows, about=about), path=path, zone=ROME, folder=tmp_path) == 1
    head, line = cells(path)
    assert head[2] == "Started (Europe/Rome)"
    assert line[1] == "Bell rings"
    shown = datetime(1899, 12, 30, tzinfo=ROME) + timedelta(days=float(line[2]))  # a cell counts days from there
    assert abs(shown.replace(tzinfo=UTC) - datetime(2026, 11, 22, 3, 9, tzinfo=UTC)) < timedelta(seconds=1)
    assert float(line[3]) == pytest.approx(1 / 24)
    assert ["Filters", "severity: 1"] in cells(path, sheet=2)


def test_when_there_are_more_rows_than_a_sheet_holds_then_they_go_on_on_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    rows = [[f"INC-{number}", "", NIGHT, 1.0, False] for number in range(5)]
    assert workbook_write(table(rows), path=tmp_path / "a.xlsx", zone=ROME, folder=tmp_path) == 5
    found = [row[0] for sheet in (1, 2, 3) for row in cells(tmp_path / "a.xlsx", sheet)[1:]]
    assert found == ["INC-0", "INC-1", "INC-2", "INC-3", "INC-4"]


def test_when_a_list_is_too_long_for_paper_then_it_is_refused_in_words(tmp_path: Path) -> None:
    long = Table("incidents", "Incidents", table([]).columns, [], MOST_ROWS + 1)
    made = {"path": tmp_path / "a.pdf", "zone": ROME, "made": NIGHT, "foot": "", "language": "en"}
    with pytest.raises(DomainError, match=r"XLSX"):
        paper_write(long, **made)  # type: ignore[arg-type]
    assert paper_write(table([["INC-1", "Bell", NIGHT, 1.0, False]]), **made) == 1  # type: ignore[arg-type]
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")


# --- when something is due


def due(regular: Regular, since: datetime, number: int) -> list[datetime]:
    found = []
    for _turn in range(number):
        since = regular.next_after(since)
        found.append(since)
    return found


def test_when_the_clocks_change_then_each_morning_has_one_due_instant_at_the_same_hour() -> None:
    morning = Regular(Cadence.DAILY, time(8), ROME)
    spring = due(morning, datetime(2027, 3, 26, 12, tzinfo=UTC), 3)
    assert [f"{one:%d %H}" for one in spring] == ["27 07", "28 06", "29 06"]
    autumn = due(morning, datetime(2026, 10, 23, 12, tzinfo=UTC), 3)
    assert [f"{one:%d %H}" for one in autumn] == ["24 06", "25 07", "26 07"]


def test_when_the_time_is_shown_twice_or_never_then_it_is_due_once() -> None:
    twice = due(Regular(Cadence.DAILY, time(2, 30), ROME), datetime(2026, 10, 24, 12, tzinfo=UTC), 2)
    assert [f"{one:%d %H:%M}" for one in twice] == ["25 00:30", "26 01:30"]
    never = due(Regular(Cadence.DAILY, time(2, 30), ROME), datetime(2027, 3, 27, 12, tzinfo=UTC), 2)
    assert [f"{one:%d %H:%M}" for one in never] == ["28 01:00", "29 00:30"]


def test_when_it_is_weekly_monthly_or_on_workdays_then_it_falls_on_those_days_only() -> None:
    sunday = NIGHT
    assert due(Regular(Cadence.WEEKLY, time(8), ROME, weekday=2), sunday, 1)[0].date().isoformat() == "2026-11-25"
    assert [one.day for one in due(Regular(Cadence.MONTHLY, time(8), ROME, day=31), sunday, 4)] == [30, 31, 31, 28]
    days = [one.weekday() for one in due(Regular(Cadence.WORKDAYS, time(8), ROME), sunday, 6)]
    assert days == [0, 1, 2, 3, 4, 0]
