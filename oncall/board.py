"""What the on-call pages show, from the one rota function: who holds what now, and two weeks of a schedule as lanes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.ui import durations, lanes, moments
from escalation_site.ui.shapes import person_hue
from oncall import rota
from oncall.models import Override, Schedule, User
from oncall.selectors import Loaded, schedules_load

HORIZON = timedelta(days=14)
DAYS_SHOWN = 14

ROLES: dict[str, str | Promise] = {"primary": gettext_lazy("primary"), "secondary": gettext_lazy("backup")}
CAUSES: dict[rota.Cause, str | Promise] = {
    rota.Cause.UNASSIGNED: gettext_lazy("no layer is in force"),
    rota.Cause.CLOSED: gettext_lazy("every layer is closed then"),
    rota.Cause.EMPTY_SLOT: gettext_lazy("it is the turn of an empty slot"),
    rota.Cause.ABSENT: gettext_lazy("everybody who could is away"),
    rota.Cause.REMOVED: gettext_lazy("an override took off whoever was on call"),
}


def role_words(role: str) -> str:
    return str(ROLES.get(role, role))


@dataclass(frozen=True, slots=True)
class Holding:
    """Somebody on call now: as what, until when, by an override or not, and what the clock shows where they are."""

    user: User
    role: str
    until: datetime
    covers: bool
    local: str


@dataclass(frozen=True, slots=True)
class GapText:
    """A stretch in which nobody holds a role, and why, in words."""

    start: datetime
    end: datetime
    role: str
    role_name: str
    length: str
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One schedule now: who holds it, when that next changes, and its gaps within HORIZON."""

    schedule: Schedule
    holders: tuple[Holding, ...]
    handoff_at: datetime | None
    gaps: tuple[GapText, ...]
    planned: bool


def standings(*, at: datetime) -> list[Standing]:
    """Every schedule as it stands at ``at``, by name: four queries, however many schedules."""
    schedules = list(Schedule.objects.select_related("team").order_by("name"))
    loaded = schedules_load(schedules, since=at)
    shifts = {pk: item.on_call_at(at) for pk, item in loaded.items()}
    users = User.objects.in_bulk({shift.user_id for found in shifts.values() for shift in found})
    return [_standing(loaded[schedule.pk], shifts[schedule.pk], users, at) for schedule in schedules]


def _standing(item: Loaded, shifts: Sequence[rota.Shift], users: Mapping[int, User], at: datetime) -> Standing:
    holders = tuple(
        Holding(
            users[shift.user_id],
            role_words(shift.role),
            shift.end,
            shift.why is rota.Why.OVERRIDE,
            _local(users[shift.user_id], at),
        )
        for shift in shifts
        if users[shift.user_id].is_active
    )
    handoff = rota.next_handoff(item.versions, at=at, overrides=item.overrides) if item.versions else None
    return Standing(
        item.schedule,
        holders,
        handoff.at if handoff else None,
        gaps_of(item, since=at, until=at + HORIZON),
        bool(item.versions),
    )


def _local(user: User, at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(user.time_zone)):%H:%M}"


def gaps_of(item: Loaded, *, since: datetime, until: datetime) -> tuple[GapText, ...]:
    if not item.versions:
        return ()
    found = rota.gaps(item.versions, since=since, until=until, overrides=item.overrides)
    return tuple(
        GapText(
            gap.start,
            gap.end,
            gap.role,
            role_words(gap.role),
            durations.in_two_units((gap.end - gap.start).total_seconds()),
            str(CAUSES[gap.cause]),
        )
        for gap in found
    )


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of the calendar. ``row`` is its height: "r-f" for the final schedule, "r-l" for what it is made of."""

    label: str
    icon: str
    row: str
    blocks: tuple[lanes.Block, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One shift or gap of a day's list; ``user`` is None in a gap."""

    role: str
    user: User | None
    name: str
    start: datetime
    end: datetime
    mine: bool
    hue: int
    why: str


@dataclass(frozen=True, slots=True)
class Fortnight:
    """Two weeks of one schedule from a Monday on, on one clock."""

    days: tuple[datetime, ...]
    lanes: tuple[Lane, ...]
    slots: tuple[tuple[datetime, tuple[Slot, ...]], ...]
    weekends: list[tuple[str, str]]
    day_lines: list[str]
    now: str
    gaps: tuple[GapText, ...]
    since: datetime
    until: datetime


