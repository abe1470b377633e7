"""Calendars that are read: added, read again and again or once from a file, and removed.

A person's calendar says when they are away: every event in it, unless marked as free. A schedule's says who stands in: an
event names somebody, as attendee or in its title, by user name, e-mail address or full name.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.services import EntryValue, entry_append
from escalation_site.kernel import outbound
from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from oncall import permissions
from oncall.calendars.reading import MOST_BYTES, Reading, calendar_read
from oncall.calendars.syncing import Synced, rows_end, rows_sync
from oncall.models import CalendarSource, Schedule, User
from oncall.services import actor_of

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=6)
AHEAD = timedelta(weeks=26)
MOST_SOURCES = 5
MOST_URL = 1000
READ_AT_ONCE = 6
"""Sources the task reads in one turn: together they stay below its time limit."""
MOST_SECONDS = 10.0
_SHOWN_PROBLEMS = 3


def may_add_source(actor: User, *, user: User | None, schedule: Schedule | None) -> bool:
    """One's own absences, managers anybody's; a schedule's overrides, managers: it puts colleagues on call."""
    if schedule is not None:
        return permissions.is_responder(actor) and actor.may_manage
    return user is not None and permissions.may_plan_absence(actor, user)


def may_remove_source(actor: User, source: CalendarSource) -> bool:
    return may_add_source(actor, user=source.user, schedule=source.schedule)


@transaction.atomic
def source_add(
    *, url: str, actor: User, at: datetime, user: User | None = None, schedule: Schedule | None = None
) -> CalendarSource:
    """Have the calendar at ``url`` read from now on, for one person or one schedule; it is read when it is next due.

    Raises NotAllowed; DomainError at "url" for what is no address, is read already, or is one too many.
    """
    _require_may(actor, user=user, schedule=schedule)
    url = url.strip()
    if url.lower().startswith("webcal://"):
        url = f"https://{url[len('webcal://') :]}"
    outbound.address_check(url)
    if len(url) > MOST_URL:
        raise DomainError(_("That address is too long."), field="url")
    mine = CalendarSource.objects.filter(user=user, schedule=schedule).exclude(url="")
    if mine.filter(url=url).exists():
        raise Conflict(_("That calendar is read already."), field="url")
    if mine.count() >= MOST_SOURCES:
        raise DomainError(
            _("%(most)d calendars are read already; remove one first.") % {"most": MOST_SOURCES}, field="url"
        )
    source = CalendarSource.objects.create(
        user=user, schedule=schedule, url=url, created_by=actor, created_at=at, read_next_at=at
    )
    _note(source, "calendar_source.create", actor=actor, at=at)
    return source


def _require_may(actor: User, *, user: User | None, schedule: Schedule | None) -> None:
    if not may_add_source(actor, user=user, schedule=schedule):
        raise NotAllowed(_("You may add calendars for yourself; managers for others and for schedules too."))


def source_upload(
    *, content: bytes, actor: User, at: datetime, user: User | None = None, schedule: Schedule | None = None
) -> tuple[CalendarSource, Synced]:
    """Take over what a file says. It adds, and takes nothing back that an earlier file said.

    Raises NotAllowed, and CalendarUnreadable at "file".
    """
    _require_may(actor, user=user, schedule=schedule)
    # Reading may take a while; nobody waits for it behind a lock.
    reading = _read(content, user or schedule, at=at)
    return _upload_keep(reading, actor=actor, at=at, user=user, schedule=schedule)


@transaction.atomic
def _upload_keep(
    reading: Reading, *, actor: User, at: datetime, user: User | None, schedule: Schedule | None
) -> tuple[CalendarSource, Synced]:
    source = CalendarSource.objects.select_for_update().filter(user=user, schedule=schedule, url="").first()
    if source is None:
        source = CalendarSource.objects.create(user=user, schedule=schedule, created_by=actor, created_at=at)
        _note(source, "calendar_source.create", actor=actor, at=at)
    synced = rows_sync(source=source, reading=reading, at=at, vanishing=False)
    _keep(source, read_at=at, problem=problem_words(synced.problems))
    return source, synced


