"""What people planned in the last days, by the services: absences, swaps, a gap that is known and one that is not.

Each plan looks for somebody it fits, since who is on call depends on the day on which the demo is loaded.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from escalation_site.configuration.applying import configuration_apply
from escalation_site.demo.life import Life
from oncall import rota
from oncall.absences import absence_create
from oncall.handoff_check import handoffs_check
from oncall.models import Override, Schedule, User
from oncall.notices import shifts_watched
from oncall.override_preview import preview_of
from oncall.selectors import duties, holders_at, schedules_load
from oncall.swaps import swap_accept, swap_create
from oncall.taking import override_plan

LATELY = Path(__file__).with_name("lately.yaml")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
IN_THE_MOUNTAINS = ("keiko", "mateo", "bram", "chloe", "lars", "owen", "paolo")
AT_A_WEDDING = ("lena", "marco", "anouk", "freja", "tomas")


def plans_plan(life: Life) -> None:
    """Plan everything; what is in force at once comes last, at the demo's present."""
    until, hour = life.until, life.until.replace(minute=0, second=0, microsecond=0)
    life.plan(until - 4 * DAY, partial(_swap_done, life))
    life.plan(hour - 3 * DAY, partial(_away_now, life))
    life.plan(until - 2 * DAY, partial(_support_closed, life))
    life.plan(until - 30 * HOUR, partial(_away_soon, life))
    life.plan(until - 26 * HOUR, partial(_gap_accepted, life))
    life.plan(until - 20 * HOUR, partial(_away_perhaps, life))
    life.plan(until - 7 * HOUR, partial(_swap_waiting, life))
    life.plan(until - 5 * HOUR, partial(_swap_open, life))
    life.plan(until, _lately)
    life.plan(until, _ill)
    life.plan(until, _last_look)


# --- absences


def _away_now(life: Life, at: datetime) -> None:
    """Somebody who was not on call in these days, so that nothing is rewritten, and is soon."""
    for user in _people(IN_THE_MOUNTAINS):
        if not duties(user, since=at, until=life.until):
            _away(user, at, _midnight(user, life.until + 4 * DAY), "In the mountains, without a signal.", at=at)
            return


def _away_soon(life: Life, at: datetime) -> None:
    """Somebody whose turn it would be: the next in turn covers."""
    for user in _people(AT_A_WEDDING):
        coming = [duty.start for duty in duties(user, since=life.until + 3 * DAY, until=life.until + 12 * DAY)]
        if coming:
            start = _midnight(user, coming[0])
            _away(user, start, start + 3 * DAY, "My sister’s wedding.", at=at)
            return


def _support_closed(life: Life, at: datetime) -> None:
    """The only one at the desk: a gap that nobody has mended yet."""
    amara = _person("amara")
    start = _midnight(amara, life.until + 5 * DAY)
    _away(amara, start, start + DAY, "Moving house.", at=at)


def _away_perhaps(life: Life, at: datetime) -> None:
    """In a team that wants a manager's word."""
    ines = _person("ines")
    start = _midnight(ines, life.until + 9 * DAY)
    _away(ines, start, start + 5 * DAY, "Holidays with the children.", at=at)


def _ill(at: datetime) -> None:
    """From now on, and on call: the next in turn has it."""
    holder = _holder("storefront-first", "secondary", at)
    if holder is not None:
        _away(holder, at, _midnight(holder, at + 3 * DAY), "Fever.", at=at)


def _away(user: User, start: datetime, end: datetime, reason: str, *, at: datetime) -> None:
    absence_create(user=user, start=start, end=end, reason=reason, actor=user, at=at)


# --- swaps


def _swap_done(life: Life, at: datetime) -> None:
    """An exchange, accepted within hours: both shifts lie ahead."""
    schedule = _schedule("storefront-first")
    mine, theirs = _two_people(schedule, since=life.until + DAY, until=life.until + 12 * DAY)
    requester, taker = User.objects.get(pk=mine.user_id), User.objects.get(pk=theirs.user_id)
    swap = swap_create(
        schedule=schedule,
        role=mine.role,
        requester=requester,
        start=mine.start,
        end=mine.end,
        asked=[taker],
        return_start=theirs.start,
        return_end=theirs.end,
        note="School play.",
        at=at,
    )
    life.plan(at + life.minutes(20, 300), lambda at: _accept(swap.pk, taker, at))


