"""What is printed: letters that are there, and what was left out said."""

import hashlib
import io
import re
import zlib
from datetime import UTC, datetime
from typing import Any

from escalation_site.documents.pdf import FONTS, Column, Sheet, printable

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def printed(sheet: Sheet) -> bytes:
    target = io.BytesIO()
    sheet.write(target)
    return target.getvalue()


def drawn(pdf: bytes) -> str:
    """What the pages' streams draw."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return "".join(zlib.decompressobj().decompress(one).decode("latin-1") for one in streams if one[:1] == b"\x78")


def test_the_fonts_are_those_that_the_script_made() -> None:
    listed = (FONTS / "SHA256SUMS").read_text(encoding="ascii").split("\n")
    sums = {line.split()[1]: line.split()[0] for line in listed if line}
    assert sorted(sums) == ["Inter-Regular.ttf", "Inter-SemiBold.ttf"]
    assert {name: hashlib.sha256((FONTS / name).read_bytes()).hexdigest() for name in sums} == sums
    assert "SIL OPEN FONT LICENSE" in (FONTS / "LICENSE.txt").read_text(encoding="utf-8")


def test_when_no_letter_exists_for_a_character_then_a_square_stands_there_and_is_counted() -> None:
    assert printable("Łódź, Größe, Привет, Ωμέγα → ✓") == ("Łódź, Größe, Привет, Ωμέγα → ✓", 0)
    assert printable("a\N{NO-BREAK SPACE}日b\r\nc") == ("a □b\nc", 1)


def test_when_a_table_is_longer_than_a_page_then_no_row_is_lost_and_its_head_comes_again() -> None:
    sheet = Sheet(title="Pages", made=NOON, page_of="Page %(page)s of %(pages)s")
    words = "several words that need more than a single line of the column " * 3
    assert sheet.table((Column("No", 20, "R"), Column("What")), ((str(n), words) for n in range(120))) == 120
    sheet.table((Column("Long"),), [("w" * 9000,)])
    pages = sheet.pages
    pdf = printed(sheet)
    assert pages > 5
    # fpdf2 writes a line of text with one operator; each row has at least two lines of words and a number.
    assert drawn(pdf).count(" Tj") > 120 * 3 + pages * 3
    assert pdf.startswith(b"%PDF-")


def test_when_a_short_row_does_not_fit_on_the_page_then_it_goes_on_the_next_as_a_whole() -> None:
    sheet = Sheet(title="Rows", made=NOON)
    parts: list[int] = []
    piece = sheet._piece

    def noted(columns: Any, cells: Any, *rest: Any, **more: Any) -> Any:
        left = piece(columns, cells, *rest, **more)
        parts.append(len(max(left, key=len)))
        return left

    sheet._piece = noted  # type: ignore[method-assign]  # to see what of each row is left for the next page
    sheet.table((Column("What"),), (["six\n" * 5 + "lines"] for _row in range(40)))
    assert sheet.pages > 3
    assert len(parts) == 40
    assert set(parts) == {0}


def test_the_same_contents_at_the_same_instant_are_the_same_bytes() -> None:
    def made() -> bytes:
        sheet = Sheet(title="Facts", about="INC-42", made=NOON)
        sheet.heading("Facts")
        sheet.facts([("Owner", "Marta Ferri")])
        sheet.bars([("Marta", 3, "3 pages"), ("Jonas", 1, "1 page")])
        return printed(sheet)

    assert made() == made()
