"""An iCalendar document as windows of time: pure, and safe for whatever somebody serves at an address.

A calendar may ask for endless work in a few bytes (a rule for every second, an event a thousand years long). So rules that
no plan of people needs are refused before anything is expanded, and what the rest may come to is bounded.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from django.utils.translation import gettext as _
from icalendar import Calendar

from escalation_site.kernel.errors import DomainError
from oncall.rota.clock import first_instant

MOST_BYTES = 1_000_000
MOST_EVENTS = 2_000
"""Events of the file, and windows they come to in the range."""
LONGEST = timedelta(days=400)
MOST_STEPS = 600_000
"""Steps of walking the rules of all repeated events together; about three seconds."""
MOST_ZONE_RULES = 60
MOST_PROBLEMS = 20
_PERIODS = {"DAILY": 1.0, "WEEKLY": 7.0, "MONTHLY": 30.4, "YEARLY": 365.2}
"""How many days one step of a rule covers."""
_WEIGHTS = {"DAILY": 1.0, "WEEKLY": 2.0, "MONTHLY": 3.0, "YEARLY": 40.0}
"""What one step costs, measured: the rarer the step, the more days it looks at."""
_END_OF_TIME = datetime(9999, 12, 31)  # noqa: DTZ001  where the library stops looking for a day that never comes
_RULE = re.compile(r"^(?:RRULE|EXRULE)\s*[;:](.*)$", re.IGNORECASE | re.MULTILINE)
_FREQ = re.compile(r"FREQ\s*=\s*([A-Z]+)", re.IGNORECASE)
_BY_CLOCK = re.compile(r"BY(?:HOUR|MINUTE|SECOND)\s*=", re.IGNORECASE)
_ZONE = re.compile(r"^BEGIN:VTIMEZONE.*?^END:VTIMEZONE", re.IGNORECASE | re.MULTILINE | re.DOTALL)


class CalendarUnreadable(DomainError):
    """The document is no calendar, or one that asks for too much; the message says which."""

    default_code = "calendar_unreadable"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="file")


@dataclass(frozen=True, slots=True)
class Window:
    """One occurrence of an event (UTC, ``end`` excluded). ``people`` are the e-mail addresses of who attends."""

    uid: str
    start: datetime
    end: datetime
    summary: str
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found; ``free`` counts events left out because they are marked as free time."""

    windows: tuple[Window, ...]
    problems: tuple[str, ...] = ()
    free: int = 0


def calendar_read(content: bytes, *, since: datetime, until: datetime, zone: ZoneInfo) -> Reading:
    """The windows that touch the range, repeated events expanded, in order of start.

    Whole days, and times without a zone, are read on the clock of ``zone``. Cancelled events do not count, nor do those
    marked as free, unless they say "out of office". An event that cannot be read is named in ``problems``, the others count.
    Raises CalendarUnreadable.
    """
    calendar = _parsed(content)
    zones = list(calendar.walk("VTIMEZONE"))
    events = list(calendar.walk("VEVENT"))
    if len(events) > MOST_EVENTS:
        raise CalendarUnreadable(_("It holds more than %(most)d events.") % {"most": MOST_EVENTS})
    windows: dict[tuple[str, datetime], Window] = {}
    problems: list[str] = []
    free = 0
    budget = _Budget()
    for uid, group in _by_uid(events).items():
        try:
            for event in group:
                budget.spend(_steps(event, until))
            found, left_out = _expanded(calendar, zones, uid, group, since, until, zone)
        except CalendarUnreadable:
            raise
        # The library raises what it happens to meet in a broken event: lookup, type, value and overflow errors.
        except Exception:
            problems.append(_("“%(event)s” cannot be read.") % {"event": _text(group[0], "SUMMARY") or uid[:60]})
            continue
        free += left_out
        windows |= {(window.uid, window.start): window for window in found}
        if len(windows) > MOST_EVENTS:
            raise CalendarUnreadable(_("It comes to more than %(most)d events.") % {"most": MOST_EVENTS})
    ordered = sorted(windows.values(), key=lambda window: (window.start, window.uid))
    return Reading(tuple(ordered), tuple(problems[:MOST_PROBLEMS]), free)


