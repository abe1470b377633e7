"""A PDF in the house's letters: headings, paragraphs, facts and tables, page after page.

    sheet = Sheet(title="Audit pack", about="INC-42", made=at, language="en", page_of=_("Page %(page)s of %(pages)s"))
    sheet.heading("Who was paged")
    sheet.table((Column("When", 34), Column("Who", 40), Column("What", 0)), rows)
    sheet.write(target)

It touches no database and no clock. The pages are held in memory until ``write`` (about 3 KB each, before the letters):
whoever prints a long list passes an iterator and says how much of it is printed at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos

FONTS = Path(__file__).with_name("fonts")
_FACES = {"": FONTS / "Inter-Regular.ttf", "B": FONTS / "Inter-SemiBold.ttf"}
_FAMILY = "Inter"
_INK, _SOFT, _LINE, _SHADE, _ACCENT = (28, 36, 46), (88, 98, 110), (205, 211, 218), (242, 244, 246), (21, 88, 120)
_MARGIN, _LEADING, _PAD = 16.0, 4.4, 1.4
_TOGETHER = 8
"""Lines of a row that are not parted: what stood alone on the next page told of no row."""
_WORD = 400
"""Characters of one word that are looked at: no line is that long, and a word may be a megabyte."""
_MISSING = "\N{WHITE SQUARE}"
_STAND_INS = {
    ord("\N{NO-BREAK SPACE}"): " ",
    ord("\N{NARROW NO-BREAK SPACE}"): " ",
    ord("\t"): "    ",
    ord("\N{ZERO WIDTH SPACE}"): "",
    ord("\N{ZERO WIDTH JOINER}"): "",
    ord("\N{VARIATION SELECTOR-16}"): "",
}
Align = Literal["L", "R"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its width in millimetres, 0 for its ``share`` of what the others leave."""

    name: str
    width: float = 0
    align: Align = "L"
    share: float = 1


@lru_cache(maxsize=1)
def _known() -> frozenset[int]:
    """The characters that the fonts have a letter for."""
    with TTFont(_FACES[""]) as font:
        return frozenset(font.getBestCmap())


