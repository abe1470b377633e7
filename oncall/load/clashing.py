"""People on call in two places at once: in two schedules, or in two roles of one (DESIGN.md §3: the rota finds them)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, combinations, groupby, product
from typing import NamedTuple

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from escalation_site.ui import moments
from oncall import rota
from oncall.loading import people_of
from oncall.models import Schedule, ScheduleVersion, User
from oncall.selectors import Loaded, schedules_load
from oncall.wording import role_words

HORIZON = timedelta(weeks=8)
TIMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is on call: a schedule, and in which of its roles."""

    schedule: Schedule
    role: str

    @property
    def role_name(self) -> str:
        return role_words(self.role)


@dataclass(frozen=True, slots=True)
class Clash:
    """One person holds two places from ``start`` to ``end`` (UTC, ``end`` excluded)."""

    user_id: int
    places: tuple[Place, Place]
    start: datetime
    end: datetime

    @property
    def key(self) -> tuple[int, tuple[tuple[int, str], ...]]:
        """Who, and between which places: clashes that come back have the same."""
        return self.user_id, tuple((place.schedule.pk, place.role) for place in self.places)

    @property
    def one_schedule(self) -> bool:
        return self.places[0].schedule.pk == self.places[1].schedule.pk


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two places that clash for one person again and again; ``times`` in order."""

    user: User
    places: tuple[Place, Place]
    times: tuple[tuple[datetime, datetime], ...]

    @property
    def total(self) -> timedelta:
        return sum((end - start for start, end in self.times), timedelta(0))

    @property
    def shown(self) -> tuple[tuple[datetime, datetime], ...]:
        """The first times; ``unshown`` counts the others."""
        return self.times[:TIMES_SHOWN]

    @property
    def unshown(self) -> int:
        return max(len(self.times) - TIMES_SHOWN, 0)

    @property
    def one_schedule(self) -> bool:
        return self.places[0].schedule.pk == self.places[1].schedule.pk


def clashes_between(
    schedules: Iterable[Loaded], *, since: datetime, until: datetime, followed: Mapping[str, str] | None = None
) -> list[Clash]:
    """When somebody is on call in two schedules at once, or in two roles of one; in order of start.

    ``followed`` says which schedule (slug) follows which: what merely repeats another schedule collides with nothing
    of its own family.
    """
    places = _places(schedules, Range(since, until))
    named = {str(number): (place, shifts) for number, (place, shifts) in enumerate(places)}
    found = (
        Clash(one.user_id, _pair(*(named[name][0] for name in one.schedules)), one.start, one.end)
        for one in rota.clashes({name: shifts for name, (_place, shifts) in named.items()})
    )
    families = followed or {}
    return [one for one in found if one.one_schedule or not _related(one, families)]


def _pair(first: Place, second: Place) -> tuple[Place, Place]:
    by_name = sorted((first, second), key=lambda place: (place.schedule.name, place.role))
    return by_name[0], by_name[1]


def _related(clash: Clash, followed: Mapping[str, str]) -> bool:
    first, second = (origin(place.schedule.slug, followed) for place in clash.places)
    return first == second


def origin(slug: str, followed: Mapping[str, str]) -> str:
    """The schedule at the end of the line of following; the one itself where it follows none."""
    seen = {slug}
    while (slug := followed.get(slug, slug)) not in seen:
        seen.add(slug)
    return slug


def followed_schedules() -> dict[str, str]:
    """Which schedule (slug) follows which (slug), by its latest version: one query."""
    newer = ScheduleVersion.objects.filter(schedule=OuterRef("schedule"), number__gt=OuterRef("number"))
    rows = ScheduleVersion.objects.filter(~Exists(newer), definition__has_key="follow")
    return dict(rows.values_list("schedule__slug", "definition__follow"))


def clashes_brought(*, changed: Collection[Loaded], at: datetime, horizon: timedelta = HORIZON) -> list[Clash]:
    """The clashes a change brings within ``horizon`` of ``at``: ``changed`` are the schedules as they would be.

    Only what was no clash before. All other schedules are read as they are, a constant number of queries.
    """
    before = schedules_load(list(Schedule.objects.select_related("team")), since=at)
    new = {loaded.schedule.pk: loaded for loaded in changed}
    old = [before[pk] for pk in new if pk in before]
    people = people_on([*new.values(), *old])
    # Whoever shares nobody with the changed schedules is not computed: the page asks while somebody types.
    others = [loaded for pk, loaded in before.items() if pk not in new and people & people_on([loaded])]
    within, followed = Range(at, at + horizon), followed_schedules()
    theirs = _places(others, within)
    were: dict[object, list[Clash]] = {}
    for one in _clashes_with(_places(old, within), theirs, followed):
        were.setdefault(one.key, []).append(one)
    return [
        one
        for one in _clashes_with(_places(new.values(), within), theirs, followed)
        if not any(prior.start <= one.start and one.end <= prior.end for prior in were.get(one.key, ()))
    ]


class Range(NamedTuple):
    since: datetime
    until: datetime


Held = tuple[Place, Sequence[rota.Shift]]


def people_on(schedules: Iterable[Loaded]) -> set[int]:
    """Everybody the schedules or their overrides name."""
    found: set[int] = set()
    for loaded in schedules:
        for version in loaded.versions:
            found |= people_of(version.spec)
        found |= {override.user_id for override in loaded.overrides}
    return found


Places = Sequence[tuple[Place, Sequence[rota.Shift]]]


def _places(schedules: Iterable[Loaded], within: Range) -> Places:
    # Kept apart by number: a schedule that is only being drafted has no id yet.
    found: dict[tuple[int, str], tuple[Place, list[rota.Shift]]] = {}
    for number, loaded in enumerate(schedules):
        for shift in loaded.shifts(since=within.since, until=within.until):
            place = found.setdefault((number, shift.role), (Place(loaded.schedule, shift.role), []))
            place[1].append(shift)
    return list(found.values())


def _clashes_with(own: Places, theirs: Places, followed: Mapping[str, str]) -> list[Clash]:
    """Clashes in which one of ``own`` takes part, in order of start."""
    found = [
        Clash(one.user_id, _pair(first, second), one.start, one.end)
        for (first, shifts), (second, others) in chain(combinations(own, 2), product(own, theirs))
        for one in rota.clashes({"first": shifts, "second": others})
    ]
    found.sort(key=lambda one: (one.start, one.user_id, *(place.schedule.name for place in one.places)))
    return [one for one in found if one.one_schedule or not _related(one, followed)]


def meetings(clashes: Iterable[Clash], users: Mapping[int, User]) -> list[Meeting]:
    """The clashes gathered by person and pair of places, the soonest first."""
    by_key = groupby(sorted(clashes, key=lambda one: (one.key, one.start)), key=lambda one: one.key)
    found = [_meeting(list(group), users) for _key, group in by_key]
    return sorted(found, key=lambda one: (one.times[0][0], one.user.name, one.places[0].schedule.name))


def _meeting(clashes: Sequence[Clash], users: Mapping[int, User]) -> Meeting:
    first = clashes[0]
    return Meeting(users[first.user_id], first.places, tuple(_joined((one.start, one.end) for one in clashes)))


def _joined(times: Iterable[tuple[datetime, datetime]]) -> Iterator[tuple[datetime, datetime]]:
    current: tuple[datetime, datetime] | None = None
    for start, end in times:
        if current is not None and start <= current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current is not None:
            yield current
        current = (start, end)
    if current is not None:
        yield current


def clash_text(clash: Clash, name: str, *, at: datetime) -> str:
    """The clash as a sentence in the reader's language and zone: for a warning beside a form."""
    words = {
        "name": name,
        "first": clash.places[0].schedule.name,
        "second": clash.places[1].schedule.name,
        "start": moments.written(clash.start, "short", at=at),
        "end": moments.written(clash.end, "short", at=at),
    }
    if clash.one_schedule:
        return _("%(name)s would hold two roles of %(first)s at once from %(start)s to %(end)s.") % words
    return _("%(name)s would be on call for %(first)s and %(second)s at once from %(start)s to %(end)s.") % words
