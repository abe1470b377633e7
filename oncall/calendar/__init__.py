"""The calendar of a schedule: day, two weeks or month; drawn, listed and told in words, all from the one rota function.

``ranges`` and ``axis`` are pure; ``reading`` asks the rota once; ``drawing``, ``listing`` and ``findings`` say what it
answered; ``page`` puts them together.
"""

from oncall.calendar.navigation import MINE, SCHEDULE, Navigation, navigation
from oncall.calendar.page import Calendar, calendar_of, zone_words
from oncall.calendar.ranges import FARTHEST_DAYS, Range, View, range_of

__all__ = [
    "FARTHEST_DAYS",
    "MINE",
    "SCHEDULE",
    "Calendar",
    "Navigation",
    "Range",
    "View",
    "calendar_of",
    "navigation",
    "range_of",
    "zone_words",
]
