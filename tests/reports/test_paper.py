"""The incident report on paper: the list, and below it each incident in full, with what happened to it line by line."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from escalation_site.documents.pdf import Column
from escalation_site.documents.pdf import Sheet as PaperSheet
from incidents.models import Incident
from incidents.services.lifecycle import incident_acknowledge, incident_open, incident_resolve
from oncall.rota.clock import zone_named
from oncall.telling import as_read_by
from reports.exports import paper
from reports.exports.sources import table_of
from reports.exports.table import Column as Held
from reports.exports.table import Kind
from tests.world.harness import World


class Sheet:
    """What would be printed, as text."""

    made: "list[Sheet]" = []
    missing = 0

    def __init__(self, **given: Any) -> None:
        self.title, self.lines = given["title"], [str(given["about"])]
        Sheet.made.append(self)

    def heading(self, text: str, *, level: int = 1) -> None:
        self.lines.append(f"{'#' * level} {text}")

    def paragraph(self, text: str, *, soft: bool = False) -> None:
        self.lines.append(text)

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.lines += [f"{label}: {text}" for label, text in pairs]

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> int:
        printed = [" | ".join(row) for row in rows]
        self.lines += [" | ".join(column.name for column in columns), *printed]
        return len(printed)

    def write(self, target: BinaryIO) -> None:
        target.write(b"%PDF-")


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch) -> list[Sheet]:
    Sheet.made = []
    monkeypatch.setattr(paper, "Sheet", Sheet)
    return Sheet.made


def opened(world: World, title: str) -> Incident:
    return incident_open(
        title=title, summary="", severity=2, service=world.cast.gateway, reporter=world.cast.sofie, at=world.now
    )


def printed(world: World, query: str, path: Path) -> None:
    elena = world.cast.elena
    with as_read_by(elena):
        table = table_of("report", user=elena, query=query, at=world.now, words=True)
        zone = zone_named(elena.time_zone)
        paper.paper_write(table, path=path, zone=zone, made=world.now, foot="", language=elena.language)


@pytest.mark.requirement("R267")
def test_when_the_report_of_some_days_is_printed_then_each_incident_stands_below_with_all_that_happened(
    world: World, sheet: list[Sheet], tmp_path: Path
) -> None:
    incident = opened(world, "Cards fail")
    incident_acknowledge(incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=4))
    incident_resolve(
        incident_id=incident.pk, actor=world.cast.marta, at=world.now + timedelta(minutes=64), resolution="Restarted."
    )
    other = opened(world, "Mail is slow")
    printed(world, "period=custom&first=2026-11-22&last=2026-11-22", tmp_path / "a.pdf")
    (found,) = sheet
    begin, end = (found.lines.index(f"## {one.reference} {one.title}") for one in (incident, other))
    begin, end = sorted((begin, end))
    mine = found.lines[begin:end] if found.lines[begin].endswith("Cards fail") else found.lines[end:]
    assert "Acknowledged after: 4 min" in mine
    assert "Resolved after: 1 h 4 min" in mine
    assert "Cause and fix: Restarted." in mine
    # The instants are those of Rome.
    assert any(line.startswith("2026-11-22 03:13:00 | Marta Ferri acknowledged | Marta Ferri") for line in mine)
    assert "2 rows." in found.lines


@pytest.mark.requirement("R267")
def test_when_there_are_more_than_paper_holds_in_full_then_it_says_how_many_it_shows(
    world: World, sheet: list[Sheet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "MOST_DETAILS", 1)
    for name in "AB":
        opened(world, f"Trouble {name}")
    printed(world, "period=28d", tmp_path / "a.pdf")
    (found,) = sheet
    assert sum(line.startswith("## ") for line in found.lines) == 1
    assert "The first 1 of 2; the table formats hold all of them." in found.lines


def test_when_letters_are_missing_then_the_print_says_where_they_are(
    world: World, sheet: list[Sheet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(world, "תשלומים")
    printed(world, "period=28d", tmp_path / "a.pdf")
    assert not [line for line in sheet[0].lines if "no letter" in line]
    monkeypatch.setattr(Sheet, "missing", 7)
    printed(world, "period=28d", tmp_path / "a.pdf")
    assert sheet[1].lines[-1].startswith("7 characters have no letter in this print")


def test_when_a_table_is_printed_then_an_instant_has_one_line_and_a_title_more_room_than_a_name() -> None:
    instant = paper._column(Held("started_at", "Started", Kind.INSTANT))
    real = PaperSheet(title="", made=datetime(2026, 11, 22, tzinfo=UTC), landscape=True)
    real.table([instant], [])
    assert real._broken("2026-12-28 20:58:58", instant.width) == ["2026-12-28 20:58:58"]
    columns = [paper._column(Held(one, one, kind)) for one, kind in (("title", Kind.LONG), ("owner", Kind.TEXT))]
    title, owner = real._widths(columns)
    assert title == 2 * owner
