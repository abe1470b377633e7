"""Shifts as an iCalendar document (RFC 5545, 7986): pure, the same entries always give the same bytes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from icalendar import Calendar, Event

REFRESH = timedelta(hours=1)
PRODUCT = "-//Watchbell//On call//EN"


@dataclass(frozen=True, slots=True)
class Entry:
    """One shift. ``key`` names it for ever: a program that fetches again finds the same event under it."""

    key: str
    start: datetime
    end: datetime
    summary: str
    description: str
    url: str


def calendar_bytes(*, name: str, entries: Iterable[Entry], changed_at: datetime) -> bytes:
    """``changed_at`` stamps every event: no later than that was anything changed.

    Times are UTC, which every program understands without being told of zones. Events do not block time: who is on call
    may still be invited.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_event(entry, changed_at))
    return bytes(calendar.to_ical())


def _event(entry: Entry, changed_at: datetime) -> Event:
    event = Event()
    event.add("uid", str(uuid5(NAMESPACE_URL, entry.key)))
    event.add("dtstamp", changed_at)
    event.add("last-modified", changed_at)
    event.add("dtstart", entry.start)
    event.add("dtend", entry.end)
    event.add("summary", entry.summary)
    event.add("description", entry.description)
    event.add("url", entry.url)
    event.add("status", "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    return event