def _parsed(content: bytes) -> Calendar:
    if len(content) > MOST_BYTES:
        raise CalendarUnreadable(_("It is larger than %(most)d kB.") % {"most": MOST_BYTES // 1000})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CalendarUnreadable(_("It is not written in UTF-8.")) from None
    if not text.lstrip().upper().startswith("BEGIN:VCALENDAR"):
        raise CalendarUnreadable(_("It is no calendar: it does not begin with BEGIN:VCALENDAR."))
    _require_modest_rules(text)
    try:
        return Calendar.from_ical(text)
    # As above: a broken document may fail anywhere in the parser.
    except Exception as error:
        raise CalendarUnreadable(
            _("It is a calendar with a mistake: %(fault)s") % {"fault": str(error)[:120]}
        ) from error


def _require_modest_rules(text: str) -> None:
    """Zones' rules are walked while parsing, so this looks at the text itself."""
    text = re.sub(r"\r\n?", "\n", text)
    text = re.sub(r"\n[ \t]", "", text)
    for match in _RULE.finditer(text):
        frequency = _FREQ.search(match[1])
        if frequency is None or frequency[1].upper() not in _PERIODS or _BY_CLOCK.search(match[1]):
            raise CalendarUnreadable(
                _("An event repeats more than once a day (%(rule)s); give each its own event.")
                % {"rule": match[1][:60]}
            )
    of_zones = [match[1] for section in _ZONE.finditer(text) for match in _RULE.finditer(section[0])]
    if len(of_zones) > MOST_ZONE_RULES or any("YEARLY" not in rule.upper() for rule in of_zones):
        raise CalendarUnreadable(_("Its time zones have stranger rules than those of any country."))


def _by_uid(events: Iterable[Any]) -> dict[str, list[Any]]:
    """An event with the ones that change single occurrences of it. Without a UID it is known by what it says."""
    groups: dict[str, list[Any]] = {}
    for event in events:
        uid = _text(event, "UID") or f"{_text(event, 'SUMMARY')} {_text(event, 'DTSTART')}"
        groups.setdefault(uid, []).append(event)
    return groups


class _Budget:
    """How much walking the whole document may still cost."""

    def __init__(self) -> None:
        self._left = float(MOST_STEPS)

    def spend(self, steps: float) -> None:
        self._left -= steps
        if self._left < 0:
            raise CalendarUnreadable(
                _("Its repeated events would take too long to read: too many, or begun too long ago.")
            )


def _expanded(
    calendar: Calendar,
    zones: list[Any],
    uid: str,
    group: list[Any],
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
) -> tuple[list[Window], int]:
    """The windows of one event, and how many of it were left out as free time."""
    own = Calendar()
    for name in ("PRODID", "VERSION", "X-WR-TIMEZONE"):
        if name in calendar:
            own[name] = calendar[name]
    for component in (*zones, *group):
        own.add_component(component)
    windows, free = [], 0
    # A day more on each side: the range is compared in UTC, whole days begin on the clock of some zone.
    day = timedelta(days=1)
    for occurrence in recurring_ical_events.of(own, components=["VEVENT"]).between(since - day, until + day):
        window = _window(occurrence, uid, zone)
        if window is None or window.end <= since or window.start >= until:
            continue
        if _text(occurrence, "STATUS").upper() == "CANCELLED":
            continue
        if _is_free(occurrence):
            free += 1
            continue
        windows.append(window)
    return windows, free


def _steps(event: Any, until: datetime) -> float:
    """What expanding the event costs. Raises CalendarUnreadable for one that would overlap itself for years."""
    rules = event.get("RRULE", [])
    if not rules:
        return 0
    start, end = _local(event.decoded("DTSTART")), _local(_decoded_end(event))
    if end - start > LONGEST:
        raise CalendarUnreadable(
            _("“%(event)s” repeats and lasts longer than a year.") % {"event": _text(event, "SUMMARY")}
        )
    return sum(_rule_steps(rule, start, until) for rule in (rules if isinstance(rules, list) else [rules]))


def _rule_steps(rule: Any, start: datetime, until: datetime) -> float:
    frequency = str(rule["FREQ"][0]).upper()
    every = max(int(rule.get("INTERVAL", [1])[0]), 1) * _PERIODS[frequency]
    by = {name: [str(value) for value in values] for name, values in rule.items() if name.startswith("BY")}
    days = max((until.replace(tzinfo=None) - start) / timedelta(days=1), 1.0)
    steps = days / every * _WEIGHTS[frequency] * max(len(by.get("BYDAY", ())), 1)
    if _may_never_match(frequency, every > _PERIODS[frequency], by):
        # A day that never comes is looked for until the end of time.
        steps += (_END_OF_TIME - start) / timedelta(days=1) / every * _WEIGHTS[frequency] / 1.5
    return steps


def _may_never_match(frequency: str, skips: bool, by: dict[str, list[str]]) -> bool:
    """Whether a rule could name days that no year has, such as 30 February. Rather too often than too seldom."""
    if not by:
        return False
    if skips or frequency == "DAILY" or not set(by) <= {"BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS"}:
        return not (frequency == "WEEKLY" and set(by) == {"BYDAY"})
    if "BYMONTHDAY" in by and ("BYDAY" in by or not _some_day_exists(by["BYMONTHDAY"], by.get("BYMONTH", []))):
        return True
    counted = [re.sub(r"[^-+0-9]", "", text) or "0" for text in (*by.get("BYDAY", ()), *by.get("BYSETPOS", ()))]
    # Every month has each weekday four times.
    return any(abs(int(number)) > 4 for number in counted) or ("BYSETPOS" in by and "BYDAY" not in by)


def _some_day_exists(days: list[str], months: list[str]) -> bool:
    longest = [monthrange(2024, int(month))[1] for month in months] or [31]
    return any(1 <= abs(int(day)) <= max(longest) for day in days)


def _decoded_end(event: Any) -> date | datetime:
    start: date | datetime = event.decoded("DTSTART")
    if "DTEND" in event:
        end: date | datetime = event.decoded("DTEND")
        return end
    if "DURATION" in event:
        length: timedelta = event.decoded("DURATION")
        return start + length
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def _local(moment: date | datetime) -> datetime:
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime.combine(moment, time())


def _window(occurrence: Any, uid: str, zone: ZoneInfo) -> Window | None:
    """None for an event that takes no time: nobody is away in it."""
    start = _instant(occurrence.decoded("DTSTART"), zone)
    end = _instant(_decoded_end(occurrence), zone)
    if end <= start:
        return None
    return Window(uid[:255], start, end, _text(occurrence, "SUMMARY")[:200], tuple(_people(occurrence)))


def _instant(moment: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.astimezone(UTC).replace(microsecond=0)
    return first_instant(_local(moment).replace(microsecond=0, fold=0), zone)


def _people(occurrence: Any) -> Iterator[str]:
    found = occurrence.get("ATTENDEE", [])
    for address in found if isinstance(found, list) else [found]:
        if str(getattr(address, "params", {}).get("PARTSTAT", "")).upper() != "DECLINED":
            text = str(address).strip()
            yield (text[7:] if text.lower().startswith("mailto:") else text).lower()


def _is_free(occurrence: Any) -> bool:
    if _text(occurrence, "X-MICROSOFT-CDO-BUSYSTATUS").upper() == "OOF":
        return False
    return _text(occurrence, "TRANSP").upper() == "TRANSPARENT"


def _text(component: Any, name: str) -> str:
    """The property as text without control characters, empty when it is absent."""
    value = component.get(name, "")
    if isinstance(value, list):
        value = value[0] if value else ""
    if hasattr(value, "dt"):
        value = value.dt
    return "".join(char if char >= " " else " " for char in str(value)).strip()
