"""Whether a schedule's burden is shared fairly, who bears most and least, and why, in words."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import dateformat
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oncall import rota
from oncall.load.measure import Hours, duties
from oncall.load.reading import Reading, members
from oncall.load.spans import NOTHING
from oncall.models import Schedule, User
from oncall.selectors import Loaded

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EVEN, UNEVEN = 90, 75
"""From these scores on the burden counts as even, and as not quite so."""
CHANGED = (rota.Why.OVERRIDE, rota.Why.SWAP, rota.Why.COVER, rota.Why.HOLIDAY_COVER)

Part = Callable[[Hours], timedelta]
BURDENS: tuple[tuple[str | Promise, Part], ...] = (
    (gettext_lazy("Hours"), lambda hours: hours.total),
    (gettext_lazy("Nights"), lambda hours: hours.nights),
    (gettext_lazy("Weekends"), lambda hours: hours.weekends),
)


@dataclass(frozen=True, slots=True)
class Score:
    """How evenly one burden is shared, from 0 to 100, in a word, and who bears most and least of it."""

    label: str
    value: int
    word: str
    tone: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Fairness:
    """One schedule: its three scores, and what explains the differences."""

    schedule: Schedule
    scores: tuple[Score, ...]
    reasons: tuple[str, ...]

    @property
    def worst(self) -> int:
        return min(score.value for score in self.scores)


def fairnesses(found: Reading, *, only: User | None = None) -> list[Fairness]:
    """Each schedule with at least two people, the least fair first.

    ``only`` keeps the schedules of that person, and leaves out what others bear: the sentences speak of that person
    alone. ``found`` holds everybody all the same, whom the score is about.
    """
    made = [_fairness(found, loaded, only) for loaded in found.schedules]
    return sorted((one for one in made if one), key=lambda one: (one.worst, one.schedule.name))


def _fairness(found: Reading, loaded: Loaded, only: User | None) -> Fairness | None:
    own = list(found.shifts_of(loaded))
    # Who only stepped in bears no part of the rotation; to count them would make every favour look unfair.
    rotation = {pk: found.people[pk] for pk in _named(found, loaded) if pk in found.people}
    duty = duties(own, {pk: found.clocks[pk] for pk in rotation})
    shares = {pk: found.clocks[pk].hours_of(spans) for pk, spans in duty.items()}
    if len(shares) < 2 or not any(hours.total for hours in shares.values()):
        return None
    if only is not None and only.pk not in shares:
        return None
    scores = tuple(
        _score(str(label), {pk: part(hours) for pk, hours in shares.items()}, rotation, only) for label, part in BURDENS
    )
    involved = {pk: found.people[pk] for pk in rotation.keys() | {shift.user_id for shift in own}}
    shown = involved if only is None else {only.pk: only}
    return Fairness(loaded.schedule, scores, tuple(_reasons(found, loaded, own, shown)))


def _named(found: Reading, loaded: Loaded) -> set[int]:
    since, until = found.bounds
    return set[int]().union(*(people for _start, people in members(loaded, since, until)))


def _score(label: str, shares: Mapping[int, timedelta], people: Mapping[int, User], only: User | None) -> Score:
    value = round(100 * rota.fairness(shares))
    word, tone = _word(value)
    even = sum(shares.values(), NOTHING) / len(shares)
    return Score(label, value, word, tone, _sentence(shares, people, even, only))


def _word(value: int) -> tuple[str, str]:
    if value >= EVEN:
        return _("even"), "ok"
    if value >= UNEVEN:
        return _("not quite even"), ""
    return _("one-sided"), "warn"


def _sentence(shares: Mapping[int, timedelta], people: Mapping[int, User], even: timedelta, only: User | None) -> str:
    """Who bears most and least, against the even share."""
    if not even:
        return _("Nobody has any.")
    words = {"even": _hours(even)}
    if only is not None:
        mine = shares[only.pk]
        words |= {"mine": _hours(mine), "by": _against(mine, even)}
        return _("You have %(mine)s, %(by)s the even share of %(even)s.") % words
    ranked = sorted(shares, key=lambda pk: (-shares[pk], people[pk].name))
    most, least = ranked[0], ranked[-1]
    if round(shares[most] / HOUR) == round(shares[least] / HOUR):
        return _("Everybody has %(even)s.") % words
    words |= {
        "most": people[most].name,
        "most_hours": _hours(shares[most]),
        "by": _against(shares[most], even),
        "least": people[least].name,
        "least_hours": _hours(shares[least]),
    }
    return (
        _("%(most)s has most, %(most_hours)s, %(by)s the even share of %(even)s; %(least)s has least, %(least_hours)s.")
        % words
    )


def _against(burden: timedelta, even: timedelta) -> str:
    percent = round(100 * (burden / even - 1))
    if percent > 0:
        return _("%(percent)d%% above") % {"percent": percent}
    if percent < 0:
        return _("%(percent)d%% below") % {"percent": -percent}
    return _("just at")


def _hours(span: timedelta) -> str:
    return _("%(hours)d h") % {"hours": round(span / HOUR)}


def _reasons(found: Reading, loaded: Loaded, own: Iterable[rota.Shift], people: Mapping[int, User]) -> Iterable[str]:
    """What sets somebody apart: joined or left within the range, was away, took over or gave away."""
    since, until = found.bounds
    reigns = members(loaded, since, until)
    taken, given = _exchanged(own)
    for pk, user in sorted(people.items(), key=lambda item: item[1].name):
        clock = found.clocks[pk]
        began = [start for start, named in reigns if pk in named]
        if began and pk not in reigns[0][1]:
            day = dateformat.format(began[0].astimezone(clock.zone), "j M Y")
            yield _("%(name)s joined the rotation on %(day)s.") % {"name": user.name, "day": day}
        if began and pk not in reigns[-1][1]:
            left = next(start for start, named in reigns if start > began[-1] and pk not in named)
            day = dateformat.format(left.astimezone(clock.zone), "j M Y")
            yield _("%(name)s left the rotation on %(day)s.") % {"name": user.name, "day": day}
        away = sum((_overlap(one, since, until) for one in loaded.absences if _is_leave(one, pk)), NOTHING)
        if away >= DAY / 2:
            days = max(round(away / DAY), 1)
            yield _("%(name)s is away for %(days)d of the days.") % {"name": user.name, "days": days}
        if taken.get(pk) and not began:
            yield _("%(name)s, who is not of the rotation, took over %(hours)s.") % {
                "name": user.name,
                "hours": _hours(taken[pk]),
            }
        elif taken.get(pk):
            yield _("%(name)s took over %(hours)s from others.") % {"name": user.name, "hours": _hours(taken[pk])}
        if given.get(pk):
            yield _("Others took over %(hours)s from %(name)s.") % {"name": user.name, "hours": _hours(given[pk])}


def _exchanged(own: Iterable[rota.Shift]) -> tuple[dict[int, timedelta], dict[int, timedelta]]:
    """How much each person took over, and had taken off them, by overrides, swaps and covers."""
    taken: dict[int, timedelta] = {}
    given: dict[int, timedelta] = {}
    for shift in own:
        if shift.why in CHANGED:
            taken[shift.user_id] = taken.get(shift.user_id, NOTHING) + shift.duration
            if shift.instead_of is not None:
                given[shift.instead_of] = given.get(shift.instead_of, NOTHING) + shift.duration
    return taken, given


def _is_leave(absence: rota.Absence, pk: int) -> bool:
    return absence.user_id == pk and absence.reason is rota.AbsenceReason.ABSENCE


def _overlap(absence: rota.Absence, since: datetime, until: datetime) -> timedelta:
    return max(min(absence.end, until) - max(absence.start, since), NOTHING)