def printable(text: str) -> tuple[str, int]:
    """``text`` with a square for every character that no letter exists for, and how many those were."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_STAND_INS)
    missing = {sign for sign in set(text) if sign != "\n" and ord(sign) not in _known()}
    if not missing:
        return text, 0
    count = sum(1 for sign in text if sign in missing)
    return "".join(_MISSING if sign in missing else sign for sign in text), count


class _Paper(FPDF):
    """A4 with the title above and the number of the page below."""

    def __init__(self, *, title: str, about: str, foot: str, page_of: str, landscape: bool) -> None:
        super().__init__(orientation="landscape" if landscape else "portrait", format="A4")
        self.words = (title, about, foot, page_of)

    def header(self) -> None:
        if self.page_no() == 1:
            return
        title, about, _foot, _page_of = self.words
        self.set_y(9)
        self.set_font(_FAMILY, "", 8)
        self.set_text_color(*_SOFT)
        self.cell(0, 4, " · ".join(filter(None, (title, about))), align="L")
        self.set_y(_MARGIN)

    def footer(self) -> None:
        _title, _about, foot, page_of = self.words
        self.set_y(-11)
        self.set_font(_FAMILY, "", 8)
        self.set_text_color(*_SOFT)
        self.cell(0, 4, foot, align="L")
        self.set_x(_MARGIN)
        self.cell(0, 4, page_of % {"page": self.page_no(), "pages": "{nb}"}, align="R")


class Sheet:
    """A document under way. Every text may hold any character; what no letter exists for is printed as a square and
    counted in ``missing``."""

    def __init__(
        self,
        *,
        title: str,
        made: datetime,
        about: str = "",
        foot: str = "",
        language: str = "en",
        page_of: str = "%(page)s / %(pages)s",
        landscape: bool = False,
    ) -> None:
        self.missing = 0
        title, about, foot = (self._text(text) for text in (title, about, foot))
        self._paper = paper = _Paper(title=title, about=about, foot=foot, page_of=page_of, landscape=landscape)
        for style, path in _FACES.items():
            paper.add_font(_FAMILY, style, path)
        paper.set_title(title)
        paper.set_lang(language)
        paper.set_creator("Watchbell")
        # The document says when it was made; the same contents at the same instant are the same bytes.
        paper.set_creation_date(made)
        paper.set_margins(_MARGIN, _MARGIN)
        paper.set_auto_page_break(True, margin=_MARGIN + 2)
        paper.add_page()
        self._type(20, _INK, "B")
        self._lines(title, 8.5)
        if about:
            self._type(12, _SOFT)
            self._lines(about, 6)
        paper.ln(3)

    @property
    def pages(self) -> int:
        return int(self._paper.page_no())

    def heading(self, text: str, *, level: int = 1) -> None:
        """A heading, which is in the outline too. It never stands alone at the foot of a page."""
        paper = self._paper
        if paper.will_page_break(30):
            paper.add_page()
        paper.ln(4 if level == 1 else 2.5)
        text = self._text(text)
        paper.start_section(text, level=level - 1, strict=False)
        self._type(14 if level == 1 else 11, _INK, "B")
        self._lines(text, 7 if level == 1 else 5.5)
        paper.ln(1)

    def paragraph(self, text: str, *, soft: bool = False) -> None:
        self._type(10, _SOFT if soft else _INK)
        self._lines(self._text(text), 5)
        self._paper.ln(1.5)

    def facts(self, pairs: Iterable[tuple[str, str]], *, width: float = 42) -> None:
        """Names and what they are, side by side; ``width`` of the names in millimetres."""
        self._rows((Column("", width), Column("")), pairs, size=10, styles=(_SOFT, _INK), lines=False)
        self._paper.ln(2)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> int:
        """A table, its head again on every page; returns how many rows it has. An empty one prints its head alone."""
        self._head(columns)
        count = self._rows(columns, rows, size=8.5, styles=(_INK,) * len(columns), lines=True, head=True)
        self._paper.ln(2)
        return count

    def bars(self, pairs: Sequence[tuple[str, float, str]], *, width: float = 52) -> None:
        """Horizontal bars: a name, a size, and the size in words. Readable without colour: the words stand beside them."""
        paper = self._paper
        most = max((size for _name, size, _words in pairs), default=0) or 1
        space = paper.epw - width - 30
        for name, size, words in pairs:
            if paper.will_page_break(6):
                paper.add_page()
            self._type(9, _INK)
            top = paper.get_y()
            paper.cell(width, 5.5, self._fit(self._text(name), width))
            paper.set_fill_color(*_ACCENT)
            paper.rect(_MARGIN + width, top + 1.2, max(0.3, space * max(size, 0) / most), 3.2, style="F")
            paper.set_xy(_MARGIN + width + space + 2, top)
            paper.cell(28, 5.5, self._text(words), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        paper.ln(2)

    def write(self, target: BinaryIO) -> None:
        """End the document and write it."""
        self._paper.output(target)

    def _text(self, text: str) -> str:
        text, missing = printable(text)
        self.missing += missing
        return text

    def _type(self, size: float, colour: tuple[int, int, int], style: str = "") -> None:
        self._paper.set_font(_FAMILY, style, size)
        self._paper.set_text_color(*colour)

    def _lines(self, text: str, height: float) -> None:
        self._paper.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _fit(self, text: str, width: float) -> str:
        """The beginning of ``text`` that fits into ``width``."""
        measure = self._paper.get_string_width
        if measure(text) <= width - 2:
            return text
        while text and measure(f"{text}…") > width - 2:
            text = text[:-1]
        return f"{text}…"

    def _widths(self, columns: Sequence[Column]) -> list[float]:
        shares = sum(column.share for column in columns if not column.width)
        left = self._paper.epw - sum(column.width for column in columns)
        return [column.width or left * column.share / shares for column in columns]

    def _head(self, columns: Sequence[Column]) -> None:
        paper = self._paper
        if paper.will_page_break(18):
            paper.add_page()
        self._type(8.5, _SOFT, "B")
        paper.set_draw_color(*_LINE)
        paper.set_fill_color(*_SHADE)
        for column, width in zip(columns, self._widths(columns), strict=True):
            name = self._fit(self._text(column.name), width)
            paper.cell(width, 6, name, border="B", fill=True, align=column.align)
        paper.ln(6)

    def _rows(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]],
        *,
        size: float,
        styles: Sequence[tuple[int, int, int]],
        lines: bool,
        head: bool = False,
    ) -> int:
        widths, count = self._widths(columns), 0
        leading = _LEADING * size / 8.5
        for row in rows:
            count += 1
            self._type(size, _INK)
            cells = [self._broken(self._text(str(cell)), width) for cell, width in zip(row, widths, strict=True)]
            while any(cells):
                cells = self._piece(columns, cells, widths, leading, styles, head=head, lines=lines)
                self._type(size, _INK)
        return count

    def _piece(
        self,
        columns: Sequence[Column],
        cells: list[list[str]],
        widths: Sequence[float],
        leading: float,
        styles: Sequence[tuple[int, int, int]],
        *,
        head: bool,
        lines: bool,
    ) -> list[list[str]]:
        """Print as many lines of one row as the page holds; what is left goes on the next page."""
        paper = self._paper
        size = paper.font_size_pt
        most = max(len(cell) for cell in cells)
        fits = int((paper.page_break_trigger - paper.get_y() - _PAD) / leading)
        if fits < min(most, _TOGETHER):
            paper.add_page()
            if head:
                self._head(columns)
            self._type(size, _INK)
            fits = int((paper.page_break_trigger - paper.get_y() - _PAD) / leading)
        height = min(most, fits)
        top, left = paper.get_y() + _PAD / 2, float(_MARGIN)
        for column, cell, width, colour in zip(columns, cells, widths, styles, strict=True):
            paper.set_text_color(*colour)
            for number, text in enumerate(cell[:height]):
                paper.set_xy(left, top + number * leading)
                paper.cell(width, leading, text, align=column.align)
            left += width
        bottom = top + height * leading + _PAD / 2
        if lines:
            paper.set_draw_color(*_LINE)
            paper.line(_MARGIN, bottom, _MARGIN + paper.epw, bottom)
        paper.set_xy(_MARGIN, bottom)
        return [cell[height:] for cell in cells]

    def _broken(self, text: str, width: float) -> list[str]:
        """``text`` in lines that fit into a cell of ``width`` millimetres."""
        measure, space = self._paper.get_string_width, width - 2 * self._paper.c_margin - 0.2
        found: list[str] = []
        for line in text.split("\n"):
            # Most cells are one line, and asking for the width is much cheaper than breaking.
            if measure(line) <= space:
                found.append(line)
                continue
            found += _wrapped(line, space, measure)
        return found or [""]


def _wrapped(line: str, space: float, measure: Any) -> list[str]:
    """Break at blanks; a word that is longer than the line breaks where it must."""
    found, current = [], ""
    for word in line.split(" "):
        longer = f"{current} {word}" if current else word
        if measure(longer) <= space:
            current = longer
            continue
        if current:
            found.append(current)
        while measure(word) > space and len(word) > 1:
            cut = min(len(word), _WORD)
            while cut > 1 and measure(word[:cut]) > space:
                cut -= max(1, cut // 8)
            found.append(word[:cut])
            word = word[cut:]
        current = word
    return [*found, current]
