"""Public-holiday calendars a person may follow: a country, or a part of one ("IT", "DE-BY"), as the library names them."""

from datetime import date
from functools import cache

import holidays
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


@cache
def holiday_calendar_names() -> tuple[str, ...]:
    """Every calendar that may be chosen: two-letter countries, each followed by its parts; sorted."""
    found: list[str] = []
    for country, parts in holidays.list_supported_countries().items():
        if len(country) == 2:
            found += [country, *(f"{country}-{part}" for part in parts)]
    return tuple(sorted(found))


def validate_holiday_calendar(value: str) -> None:
    """Raise ValidationError unless ``value`` names a known calendar."""
    if value not in holiday_calendar_names():
        raise ValidationError(
            _("“%(value)s” is no known holiday calendar, such as IT or DE-BY."), params={"value": value}
        )


def public_holidays(calendar: str, *, since: date, until: date) -> dict[date, str]:
    """The public holidays of ``calendar`` from ``since`` to ``until`` (both included), with their names in English.

    Observed substitutes count: they are the days on which people are off. ValueError for an unknown calendar.
    """
    if calendar not in holiday_calendar_names():
        raise ValueError(calendar)
    country, _dash, part = calendar.partition("-")
    found = holidays.country_holidays(
        country, subdiv=part or None, years=range(since.year, until.year + 1), language=_language(country)
    )
    return {day: name for day, name in sorted(found.items()) if since <= day <= until}


@cache
def _language(country: str) -> str | None:
    """English names where the library has them, so that everybody reads the same; the country's own elsewhere."""
    languages = holidays.list_localized_countries().get(country, [])
    return next((language for language in ("en_US", "en_GB", "en") if language in languages), None)
