"""Who is paged for a schedule at an instant: those on call, unless a limit, a lacking skill or a closed account speaks against it.

Being on call and being paged differ on purpose. The rota alone says who is on call, for every surface. Here the next
person in turn is chosen where somebody must be passed over, and every skip carries its reason (R058, R097, R295); in the
first minutes after a handoff the outgoing person may be paged as well (R296).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from oncall import ports, rota
from oncall.handoffs import handoff_accepted
from oncall.loading import Loaded, people_of, schedules_load
from oncall.models import Schedule, User

# As far back as minimum rest and consecutive hours are looked for, beyond their own length.
MARGIN = timedelta(days=1)
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Paged:
    """Somebody to page for a schedule, as what, why and until when (UTC)."""

    user: User
    role: str
    why: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Somebody passed over, and why: "away", "holiday", "inactive", "over_capacity", "too_long", "too_little_rest" or
    "lacks:" with the missing skills. ``since`` is when their shift began, None where they held none.
    """

    user: User
    role: str
    reason: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The people to page for one schedule, and those passed over on the way, both in order."""

    paged: tuple[Paged, ...]
    skipped: tuple[Skipped, ...]


class Seat(NamedTuple):
    """One place on call: the shift somebody holds in a role."""

    schedule_id: int
    shift: rota.Shift


AWAY = {rota.Why.COVER: "away", rota.Why.HOLIDAY_COVER: "holiday"}
# Where everybody is above a limit, the limits are set aside: an overloaded person is better than nobody.
LIMIT_REASONS = frozenset({"over_capacity", "too_long", "too_little_rest"})


def selections_at(
    *,
    schedules: Collection[Schedule],
    at: datetime,
    skills: Collection[str] = (),
    loaded: Mapping[int, Loaded] | None = None,
) -> dict[int, Selection]:
    """Whom to page for each schedule at ``at``, by schedule id; ``skills`` (slugs) are those they must hold, all of them.

    Four queries, however many schedules; one more for each of limits on pages, skills and handovers until acceptance. A page that has
    the schedules at hand gives them as ``loaded``, which spares three.
    """
    return _Selecting(schedules, at, skills, loaded).done()


class _Selecting:
    def __init__(
        self,
        schedules: Collection[Schedule],
        at: datetime,
        skills: Collection[str],
        loaded: Mapping[int, Loaded] | None,
    ) -> None:
        self.at, self.skills = at, skills
        if loaded is None:
            loaded = schedules_load(schedules, since=at)
        self.loaded = {schedule.pk: loaded[schedule.pk] for schedule in schedules}
        self.seats = [Seat(pk, shift) for pk, item in self.loaded.items() for shift in item.on_call_at(at)]
        self.outgoing = {seat: self._outgoing(seat) for seat in self.seats}
        self.users = self._users()
        self.pages = self._pages()
        self._forget_accepted()

    def done(self) -> dict[int, Selection]:
        found: dict[int, Selection] = {}
        for pk in self.loaded:
            paged: dict[tuple[int, str], Paged] = {}
            skipped: dict[tuple[int, str], Skipped] = {}
            taken: set[tuple[int, str]] = {
                (seat.shift.user_id, seat.shift.role) for seat in self.seats if seat.schedule_id == pk
            }
            for seat in self.seats:
                if seat.schedule_id == pk:
                    self._seat(seat, paged, skipped, taken)
            found[pk] = Selection(tuple(paged.values()), tuple(skipped.values()))
        return found

    def _seat(
        self,
        seat: Seat,
        paged: dict[tuple[int, str], Paged],
        skipped: dict[tuple[int, str], Skipped],
        taken: set[tuple[int, str]],
    ) -> None:
        """Fill one place: its holder or, where something speaks against them, the next in turn who is not asked already."""
        shift = seat.shift
        missed = self.users.get(shift.instead_of or 0)
        if missed is not None and shift.why in AWAY:
            skipped.setdefault((missed.pk, shift.role), Skipped(missed, shift.role, AWAY[shift.why]))
        reason = self._reason(seat, shift.user_id)
        if reason is None:
            self._take(seat, shift.user_id, str(shift.why), paged)
        else:
            self._replace(seat, reason, paged, skipped, taken)
        for user_id in self.outgoing[seat]:
            user = self.users.get(user_id)
            if user is not None and user.is_active:
                paged.setdefault((user_id, shift.role), Paged(user, shift.role, "handover", None))

    def _replace(
        self,
        seat: Seat,
        reason: str,
        paged: dict[tuple[int, str], Paged],
        skipped: dict[tuple[int, str], Skipped],
        taken: set[tuple[int, str]],
    ) -> None:
        shift, passed = seat.shift, {seat.shift.user_id: reason}
        for user_id in self.loaded[seat.schedule_id].succession(at=self.at, role=shift.role):
            if (user_id, shift.role) in taken or user_id in passed:
                continue
            against = self._reason(seat, user_id)
            if against is None:
                self._skip(seat, passed, skipped)
                taken.add((user_id, shift.role))
                self._take(seat, user_id, "next_in_turn", paged)
                return
            passed[user_id] = against
        if reason in LIMIT_REASONS:
            # Nobody else can: the holder keeps it, limits or not.
            self._take(seat, shift.user_id, str(shift.why), paged)
        else:
            self._skip(seat, passed, skipped)

    def _take(self, seat: Seat, user_id: int, why: str, paged: dict[tuple[int, str], Paged]) -> None:
        until = seat.shift.end
        paged.setdefault((user_id, seat.shift.role), Paged(self.users[user_id], seat.shift.role, why, until))

    def _skip(self, seat: Seat, passed: Mapping[int, str], skipped: dict[tuple[int, str], Skipped]) -> None:
        for user_id, reason in passed.items():
            user = self.users.get(user_id)
            if user is not None:
                since = seat.shift.start if user_id == seat.shift.user_id else None
                skipped.setdefault((user_id, seat.shift.role), Skipped(user, seat.shift.role, reason, since))

    def _reason(self, seat: Seat, user_id: int) -> str | None:
        """Why this person is not to be paged now; None where nothing speaks against it."""
        user = self.users.get(user_id)
        if user is None or not user.is_active:
            return "inactive"
        if self.skills:
            held = {user_id: [skill.slug for skill in user.skills.all()]}
            lacking = rota.skill_reasons([user_id], required=self.skills, held=held).get(user_id)
            if lacking:
                return lacking
        limits = self._limits(seat.schedule_id, user)
        if limits == rota.Limits():
            return None
        return rota.limit_reason(
            self._around(seat.schedule_id, limits),
            user_id=user_id,
            at=self.at,
            limits=limits,
            pages=self.pages.get(user_id, 0),
        )

    def _limits(self, schedule_id: int, user: User) -> rota.Limits:
        """The schedule's limits, with the person's own number of pages where one is set."""
        spec = self.loaded[schedule_id].spec_at(self.at)
        limits = spec.limits if spec is not None else rota.Limits()
        if user.capacity_pages is None:
            return limits
        return rota.Limits(pages_per_shift=user.capacity_pages, consecutive=limits.consecutive, rest=limits.rest)

    def _around(self, schedule_id: int, limits: rota.Limits) -> Sequence[rota.Shift]:
        reach = (limits.consecutive or timedelta(0)) + (limits.rest or timedelta(0)) + MARGIN
        return self.loaded[schedule_id].shifts(since=self.at - reach, until=self.at + INSTANT, whole=True)

    def _users(self) -> dict[int, User]:
        """Everybody who might be asked: those on call, and whoever the schedules name where a skip may be needed."""
        wanted = {seat.shift.user_id for seat in self.seats}
        wanted |= {seat.shift.instead_of for seat in self.seats if seat.shift.instead_of is not None}
        wanted |= {user_id for outgoing in self.outgoing.values() for user_id in outgoing}
        for item in self.loaded.values():
            spec = item.spec_at(self.at)
            if spec is not None:
                wanted |= people_of(spec)
        people = User.objects.filter(pk__in=wanted)
        return {user.pk: user for user in (people.prefetch_related("skills") if self.skills else people)}

    def _pages(self) -> Mapping[int, int]:
        """Pages in the present shift of everybody whose pages are limited; of those who may step in, since that one began."""
        held: dict[int, datetime] = {}
        coming: dict[int, datetime] = {}
        for seat in self.seats:
            spec = self.loaded[seat.schedule_id].spec_at(self.at)
            for user_id in {seat.shift.user_id} | (people_of(spec) if spec is not None else set()):
                user = self.users.get(user_id)
                if user is not None and self._limits(seat.schedule_id, user).pages_per_shift is not None:
                    starts = held if user_id == seat.shift.user_id else coming
                    starts[user_id] = min(seat.shift.start, starts.get(user_id, self.at))
        starts = coming | held
        return ports.pages_since(starts, until=self.at) if starts else {}

    def _outgoing(self, seat: Seat) -> tuple[int, ...]:
        """Who held the role just before a handoff that is still fresh, where the schedule pages them too."""
        item, shift = self.loaded[seat.schedule_id], seat.shift
        spec = item.spec_at(self.at)
        if spec is None or spec.handover.page is rota.HandoverPage.INCOMING:
            return ()
        if self.at - shift.start >= spec.handover.window:
            return ()
        holding = {other.shift.user_id for other in self.seats if other.schedule_id == seat.schedule_id}
        before = [one for one in item.on_call_at(shift.start - INSTANT) if one.role == shift.role]
        # Their absence may be why the shift has changed hands.
        return tuple(one.user_id for one in before if one.user_id not in holding | item.away_at(self.at))

    def _forget_accepted(self) -> None:
        """Forget the outgoing people where the incoming one has accepted and the schedule says that this is enough."""
        waiting = {
            seat: spec.handover.window
            for seat, outgoing in self.outgoing.items()
            if outgoing
            and (spec := self.loaded[seat.schedule_id].spec_at(self.at)) is not None
            and spec.handover.page is rota.HandoverPage.UNTIL_ACCEPTED
        }
        if not waiting:
            return
        accepted = handoff_accepted(
            {seat.schedule_id for seat in waiting}, since=self.at - max(waiting.values()), at=self.at
        )
        for seat in waiting:
            if (seat.schedule_id, seat.shift.role, seat.shift.user_id) in accepted:
                self.outgoing[seat] = ()
