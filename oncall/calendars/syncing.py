"""What a calendar says made true: absences of a person, or overrides of a schedule, each known by event and start.

Syncing again changes nothing. What a calendar no longer says is taken back; what has begun is ended now, and what was
stays as it was. What somebody took back or declined by hand is not made again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from oncall import permissions
from oncall.absences import STANDING, absence_cancel, absence_create, schedules_of
from oncall.calendars.reading import LONGEST, Reading, Window
from oncall.models import Absence, CalendarSource, Override, Schedule, User
from oncall.notices import shifts_watched
from oncall.services import override_cancel, override_create


@dataclass(frozen=True, slots=True)
class Synced:
    """What a reading changed, and what is the matter with it; ``free`` as in Reading."""

    made: int = 0
    ended: int = 0
    problems: tuple[str, ...] = ()
    free: int = 0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One row there should be. ``user`` is who is away, or who stands in."""

    window: Window
    user: User
    kind: str = ""


Row = Absence | Override


class _Rows(Protocol):
    """One kind of rows that calendars make."""

    def schedules(self) -> list[Schedule]: ...
    def wanted(self, windows: Iterable[Window]) -> tuple[list[_Wanted], list[str]]: ...
    def all_of(self, source: CalendarSource) -> Any: ...
    def stands(self, row: Row) -> bool: ...
    def create(self, source: CalendarSource, one: _Wanted, *, at: datetime) -> None: ...
    def end(self, row: Row, *, at: datetime) -> None: ...


def rows_sync(*, source: CalendarSource, reading: Reading, at: datetime, vanishing: bool) -> Synced:
    """Make the rows of ``source`` those of ``reading``, in the caller's transaction.

    ``vanishing``: what the calendar no longer says is taken back. Without it, a reading only adds.
    """
    rows = _rows_of(source)
    wanted, problems = rows.wanted(window for window in reading.windows if window.end > at)
    known = _Known(rows, source, at)
    # People hear once what the whole calendar changes for them, not once for each event.
    with shifts_watched(rows.schedules(), actor=None, at=at):
        made, ended = _make(rows, source, wanted, known, problems, at=at)
        ended += _end_all(rows, known.left() if vanishing else [], at=at)
    return Synced(made, ended, (*reading.problems, *problems), reading.free)


def _make(
    rows: _Rows, source: CalendarSource, wanted: list[_Wanted], known: "_Known", problems: list[str], *, at: datetime
) -> tuple[int, int]:
    """Let every wanted row be there; what a service refuses is added to ``problems``."""
    made = ended = 0
    for one in wanted:
        row = known.pop(one)
        if (row is not None and row.end == one.window.end) or (row is None and known.was_refused(one)):
            continue
        if row is not None:
            ended += _end_all(rows, [row], at=at)
        try:
            rows.create(source, one, at=at)
            made += 1
        except DomainError as error:
            problems.append(f"“{one.window.summary}” ({_day(one.window)}): {error.message}")
    return made, ended


def rows_end(*, source: CalendarSource, at: datetime) -> int:
    """Take back everything the source said of the time to come, in the caller's transaction; returns how much."""
    rows = _rows_of(source)
    with shifts_watched(rows.schedules(), actor=None, at=at):
        return _end_all(rows, _Known(rows, source, at).left(), at=at)


class _Known:
    """The rows of a source, found again by event, person and start."""

    def __init__(self, rows: _Rows, source: CalendarSource, at: datetime) -> None:
        self._at = at
        self._live: dict[tuple[str, int], list[Any]] = {}
        self._over: dict[tuple[str, int], list[Any]] = {}
        # What is over for longer than any window lasts has no say any more.
        for row in rows.all_of(source).filter(end__gt=at - LONGEST):
            kept = self._live if rows.stands(row) and row.end > at else self._over
            kept.setdefault((row.source_uid, row.user_id), []).append(row)

    def pop(self, one: _Wanted) -> Any:
        """The row of a window: with the same start, or begun like it (a row never begins before it was read)."""
        rows = self._live.get((one.window.uid, one.user.pk), [])
        for row in rows:
            begun = row.start <= self._at and one.window.start <= self._at
            if row.start == one.window.start or begun:
                rows.remove(row)
                return row
        return None

    def was_refused(self, one: _Wanted) -> bool:
        """Whether somebody took this very window back by hand, declined it, or ended it before its time.

        Rows that a reading took back have lost their event's name, so they are not among these.
        """
        for row in self._over.get((one.window.uid, one.user.pk), []):
            if row.end == one.window.end and (row.start == one.window.start or one.window.start < row.created_at):
                return True
            ended_early = one.window.start <= row.start < row.end <= self._at
            if ended_early and row.history.filter(end=one.window.end).exists():
                return True
        return False

    def left(self) -> list[Any]:
        return [row for rows in self._live.values() for row in rows]


