"""One person's duty: what they hold now and next, the swaps around it, their absences and who covers them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q

from oncall import permissions, rota
from oncall.loading import people_of
from oncall.models import Absence, Override, Schedule, Swap, SwapAsk, User
from oncall.previews import Change, Line, changes, lines
from oncall.selectors import Loaded, schedules_load
from oncall.taking import roles_of
from oncall.wording import role_words, why_words

HORIZON = timedelta(weeks=8)
RECENT = timedelta(days=7)
"""A settled swap stays on the page for this long."""


@dataclass(frozen=True, slots=True)
class OwnShift:
    """One of the reader's shifts; ``swap`` is what they have asked for it, ``override`` the one by which they hold it."""

    schedule: Schedule
    role: str
    start: datetime
    end: datetime
    why: str
    override: Override | None
    swap: Swap | None

    @property
    def role_name(self) -> str:
        return role_words(self.role)


@dataclass(frozen=True, slots=True)
class Takeable:
    """A schedule that the reader may take now, in one of ``roles`` (name, words) that they do not hold."""

    schedule: Schedule
    roles: tuple[tuple[str, str], ...]
    holders: tuple[User, ...]


@dataclass(frozen=True, slots=True)
class OwnAbsence:
    """A plan of one's own, and what it does to the shifts of the coming weeks."""

    absence: Absence
    lines: tuple[Line, ...]

    @property
    def gaps(self) -> bool:
        return any(line.change.opens_gap for line in self.lines)


@dataclass(frozen=True, slots=True)
class Mine:
    now: tuple[OwnShift, ...]
    coming: tuple[OwnShift, ...]
    takeable: tuple[Takeable, ...]
    asked: tuple[SwapAsk, ...]
    swaps: tuple[Swap, ...]
    absences: tuple[OwnAbsence, ...]
    holidays: tuple[Absence, ...]
    to_decide: int


def mine(user: User, *, at: datetime) -> Mine:
    """Everything on the page "My duty": a constant number of queries, however many schedules, shifts and swaps."""
    until = at + HORIZON
    loaded = schedules_load(list(Schedule.objects.select_related("team").order_by("name")), since=at)
    shifts = {
        pk: item.shifts(since=at, until=until, whole=True) for pk, item in loaded.items() if _concerns(item, user)
    }
    swaps = _swaps(user, at=at)
    absences = list(user.absences.filter(end__gt=at).exclude(kind=Absence.Kind.LEFT).order_by("start", "id"))
    plans = [one for one in absences if one.kind == Absence.Kind.AWAY and one.state in _SHOWN]
    effects = {one.pk: _effects(one, [loaded[pk] for pk in shifts], at=at, until=until) for one in plans}
    teams = set(user.memberships.values_list("team_id", flat=True))
    takeable = [item for item in loaded.values() if _may_take(user, item, teams) and item.versions]
    holders = {item.schedule.pk: item.on_call_at(at) for item in takeable}
    names = User.objects.in_bulk(
        {pk for found in shifts.values() for shift in found for pk in (shift.instead_of,) if pk is not None}
        | {shift.user_id for found in holders.values() for shift in found}
    )
    overrides = {one.pk: one for one in user.overrides.filter(cancelled_at=None, end__gt=at).select_related("schedule")}
    own = [
        _own(loaded[pk].schedule, shift, names, overrides, swaps)
        for pk, found in shifts.items()
        for shift in found
        if shift.user_id == user.pk
    ]
    own.sort(key=lambda one: (one.start, one.schedule.name, one.role))
    told = {line.change: line for line in lines([change for found in effects.values() for change in found])}
    return Mine(
        now=tuple(one for one in own if one.start <= at),
        coming=tuple(one for one in own if one.start > at),
        takeable=tuple(_takeable(item, holders[item.schedule.pk], names, user, at) for item in takeable),
        asked=_asked(user, at=at),
        swaps=tuple(swaps),
        absences=tuple(OwnAbsence(one, tuple(told[change] for change in effects[one.pk])) for one in plans),
        holidays=tuple(one for one in absences if one.kind == Absence.Kind.HOLIDAY),
        to_decide=_to_decide(user),
    )


_SHOWN = (Absence.State.PENDING, Absence.State.APPROVED, Absence.State.DECLINED)


def _concerns(item: Loaded, user: User) -> bool:
    return any(user.pk in people_of(spec) for _start, spec in item.versions) or any(
        one.user_id == user.pk for one in item.overrides
    )


def _may_take(user: User, item: Loaded, teams: set[int]) -> bool:
    return permissions.is_responder(user) and (item.schedule.team_id in teams)


def _takeable(
    item: Loaded, holders: Sequence[rota.Shift], names: Mapping[int, User], user: User, at: datetime
) -> Takeable:
    own = {shift.role for shift in holders if shift.user_id == user.pk}
    roles = tuple((role, role_words(role)) for role in roles_of(item, at) if role not in own)
    people = dict.fromkeys(shift.user_id for shift in holders if shift.user_id != user.pk)
    return Takeable(item.schedule, roles, tuple(names[pk] for pk in people if pk in names))


def _own(
    schedule: Schedule,
    shift: rota.Shift,
    names: Mapping[int, User],
    overrides: Mapping[int, Override],
    swaps: Sequence[Swap],
) -> OwnShift:
    def name_of(pk: int) -> str:
        return names[pk].name if pk in names else "?"

    asked = next(
        (
            one
            for one in swaps
            if one.state in (Swap.State.OPEN, Swap.State.WAITING)
            and (one.schedule_id, one.role) == (schedule.pk, shift.role)
            and one.start < shift.end
            and shift.start < one.end
        ),
        None,
    )
    override = overrides.get(shift.override_id) if shift.override_id is not None else None
    return OwnShift(schedule, shift.role, shift.start, shift.end, why_words(shift, name_of), override, asked)


def _swaps(user: User, *, at: datetime) -> list[Swap]:
    """What the reader has asked for, live or settled of late."""
    asks = Prefetch("asks", SwapAsk.objects.select_related("user"))
    found = user.swaps.filter(Q(settled_at=None) | Q(settled_at__gt=at - RECENT), end__gt=at)
    return list(found.select_related("schedule", "accepted_by", "requester").prefetch_related(asks))


def _asked(user: User, *, at: datetime) -> tuple[SwapAsk, ...]:
    """Where others wait for the reader's answer."""
    open_ones = user.swap_asks.filter(swap__state=Swap.State.OPEN, swap__expires_at__gt=at, answer="")
    return tuple(open_ones.select_related("swap__schedule", "swap__requester").order_by("swap__start"))


def _effects(absence: Absence, loaded: Sequence[Loaded], *, at: datetime, until: datetime) -> list[Change]:
    """What this absence alone changes, whether it counts yet or not."""
    value = rota.Absence(user_id=absence.user_id, start=absence.start, end=absence.end)
    since, end = max(absence.start, at), min(absence.end, until)
    found = []
    for item in loaded if absence.state != Absence.State.DECLINED else ():
        without = replace(item, absences=tuple(one for one in item.absences if one != value))
        found += changes(without, without.with_absences(value), since=since, until=end)
    return found


def _to_decide(user: User) -> int:
    """How many absences and swaps wait for a manager."""
    if not user.may_manage:
        return 0
    absences = Absence.objects.filter(state=Absence.State.PENDING).exclude(user=user).count()
    swaps = Swap.objects.filter(state=Swap.State.WAITING).exclude(Q(requester=user) | Q(accepted_by=user)).count()
    return absences + swaps