def _swap_waiting(life: Life, at: datetime) -> None:
    """Accepted, in a team that wants a manager's word."""
    schedule = _schedule("platform-follow-the-sun")
    mine, _next = _two_people(schedule, since=life.until + 6 * DAY, until=life.until + 30 * DAY)
    requester, taker = User.objects.get(pk=mine.user_id), _person("yusuf")
    swap = swap_create(
        schedule=schedule,
        role=mine.role,
        requester=requester,
        start=mine.start,
        end=mine.end,
        asked=[taker],
        note="A course that cannot be moved.",
        at=at,
    )
    life.plan(at + life.minutes(10, 60), lambda at: _accept(swap.pk, taker, at))


def _swap_open(life: Life, at: datetime) -> None:
    """Jonas and a colleague are asked, and neither has answered."""
    schedule = _schedule("payments-first")
    jonas = _person("jonas")
    weekly = set(User.objects.filter(username__in=("marta", "ines")).values_list("pk", flat=True))
    for shift in _coming(schedule, since=life.until + 5 * DAY, until=life.until + 30 * DAY):
        if shift.user_id in weekly:
            requester = User.objects.get(pk=shift.user_id)
            colleague = User.objects.get(pk=next(iter(weekly - {shift.user_id})))
            swap_create(
                schedule=schedule,
                role=shift.role,
                requester=requester,
                start=shift.start,
                end=shift.end,
                asked=[jonas, colleague],
                note="Dentist in the morning.",
                at=at,
            )
            return


def _accept(swap_id: int, user: User, at: datetime) -> None:
    swap_accept(swap_id=swap_id, user=user, at=at)


# --- gaps, and what changed last


def _gap_accepted(life: Life, at: datetime) -> None:
    """The second manager is taken off for a night, and the first one knows."""
    schedule, elena = _schedule("managers-on-duty"), _person("elena")
    start = _midnight(elena, life.until + 4 * DAY)
    away = _holder("managers-on-duty", "secondary", start)
    if away is None:
        return
    window = rota.Override(
        kind=rota.OverrideKind.REMOVE, user_id=away.pk, start=start, end=start + 8 * HOUR, role="secondary"
    )
    preview = preview_of(schedules_load([schedule], since=at)[schedule.pk], window, at=at)
    override_plan(
        schedule=schedule,
        planner=elena,
        kind=Override.Kind.REMOVE,
        user=away,
        start=window.start,
        end=window.end,
        role=window.role,
        reason="On a night flight; the first manager knows.",
        accepted=preview.accepted(),
        at=at,
    )


def _lately(at: datetime) -> None:
    """Holidays, skills, limits, a handover: in force from the present on, by the administrator's hand."""
    text = LATELY.read_text(encoding="utf-8")
    # One look at the shifts before and after, instead of one for each person's holidays.
    with shifts_watched([], actor=None, at=at):
        configuration_apply(text, source="what changed lately", at=at, environ={}, user=_person("ruth"))


def _last_look(at: datetime) -> None:
    handoffs_check(at=at)


# --- who


def _person(username: str) -> User:
    return User.objects.get(username=username)


def _people(usernames: tuple[str, ...]) -> list[User]:
    return [_person(username) for username in usernames]


def _midnight(user: User, moment: datetime) -> datetime:
    """When the day of ``moment`` began on the person's own clock."""
    day = moment.astimezone(ZoneInfo(user.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return day.astimezone(UTC)


def _schedule(slug: str) -> Schedule:
    return Schedule.objects.select_related("team").get(slug=slug)


def _holder(slug: str, role: str, at: datetime) -> User | None:
    schedule = _schedule(slug)
    holders = holders_at(schedules=[schedule], at=at)[schedule.pk]
    return next((holder.user for holder in holders if holder.role == role), None)


def _coming(schedule: Schedule, *, since: datetime, until: datetime) -> list[rota.Shift]:
    """The first role's whole shifts that begin in the range."""
    shifts = schedules_load([schedule], since=since)[schedule.pk].shifts(since=since, until=until)
    return [shift for shift in shifts if shift.role == rota.PRIMARY and since < shift.start and shift.end < until]


def _two_people(schedule: Schedule, *, since: datetime, until: datetime) -> tuple[rota.Shift, rota.Shift]:
    """Two shifts of two people."""
    first, *rest = _coming(schedule, since=since, until=until)
    return first, next(shift for shift in rest if shift.user_id != first.user_id)
