"""A business calendar in words, in the active language."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from policies.calendars.document import CalendarDef
from policies.conditions.sentences import window_text
from policies.sentences import joined


def hours_sentence(calendar: CalendarDef) -> str:
    """When it is open in a week."""
    hours = joined([window_text(window) for window in calendar.windows])
    return _("Open %(hours)s, on the clock of %(zone)s.") % {"hours": hours, "zone": calendar.zone}


def holidays_sentence(calendar: CalendarDef) -> str:
    """How many days off it knows, and of which years."""
    if not calendar.holidays:
        return _("No holidays: it is open on every day of its week.")
    first, last = calendar.holidays[0].date.year, calendar.holidays[-1].date.year
    places = {"count": len(calendar.holidays), "first": first, "last": last}
    if first == last:
        return (
            ngettext(
                "%(count)d holiday, in %(first)d.", "%(count)d holidays, all in %(first)d.", len(calendar.holidays)
            )
            % places
        )
    return (
        ngettext(
            "%(count)d holiday, from %(first)d to %(last)d.",
            "%(count)d holidays, from %(first)d to %(last)d.",
            len(calendar.holidays),
        )
        % places
    )
