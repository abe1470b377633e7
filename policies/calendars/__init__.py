"""Business calendars: when an organisation works, and instants moved along its working hours.

`moving` and `document` are pure; `selectors` read the stored calendars, `services` write them.
"""

from policies.calendars.document import (
    MAX_HOLIDAYS,
    MAX_WINDOWS,
    CalendarDef,
    Holiday,
    calendar_dump,
    calendar_parse,
    calendar_schema,
    holidays_dump,
)
from policies.calendars.moving import business_time
from policies.calendars.selectors import calendar_time, calendar_times, calendar_value, calendars_by_name, calendars_of

__all__ = [
    "MAX_HOLIDAYS",
    "MAX_WINDOWS",
    "CalendarDef",
    "Holiday",
    "business_time",
    "calendar_dump",
    "calendar_parse",
    "calendar_schema",
    "calendar_time",
    "calendar_times",
    "calendar_value",
    "calendars_by_name",
    "calendars_of",
    "holidays_dump",
]
