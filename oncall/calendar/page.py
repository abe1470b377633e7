"""The calendar of one schedule, put together for its page."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from escalation_site.ui import durations, moments
from oncall import rota
from oncall.calendar import axis, drawing, findings, listing
from oncall.calendar.findings import Finding
from oncall.calendar.gaps import GapState, GapText
from oncall.calendar.ranges import Range
from oncall.calendar.reading import Clocks, Reading, Teller, read
from oncall.models import GapAcceptance, Schedule, User
from oncall.selectors import schedules_load
from oncall.wording import role_words


@dataclass(frozen=True, slots=True)
class CoverageText:
    """How much of the range somebody holds a role; only a whole 100 is written so."""

    role: str
    percent: str
    full: bool
    missing: str


@dataclass(frozen=True, slots=True)
class HandoffText:
    """The next change, and what changes, a sentence for each role."""

    at: datetime
    sentences: tuple[str, ...]
    elsewhere: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """All the page shows of the range. ``to_mend`` are gaps ahead that nobody has accepted; past ones are not told of."""

    shown: Range
    lines: tuple[drawing.Line, ...]
    days: tuple[listing.Day, ...]
    table: tuple[listing.Section, ...]
    mine: listing.Mine
    to_mend: tuple[GapText, ...]
    accepted: tuple[GapText, ...]
    overlaps: tuple[Finding, ...]
    away: tuple[Finding, ...]
    override_overlaps: tuple[Finding, ...]
    coverage: tuple[CoverageText, ...]
    handoff: HandoffText | None
    changes: tuple[axis.ClockChange, ...]
    clocks: Clocks
    zone_note: str
    planned: bool


def calendar_of(schedule: Schedule, *, shown: Range, other: ZoneInfo, at: datetime, reader: User) -> Calendar:
    """``other`` is the clock that is not shown: the schedule's beside the reader's, or the other way round.

    A constant number of queries: what ``schedules_load`` takes, the acceptances, the people.
    """
    windows = shown.windows
    since, until = windows[0].since, windows[-1].until
    item = schedules_load([schedule], since=since)[schedule.pk]
    acceptances = GapAcceptance.objects.filter(schedule=schedule, end__gt=since, start__lt=until).select_related(
        "accepted_by"
    )
    reading = read(
        item, since=since, until=until, counted=(shown.since, shown.until), at=at, acceptances=list(acceptances)
    )
    same = axis.same_clock(shown.zone, other, since=since, until=until)
    clocks = Clocks(shown.zone, None if same else other, at)
    tell = Teller(User.objects.in_bulk(reading.user_ids), reader, clocks)
    final = listing.final_rows(reading, shown, tell)
    gaps = [
        replace(gap, elsewhere=clocks.elsewhere(gap.start, gap.end))
        for gap in reading.gaps
        if gap.start < shown.until and gap.end > shown.since
    ]
    return Calendar(
        shown=shown,
        lines=drawing.lines(reading, shown, tell, at=at, today=at.astimezone(shown.zone).date()),
        days=listing.days(final, shown),
        table=listing.table(final, reading, shown, tell),
        mine=listing.mine(final, reading, shown, tell),
        to_mend=tuple(gap for gap in gaps if gap.state is GapState.OPEN),
        accepted=tuple(gap for gap in gaps if gap.state is GapState.KNOWN),
        overlaps=_ahead(findings.overlaps(reading, tell), shown, at),
        away=_ahead(findings.away(reading, tell), shown, at),
        override_overlaps=_ahead(findings.override_overlaps(reading, tell), shown, at),
        coverage=tuple(_coverage(one) for one in reading.coverage),
        handoff=_handoff(reading, tell),
        changes=axis.clock_changes(shown.zone, since=shown.since, until=shown.until),
        clocks=clocks,
        zone_note=zone_words(shown.zone, since=shown.since, until=shown.until),
        planned=bool(item.versions),
    )


def _ahead(found: Iterable[Finding], shown: Range, at: datetime) -> tuple[Finding, ...]:
    """Those of the range that are not over."""
    return tuple(one for one in found if one.start < shown.until and one.end > max(shown.since, at))


def zone_words(zone: ZoneInfo, *, since: datetime, until: datetime) -> str:
    """The zone with the short names its clock has in the range: "Europe/Rome, CET", "Europe/Rome, CEST and CET"."""
    moments_of = (since, *(change.at for change in axis.clock_changes(zone, since=since, until=until)))
    names = dict.fromkeys(moments.zone_name(moment.astimezone(zone)) for moment in moments_of)
    if zone.key in names:
        return zone.key
    return f"{zone.key}, {durations.list_of(list(names))}"


def _coverage(one: rota.Coverage) -> CoverageText:
    # Rounded down: "100 %" is said only where nothing is missing.
    per_mille = int(one.ratio * 1000)
    percent = f"{per_mille // 10}" if per_mille % 10 == 0 else f"{per_mille // 10}.{per_mille % 10}"
    missing = one.total - one.covered
    return CoverageText(
        role_words(one.role), percent, not missing, durations.in_two_units(missing.total_seconds()) if missing else ""
    )


def _handoff(reading: Reading, tell: Teller) -> HandoffText | None:
    handoff = reading.handoff
    if handoff is None:
        return None
    roles = dict.fromkeys(role for _user, role in (*handoff.outgoing, *handoff.incoming))
    sentences = tuple(_handoff_words(role, handoff, tell) for role in roles)
    return HandoffText(handoff.at, sentences, tell.clocks.moment_elsewhere(handoff.at))


def _handoff_words(role: str, handoff: rota.Handoff, tell: Teller) -> str:
    outgoing, incoming = (
        durations.list_of([tell.name(user) for user, theirs in side if theirs == role])
        for side in (handoff.outgoing, handoff.incoming)
    )
    words = {"role": role_words(role), "incoming": incoming, "outgoing": outgoing}
    if outgoing and incoming:
        return _("%(incoming)s takes over as %(role)s from %(outgoing)s.") % words
    if incoming:
        return _("%(incoming)s comes on call as %(role)s.") % words
    return _("%(outgoing)s goes off call as %(role)s.") % words