def _end_all(rows: _Rows, ending: Iterable[Row], *, at: datetime) -> int:
    count = 0
    for row in ending:
        rows.end(row, at=at)
        # So that the same event may come back.
        type(row)._base_manager.filter(pk=row.pk).update(source_uid="")
        count += 1
    return count


def _rows_of(source: CalendarSource) -> _Rows:
    if source.schedule is not None:
        return _OverrideRows(source.schedule)
    if source.user is None:
        raise DomainError(_("The calendar belongs to nobody."))
    return _AbsenceRows(source.user)


class _AbsenceRows:
    """A person's calendar: whenever there is something in it, they are away."""

    def __init__(self, user: User) -> None:
        self._user = user

    def schedules(self) -> list[Schedule]:
        return schedules_of([self._user])

    def wanted(self, windows: Iterable[Window]) -> tuple[list[_Wanted], list[str]]:
        return [_Wanted(window, self._user) for window in windows], []

    def all_of(self, source: CalendarSource) -> Any:
        return source.absences.select_related("user").exclude(source_uid="")

    def stands(self, row: Any) -> bool:
        return row.state in STANDING

    def create(self, source: CalendarSource, one: _Wanted, *, at: datetime) -> None:
        absence_create(
            user=one.user,
            start=one.window.start,
            end=one.window.end,
            actor=None,
            at=at,
            reason=one.window.summary,
            source=source,
            source_uid=one.window.uid,
        )

    def end(self, row: Any, *, at: datetime) -> None:
        absence_cancel(absence=row, actor=None, at=at)


class _OverrideRows:
    """A schedule's calendar: each event names who stands in. Names nobody has are told and never guessed."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def schedules(self) -> list[Schedule]:
        return [self._schedule]

    def wanted(self, windows: Iterable[Window]) -> tuple[list[_Wanted], list[str]]:
        people = _People()
        found: list[_Wanted] = []
        unknown: list[str] = []
        for window in windows:
            named = people.of(window)
            if not named:
                unknown.append(
                    _("“%(name)s” (%(day)s) is nobody here.") % {"name": window.summary, "day": _day(window)}
                )
            # The first stands in for whoever the rotation names, the others beside them.
            kinds = [Override.Kind.COVER, *[Override.Kind.ADD] * (len(named) - 1)]
            found += [_Wanted(window, user, kind) for user, kind in zip(named, kinds, strict=False)]
        return found, list(dict.fromkeys(unknown))

    def all_of(self, source: CalendarSource) -> Any:
        return source.overrides.select_related("user", "schedule", "replaces").exclude(source_uid="")

    def stands(self, row: Any) -> bool:
        return row.cancelled_at is None

    def create(self, source: CalendarSource, one: _Wanted, *, at: datetime) -> None:
        override_create(
            schedule=self._schedule,
            user=one.user,
            start=one.window.start,
            end=one.window.end,
            actor=None,
            at=at,
            kind=one.kind,
            reason=one.window.summary,
            source=source,
            source_uid=one.window.uid,
        )

    def end(self, row: Any, *, at: datetime) -> None:
        override_cancel(override=row, actor=None, at=at)


class _People:
    """Who can be on call, by every name a calendar may use for them: one query."""

    def __init__(self) -> None:
        self._found: dict[str, set[User]] = {}
        for user in permissions.responders():
            for name in (user.username, user.email, user.get_full_name()):
                if name:
                    self._found.setdefault(name.casefold(), set()).add(user)

    def of(self, window: Window) -> list[User]:
        """By attendee; failing that by the title. A name that two people share is nobody's."""
        attending = [user for address in window.people if (user := self._one(address))]
        titled = self._one(window.summary)
        return list(dict.fromkeys(attending)) or ([titled] if titled else [])

    def _one(self, name: str) -> User | None:
        found = self._found.get(" ".join(name.split()).casefold(), set())
        return next(iter(found)) if len(found) == 1 else None


def _day(window: Window) -> str:
    return date_format(timezone.localtime(window.start), "j M")
