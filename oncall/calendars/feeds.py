"""Calendar feeds: made, revoked, found again from their address, and what they say: the shifts of the one rota."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.kernel.errors import DomainError, NotAllowed
from oncall import rota
from oncall.absences import schedules_of
from oncall.calendars.writing import Entry, calendar_bytes
from oncall.models import Absence, CalendarFeed, Override, Schedule, ScheduleVersion, User
from oncall.selectors import Loaded, schedules_load
from oncall.services import actor_of
from oncall.wording import role_words, why_words

BEHIND = timedelta(weeks=4)
AHEAD = timedelta(weeks=26)
STANDING = timedelta(days=366)
"""A shift that began longer ago has no beginning worth naming: a schedule of everyone has no turns."""
MOST_FEEDS = 20
USE_NOTED_EVERY = timedelta(hours=1)
READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
_BYTES = 32
_HINT_LENGTH = 4


def may_have_feed(user: User) -> bool:
    """Everybody who may open the on-call pages; asked again at every fetch."""
    return user.is_active and user.role in READERS


def may_revoke(user: User, feed: CalendarFeed) -> bool:
    return user.is_active and (user.pk == feed.owner_id or user.is_administrator)


def feed_digest(plain: str) -> str:
    """How the secret of an address is stored. It is 256 bits of chance, so that a plain SHA-256 suffices."""
    return hashlib.sha256(plain.encode()).hexdigest()


def feed_url(plain: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse('calendar_feed', args=(plain,))}"


@transaction.atomic
def feed_create(*, owner: User, schedule: Schedule | None, actor: User, at: datetime) -> tuple[CalendarFeed, str]:
    """A new feed of ``schedule``, or of ``owner``'s own shifts, and the secret of its address, which is nowhere stored.

    Raises NotAllowed, and DomainError for more than MOST_FEEDS in use.
    """
    if not may_have_feed(owner) or actor.pk != owner.pk:
        raise NotAllowed(_("You may make calendar feeds for yourself, where you may see who is on call."))
    # The owner's row is held, so that two requests at once do not pass the limit together.
    User.objects.select_for_update().get(pk=owner.pk)
    if CalendarFeed.objects.filter(owner=owner, revoked_at=None).count() >= MOST_FEEDS:
        raise DomainError(_("%(most)d feeds are in use; revoke one first.") % {"most": MOST_FEEDS}, field="schedule")
    plain = secrets.token_urlsafe(_BYTES)
    feed = CalendarFeed.objects.create(
        owner=owner, schedule=schedule, digest=feed_digest(plain), hint=plain[-_HINT_LENGTH:], created_at=at
    )
    _note(feed, "calendar_feed.create", actor=actor, at=at)
    return feed, plain


@transaction.atomic
def feed_revoke(*, feed: CalendarFeed, actor: User, at: datetime) -> CalendarFeed:
    """End a feed at once. Revoking it again does nothing. Raises NotAllowed."""
    if not may_revoke(actor, feed):
        raise NotAllowed(_("It is not yours to revoke."))
    if CalendarFeed.objects.filter(pk=feed.pk, revoked_at=None).update(revoked_at=at):
        _note(feed, "calendar_feed.revoke", actor=actor, at=at)
    feed.refresh_from_db()
    return feed


def feed_find(plain: str, *, at: datetime) -> CalendarFeed | None:
    """The feed of this address, with owner and schedule; None where it is unknown, revoked, or its owner may not see it.

    Notes the use, at most once an hour.
    """
    digest = feed_digest(plain)
    feed = CalendarFeed.objects.select_related("owner", "schedule__team").filter(digest=digest, revoked_at=None).first()
    # The index found it; the comparison that grants anything takes constant time.
    if feed is None or not hmac.compare_digest(feed.digest, digest) or not may_have_feed(feed.owner):
        return None
    if feed.last_used_at is None or feed.last_used_at <= at - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=at - USE_NOTED_EVERY)
        CalendarFeed.objects.filter(stale, pk=feed.pk).update(last_used_at=at)
    return feed


@dataclass(frozen=True, slots=True)
class Document:
    """A feed as it is now. ``etag`` changes with what it says and not with the clock."""

    content: bytes
    etag: str
    changed_at: datetime


def feed_document(feed: CalendarFeed, *, at: datetime) -> Document:
    """The calendar, from four weeks ago to twenty-six ahead, in its owner's language.

    Shifts are whole, so that an event keeps its times when it leaves the range. A constant number of queries.
    """
    since = _midnight(at - BEHIND)
    until = _midnight(at + AHEAD + timedelta(days=1))
    schedules = [feed.schedule] if feed.schedule else _schedules_of(feed.owner)
    loaded = schedules_load(schedules, since=since)
    found = [
        (item, shift)
        for item in loaded.values()
        for shift in item.shifts(since=since, until=until, whole=True)
        if feed.schedule_id or shift.user_id == feed.owner_id
    ]
    found.sort(key=lambda pair: (pair[1].start, pair[0].schedule.name, pair[1].role, pair[1].user_id))
    ids = {pk for _item, shift in found for pk in (shift.user_id, shift.instead_of) if pk is not None}
    names = {user.pk: user.name for user in User.objects.filter(pk__in=ids)}
    with translation.override(feed.owner.language):
        own = not feed.schedule_id
        entries = [_entry(item, shift, names, own=own, since=since) for item, shift in found]
        name = _("On call: %(name)s") % {"name": feed.owner.name if feed.schedule is None else feed.schedule.name}
    changed_at = _changed_at(list(loaded.values())) or feed.created_at
    etag = hashlib.sha256(repr((name, entries)).encode()).hexdigest()[:32]
    return Document(calendar_bytes(name=name, entries=entries, changed_at=changed_at), etag, changed_at)


def _midnight(instant: datetime) -> datetime:
    """Of UTC: the range moves once a day, so that all answers of a day are the same."""
    return datetime.combine(instant.astimezone(UTC).date(), time(), UTC)


def _schedules_of(owner: User) -> list[Schedule]:
    """Where ``owner`` may be on call: named by a definition, or by an override alone."""
    named = schedules_of([owner])
    stepping_in = Schedule.objects.select_related("team").filter(overrides__user=owner).distinct()
    return list({schedule.pk: schedule for schedule in (*named, *stepping_in)}.values())


def _entry(item: Loaded, shift: rota.Shift, names: Mapping[int, str], *, own: bool, since: datetime) -> Entry:
    schedule = item.schedule
    standing = shift.start < since - STANDING
    parts = {
        "schedule": schedule.name,
        "role": role_words(shift.role),
        "name": names.get(shift.user_id, ""),
    }
    begin = "standing" if standing else shift.start.isoformat()
    return Entry(
        key=f"{settings.PUBLIC_URL}/shifts/{schedule.pk}/{shift.role}/{begin}/{shift.user_id}",
        start=since - STANDING if standing else shift.start,
        end=shift.end,
        summary=_("On call: %(schedule)s (%(role)s)") % parts
        if own
        else _("%(name)s on call: %(schedule)s (%(role)s)") % parts,
        description=_sentence(why_words(shift, lambda pk: names.get(pk, ""))),
        url=f"{settings.PUBLIC_URL}{schedule.get_absolute_url()}",
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _changed_at(loaded: list[Loaded]) -> datetime | None:
    """When anything was last changed that these schedules rest on; rather too late than too early."""
    ids = [item.schedule.pk for item in loaded]
    found = (
        ScheduleVersion.objects.filter(schedule__in=ids).aggregate(last=Max("created_at"))["last"],
        Override.history.filter(schedule__in=ids).aggregate(last=Max("history_date"))["last"],
        Absence.history.aggregate(last=Max("history_date"))["last"],
    )
    return max((moment for moment in found if moment is not None), default=None)


def _note(feed: CalendarFeed, action: str, *, actor: User, at: datetime) -> None:
    entry_append(
        EntryValue(
            at=at,
            action=action,
            object_type="calendar_feed",
            object_id=str(feed.pk),
            object_label=str(feed),
            subject=f"user:{feed.owner_id}",
            actor=actor_of(actor),
            data={"owner": feed.owner.name, "schedule": feed.schedule.name if feed.schedule else None},
        )
    )
