"""Who is on call how much in a range: the schedules asked for, the people on them, and their time on call.

Days begin at midnight on each person's own clock, so that a month's hours are the same whoever asks for them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from oncall import rota
from oncall.holiday_calendars import public_holidays
from oncall.load.measure import Burden, Clock, Days, burden, clock_of, duties
from oncall.load.spans import Spans
from oncall.loading import people_of
from oncall.models import Schedule, Team, User
from oncall.selectors import Loaded, schedules_load

FURTHEST = timedelta(days=1)
"""No clock is further from UTC: a day of anybody's lies within this of the day in UTC."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a range holds. ``shifts`` (by schedule id) reach a little beyond it; ``duty`` is cut to each person's days.

    ``duty`` is time in the schedules asked for, ``everywhere`` in all there are, which is what limits count.
    """

    days: Days
    schedules: tuple[Loaded, ...]
    people: Mapping[int, User]
    clocks: Mapping[int, Clock]
    shifts: Mapping[int, tuple[rota.Shift, ...]]
    duty: Mapping[int, Spans]
    everywhere: Mapping[int, Spans]

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The range in UTC: for what is said of a schedule and not of a person."""
        utc = ZoneInfo("UTC")
        return self.days.since(utc), self.days.until(utc)

    @property
    def burdens(self) -> dict[int, Burden]:
        return {pk: burden(pk, duty, self.clocks[pk]) for pk, duty in self.duty.items()}

    def of(self, user: User) -> "Reading":
        """What the range holds for one person alone; their schedules stay whole in ``shifts``."""
        own = {user.pk} & self.people.keys()
        return replace(
            self,
            people={pk: self.people[pk] for pk in own},
            clocks={pk: self.clocks[pk] for pk in own},
            duty={pk: self.duty[pk] for pk in own},
            everywhere={pk: self.everywhere[pk] for pk in own},
        )

    def shifts_of(self, loaded: Loaded) -> Iterable[rota.Shift]:
        """The shifts of one schedule, each cut to its person's own days."""
        for shift in self.shifts[loaded.schedule.pk]:
            clock = self.clocks.get(shift.user_id)
            if clock is not None and shift.start < clock.until and shift.end > clock.since:
                yield shift._replace(start=max(shift.start, clock.since), end=min(shift.end, clock.until))


def wide(days: Days) -> tuple[datetime, datetime]:
    """The instants between which everybody's days of the range lie."""
    utc = ZoneInfo("UTC")
    return days.since(utc) - FURTHEST, days.until(utc) + FURTHEST


def reading(chosen: Collection[Schedule], *, days: Days) -> Reading:
    """Read the range for the schedules: a constant number of queries."""
    since, _until = wide(days)
    loaded = schedules_load(list(Schedule.objects.select_related("team")), since=since)
    return reading_of(loaded, {schedule.pk for schedule in chosen}, days=days, users=_users)


def _users(ids: Collection[int]) -> dict[int, User]:
    return User.objects.in_bulk(list(ids))


def reading_of(
    loaded: Mapping[int, Loaded],
    chosen: Collection[int],
    *,
    days: Days,
    users: Callable[[Collection[int]], Mapping[int, User]],
) -> Reading:
    """The range for the ``chosen`` ones of all schedules; ``users`` finds people by id and is asked once."""
    since, until = wide(days)
    asked = {pk: item for pk, item in loaded.items() if pk in chosen}
    shifts = {pk: item.shifts(since=since, until=until) for pk, item in asked.items()}
    serving = {shift.user_id for found in shifts.values() for shift in found}
    named = serving.union(*(people for item in asked.values() for _start, people in members(item, since, until)))
    # Who has left counts for the time they had.
    people = {pk: user for pk, user in users(named).items() if user.is_active or pk in serving}
    clocks = _clocks(people.values(), days)
    duty = duties((shift for found in shifts.values() for shift in found), clocks)
    limited = {pk for pk, user in people.items() if user.capacity_hours is not None}
    others = [
        shift
        for pk, item in loaded.items()
        if pk not in asked and limited & named_in(item, since, until)
        for shift in item.shifts(since=since, until=until)
    ]
    elsewhere = duties(others, {pk: clocks[pk] for pk in limited})
    everywhere = {pk: Spans((*own.pairs, *elsewhere[pk].pairs)) if pk in limited else own for pk, own in duty.items()}
    return Reading(days, tuple(asked.values()), people, clocks, shifts, duty, everywhere)


def members(loaded: Loaded, since: datetime, until: datetime) -> list[tuple[datetime, set[int]]]:
    """Whom the schedule's versions name, each from when it is in force within the range."""
    if not loaded.versions:
        return []
    return [(reign.start, people_of(reign.spec)) for reign in rota.resolve(loaded.versions, since=since, until=until)]


def named_in(loaded: Loaded, since: datetime, until: datetime) -> set[int]:
    """Everybody who could be on call by the schedule in the range."""
    named = {one.user_id for one in loaded.overrides}
    return named.union(*(people for _start, people in members(loaded, since, until)))


def _clocks(people: Iterable[User], days: Days) -> dict[int, Clock]:
    made: dict[tuple[str, str], Clock] = {}
    for user in people:
        key = (user.time_zone, user.holiday_calendar)
        if key not in made:
            made[key] = clock_of(ZoneInfo(user.time_zone), days, holidays_of(user, days))
    return {user.pk: made[user.time_zone, user.holiday_calendar] for user in people}


def holidays_of(user: User, days: Days) -> dict[date, str]:
    """The public holidays a person keeps in the range, by day; none where no calendar is set."""
    if not user.holiday_calendar:
        return {}
    return public_holidays(user.holiday_calendar, since=days.first, until=days.last)


def sub_teams(team: Team) -> set[int]:
    """Ids of the team and of all teams under it: one query."""
    parents = dict(Team.objects.values_list("pk", "parent_id"))
    found = {team.pk}
    while more := {pk for pk, parent in parents.items() if parent in found} - found:
        found |= more
    return found