def monday_before(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _midnights(first: date, zone: tzinfo) -> list[datetime]:
    return [datetime.combine(first + timedelta(days=number), time(), zone) for number in range(DAYS_SHOWN + 1)]


def fortnight(schedule: Schedule, *, first: date, at: datetime, zone: tzinfo, reader: User) -> Fortnight:
    """``first`` is a Monday on the clock of ``zone``. Four queries."""
    midnights = _midnights(first, zone)
    days, since, until = midnights[:-1], midnights[0].astimezone(UTC), midnights[-1].astimezone(UTC)
    item = schedules_load([schedule], since=since)[schedule.pk]
    final = item.shifts(since=since, until=until)
    layers = rota.layer_shifts(item.versions, since=since, until=until) if item.versions else {}
    overrides = [one for one in item.overrides if one.start < until and one.end > since]
    ids = {shift.user_id for shift in final} | {one.user_id for one in overrides}
    ids |= {shift.user_id for shifts in layers.values() for shift in shifts}
    people = _People(User.objects.in_bulk(ids), reader, zone)
    gaps = gaps_of(item, since=since, until=until)
    return Fortnight(
        days=tuple(days),
        lanes=tuple(_lanes(final, layers, overrides, gaps, people, since, until)),
        slots=tuple(_slots(final, gaps, people, zone)),
        weekends=lanes.weekends(days, since=since, until=until),
        day_lines=lanes.day_lines(days, since=since, until=until),
        now=lanes.place(at, since=since, until=until) if since <= at < until else "",
        gaps=gaps,
        since=since,
        until=until,
    )


@dataclass(frozen=True, slots=True)
class _People:
    """Names as the reader sees them: oneself is "You"."""

    users: Mapping[int, User]
    reader: User
    zone: tzinfo

    def name(self, pk: int) -> str:
        return _("You") if pk == self.reader.pk else self.users[pk].name

    def span(self, pk: int, start: datetime, end: datetime, role: str = "") -> lanes.Span:
        times = " – ".join(moments.written(moment, "short", at=moment, zone=self.zone) for moment in (start, end))
        title = f"{self.users[pk].name}{f', {role_words(role)}' if role else ''}, {times}"
        # "You" is for blocks with room for a word; the initials of a narrow one are the person's own.
        narrow = (end - start) / timedelta(days=DAYS_SHOWN) * 100 < lanes.SHORT
        name = self.users[pk].name if narrow else self.name(pk)
        return lanes.Span(start, end, name, str(pk), "mine" if pk == self.reader.pk else "", title)


def _lanes(
    final: Sequence[rota.Shift],
    layers: Mapping[str, Sequence[rota.Shift]],
    overrides: Sequence[rota.Override],
    gaps: Sequence[GapText],
    people: _People,
    since: datetime,
    until: datetime,
) -> list[Lane]:
    def placed(spans: Sequence[lanes.Span]) -> tuple[lanes.Block, ...]:
        return tuple(lanes.blocks(spans, since=since, until=until))

    def spans(shifts: Sequence[rota.Shift]) -> list[lanes.Span]:
        return [people.span(shift.user_id, shift.start, shift.end, shift.role) for shift in shifts]

    found = []
    for role in dict.fromkeys([*(shift.role for shift in final), *(gap.role for gap in gaps)]):
        own = spans([shift for shift in final if shift.role == role])
        found.append(
            Lane(role_words(role), "radio", "r-f", placed([*own, *(_hole(gap) for gap in gaps if gap.role == role)]))
        )
    if overrides:
        covering = [people.span(one.user_id, one.start, one.end) for one in overrides]
        found.append(Lane(_("Overrides"), "replace", "r-l", placed(covering)))
    found += [Lane(name, "rotate-cw", "r-l", placed(spans(shifts))) for name, shifts in layers.items()]
    return found


def _hole(gap: GapText) -> lanes.Span:
    title = _("Nobody, %(length)s: %(why)s") % {"length": gap.length, "why": gap.why}
    return lanes.Span(gap.start, gap.end, gap.length, kind="gap", title=title)


def _slots(
    final: Sequence[rota.Shift], gaps: Sequence[GapText], people: _People, zone: tzinfo
) -> list[tuple[datetime, tuple[Slot, ...]]]:
    """Shifts and gaps by the day on which they begin."""
    slots = [
        Slot(
            role_words(shift.role),
            people.users[shift.user_id],
            people.name(shift.user_id),
            shift.start,
            shift.end,
            shift.user_id == people.reader.pk,
            person_hue(str(shift.user_id)),
            "",
        )
        for shift in final
    ]
    slots += [
        Slot(
            gap.role_name, None, _("Nobody, %(length)s") % {"length": gap.length}, gap.start, gap.end, False, 0, gap.why
        )
        for gap in gaps
    ]
    days: dict[date, list[Slot]] = {}
    for slot in sorted(slots, key=lambda one: (one.start, one.role)):
        days.setdefault(slot.start.astimezone(zone).date(), []).append(slot)
    return [(datetime.combine(day, time(), zone), tuple(found)) for day, found in days.items()]


def may_take_over(user: User, schedule: Schedule) -> bool:
    """Responders of the schedule's team, and whoever manages. A schedule of no team is open to every responder."""
    if not user.is_active or not user.may_respond:
        return False
    return user.may_manage or schedule.team_id is None or user.memberships.filter(team=schedule.team_id).exists()


def may_cancel(user: User, override: Override) -> bool:
    """One's own override, or one that one made; managers any."""
    return (
        user.is_active
        and user.may_respond
        and (user.may_manage or user.pk in (override.user_id, override.created_by_id))
    )


def coming_overrides(schedule: Schedule, *, at: datetime, reader: User) -> list[dict[str, Any]]:
    """Overrides that are not over, with whether ``reader`` may end them: one query."""
    found = (
        schedule.overrides.filter(cancelled_at=None, end__gt=at)
        .select_related("user", "replaces", "created_by")
        .order_by("start")
    )
    return [{"override": one, "may_cancel": may_cancel(reader, one), "runs": one.start <= at} for one in found]
