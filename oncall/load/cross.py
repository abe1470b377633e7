"""One lane per person over two weeks, with every schedule they are on: where teams share people, it shows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from escalation_site.ui import durations, lanes, moments
from oncall import rota
from oncall.load.clashing import HORIZON, Meeting, Place, clashes_between, followed_schedules, meetings, origin
from oncall.load.measure import Days
from oncall.load.reading import named_in
from oncall.models import Schedule, User
from oncall.selectors import Loaded, schedules_load
from oncall.wording import role_words

DAYS_SHOWN = 14


@dataclass(frozen=True, slots=True)
class Slot:
    """An unbroken time of one person in the same places; ``clash`` when they are more than one can answer from."""

    start: datetime
    end: datetime
    places: tuple[Place, ...]
    clash: bool
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One person's two weeks."""

    user: User
    slots: tuple[Slot, ...]
    blocks: tuple[lanes.Block, ...]
    schedules: str


@dataclass(frozen=True, slots=True)
class Fortnight:
    """Two weeks from a Monday on, on the reader's clock."""

    days: tuple[date, ...]
    lanes: tuple[Lane, ...]
    weekends: list[tuple[str, str]]
    day_lines: list[str]
    now: str


@dataclass(frozen=True, slots=True)
class Cross:
    """Every schedule read once: the clashes ahead, and who is on which schedules."""

    loaded: Mapping[int, Loaded]
    followed: Mapping[str, str]
    users: Mapping[int, User]
    meetings: tuple[Meeting, ...]
    since: datetime
    until: datetime
    zone: ZoneInfo
    at: datetime

    @property
    def shared(self) -> set[int]:
        """People on schedules that do not merely follow each other."""
        origins: dict[int, set[str]] = {}
        for loaded in self.loaded.values():
            for pk in named_in(loaded, self.since, self.until):
                origins.setdefault(pk, set()).add(origin(loaded.schedule.slug, self.followed))
        return {pk for pk, found in origins.items() if len(found) > 1}

    @property
    def serving(self) -> set[int]:
        """People on any schedule."""
        return set[int]().union(*(named_in(loaded, self.since, self.until) for loaded in self.loaded.values()))

    def of_team(self, teams: Collection[int]) -> set[int]:
        """People on the schedules of these teams."""
        theirs = [loaded for loaded in self.loaded.values() if loaded.schedule.team_id in teams]
        return set[int]().union(*(named_in(loaded, self.since, self.until) for loaded in theirs))


def cross(*, at: datetime, first: date, zone: ZoneInfo) -> Cross:
    """``first`` is the Monday the lanes begin on. A constant number of queries."""
    days = Days(first, first + timedelta(days=DAYS_SHOWN - 1))
    since, until = days.since(zone), days.until(zone)
    loaded = schedules_load(list(Schedule.objects.select_related("team")), since=min(at, since))
    followed = followed_schedules()
    users = {user.pk: user for user in User.objects.filter(is_active=True)}
    ahead = clashes_between(loaded.values(), since=at, until=at + HORIZON, followed=followed)
    found = meetings([one for one in ahead if one.user_id in users], users)
    return Cross(loaded, followed, users, tuple(found), since, until, zone, at)


def fortnight(found: Cross, people: Collection[int]) -> Fortnight:
    """The lanes of ``people``, by name."""
    since, until = found.since, found.until
    theirs: dict[int, list[tuple[rota.Shift, Schedule]]] = {pk: [] for pk in people if pk in found.users}
    for loaded in found.loaded.values() if theirs else ():
        for shift in loaded.shifts(since=since, until=until):
            if shift.user_id in theirs:
                theirs[shift.user_id].append((shift, loaded.schedule))
    midnights = [(since.astimezone(found.zone) + timedelta(days=number)) for number in range(DAYS_SHOWN)]
    ordered = sorted(theirs, key=lambda pk: (found.users[pk].name, pk))
    return Fortnight(
        days=tuple(midnight.date() for midnight in midnights),
        lanes=tuple(_lane(found, found.users[pk], theirs[pk]) for pk in ordered),
        weekends=lanes.weekends(midnights, since=since, until=until),
        day_lines=lanes.day_lines(midnights, since=since, until=until),
        now=lanes.place(found.at, since=since, until=until) if since <= found.at < until else "",
    )


def _lane(found: Cross, user: User, shifts: Sequence[tuple[rota.Shift, Schedule]]) -> Lane:
    slots = tuple(_slots(found, shifts))
    spans = [_span(found, user, slot) for slot in slots]
    names = dict.fromkeys(schedule.name for _shift, schedule in shifts)
    return Lane(
        user, slots, tuple(lanes.blocks(spans, since=found.since, until=found.until)), durations.list_of(list(names))
    )


def _slots(found: Cross, shifts: Sequence[tuple[rota.Shift, Schedule]]) -> Iterable[Slot]:
    edges = sorted({edge for shift, _schedule in shifts for edge in (shift.start, shift.end)})
    joined: list[tuple[datetime, datetime, dict[tuple[int, str], Place]]] = []
    for start, end in pairwise(edges):
        places = {
            (schedule.pk, shift.role): Place(schedule, shift.role)
            for shift, schedule in sorted(shifts, key=lambda one: (one[1].name, one[0].role))
            if shift.start < end and shift.end > start
        }
        if joined and joined[-1][1] == start and joined[-1][2].keys() == places.keys():
            joined[-1] = (joined[-1][0], end, places)
        elif places:
            joined.append((start, end, places))
    for start, end, places in joined:
        here = tuple(places.values())
        yield Slot(start, end, here, _collide(found, here), place_words(here))


def _collide(found: Cross, places: Sequence[Place]) -> bool:
    roles = {(origin(place.schedule.slug, found.followed), place.role) for place in places}
    return len(roles) > 1


def place_words(places: Iterable[Place]) -> str:
    """ "Payments (primary) and Platform (backup)"."""
    return durations.list_of(
        [
            _("%(schedule)s (%(role)s)") % {"schedule": place.schedule.name, "role": role_words(place.role)}
            for place in places
        ]
    )


def _span(found: Cross, user: User, slot: Slot) -> lanes.Span:
    times = " – ".join(
        moments.written(moment, "short", at=found.at, zone=found.zone) for moment in (slot.start, slot.end)
    )
    words = {"name": user.name, "places": slot.words, "times": times}
    if slot.clash:
        title = _("%(name)s: %(places)s at once, %(times)s") % words
        names = " + ".join(dict.fromkeys(place.schedule.name for place in slot.places))
        return lanes.Span(slot.start, slot.end, names, kind="double", title=title, icon="triangle-alert")
    title = _("%(name)s: %(places)s, %(times)s") % words
    name = slot.places[0].schedule.name
    return lanes.Span(slot.start, slot.end, name, f"schedule:{slot.places[0].schedule.pk}", title=title)
