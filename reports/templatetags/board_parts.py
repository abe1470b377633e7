"""``{% load board_parts %}``: what stands on a dashboard by the hundred (ranges, rows, hours), written by Python.

Made by templates, they were more than half of what a dashboard cost to draw. What comes from outside is escaped here.
"""

from collections.abc import Iterable

from django import template
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

from escalation_site.ui import shapes
from reports.dashboard import Range
from reports.heat import Heat
from reports.panels import Hour, Week

register = template.Library()


@register.simple_tag
def ranges(several: Iterable[Range]) -> SafeString:
    """Each as a line: dot at the median, tick at p90, ring at the median before."""
    return mark_safe("".join(map(_range, several)))  # noqa: S308  each part is escaped


def _range(one: Range) -> str:
    name = shapes.severity(one.rank) if one.rank else conditional_escape(one.label)
    span = was = dots = ""
    if one.median_at:
        span = f'<rect class="span" x="{one.median_at}" y="5" width="{one.width}" height="4" rx="2"/>'
        dots = (
            f'<circle class="p50" cx="{one.median_at}" cy="7" r="5"/><svg x="{one.p90_at}" y="1" overflow="visible">'
            '<rect class="p90" x="-1.5" width="3" height="12" rx="1.5"/></svg>'
        )
    if one.before_at:
        was = f'<circle class="was" cx="{one.before_at}" cy="7" r="4"/>'
    return (
        f'<div class="rng"><a class="trunc soft" href="{escape(one.link)}">{name}</a><svg class="t" aria-hidden="true">'
        f'<line class="base" x1="0" x2="100%" y1="7" y2="7"/>{span}{was}{dots}</svg>'
        f'<span class="n"><b>{escape(one.median)}</b> · {escape(one.p90)}</span></div>'
    )


@register.simple_tag
def range_rows(several: Iterable[Range]) -> SafeString:
    """The same as rows of a table."""
    rows = [f'<tr><th scope="row">{conditional_escape(one.label)}</th>{_cells(one)}</tr>' for one in several]
    return mark_safe("".join(rows))  # noqa: S308  each part is escaped


def _cells(one: Range) -> str:
    cells = (
        (one.median, ""),
        (one.p90, ""),
        (one.before, one.before_link),
        (one.done, one.link if one.done else ""),
        (one.waiting, one.waiting_link),
    )
    return "".join([f'<td class="r">{_linked(cell, link)}</td>' for cell, link in cells])


def _linked(words: object, link: str) -> str:
    return f'<a class="link" href="{escape(link)}">{escape(words)}</a>' if link else str(escape(words))


@register.simple_tag
def hour_rows(week: Week) -> SafeString:
    """A row for each day of the week, a shaded cell for each of its hours, which leads to what began in it."""
    link = escape(f"{week.link}&hour=")
    rows = [
        f'<tr><th scope="row">{conditional_escape(day)}</th>{_hours(hours, f"{link}{number}-")}<td class="r strong">{total}</td></tr>'
        for number, (day, hours, total) in enumerate(week.lines)
    ]
    return mark_safe("".join(rows))  # noqa: S308  each part is escaped or a number


def _hours(hours: Iterable[Hour], link: str) -> str:
    return "".join([_hour(one, f"{link}{number}") for number, one in enumerate(hours)])


def _hour(one: Hour, link: str) -> str:
    number = f'<a href="{link}">{one.count}</a>' if one.count else "0"
    return f'<td class="c s{one.shade}">{number}</td>'


@register.simple_tag
def heat_rows(heat: Heat) -> SafeString:
    """A row for each person, a shaded cell for each week, and all of the period; in brackets those at night."""
    rows = []
    for line in heat.lines:
        cells = "".join(
            [
                f'<td class="c s{cell.shade}">{_to(cell.pages, cell.link)}{_nights(cell.nights, cell.nights_link)}</td>'
                for cell in line.cells
            ]
        )
        nights = f' <span class="muted">({_linked(line.nights, line.nights_link)})</span>' if line.nights else ""
        rows.append(
            f'<tr><th scope="row" class="trunc">{conditional_escape(line.name)}</th>{cells}'
            f'<td class="r strong">{_linked(line.total, line.link)}{nights}</td></tr>'
        )
    return mark_safe("".join(rows))  # noqa: S308  each part is escaped


def _nights(number: int, link: str) -> str:
    return f" ({_to(number, link)})" if number else ""


def _to(number: int, link: str) -> str:
    return f'<a href="{escape(link)}">{number}</a>' if link else str(number)


HOUR_HEADS = mark_safe("".join(f'<th scope="col">{hour:02d}</th>' for hour in range(24)))  # noqa: S308  numbers


@register.simple_tag
def hour_heads() -> SafeString:
    """The hours of a day as heads of columns."""
    return HOUR_HEADS
