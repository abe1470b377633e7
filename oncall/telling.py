"""Notices about overrides, swaps and absences: each in its recipient's language and on their clock."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone, translation

from escalation_site.ui import moments
from oncall import ports
from oncall.models import Schedule, User
from oncall.wording import role_words

Words = Callable[[], tuple[str, str]]
"""Subject and body, written when the recipient's language and zone are in force."""


@contextmanager
def as_read_by(user: User) -> Iterator[None]:
    """Words and times as ``user`` reads them."""
    with translation.override(user.language), timezone.override(ZoneInfo(user.time_zone)):
        yield


def note_to(user: User, words: Words, *, key: str, link: str = "", subject_ref: str = "") -> ports.Note:
    """``key`` names the notice for ever; the recipient is added to it."""
    with as_read_by(user):
        subject, body = words()
    return ports.Note(
        recipient_id=user.pk,
        subject=subject,
        body=body,
        key=f"{key}:{user.pk}",
        link=link or reverse("oncall:mine"),
        subject_ref=subject_ref,
    )


def span_words(start: datetime, end: datetime, *, at: datetime) -> str:
    """ "Sun 22 Nov, 03:09 – Mon 23 Nov, 09:00 CET", on the clock in force; the end's day only where it is another."""
    zone = timezone.get_current_timezone()
    same_day = start.astimezone(zone).date() == end.astimezone(zone).date()
    until = moments.written(end, "clock" if same_day else "short", at=at)
    return f"{moments.written(start, 'short', at=at)} – {until} {moments.zone_name(end.astimezone(zone))}"


def duty_words(schedule: Schedule, role: str) -> str:
    """ "Payments (primary)" """
    return f"{schedule.name} ({role_words(role)})" if role else schedule.name


def distinct(people: Iterable[User | None]) -> list[User]:
    """Those who are there, each once."""
    return list({user.pk: user for user in people if user is not None}.values())
