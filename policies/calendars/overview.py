"""The calendars as their page lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count

from policies.calendars.document import CalendarDef, Holiday, calendar_parse
from policies.calendars.sentences import holidays_sentence, hours_sentence
from policies.calendars.services import calendar_document
from policies.models import WorkCalendar
from policies.reading import DefinitionInvalid

_NEXT = 3


@dataclass(frozen=True, slots=True)
class CalendarShown:
    """``is_open`` is about the instant of the page, ``upcoming`` are the next holidays; a calendar that cannot be read has
    no sentences."""

    calendar: WorkCalendar
    hours: str
    holidays: str
    is_open: bool
    upcoming: Sequence[Holiday]
    services: int

    @property
    def is_readable(self) -> bool:
        return bool(self.hours)


def calendars_shown(*, at: datetime) -> list[CalendarShown]:
    """All of them, the default one first. One query."""
    rows = WorkCalendar.objects.annotate(used=Count("services")).order_by("-is_default", "name")
    return [_shown(row, services=row.used, at=at) for row in rows]


def _shown(row: WorkCalendar, *, services: int, at: datetime) -> CalendarShown:
    try:
        definition = calendar_parse(calendar_document(row))
    except DefinitionInvalid:
        return CalendarShown(row, "", "", False, (), services)
    return CalendarShown(
        row,
        hours_sentence(definition),
        holidays_sentence(definition),
        definition.value.says(at).business_hours,
        _upcoming(definition, at),
        services,
    )


def _upcoming(definition: CalendarDef, at: datetime) -> tuple[Holiday, ...]:
    today = at.astimezone(ZoneInfo(definition.zone)).date()
    return tuple(holiday for holiday in definition.holidays if holiday.date >= today)[:_NEXT]
