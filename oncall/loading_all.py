"""Every schedule with all that it goes by, in one query: for pages, which read them again whenever anything has changed.

``oncall.loading`` asks for one kind of row after another, and for what the rows before led to. Here it is known from the last time whom
the schedules concern and which teams they name; the first time all absences and all changes of teams are read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db.models import CharField, DateTimeField, F, IntegerField, QuerySet, TextField, Value, Window
from django.db.models.functions import Cast, RowNumber

from oncall import rota
from oncall.loading import (
    LOOKBACK,
    MANY_PEOPLE,
    Library,
    Loaded,
    absence_of,
    absences_of,
    members_of,
    override_of,
    put_together,
)
from oncall.models import Absence, Membership, Override, Schedule, ScheduleVersion

_OVERRIDE, _ABSENCE, _VERSION, _SCHEDULE, _MEMBER = range(5)
_NUMBER = Value(None, output_field=IntegerField())
_INSTANT = Value(None, output_field=DateTimeField())
_WORD = Value("", output_field=CharField())


@dataclass(frozen=True, slots=True)
class Known:
    """Whom the schedules concern and which teams they name, when they were read last."""

    people: frozenset[int]
    teams: frozenset[int]


@dataclass(frozen=True, slots=True)
class Everything:
    """Every schedule by its id, and what the next reading is told."""

    schedules: Mapping[int, Loaded]
    known: Known


def all_load(*, since: datetime, known: Known | None = None) -> Everything:
    """As ``schedules_load`` of all schedules, by name. One query; one more where somebody is in them who is not ``known``, and one
    where a team is."""
    ended_after = since - LOOKBACK
    rows: dict[int, list[Sequence[Any]]] = defaultdict(list)
    for of, *row in _asked(ended_after, known):
        rows[of].append(row)
    schedules = [
        Schedule(pk=pk, team_id=team, name=name, slug=slug, time_zone=zone)
        for pk, team, _none, _from, _until, _place, name, slug, zone in sorted(rows[_SCHEDULE], key=lambda row: row[5])
    ]
    library = Library(_members(rows[_MEMBER], known))
    library.take(schedules, _versions(rows[_VERSION]))
    away = _Away(rows[_ABSENCE], known, ended_after)
    loaded = put_together(schedules, library, _overrides(rows[_OVERRIDE]), away.of)
    return Everything(loaded, Known(frozenset(away.people), frozenset(library.teams)))


def _asked(ended_after: datetime, known: Known | None) -> Iterable[Sequence[Any]]:
    """The rows of all five tables, each with a number, two keys, two instants, another number and three texts. They come in no order,
    because a part of such a query cannot be told one; a schedule's other number is its place by name, as the database sorts."""
    history: Any = Membership.history
    overrides = Override.objects.filter(cancelled_at=None, end__gt=ended_after)
    absences = Absence.objects.filter(state=Absence.State.APPROVED, end__gt=ended_after)
    changes = history.all()
    if known is not None:
        changes = changes.filter(team_id__in=sorted(known.teams))
        if len(known.people) <= MANY_PEOPLE:
            absences = absences.filter(user__in=sorted(known.people))
    definition = Cast(F("definition"), TextField())
    # The first part gives the columns their kinds.
    first = _part(
        _OVERRIDE, overrides, "id", "schedule_id", "user_id", "start", "end", "replaces_id", "kind", "role", "cause"
    )
    return first.union(
        _part(_ABSENCE, absences, "id", _NUMBER, "user_id", "start", "end", _NUMBER, "kind", _WORD, _WORD),
        _part(
            _VERSION,
            ScheduleVersion.objects.all(),
            *("id", "schedule_id", _NUMBER, "effective_from", _INSTANT, "number", _WORD, _WORD, definition),
        ),
        _part(
            _SCHEDULE,
            Schedule.objects.all(),
            *(
                "id",
                "team_id",
                _NUMBER,
                _INSTANT,
                _INSTANT,
                Window(RowNumber(), order_by="name"),
                "name",
                "slug",
                "time_zone",
            ),
        ),
        _part(
            _MEMBER,
            changes,
            *("history_id", "team_id", "user_id", "history_date", _INSTANT, "id", "history_type", _WORD, _WORD),
        ),
        all=True,
    )


def _part(of: int, found: QuerySet[Any], *columns: Any) -> QuerySet[Any, Any]:
    return found.order_by().values_list(Value(of, output_field=IntegerField()), *columns)


def _versions(rows: Iterable[Sequence[Any]]) -> Iterable[tuple[int, datetime, Mapping[str, Any]]]:
    ordered = sorted(rows, key=lambda row: (row[1], row[5]))
    return (
        (schedule, start, orjson.loads(definition)) for _pk, schedule, _p, start, _u, _n, _w, _x, definition in ordered
    )


def _overrides(rows: Iterable[Sequence[Any]]) -> dict[int, list[rota.Override]]:
    found: dict[int, list[rota.Override]] = defaultdict(list)
    for pk, schedule, user, start, end, replaces, kind, role, cause in sorted(rows, key=_number):
        found[schedule].append(override_of(pk, kind, user, start, end, replaces, role, cause))
    return found


def _members(rows: Iterable[Sequence[Any]], known: Known | None) -> dict[int, Any]:
    ordered = sorted(rows, key=lambda row: (row[3], row[0]))
    teams = {row[1] for row in ordered} if known is None else known.teams
    return members_of(((pk, team, user, date, kind) for _h, team, user, date, _u, pk, kind, *_words in ordered), teams)


class _Away:
    """The absences that were read with the rest; those of people who were not known are asked for. ``people`` are all who concern the
    schedules."""

    def __init__(self, rows: Iterable[Sequence[Any]], known: Known | None, ended_after: datetime) -> None:
        self.people: Collection[int] = ()
        self._ended_after = ended_after
        self._known = known
        self._read: dict[int, list[rota.Absence]] = defaultdict(list)
        for _pk, _none, user, start, end, _other, kind, *_words in sorted(rows, key=_number):
            self._read[user].append(absence_of(user, start, end, kind))

    def of(self, people: Collection[int]) -> Mapping[int, Sequence[rota.Absence]]:
        self.people = people
        known = self._known
        if known is None or len(known.people) > MANY_PEOPLE:
            return self._read
        unknown = set(people) - known.people
        return {**self._read, **absences_of(unknown, self._ended_after)} if unknown else self._read


def _number(row: Sequence[Any]) -> int:
    pk: int = row[0]
    return pk