def source_read(*, source: CalendarSource, at: datetime) -> Synced | None:
    """Read a calendar now; None where it could not be read or has not changed. What is the matter stays in ``problem``.

    Never inside a transaction: it waits for a stranger's server. After a failure the waiting grows with the time since it
    last went well, up to six hours; nothing that was read before is touched.
    """
    claimed = CalendarSource.objects.filter(pk=source.pk, enabled=True).update(read_next_at=at + EVERY)
    if not claimed or not source.url:
        return None
    with translation.override(_language(source)):
        try:
            answer = _fetched(source, at=at)
            reading = _read(answer.content, source.user or source.schedule, at=at) if answer else None
            with transaction.atomic():
                locked = CalendarSource.objects.select_for_update(of=("self",)).filter(pk=source.pk).first()
                if locked is None or answer is None or reading is None:
                    if locked is not None:
                        _keep(source, read_at=at)
                    return None
                synced = rows_sync(source=source, reading=reading, at=at, vanishing=True)
                etag = answer.headers.get("etag", "")
                _keep(
                    source,
                    read_at=at,
                    etag=etag if len(etag) <= 200 else "",
                    problem=problem_words(synced.problems),
                )
                return synced
        except DomainError as error:
            waited = at - (source.read_at or source.created_at)
            _keep(source, problem=str(error.message)[:300], read_next_at=at + min(max(waited, EVERY), LONGEST_WAIT))
            return None


def _fetched(source: CalendarSource, *, at: datetime) -> outbound.Answer | None:
    """The answer, None when nothing has changed. Once a day it is asked for in full: the range moves on."""
    same_day = source.read_at is not None and source.read_at.date() == at.date()
    headers = {"Accept": "text/calendar"} | (
        {"If-None-Match": source.etag} if source.etag and same_day and not source.problem else {}
    )
    answer = outbound.fetch(source.url, headers=headers, most_bytes=MOST_BYTES, most_seconds=MOST_SECONDS)
    if answer.status == 304:
        return None
    if answer.status != 200:
        raise DomainError(
            _("The calendar’s server answers %(status)d; the address may have changed.") % {"status": answer.status}
        )
    return answer


def _read(content: bytes, owner: User | Schedule | None, *, at: datetime) -> Reading:
    """On the clock of whom it is about."""
    zone = ZoneInfo(owner.time_zone if owner else "UTC")
    return calendar_read(content, since=at, until=at + AHEAD, zone=zone)


def _language(source: CalendarSource) -> str | None:
    person = source.user or source.created_by
    return person.language if person else None


def _keep(source: CalendarSource, **values: object) -> None:
    """How the reading went: no change of the source itself, so no row of history."""
    for name, value in values.items():
        setattr(source, name, value)
    CalendarSource.objects.filter(pk=source.pk).update(**values)


def problem_words(problems: tuple[str, ...]) -> str:
    """As many as fit, and how many more there are."""
    shown, more = problems[:_SHOWN_PROBLEMS], len(problems) - _SHOWN_PROBLEMS
    text = " ".join(shown)
    if more > 0:
        text += " " + ngettext("And %(n)d more.", "And %(n)d more.", more) % {"n": more}
    return text if len(text) <= 300 else text[:299] + "…"


@transaction.atomic
def source_remove(*, source: CalendarSource, actor: User, at: datetime) -> int:
    """Read it no more and take back what it said of the time to come; returns how much that was. Raises NotAllowed."""
    if not may_remove_source(actor, source):
        raise NotAllowed(_("It is not yours to remove."))
    locked = CalendarSource.objects.select_for_update(of=("self",)).filter(pk=source.pk).first()
    if locked is None:
        return 0
    ended = rows_end(source=locked, at=at)
    _note(source, "calendar_source.remove", actor=actor, at=at)
    locked.delete()
    return ended


def sources_check(*, at: datetime) -> int:
    """Read what is due, a few at a time; returns how many were read. One that fails does not hold up the others."""
    due = list(
        CalendarSource.objects.select_related("user", "schedule__team", "created_by")
        .filter(Q(user=None) | Q(user__is_active=True), enabled=True, read_next_at__lte=at)
        .exclude(url="")
        .order_by("read_next_at", "id")[:READ_AT_ONCE]
    )
    for source in due:
        try:
            source_read(source=source, at=at)
        # Whatever it is, it is this calendar's alone; the claim above keeps it from being tried in the next minute.
        except Exception:
            log.exception("calendar.read", source=source.pk)
    return len(due)


def place_of(source: CalendarSource) -> str:
    """The host it is read from; the rest of an address is its owner's secret. Empty for files."""
    return urlsplit(source.url).hostname or ""


def _note(source: CalendarSource, action: str, *, actor: User, at: datetime) -> None:
    subject = f"schedule:{source.schedule_id}" if source.schedule_id else f"user:{source.user_id}"
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="calendar_source",
            object_id=str(source.pk),
            object_label=str(source),
            subject=subject,
            actor=actor_of(actor),
            data={"place": place_of(source)},
        )
    )
