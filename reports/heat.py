"""Pages per responder and week as a table whose cells are shaded; the number stands in each cell."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import dateformat
from django.utils.translation import gettext as _

from reports.metrics import monday_of
from reports.period import Period
from reports.selectors import Load

MOST_WEEKS = 8
MOST_PEOPLE = 12
SHADES = 4
UNFAIR = 1.5  # times the even share, from where on it is worth a sentence


@dataclass(frozen=True, slots=True)
class Cell:
    """Pages of one person in one week, those at night, and the shade: 0 (none) to SHADES."""

    pages: int
    nights: int
    shade: int


@dataclass(frozen=True, slots=True)
class Line:
    """One person: a cell per week, then all pages of the whole period."""

    name: str
    cells: tuple[Cell, ...]
    total: int
    nights: int


@dataclass(frozen=True, slots=True)
class Heat:
    """The shown weeks (the last ones of the period), the lines, how many people are not shown, and what stands out."""

    weeks: tuple[str, ...]
    lines: tuple[Line, ...]
    others: int
    note: str


def heat(loads: Sequence[Load], *, period: Period) -> Heat:
    weeks = _weeks(period)
    shown = loads[:MOST_PEOPLE]
    counted = [(load, _count(load.pages, period)) for load in shown]
    most = max((pages for _load, (found, _night) in counted for pages in found.values()), default=0)
    lines = tuple(
        Line(load.name, tuple(_cell(found[week], nights[week], most) for week in weeks), load.total, load.nights)
        for load, (found, nights) in counted
    )
    return Heat(
        tuple(dateformat.format(max(week, period.first), "j M") for week in weeks),
        lines,
        len(loads) - len(shown),
        _note(loads),
    )


def _weeks(period: Period) -> list[date]:
    last = monday_of(period.last)
    number = min((last - monday_of(period.first)).days // 7 + 1, MOST_WEEKS)
    return [last - timedelta(days=7 * back) for back in reversed(range(number))]


def _count(pages: Sequence[tuple[datetime, bool]], period: Period) -> tuple[Counter[date], Counter[date]]:
    mondays = [(monday_of(at.astimezone(period.zone).date()), night) for at, night in pages]
    return Counter(monday for monday, _night in mondays), Counter(monday for monday, night in mondays if night)


def _cell(pages: int, nights: int, most: int) -> Cell:
    return Cell(pages, nights, -(-pages * SHADES // most) if pages else 0)


def _note(loads: Sequence[Load]) -> str:
    """A sentence about the most loaded person when they carried far more than an even share."""
    total = sum(load.total for load in loads)
    if len(loads) < 2 or not total:
        return ""
    first = loads[0]
    share, even = 100 * first.total / total, 100 / len(loads)
    if share < even * UNFAIR:
        return ""
    return _(
        "%(name)s carried %(share).0f%% of the pages, %(nights)d of them at night; an even share is %(even).0f%%."
    ) % {
        "name": first.name,
        "share": share,
        "nights": first.nights,
        "even": even,
    }
