"""The stored calendars, ready to be asked. Each function reads them once, however many are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

import orjson
import structlog

from oncall.rota import RotaError
from policies.calendars.document import calendar_parse
from policies.calendars.moving import business_time
from policies.conditions import BusinessCalendar
from policies.escalation import BusinessTime, around_the_clock
from policies.models import WorkCalendar
from policies.reading import DefinitionInvalid

log = structlog.get_logger(__name__)


def calendar_value(calendar: WorkCalendar) -> BusinessCalendar:
    """What the row says. Raises DefinitionInvalid where it was written past the services and cannot be read."""
    return _value(orjson.dumps([calendar.zone, calendar.windows, calendar.holidays]))


@lru_cache(maxsize=256)
def _value(stored: bytes) -> BusinessCalendar:
    zone, windows, holidays = orjson.loads(stored)
    return calendar_parse({"zone": zone, "windows": windows, "holidays": holidays}).value


def calendars_of(service_ids: Collection[int]) -> Mapping[int, BusinessTime]:
    """Each service's business time: of its own calendar or of the default one; around the clock where there is neither.

    One query, and a second one where there are calendars at all.
    """
    rows = list(WorkCalendar.objects.all())
    if not rows or not service_ids:
        return dict.fromkeys(service_ids, around_the_clock)
    times = {row.pk: _time(row) for row in rows}
    house = next((times[row.pk] for row in rows if row.is_default), around_the_clock)
    own = WorkCalendar.objects.filter(services__in=service_ids).values_list("services", "pk")
    found = dict.fromkeys(service_ids, house)
    found.update({service: times[pk] for service, pk in own if pk in times})
    return found


def calendar_times() -> Mapping[int | None, BusinessTime]:
    """Every calendar's business time by primary key, and under None that of the default one. One query."""
    rows = list(WorkCalendar.objects.all())
    times: dict[int | None, BusinessTime] = {row.pk: _time(row) for row in rows}
    house = next((times[row.pk] for row in rows if row.is_default), around_the_clock)
    return {**times, None: house}


def calendar_time(pk: int | None) -> BusinessTime:
    """As `calendars_of` for one calendar that is known already, None for the default one."""
    rows = WorkCalendar.objects.filter(pk=pk) if pk is not None else WorkCalendar.objects.filter(is_default=True)
    row = rows.first()
    return _time(row) if row is not None else around_the_clock


def calendars_by_name() -> Mapping[str, BusinessCalendar]:
    """What the facts of conditions are held against: by slug, and "" the default one. One query."""
    found: dict[str, BusinessCalendar] = {}
    for row in WorkCalendar.objects.all():
        try:
            value = calendar_value(row)
        except DefinitionInvalid as error:
            log.warning("business_hours.unreadable", calendar=row.slug, error=str(error))
            continue
        found[row.slug] = value
        if row.is_default:
            found[""] = value
    return found


def _time(row: WorkCalendar) -> BusinessTime:
    try:
        return business_time(calendar_value(row))
    except (DefinitionInvalid, RotaError) as error:
        # A row written past the services: whoever waits must still be told in time.
        log.warning("business_hours.unreadable", calendar=row.slug, error=str(error))
        return around_the_clock
