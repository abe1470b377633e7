"""People on call in two places at once: in two schedules, or in two roles of one (DESIGN.md §3: the rota finds them)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from escalation_site.ui import moments
from oncall import rota
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
    by_place: dict[str, list[rota.Shift]] = {}
    places: dict[str, Place] = {}
    # Named by number: a schedule that is only being drafted has no id yet.
    for number, loaded in enumerate(schedules):
        for shift in loaded.shifts(since=since, until=until):
            name = f"{number}:{shift.role}"
            places.setdefault(name, Place(loaded.schedule, shift.role))
            by_place.setdefault(name, []).append(shift)
    found = (
        Clash(one.user_id, _pair(*(places[name] for name in one.schedules)), one.start, one.end)
        for one in rota.clashes(by_place)
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
    after = {**before, **{loaded.schedule.pk: loaded for loaded in changed}}
    followed, until = followed_schedules(), at + horizon
    changed_ids = {loaded.schedule.pk for loaded in changed}
    were = clashes_between(before.values(), since=at, until=until, followed=followed)
    return [
        one
        for one in clashes_between(after.values(), since=at, until=until, followed=followed)
        if any(place.schedule.pk in changed_ids for place in one.places) and not _was(one, were)
    ]


def _was(clash: Clash, were: Iterable[Clash]) -> bool:
    return any(one.key == clash.key and one.start <= clash.start and clash.end <= one.end for one in were)


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
