"""How people write weekdays, times, local moments and durations, and what they mean by them."""

import re
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from oncall.rota_document.reading import Node

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIME_PATTERN = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
END_TIME_PATTERN = rf"(?:{TIME_PATTERN}|24:00(?::00)?)"
WEEKDAY_PATTERN = "(?:" + "|".join(WEEKDAYS) + ")"
DURATION_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
DURATION_PATTERN = r"(?:\d{1,6}[wdhms])+"
MIDNIGHT = time(0)

_TIME = re.compile(TIME_PATTERN, re.ASCII)
_END_TIME = re.compile(END_TIME_PATTERN, re.ASCII)
_DURATION = re.compile(DURATION_PATTERN, re.ASCII)


def weekday_of(text: str) -> int | None:
    """Monday is 0; the first three letters or the whole English name, in any case."""
    word = text.strip().lower()
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return next((number for number, name in enumerate(names) if word in (name, name[:3])), None)


def duration_of(value: object) -> timedelta | None:
    """A duration in whole seconds, or as text: "7d", "12h", "1h30m"; None where it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return timedelta(seconds=value) if 0 <= value < 10**10 else None
    if not isinstance(value, str) or not _DURATION.fullmatch(value.strip()):
        return None
    parts = re.findall(r"(\d+)([wdhms])", value)
    return timedelta(seconds=sum(int(count) * DURATION_UNITS[unit] for count, unit in parts))


def read_time(node: Node, *, ends: bool = False) -> time | None:
    """A time of day, "HH:MM" or "HH:MM:SS"; None, and noted, where it is none. What ``ends`` may end at "24:00"."""
    if isinstance(node.value, str) and _times(ends).fullmatch(node.value.strip()):
        return _time(node.value.strip())
    node.wrong(_meant(node.value) or _('must be a time such as "09:00" or "17:30:00"'))
    return None


def read_day_and_time(node: Node, *, ends: bool = False) -> tuple[int | None, time | None]:
    """A time with or without a weekday before it: "09:00", "mon 09:00". "fri 24:00" is Saturday's midnight."""
    day, _blank, clock = node.value.strip().rpartition(" ") if isinstance(node.value, str) else ("", "", "")
    if not day:
        return None, read_time(node, ends=ends)
    weekday = weekday_of(day)
    if weekday is None or not _times(ends).fullmatch(clock):
        node.wrong(_('must be a time, or a weekday and a time, such as "09:00" or "mon 09:00"'))
        return None, None
    return (weekday + 1) % 7 if clock.startswith("24") else weekday, _time(clock)


def read_local(node: Node, *, midnight: time = MIDNIGHT) -> datetime | None:
    """A local moment: "2026-01-05T09:00", or a date alone, which means that day at ``midnight``."""
    value = node.value
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            value = None
    if isinstance(value, datetime):
        if value.tzinfo is None and not value.microsecond:
            return value.replace(fold=0)
        node.wrong(_("is read on the clock of the layer's time zone, to the second: leave out offset and fractions"))
    elif isinstance(value, date):
        return datetime.combine(value, midnight)
    else:
        node.wrong(_('must be a date and time such as "2026-01-05T09:00"'))
    return None


def read_weekdays(node: Node) -> tuple[int, ...]:
    """Weekdays as a list of names, or one text of names and ranges: "mon-fri", "sat, sun". Absent means every day."""
    if node.absent:
        return tuple(range(7))
    if isinstance(node.value, str):
        parts = [node.child(number, part) for number, part in enumerate(node.value.split(","))]
    else:
        parts = list(node.items(lambda part: part, most=7))
    found = tuple(day for part in parts for day in _weekday_range(part))
    if not found and not parts:
        node.wrong(_("needs at least one entry"))
    return found


def time_text(clock: time) -> str:
    """ "09:00", with seconds only where there are some."""
    return clock.isoformat("seconds" if clock.second else "minutes")


def duration_text(length: timedelta) -> str:
    """As ``duration_of`` reads it: the largest unit that fits ("7d", "36h"), else the parts ("1h30m")."""
    seconds = int(length.total_seconds())
    for unit, size in sorted(DURATION_UNITS.items(), key=lambda one: -one[1]):
        if size <= seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    parts = []
    for unit, size in sorted(DURATION_UNITS.items(), key=lambda one: -one[1]):
        count, seconds = divmod(seconds, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def _weekday_range(node: Node) -> tuple[int, ...]:
    first, dash, last = node.value.partition("-") if isinstance(node.value, str) else ("", "", "")
    start, end = weekday_of(first), weekday_of(last if dash else first)
    if start is None or end is None:
        node.wrong(_("must be weekdays: %(names)s") % {"names": ", ".join(WEEKDAYS)})
        return ()
    return tuple((start + step) % 7 for step in range((end - start) % 7 + 1))


def _times(ends: bool) -> re.Pattern[str]:
    return _END_TIME if ends else _TIME


def _time(text: str) -> time:
    hour, minute, second = (int(part) for part in f"{text}:0".split(":")[:3])
    return time(hour % 24, minute, second)


def _meant(value: object) -> str:
    """YAML 1.1 reads an unquoted 17:30 as the number 1050, and 17:30:00 as 63000: say what to do about it."""
    if not isinstance(value, int) or isinstance(value, bool) or not 600 <= value < 86_400:
        return ""
    minutes, seconds = divmod(value, 60) if value >= 3_600 else (value, 0)
    if minutes >= 1_440:
        return ""
    clock = time(minutes // 60, minutes % 60, seconds)
    return _('must be in quotes, "%(time)s", or it is read as a number') % {"time": time_text(clock)}
