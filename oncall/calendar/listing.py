"""The calendar as lists: days for a phone, a table of everything, and the reader's own shifts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext as _

from escalation_site.ui import durations
from escalation_site.ui.shapes import person_hue
from oncall import rota
from oncall.calendar.findings import overlap_words
from oncall.calendar.gaps import GapState, GapText
from oncall.calendar.ranges import Range
from oncall.calendar.reading import Reading, Teller, elapsed
from oncall.models import User
from oncall.wording import absence_words, override_words, role_words


class Kind(StrEnum):
    SHIFT = "shift"
    GAP = "gap"
    KNOWN = "known"
    PAST = "past"
    NOTE = "note"


GAP_KINDS = {GapState.OPEN: Kind.GAP, GapState.KNOWN: Kind.KNOWN, GapState.PAST: Kind.PAST}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. ``user`` is None where nobody, or more than one person, is meant."""

    kind: Kind
    role: str
    user: User | None
    name: str
    start: datetime
    end: datetime
    why: str
    elsewhere: str
    mine: bool = False
    hue: int = 0
    begun: bool = False
    """It began before the range."""
    role_key: str = ""
    """The role as the schedule writes it."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the list. Without rows nothing changes until ``quiet_until`` (None: to the end of the list)."""

    day: date
    rows: tuple[Row, ...]
    quiet_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the table of everything."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Mine:
    """The reader's own shifts in the range, and how long they last together, each hour counted once."""

    rows: tuple[Row, ...]
    length: str


def final_rows(reading: Reading, shown: Range, tell: Teller) -> tuple[Row, ...]:
    """Shifts and gaps of the range, in order of start; what runs when it begins, in the order of roles."""
    since, until = shown.since, shown.until
    rows: list[Row] = []
    for role in reading.roles:
        rows += [_shift(shift, reading, tell, since) for shift in reading.final if shift.role == role]
        rows += [_gap(gap, tell, since) for gap in reading.gaps if gap.role == role]
    return _within(rows, since, until)


def _within(rows: Sequence[Row], since: datetime, until: datetime) -> tuple[Row, ...]:
    touching = (row for row in rows if row.start < until and row.end > since)
    return tuple(sorted(touching, key=lambda row: max(row.start, since)))


def _shift(shift: rota.Shift, reading: Reading, tell: Teller, since: datetime) -> Row:
    return Row(
        Kind.SHIFT,
        role_words(shift.role),
        tell.users.get(shift.user_id),
        tell.called(shift.user_id),
        shift.start,
        shift.end,
        tell.why(shift, reading),
        tell.clocks.elsewhere(shift.start, shift.end),
        mine=tell.is_reader(shift.user_id),
        hue=person_hue(str(shift.user_id)),
        begun=shift.start < since,
        role_key=shift.role,
    )


def _gap(gap: GapText, tell: Teller, since: datetime) -> Row:
    name = _("Nobody, %(length)s") % {"length": gap.length}
    elsewhere = tell.clocks.elsewhere(gap.start, gap.end)
    kind = GAP_KINDS[gap.state]
    return Row(kind, gap.role_name, None, name, gap.start, gap.end, gap.why, elsewhere, begun=gap.start < since)


def _note(
    role: str, name: str, start: datetime, end: datetime, why: str, tell: Teller, user: User | None = None
) -> Row:
    return Row(Kind.NOTE, role, user, name, start, end, why, tell.clocks.elsewhere(start, end))


def table(final: tuple[Row, ...], reading: Reading, shown: Range, tell: Teller) -> tuple[Section, ...]:
    """Everything the lanes draw, in their order; parts with nothing in them are left out."""
    since, until = shown.since, shown.until
    overlaps = [_note("", overlap_words(one, tell), one.start, one.end, "", tell) for one in reading.overlaps]
    overrides = [
        _note(
            role_words(one.role),
            tell.name(one.user_id),
            one.start,
            one.end,
            override_words(one, tell.name),
            tell,
            tell.users.get(one.user_id),
        )
        for one in reading.overrides
    ]
    absences = [
        _note("", tell.name(one.user_id), one.start, one.end, absence_words(one), tell, tell.users.get(one.user_id))
        for one in reading.absences
    ]
    sections = [
        Section(_("Final schedule"), final),
        Section(_("Overlaps"), _within(overlaps, since, until)),
        Section(_("Overrides"), _within(overrides, since, until)),
        Section(_("Away"), _within(absences, since, until)),
        *(
            Section(
                _("Layer “%(layer)s”") % {"layer": name},
                _within([_shift(shift, reading, tell, since) for shift in shifts], since, until),
            )
            for name, shifts in reading.layers.items()
        ),
    ]
    return tuple(section for section in sections if section.rows)


def days(final: Sequence[Row], shown: Range) -> tuple[Day, ...]:
    """By the day on which they begin; what runs already stands on the first. Days on which nothing changes are one."""
    by_day: dict[date, list[Row]] = {}
    for row in final:
        begins = shown.first if row.begun else row.start.astimezone(shown.zone).date()
        by_day.setdefault(begins, []).append(row)
    return tuple(_days(by_day, shown))


def _days(by_day: dict[date, list[Row]], shown: Range) -> Iterator[Day]:
    day, quiet = shown.first, False
    while day < shown.past:
        rows = by_day.get(day, [])
        if rows:
            yield Day(day, tuple(rows))
        elif not quiet:
            coming = min((found for found in by_day if found > day), default=None)
            yield Day(day, (), by_day[coming][0].start if coming else None)
        quiet = not rows
        day += timedelta(days=1)


def mine(final: Sequence[Row], reading: Reading, shown: Range, tell: Teller) -> Mine:
    rows = tuple(row for row in final if row.mine)
    stretches = rota.stretches(reading.final, user_id=tell.reader.pk)
    total = sum((elapsed(start, end, since=shown.since, until=shown.until) for start, end in stretches), timedelta(0))
    return Mine(rows, durations.in_two_units(total.total_seconds()))
