"""Shifts laid out on a line of time. Pure: instants in, percentages out, for ``components/lane.html``.

The places are percentages in SVG attributes, because the content policy refuses style attributes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation_site.ui.shapes import initials, person_hue

SHORT = 6.0
"""A block narrower than this (percent of the line) shows initials instead of a name."""


@dataclass(frozen=True, slots=True)
class Span:
    """One shift, gap or absence to lay out.

    ``kind``: "" for a shift, "mine", "away", "ghosty" (proposed), "off" (taken off), "double" (an overlap), or "gap", also
    with "past" or "known" (accepted) after it. ``short`` gives the initials of a narrow block, where ``name`` is no name.
    """

    start: datetime
    end: datetime
    name: str
    key: str = ""
    kind: str = ""
    title: str = ""
    short: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A placed span: ``x`` and ``width`` in percent of the line, as text for an SVG attribute."""

    x: str
    width: str
    css: str
    label: str
    title: str
    icon: str = ""


def _percent(share: float) -> str:
    return f"{round(share * 100, 3):g}%"


def share(moment: datetime, *, since: datetime, until: datetime) -> float:
    """Where ``moment`` stands between ``since`` and ``until``: 0…1, clamped."""
    return min(max((moment - since) / (until - since), 0.0), 1.0)


def place(moment: datetime, *, since: datetime, until: datetime) -> str:
    """``share`` as a percentage, for the line of the present."""
    return _percent(share(moment, since=since, until=until))


def extent(start: datetime, end: datetime, *, since: datetime, until: datetime) -> tuple[str, str]:
    """x and width of a stretch, cut to the window."""
    left, right = (share(moment, since=since, until=until) for moment in (start, end))
    return _percent(left), _percent(right - left)


def tracks(spans: Iterable[Span]) -> list[list[Span]]:
    """Spans on as few lines as show each of them whole; a key stays on its line where it can."""
    lines: list[list[Span]] = []
    for span in sorted(spans, key=lambda one: one.start):
        free = [line for line in lines if line[-1].end <= span.start]
        own = next((line for line in free if line[-1].key == span.key), None)
        line = own or next(iter(free), None)
        if line is None:
            lines.append([span])
        else:
            line.append(span)
    return lines


def blocks(spans: Iterable[Span], *, since: datetime, until: datetime) -> list[Block]:
    """The spans that touch the window, cut to it."""
    placed = []
    for span in spans:
        if span.end <= since or span.start >= until:
            continue
        left = share(span.start, since=since, until=until)
        right = share(span.end, since=since, until=until)
        short = (right - left) * 100 < SHORT
        impersonal = span.kind == "double" or span.kind.startswith("gap")
        hue = "" if impersonal else f" h{person_hue(span.key or span.name)}"
        css = f"b{hue}{' s' if short else ''}{f' {span.kind}' if span.kind else ''}"
        label = _short_label(span, impersonal) if short else span.name
        placed.append(Block(_percent(left), _percent(right - left), css, label, span.title or span.name, span.icon))
    return placed


def _short_label(span: Span, impersonal: bool) -> str:
    if impersonal:
        return "" if span.icon else span.name
    return initials(span.short or span.name)


def weekends(days: Sequence[datetime], *, since: datetime, until: datetime) -> list[tuple[str, str]]:
    """x and width of each Saturday and Sunday; ``days`` are the midnights of the reader's zone within the window."""
    found = []
    for day in days:
        if day.weekday() >= 5:
            left = share(day, since=since, until=until)
            right = share(day + timedelta(days=1), since=since, until=until)
            found.append((_percent(left), _percent(right - left)))
    return found


def day_lines(days: Sequence[datetime], *, since: datetime, until: datetime) -> list[str]:
    """x of each midnight after the first."""
    return [place(day, since=since, until=until) for day in days if day > since]
