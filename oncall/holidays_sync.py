"""Public holidays as absences: each person's calendar, from local midnight to local midnight, kept up to date."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import EntryValue, entries_append, entry_append
from escalation_site.kernel.errors import DomainError
from oncall.absences import schedules_of
from oncall.holiday_calendars import holiday_calendar_names, public_holidays
from oncall.models import Absence, User
from oncall.notices import shifts_watched
from oncall.rota.clock import first_instant, wall_time, zone_named
from oncall.services import actor_of

AHEAD = timedelta(days=400)
DAY = timedelta(days=1)


@transaction.atomic
def holidays_sync(*, at: datetime, users: Collection[User] | None = None) -> None:
    """Let everybody (or ``users``) be away on the public holidays of their calendar for the next 400 days.

    Twice does nothing. Coming days that no longer hold go; begun ones stay as they are, and so do those on which
    somebody said that they work, and those of everybody not looked at. A constant number of queries, and two for each
    day that goes.
    """
    people = {user.pk: user for user in (users if users is not None else User.objects.filter(is_active=True))}
    known = Absence.objects.filter(kind=Absence.Kind.HOLIDAY, end__gt=at - DAY)
    if users is not None:
        known = known.filter(user__in=people)
    rows: dict[int, list[Absence]] = {}
    for row in known.order_by("id"):
        rows.setdefault(row.user_id, []).append(row)
    wanted = {pk: _days(user, at=at) for pk, user in people.items() if user.is_active and user.holiday_calendar}
    added, gone, entries = [], [], []
    for pk in sorted(wanted.keys() | rows.keys()):
        days, had = wanted.get(pk, {}), rows.get(pk, [])
        more, fewer = _difference(people.get(pk), days, had, at=at)
        added += more
        gone += fewer
        if more or fewer:
            entries.append(_entry(people[pk], entered=len(more), removed=len(fewer), at=at))
    # They never counted: nothing that was is lost.
    Absence.objects.filter(pk__in=[row.pk for row in gone]).delete()
    Absence.objects.bulk_create(added, ignore_conflicts=True)
    entries_append(entries)


@transaction.atomic
def person_calendar_changed(*, user: User, at: datetime) -> None:
    """Bring the holidays of one person up to date at once, after their calendar or zone changed, and tell who steps in."""
    with shifts_watched(schedules_of([user]), actor=user, at=at):
        holidays_sync(at=at, users=[user])


@transaction.atomic
def holiday_calendar_choose(*, user: User, calendar: str, at: datetime) -> User:
    """Let ``user`` keep the public holidays of ``calendar`` ("IT", "DE-BY"; empty: none) from now on.

    Raises DomainError for a calendar nobody knows.
    """
    if calendar and calendar not in holiday_calendar_names():
        raise DomainError(_("No such calendar is known. Try IT or DE-BY."), field="calendar")
    before = user.holiday_calendar
    if calendar == before:
        return user
    user.holiday_calendar = calendar
    user.save(update_fields=["holiday_calendar"])
    entry_append(
        EntryValue(
            at=at,
            action="user.change",
            object_type="user",
            object_id=str(user.pk),
            object_label=user.name,
            subject=f"user:{user.pk}",
            actor=actor_of(user),
            before={"holiday_calendar": before},
            after={"holiday_calendar": calendar},
        )
    )
    person_calendar_changed(user=user, at=at)
    return user


def _days(user: User, *, at: datetime) -> dict[date, str]:
    today = at.astimezone(zone_named(user.time_zone)).date()
    return public_holidays(user.holiday_calendar, since=today, until=today + AHEAD)


def _difference(
    user: User | None, days: Mapping[date, str], had: Collection[Absence], *, at: datetime
) -> tuple[list[Absence], list[Absence]]:
    """What to add and what to take away, so that ``days`` hold."""
    if user is None:
        # Whoever has left is away anyhow; their days are looked at when they return.
        return [], []
    if not user.is_active:
        return [], [row for row in had if row.start > at]
    zone = zone_named(user.time_zone)
    gone = [row for row in had if row.start > at and not _still_holds(row, days, user)]
    kept = {wall_time(row.start, zone).date() for row in had if row not in gone}
    return [row for row in _rows(user, days, at=at) if wall_time(row.start, zone).date() not in kept], gone


def _still_holds(row: Absence, days: Mapping[date, str], user: User) -> bool:
    zone = zone_named(user.time_zone)
    day = wall_time(row.start, zone).date()
    return day in days and row.reason == days[day][:200] and (row.start, row.end) == _span(day, user)


def _rows(user: User, days: Mapping[date, str], *, at: datetime) -> Iterator[Absence]:
    for day, name in days.items():
        start, end = _span(day, user)
        if end > at:
            # Of a holiday that is under way, only the rest: what was, stays.
            yield Absence(
                user=user,
                kind=Absence.Kind.HOLIDAY,
                state=Absence.State.APPROVED,
                start=max(start, at),
                end=end,
                reason=name[:200],
                created_at=at,
            )


def _span(day: date, user: User) -> tuple[datetime, datetime]:
    zone = zone_named(user.time_zone)
    return first_instant(datetime.combine(day, time()), zone), first_instant(datetime.combine(day + DAY, time()), zone)


def _entry(user: User, *, entered: int, removed: int, at: datetime) -> EntryValue:
    return EntryValue(
        at=at,
        action="absence.holidays",
        object_type="user",
        object_id=str(user.pk),
        object_label=user.name,
        subject=f"user:{user.pk}",
        after={"calendar": user.holiday_calendar, "entered": entered, "removed": removed},
    )
