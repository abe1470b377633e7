"""What an edit brings: who gains and loses what, gaps it opens, clashes and overload, and its first two weeks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalation_site.ui import durations, lanes, moments
from escalation_site.ui.shapes import person_hue
from oncall import ports, rota
from oncall.gaps import HORIZON, gaps_opened
from oncall.load import Clash, clash_text, clashes_brought, overload_text, overloads_brought
from oncall.models import User
from oncall.selectors import Loaded
from oncall.wording import cause_words, role_words

DAYS_SHOWN = 14
SPANS_TOLD = 4
"""Of each person's changes, before the rest is folded away."""
WARNINGS_TOLD = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """Time on call in one role."""

    start: datetime
    end: datetime
    role: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one person gains, or what they lose: the first pieces, the others, and how long it is altogether."""

    shown: tuple[Piece, ...]
    folded: tuple[Piece, ...]
    total: str

    @property
    def count(self) -> int:
        return len(self.shown) + len(self.folded)


@dataclass(frozen=True, slots=True)
class Moved:
    """What the edit means to one person."""

    user: User
    gained: Share
    lost: Share


@dataclass(frozen=True, slots=True)
class Hole:
    """A gap the edit opens."""

    start: datetime
    end: datetime
    role_name: str
    length: str
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the drawing; ``row`` is its height, as in the calendar."""

    label: str
    icon: str
    row: str
    blocks: tuple[lanes.Block, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One shift of a day's list; ``user`` is None in a gap."""

    role: str
    user: User | None
    name: str
    hue: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Drawing:
    """The first two weeks on the schedule's clock."""

    days: tuple[datetime, ...]
    lines: tuple[Line, ...]
    slots: tuple[tuple[datetime, tuple[Slot, ...]], ...]
    weekends: list[tuple[str, str]]
    day_lines: list[str]
    now: str


@dataclass(frozen=True, slots=True)
class Preview:
    moves: tuple[Moved, ...]
    holes: tuple[Hole, ...]
    holes_key: str
    """Names the gaps: whoever accepts some has not accepted others."""
    paths: tuple[ports.Path, ...]
    clashes: tuple[str, ...]
    overloads: tuple[str, ...]
    gone: tuple[User, ...]
    """People it names who have left: nobody is paged in their turns."""
    drawing: Drawing
    until: datetime

    @property
    def must_accept(self) -> bool:
        return bool(self.holes and self.paths)


def preview_made(
    before: Loaded, after: Loaded, *, named: Collection[int], effective_from: datetime, at: datetime, zone: ZoneInfo
) -> Preview:
    """``after`` is ``before`` with the edit; ``named`` are the people the edit names. A constant number of queries."""
    until = effective_from + HORIZON
    changes = rota.compare(before.shifts(since=at, until=until), after.shifts(since=at, until=until))
    opened = gaps_opened(before, after, at=at)
    first = effective_from.astimezone(zone).date()
    edges = [datetime.combine(first + timedelta(days=day), time(), zone) for day in range(DAYS_SHOWN + 1)]
    since, end = edges[0].astimezone(UTC), edges[-1].astimezone(UTC)
    shifts, layers = after.shifts(since=since, until=end), after.layer_shifts(since=since, until=end)
    ids = {*named, *(duty.user_id for duty in (*changes.gained, *changes.lost))}
    ids |= {shift.user_id for found in (shifts, *layers.values()) for shift in found}
    clashes = clashes_brought(changed=[after], at=at)
    users = User.objects.in_bulk(ids | {one.user_id for one in clashes})
    return Preview(
        moves=_moves(changes, users),
        holes=tuple(_hole(gap) for gap in opened),
        holes_key=holes_key(opened, at=at),
        paths=tuple(ports.paths_of([after.schedule.pk]).get(after.schedule.pk, ())),
        clashes=_told(_clashes_told(clashes, users, at)),
        overloads=_told([overload_text(one, at=at) for one in overloads_brought(changed=[after], at=at)]),
        gone=tuple(user for pk, user in users.items() if pk in named and not user.is_active),
        drawing=_drawing(after, shifts, layers, users, edges, at=at, zone=zone),
        until=until,
    )


def holes_key(gaps: Sequence[rota.Gap], *, at: datetime) -> str:
    """The gaps in short. One that has begun moves its start with the clock, and one cut off by the horizon its end."""
    last = max((gap.end for gap in gaps), default=at)
    parts = [f"{gap.role}:{gap.start:%Y%m%dT%H%M%S}" if gap.start > at else f"{gap.role}:now" for gap in gaps]
    ends = [f"{gap.end:%Y%m%dT%H%M%S}" for gap in gaps if gap.end < last]
    return "|".join([*parts, *ends])


def _clashes_told(clashes: Sequence[Clash], users: Mapping[int, User], at: datetime) -> list[str]:
    """The first of each kind, and how often it comes back."""
    alike: dict[object, list[Clash]] = {}
    for clash in clashes:
        alike.setdefault(clash.key, []).append(clash)
    return [
        f"{clash_text(found[0], users[found[0].user_id].name, at=at)} {_again(len(found) - 1)}".strip()
        for found in alike.values()
    ]


def _again(times: int) -> str:
    if not times:
        return ""
    words = ngettext(
        "It happens once more within eight weeks.", "It happens %(times)d more times within eight weeks.", times
    )
    return words % {"times": times}


def _told(sentences: list[str]) -> tuple[str, ...]:
    if len(sentences) <= WARNINGS_TOLD:
        return tuple(sentences)
    more = _("And %(count)d more.") % {"count": len(sentences) - WARNINGS_TOLD}
    return (*sentences[:WARNINGS_TOLD], more)


def _moves(changes: rota.Change, users: Mapping[int, User]) -> tuple[Moved, ...]:
    people = dict.fromkeys(duty.user_id for duty in sorted((*changes.gained, *changes.lost)))
    return tuple(Moved(users[pk], _share(changes.gained, pk), _share(changes.lost, pk)) for pk in people if pk in users)


def _share(duties: Iterable[rota.Duty], user_id: int) -> Share:
    pieces = [Piece(duty.start, duty.end, role_words(duty.role)) for duty in duties if duty.user_id == user_id]
    whole = sum((piece.end - piece.start for piece in pieces), timedelta(0))
    return Share(tuple(pieces[:SPANS_TOLD]), tuple(pieces[SPANS_TOLD:]), _length(whole))


def _length(span: timedelta) -> str:
    return durations.in_two_units(span.total_seconds(), smallest=durations.MINUTE)


def _hole(gap: rota.Gap) -> Hole:
    return Hole(gap.start, gap.end, role_words(gap.role), _length(gap.end - gap.start), cause_words(gap.cause))


# --- the drawing


def _drawing(
    after: Loaded,
    shifts: Sequence[rota.Shift],
    layers: Mapping[str, Sequence[rota.Shift]],
    users: Mapping[int, User],
    edges: Sequence[datetime],
    *,
    at: datetime,
    zone: ZoneInfo,
) -> Drawing:
    since, until = edges[0].astimezone(UTC), edges[-1].astimezone(UTC)
    gaps = after.gaps(since=since, until=until)
    days = edges[:-1]
    return Drawing(
        days=tuple(days),
        lines=tuple(_lines(shifts, layers, gaps, users, since, until, zone)),
        slots=tuple(_slots(shifts, gaps, users, zone)),
        weekends=lanes.weekends(days, since=since, until=until),
        day_lines=lanes.day_lines(days, since=since, until=until),
        now=lanes.place(at, since=since, until=until) if since <= at < until else "",
    )


def _lines(
    shifts: Sequence[rota.Shift],
    layers: Mapping[str, Sequence[rota.Shift]],
    gaps: Sequence[rota.Gap],
    users: Mapping[int, User],
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
) -> Iterable[Line]:
    def placed(spans: Iterable[lanes.Span]) -> tuple[lanes.Block, ...]:
        return tuple(lanes.blocks(spans, since=since, until=until))

    def span(shift: rota.Shift) -> lanes.Span:
        times = " – ".join(moments.written(edge, "short", at=edge, zone=zone) for edge in (shift.start, shift.end))
        name = users[shift.user_id].name
        return lanes.Span(shift.start, shift.end, name, str(shift.user_id), "", f"{name}, {times}")

    for role in dict.fromkeys([*(shift.role for shift in shifts), *(gap.role for gap in gaps)]):
        held = [span(shift) for shift in shifts if shift.role == role]
        holes = [_hole_span(gap) for gap in gaps if gap.role == role]
        yield Line(role_words(role), "radio", "r-f", placed([*held, *holes]))
    for name, found in layers.items():
        yield Line(name, "rotate-cw", "r-l", placed([span(shift) for shift in found]))


def _hole_span(gap: rota.Gap) -> lanes.Span:
    length = _length(gap.end - gap.start)
    title = _("Nobody, %(length)s: %(why)s") % {"length": length, "why": cause_words(gap.cause)}
    return lanes.Span(gap.start, gap.end, length, kind="gap", title=title)


def _slots(
    shifts: Sequence[rota.Shift], gaps: Sequence[rota.Gap], users: Mapping[int, User], zone: ZoneInfo
) -> Iterable[tuple[datetime, tuple[Slot, ...]]]:
    """Shifts and gaps by the day on which they begin."""
    found = [
        Slot(
            role_words(shift.role),
            users[shift.user_id],
            users[shift.user_id].name,
            person_hue(str(shift.user_id)),
            shift.start,
            shift.end,
        )
        for shift in shifts
    ]
    found += [
        Slot(
            role_words(gap.role),
            None,
            _("Nobody, %(length)s") % {"length": _length(gap.end - gap.start)},
            0,
            gap.start,
            gap.end,
        )
        for gap in gaps
    ]
    days: dict[date, list[Slot]] = {}
    for slot in sorted(found, key=lambda one: (one.start, one.role)):
        days.setdefault(slot.start.astimezone(zone).date(), []).append(slot)
    return [(datetime.combine(day, time(), zone), tuple(slots)) for day, slots in days.items()]
