"""The calendar as lines of lanes: the final schedule over what it is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from escalation_site.ui import lanes
from oncall import rota
from oncall.calendar import axis
from oncall.calendar.findings import overlap_words
from oncall.calendar.gaps import GapState, GapText
from oncall.calendar.ranges import Range, View, Window
from oncall.calendar.reading import Reading, Teller
from oncall.wording import absence_words, override_label, override_words, role_words

FINAL = "r-f"
PART = "r-l"
GAP_KINDS = {GapState.OPEN: "gap", GapState.KNOWN: "gap known", GapState.PAST: "gap past"}
GAP_ICONS = {GapState.OPEN: "triangle-alert", GapState.KNOWN: "check", GapState.PAST: "minus"}


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane. ``row`` is its height: FINAL for the final schedule, PART for what it is made of."""

    label: str
    icon: str
    row: str
    blocks: tuple[lanes.Block, ...]
    more: bool = False
    """A further lane of the same label, for what happens at the same time."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the calendar, with its own head: a day, two weeks, or one week of a month."""

    marks: tuple[axis.Mark, ...]
    lanes: tuple[Lane, ...]
    weekends: list[tuple[str, str]]
    ticks: tuple[str, ...]
    now: str


@dataclass(frozen=True, slots=True)
class _Strip:
    """Spans of one label, before they are cut into windows."""

    label: str
    icon: str
    row: str
    spans: tuple[lanes.Span, ...]
    always: bool = False


def lines(reading: Reading, shown: Range, tell: Teller, *, at: datetime, today: date) -> tuple[Line, ...]:
    """A line for each window. The layers are left out of a month, which would be too high with them."""
    strips = [*_final(reading, tell), *_beneath(reading, tell)]
    if shown.view is not View.MONTH:
        strips += _layers(reading, tell)
    return tuple(_line(window, strips, shown, at, today) for window in shown.windows)


def _line(window: Window, strips: Sequence[_Strip], shown: Range, at: datetime, today: date) -> Line:
    since, until = window.since, window.until
    marks = axis.marks(window, shown, today=today)
    return Line(
        marks=marks,
        lanes=tuple(lane for strip in strips for lane in _lanes(strip, since, until)),
        weekends=axis.weekends(window, shown),
        ticks=tuple(mark.x for mark in marks[1:]),
        now=lanes.place(at, since=since, until=until) if since <= at < until else "",
    )


def _lanes(strip: _Strip, since: datetime, until: datetime) -> Iterator[Lane]:
    touching = [span for span in strip.spans if span.start < until and span.end > since]
    if not touching and not strip.always:
        return
    for number, track in enumerate(lanes.tracks(touching) or [[]]):
        label = strip.label if not number else _("%(label)s, also") % {"label": strip.label}
        blocks = tuple(lanes.blocks(track, since=since, until=until))
        yield Lane(label, strip.icon, strip.row, blocks, more=number > 0)


def _final(reading: Reading, tell: Teller) -> Iterator[_Strip]:
    for role in reading.roles:
        held = [_shift(shift, reading, tell) for shift in reading.final if shift.role == role]
        holes = [_hole(gap, tell) for gap in reading.gaps if gap.role == role]
        yield _Strip(role_words(role), "radio", FINAL, (*held, *holes), always=True)


def _beneath(reading: Reading, tell: Teller) -> Iterator[_Strip]:
    doubled = tuple(_double(overlap, tell) for overlap in reading.overlaps)
    yield _Strip(_("Overlaps"), "users", PART, doubled)
    yield _Strip(_("Overrides"), "replace", PART, tuple(_override(one, tell) for one in reading.overrides))
    yield _Strip(_("Away"), "tree-palm", PART, tuple(_away(one, tell) for one in reading.absences))


def _layers(reading: Reading, tell: Teller) -> Iterator[_Strip]:
    for name, shifts in reading.layers.items():
        spans = tuple(_shift(shift, reading, tell) for shift in shifts)
        yield _Strip(name, "rotate-cw", PART, spans, always=True)


def _shift(shift: rota.Shift, reading: Reading, tell: Teller) -> lanes.Span:
    user = shift.user_id
    said = (tell.name(user), role_words(shift.role), tell.why(shift, reading))
    return lanes.Span(
        shift.start,
        shift.end,
        tell.called(user),
        key=str(user),
        kind="mine" if tell.is_reader(user) else "",
        title=tell.title(*said, start=shift.start, end=shift.end),
        # "You" is for blocks with room for a word; the initials of a narrow one are the person's own.
        short=tell.name(user),
    )


def _hole(gap: GapText, tell: Teller) -> lanes.Span:
    said = _("Nobody, %(length)s: %(why)s") % {"length": gap.length, "why": gap.why}
    known = _("accepted") if gap.state is GapState.KNOWN else ""
    return lanes.Span(
        gap.start,
        gap.end,
        gap.length,
        kind=GAP_KINDS[gap.state],
        title=tell.title(said, known, start=gap.start, end=gap.end),
        icon=GAP_ICONS[gap.state],
    )


def _double(overlap: rota.Overlap, tell: Teller) -> lanes.Span:
    said = overlap_words(overlap, tell)
    title = tell.title(said, start=overlap.start, end=overlap.end)
    return lanes.Span(overlap.start, overlap.end, said, kind="double", title=title, icon="users")


def _override(one: rota.Override, tell: Teller) -> lanes.Span:
    kind = "off" if one.kind is rota.OverrideKind.REMOVE else "mine" if tell.is_reader(one.user_id) else ""
    return lanes.Span(
        one.start,
        one.end,
        override_label(one, tell.name),
        key=str(one.user_id),
        kind=kind,
        title=tell.title(override_words(one, tell.name), start=one.start, end=one.end),
        short=tell.name(one.user_id),
        icon="user-x" if kind == "off" else "",
    )


def _away(one: rota.Absence, tell: Teller) -> lanes.Span:
    name = tell.name(one.user_id)
    return lanes.Span(
        one.start,
        one.end,
        name,
        key=str(one.user_id),
        kind="away",
        title=tell.title(name, absence_words(one), start=one.start, end=one.end),
    )
