"""The JSON form of a calendar, as its row keeps it and people write it.

{"zone": "Europe/Rome",
 "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "18:00"}],
 "holidays": [{"date": "2026-12-25", "name": "Christmas Day"}]}

An end that is not later than its start lies on the next day; "24:00" is the end of the day. No days mean every day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django.utils.translation import gettext as _

from oncall.rota import RotaError
from oncall.rota.clock import zone_named
from policies.conditions import BusinessCalendar, Day, Window
from policies.reading import DefinitionInvalid, Node, Problem

MAX_WINDOWS = 20
MAX_HOLIDAYS = 300
MAX_HOLIDAY_NAME = 100
LEAST_OPEN = 3_600
"""Seconds a week. A calendar that is open for less would make a timer of hours wait for years."""

_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day on which nobody works, with the name people read."""

    date: date
    name: str = ""


@dataclass(frozen=True, slots=True)
class CalendarDef:
    """What a document says. ``holidays`` are in the order of their days, each day once."""

    zone: str = "UTC"
    windows: tuple[Window, ...] = ()
    holidays: tuple[Holiday, ...] = ()

    @property
    def value(self) -> BusinessCalendar:
        return BusinessCalendar(self.zone, self.windows, frozenset(holiday.date for holiday in self.holidays))


def calendar_parse(data: object) -> CalendarDef:
    """The calendar that ``data`` describes. Raises DefinitionInvalid naming every field at fault."""
    problems: list[Problem] = []
    calendar = _calendar(Node(data, (), problems))
    if problems:
        raise DefinitionInvalid(tuple(problems))
    return calendar


def calendar_dump(calendar: CalendarDef) -> dict[str, Any]:
    """The JSON form, always the same for the same calendar; `calendar_parse` reads it back to an equal value."""
    return {
        "zone": calendar.zone,
        "windows": [
            {"days": [day.value for day in window.days], "start": _clock_text(window.start), "end": _end_text(window)}
            for window in calendar.windows
        ],
        "holidays": [{"date": holiday.date.isoformat(), "name": holiday.name} for holiday in calendar.holidays],
    }


def holidays_dump(found: Mapping[date, str]) -> list[dict[str, str]]:
    """Rows of days and their names, in the order of the days."""
    return [{"date": day.isoformat(), "name": name[:MAX_HOLIDAY_NAME]} for day, name in sorted(found.items())]


def _calendar(node: Node) -> CalendarDef:
    fields = node.fields("zone", "windows", "holidays")
    windows = fields["windows"].items(_window, least=1, most=MAX_WINDOWS)
    found = tuple(window for window in windows if window is not None)
    if found and len(found) == len(windows) and _open_seconds(found) < LEAST_OPEN:
        fields["windows"].wrong(_("must be open for at least one hour a week"))
    return CalendarDef(_zone(fields["zone"]), found, _holidays(fields["holidays"]))


def _zone(node: Node) -> str:
    name = node.text(most=60) or "UTC"
    try:
        zone_named(name)
    except RotaError:
        node.wrong(_("“%(value)s” is no IANA time zone, such as Europe/Rome.") % {"value": name})
    return name


def _window(node: Node) -> Window | None:
    fields = node.fields("days", "start", "end")
    if not node.is_mapping:
        return None
    days = fields["days"].items(_day, most=7)
    start, end = _clock(fields["start"]), _clock(fields["end"], ends=True)
    if start is None or end is None:
        return None
    return Window(tuple(day for day in Day if not days or day in days), start, end)


def _day(node: Node) -> Day:
    if node.value is None:
        node.wrong(_("must not be empty"))
    return node.choice(tuple(Day), default=Day.MON)


def _clock(node: Node, *, ends: bool = False) -> time | None:
    text = node.value.strip() if isinstance(node.value, str) else ""
    if ends and text == "24:00":
        return time()
    if not _TIME.fullmatch(text):
        node.wrong(_('must be a time such as "09:00" or "17:30"'))
        return None
    return time.fromisoformat(text)


def _clock_text(clock: time) -> str:
    return clock.isoformat("minutes")


def _end_text(window: Window) -> str:
    return "24:00" if window.end == time() else _clock_text(window.end)


def _open_seconds(windows: Sequence[Window]) -> int:
    """Of one week; what overlaps is counted twice, which is of no matter for so low a bound."""
    total = 0
    for window in windows:
        start, end = (clock.hour * 3_600 + clock.minute * 60 for clock in (window.start, window.end))
        total += ((end - start) % _DAY_SECONDS or _DAY_SECONDS) * len(window.days)
    return total


def _holidays(node: Node) -> tuple[Holiday, ...]:
    found: dict[date, Holiday] = {}
    for holiday in node.items(_holiday, most=MAX_HOLIDAYS):
        if holiday is not None:
            # A day named twice keeps its first name.
            found.setdefault(holiday.date, holiday)
    return tuple(found[day] for day in sorted(found))


def _holiday(node: Node) -> Holiday | None:
    """{"date": …, "name": …}, or the date alone."""
    fields = node.fields("date", "name") if node.is_mapping else {"date": node, "name": node.child("name", None)}
    name = fields["name"].text(most=MAX_HOLIDAY_NAME)
    text = fields["date"].value
    try:
        return Holiday(date.fromisoformat(text if isinstance(text, str) else ""), name)
    except ValueError:
        fields["date"].wrong(_('must be a date such as "2026-12-25"'))
        return None


def calendar_schema() -> dict[str, Any]:
    """JSON Schema of the members that `calendar_parse` reads, which has the last word."""
    window = {
        "type": "object",
        "additionalProperties": False,
        "required": ["start", "end"],
        "properties": {
            "days": {"type": ["array", "null"], "maxItems": 7, "items": {"enum": [day.value for day in Day]}},
            "start": {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"},
            "end": {"type": "string", "pattern": r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$"},
        },
    }
    named = {
        "type": "object",
        "additionalProperties": False,
        "required": ["date"],
        "properties": {
            "date": {"type": "string", "format": "date"},
            "name": {"type": ["string", "null"], "maxLength": MAX_HOLIDAY_NAME},
        },
    }
    return {
        "zone": {"type": ["string", "null"], "examples": ["Europe/Rome"], "description": "UTC unless said"},
        "windows": {"type": "array", "minItems": 1, "maxItems": MAX_WINDOWS, "items": window},
        "holidays": {
            "type": ["array", "null"],
            "maxItems": MAX_HOLIDAYS,
            "items": {"anyOf": [{"type": "string", "format": "date"}, named]},
        },
    }
