"""Pages per responder and week as a table whose cells are shaded; the number stands in each cell."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import dateformat
from django.utils.translation import gettext as _

from reports.figures.columns import Columns
from reports.figures.counting import Load, stretches
from reports.figures.definitions import NO, YES
from reports.pages_behind import ASLEEP, WENT
from reports.period import Period, day_begins, monday_of

MOST_WEEKS = 8
MOST_PEOPLE = 12
SHADES = 4
UNFAIR = 1.5  # times the even share, from where on it is worth a sentence
PagesOf = Callable[[str, int, tuple[date, date] | None], str]
"""What leads to pages (``reports.pages_behind``) of a person, from one day to another or of the whole period."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Pages of one person in one week, those at night, the shade (0 for none, to SHADES), and what leads to them."""

    pages: int
    nights: int
    shade: int
    link: str = ""
    nights_link: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One person: a cell per week, then all pages of the whole period."""

    name: str
    cells: tuple[Cell, ...]
    total: int
    nights: int
    link: str = ""
    nights_link: str = ""


@dataclass(frozen=True, slots=True)
class Heat:
    """The shown weeks (the last ones of the period), the lines, how many people are not shown, and what stands out."""

    weeks: tuple[str, ...]
    lines: tuple[Line, ...]
    others: int
    note: str


def heat(loads: Sequence[Load], people: Mapping[int, str], pages: Columns, *, period: Period, link: PagesOf) -> Heat:
    """Of the people in ``loads``, the most loaded first, by week of ``period`` on its clock."""
    weeks = _weeks(period)
    days = [(max(week, period.first), min(week + timedelta(days=6), period.last)) for week in weeks]
    shown = loads[:MOST_PEOPLE]
    counted = _count(pages, weeks, period)
    most = max((sum(found.values()) for load in shown for found in counted[load.person]), default=0)
    lines = tuple(
        Line(
            people.get(load.person, "–"),
            tuple(
                _cell(found[YES] + found[NO], found[YES], most, (load.person, week), link)
                for found, week in zip(counted[load.person], days, strict=True)
            ),
            load.pages,
            load.sleep,
            link(WENT, load.person, None),
            link(ASLEEP, load.person, None) if load.sleep else "",
        )
        for load in shown
    )
    return Heat(
        tuple(dateformat.format(max(week, period.first), "j M") for week in weeks),
        lines,
        len(loads) - len(shown),
        _note(loads, people),
    )


def _weeks(period: Period) -> list[date]:
    last = monday_of(period.last)
    number = min((last - monday_of(period.first)).days // 7 + 1, MOST_WEEKS)
    return [last - timedelta(days=7 * back) for back in reversed(range(number))]


def _count(pages: Columns, weeks: Sequence[date], period: Period) -> dict[int, list[Counter[int]]]:
    """By person, for each week, how often the codes of sleep occur."""
    found: dict[int, list[Counter[int]]] = defaultdict(lambda: [Counter() for _week in weeks])
    bounds = [day_begins(max(week, period.first), period.zone) for week in weeks] + [period.until]
    for number, part in enumerate(stretches(pages, bounds)):
        for (person, code), times in Counter(zip(part["person"], part["sleep"], strict=True)).items():
            if code:
                found[person][number][code] += times
    return found


def _cell(pages: int, nights: int, most: int, whose: tuple[int, tuple[date, date]], link: PagesOf) -> Cell:
    return Cell(
        pages,
        nights,
        -(-pages * SHADES // most) if pages else 0,
        link(WENT, *whose) if pages else "",
        link(ASLEEP, *whose) if nights else "",
    )


def _note(loads: Sequence[Load], people: Mapping[int, str]) -> str:
    """A sentence about the most loaded person when they carried far more than an even share."""
    total = sum(load.pages for load in loads)
    if len(loads) < 2 or not total:
        return ""
    first = loads[0]
    share, even = 100 * first.pages / total, 100 / len(loads)
    if share < even * UNFAIR:
        return ""
    return _(
        "%(name)s carried %(share).0f%% of the pages, %(nights)d of them at night; an even share is %(even).0f%%."
    ) % {
        "name": people.get(first.person, "–"),
        "share": share,
        "nights": first.sleep,
        "even": even,
    }
