"""The figures of a range of days as columns, for whoever reads: packed days, and the few restricted incidents they may see."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from django.db import connection
from django.db.models import BinaryField, Case, Exists, OuterRef, QuerySet, Value, When
from psycopg import Cursor
from psycopg.pq import Format

from incidents.querysets import restricted_concerns
from oncall.models import User
from reports.figures.columns import GLANCE, INCIDENTS, PAGES, WITH_SPANS, Columns, Layout, Packed
from reports.figures.keeping import BEFORE, incident_rows, page_rows
from reports.figures.times import TIMED, DayTimes
from reports.models import DayFigures, IncidentFigures, PageFigures
from reports.own_answers import only_answered
from reports.period import days_of
from reports.selectors import Scope, chosen_incidents

Kind = DayFigures.Kind
Days = Mapping[str, Mapping[date, bytes]]
"""Packed days by kind, in order."""


def days_read(kinds: Collection[str], *, since: datetime, until: datetime) -> Days:
    """The packed days that touch the time from ``since`` to ``until``, in order: one query for all kinds. Where a day lacks what is
    packed beside its incidents, or a release before this one packed it (it has a kind of BEFORE), the incidents themselves come
    instead, with one query more; of such a day no SPANS are known."""
    first, last = days_of(since, until)
    beside = {Kind.GLANCE.value, *TIMED}.intersection(kinds)
    also = {Kind.INCIDENTS.value, *BEFORE} if beside else set(BEFORE) if Kind.SPANS in kinds else set()
    # In the order of the index: sorting rows of some hundred kilobytes took longer than reading them.
    days = DayFigures.objects.filter(kind__in=also.union(kinds), day__gte=first, day__lte=last, count__gt=0)
    data = Case(When(kind__in=kinds, then="data"), default=Value(b""), output_field=BinaryField())
    found: dict[str, dict[date, bytes]] = {kind: {} for kind in also.union(kinds)}
    for kind, day, packed in _rows(days.order_by("kind", "day").values_list("kind", "day", data if also else "data")):
        found[kind][day] = bytes(packed)
    before = {day for kind in BEFORE for day in found.get(kind, ())}
    if beside and (before or any(found[kind].keys() != found[Kind.INCIDENTS].keys() for kind in beside)):
        return days_read({Kind.INCIDENTS.value, *set(kinds) - beside}, since=since, until=until)
    for day in before.intersection(found.get(Kind.SPANS, ())):
        del found[Kind.SPANS][day]
    return {kind: found[kind] for kind in kinds}


def _rows(query: QuerySet[Any, Any]) -> Iterable[tuple[Any, ...]]:
    """The rows; over PostgreSQL's wire as bytes: written as digits they are twice as long, and reading them took as long as
    counting."""
    if connection.vendor != "postgresql":
        return query
    statement, values = query.query.sql_with_params()
    connection.ensure_connection()
    wrapped = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    # Django's own cursors put values into the text themselves, and such can only read text.
    plain: Any = Cursor(connection.connection)
    plain.format = Format.BINARY
    with wrapped(plain) as cursor:
        cursor.execute(statement, values)
        return cast(list[tuple[Any, ...]], cursor.fetchall())


Seen = Collection[int] | None
"""Restricted incidents that a reader may see, by number; None means every one."""


def restricted_seen(scope: Scope) -> Seen:
    """Which restricted incidents, of any time, the scope's reader may see: no query for those who see all, else one."""
    if scope.user.role in (User.Role.AUDITOR, User.Role.ADMINISTRATOR):
        return None
    return sorted(number for row in restricted_concerns(scope.user) for number in row.values())


def incident_columns(
    scope: Scope, *, since: datetime, until: datetime, seen: Seen, days: Days | None = None, spans: bool = False
) -> Columns:
    """The incidents of the scope that began from ``since`` on and before ``until``, of restricted ones those ``seen``
    (``restricted_seen``): one query where there are any, and one more where the ``days`` have not been read. With ``spans`` they have
    all times in working hours, and not only those of the overview.

    What the house's own questions narrow is packed where their answers are a few; else they are read one by one, in one query.
    """
    own = IncidentFigures.objects.filter(counted=True, started_at__gte=since, started_at__lt=until)
    layout = WITH_SPANS if spans else INCIDENTS
    if scope.unpacked:
        # By their time as well: JSON of everything there ever was took most of a second for four weeks.
        chosen = chosen_incidents(scope).filter(started_at__gte=since, started_at__lt=until).order_by()
        return Columns.of_rows(layout, incident_rows(own.filter(incident__in=chosen), layout))
    found = _packed("incidents", layout, scope, since, until, days)
    if seen is None or seen:
        some = own.filter(restricted=True, **_asked(scope))
        some = some if seen is None else some.filter(pk__in=seen)
        found = found.joined(Columns.of_rows(layout, incident_rows(some, layout)))
    return only_answered(found, scope.own or {}, since=since, until=until, seen=seen)


def page_columns(scope: Scope, *, since: datetime, until: datetime, seen: Seen, days: Days | None = None) -> Columns:
    """The pages made in that time for incidents of the scope, as ``incident_columns``."""
    # By the day as well: that is what its index begins with.
    first, last = days_of(since, until)
    own = PageFigures.objects.filter(incident__counted=True, at__gte=since, at__lt=until, day__gte=first, day__lte=last)
    if scope.where:
        # Of each page its incident, which may have begun at any time.
        chosen = chosen_incidents(scope).filter(pk=OuterRef("incident_id")).order_by()
        return Columns.of_rows(PAGES, page_rows(own.filter(Exists(chosen))))
    found = _packed("pages", PAGES, scope, since, until, days)
    if seen is not None and not seen:
        return found
    some = own.filter(incident__restricted=True, **_asked(scope, "incident__"))
    some = some if seen is None else some.filter(incident__in=seen)
    return found.joined(Columns.of_rows(PAGES, page_rows(some)))


def _packed(kind: str, layout: Layout, scope: Scope, since: datetime, until: datetime, days: Days | None) -> Columns:
    spans = layout == WITH_SPANS
    layout = INCIDENTS if spans else layout
    if kind == Kind.INCIDENTS and days is not None and Kind.GLANCE in days:
        kind, layout = Kind.GLANCE, GLANCE
    if days is None or kind not in days:
        days = days_read([kind, *((Kind.SPANS.value,) if spans else ())], since=since, until=until)
    order = next((one for one in TIMED if one in days and kind != Kind.PAGES), "")
    times = days.get(order, {})
    found = Packed(
        layout,
        list(days[kind].values()),
        [DayTimes(times[day], order) if day in times else None for day in days[kind]],
        [days.get(Kind.SPANS, {}).get(day) for day in days[kind]] if spans else None,
    )
    return found.between(since, until).narrowed(scope.dimensions)


def _asked(scope: Scope, prefix: str = "") -> dict[str, Sequence[int]]:
    return {f"{prefix}{name}__in": values for name, values in scope.dimensions.items() if values}
