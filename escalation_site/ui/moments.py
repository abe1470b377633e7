"""Instants as a reader sees them: in their zone, 24-hour clock, with UTC one hover away."""

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from html import escape

from django.utils import dateformat, timezone, translation
from django.utils.safestring import SafeString, mark_safe

from escalation_site.ui import durations

STYLES = {
    "ago": "",
    "age": "",
    "clock": "H:i",
    "seconds": "H:i:s",
    "day": "D j M",
    "date": "j M Y",
    "short": "D j M, H:i",
    "full": "D j M Y H:i:s e",
}
"""Names of the ways to write an instant, with Django's date format; "ago" and "age" are relative to the present."""
FOCUS = ' tabindex="0"'
RELATIVE = frozenset({"ago", "age"})


def zone_name(moment: datetime) -> str:
    """The zone's short name as people write it ("CET"), or its offset ("UTC+03") where the zone has only a number."""
    name = moment.tzname() or "UTC"
    return f"UTC{name}" if name[:1] in "+-" else name


def shown_twice(local: datetime) -> bool:
    """Whether the clock of its zone shows this local time twice, as in the hour in which it goes back."""
    early, late = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return early is not None and late is not None and early > late


def exactly(moment: datetime, *, zone: tzinfo | None = None) -> str:
    """Both clocks in full: "Sun 22 Nov 2026 03:09:12 CET · 02:09:12 UTC"."""
    local = moment.astimezone(zone or timezone.get_current_timezone())
    written = f"{_day(local, 'D j M Y')} {local:%H:%M:%S} {zone_name(local)}"
    if local.utcoffset() == UTC.utcoffset(None):
        return written
    utc = moment.astimezone(UTC)
    day = "" if utc.date() == local.date() else f"{_day(utc, 'D j M')} "
    return f"{written} · {day}{utc:%H:%M:%S} UTC"


def _day(moment: datetime, pattern: str) -> str:
    return _day_of(moment.date(), pattern, translation.get_language())


@lru_cache(maxsize=4096)
def _day_of(day: date, pattern: str, _language: str | None) -> str:
    """A page writes the same few days over and over: Django's way to write one takes longer than all else of an instant."""
    return dateformat.format(day, pattern)


_DIGITS = {"H:i": "%H:%M", "H:i:s": "%H:%M:%S"}


def _in_pattern(local: datetime, pattern: str) -> str:
    return format(local, _DIGITS[pattern]) if pattern in _DIGITS else dateformat.format(local, pattern)


def written(moment: datetime, style: str, *, at: datetime, zone: tzinfo | None = None) -> str:
    """The instant in one of ``STYLES``, seen at ``at``, with the zone's name in an hour the clock shows twice.

    Raises KeyError for a style that does not exist.
    """
    pattern = STYLES[style]
    passed = (at - moment).total_seconds()
    if style == "ago":
        return durations.ago(passed)
    if style == "age":
        return durations.in_one_unit(abs(passed))
    local = moment.astimezone(zone or timezone.get_current_timezone())
    if style == "full":
        return f"{_day(local, 'D j M Y')} {local:%H:%M:%S} {zone_name(local)}"
    shown = _in_pattern(local, pattern)
    # Two instants an hour apart would read the same.
    return f"{shown} {zone_name(local)}" if "H" in pattern and shown_twice(local) else shown


def html(moment: datetime, style: str = "ago", *, at: datetime, css: str = "", focus: bool = False) -> SafeString:
    """A ``<time>`` whose title gives both clocks; ``focus`` lets the keyboard reach it, for pages where it matters.

    ``time.js`` keeps the relative styles fresh.
    """
    utc, zone = moment.astimezone(UTC), timezone.get_current_timezone()
    if style not in RELATIVE:
        return _lasting(utc, style, css, focus, zone, translation.get_language())
    return _time(utc, style, written(utc, style, at=at), css=css, focus=focus)


# By the instant in UTC: of two an hour apart on a clock that goes back, Python says that they are equal.
@lru_cache(maxsize=4096)
def _lasting(utc: datetime, style: str, css: str, focus: bool, zone: tzinfo, language: str | None) -> SafeString:
    """What reads the same at any time is written once for readers of one zone and language: calendars repeat it a lot."""
    return _time(utc, style, written(utc, style, at=utc), css=css, focus=focus)


@lru_cache(maxsize=4096)
def _title(utc: datetime, zone: tzinfo, _language: str | None) -> str:
    """Both clocks, escaped: what is shown of an instant changes by the minute, its title never."""
    return escape(exactly(utc, zone=zone))


def _time(utc: datetime, style: str, shown: str, *, css: str, focus: bool) -> SafeString:
    """Written out, because a board has hundreds: ``format_html`` takes ten times as long. What comes from outside is escaped."""
    title = _title(utc, timezone.get_current_timezone(), translation.get_language())
    relative = f' data-relative="{style}"' if style in RELATIVE else ""
    return mark_safe(  # noqa: S308  every value is escaped or our own
        f'<time class="num{" " + escape(css) if css else ""}" datetime="{utc.replace(tzinfo=None).isoformat()}Z"'
        f' title="{title}"{relative}{FOCUS if focus else ""}>{escape(shown)}</time>'
    )
