"""Calendars both ways: the feed programs fetch without signing in, and the page of one's feeds and of what is read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers, get_conditional_response
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from oncall import permissions
from oncall.absences import STANDING
from oncall.access import role_required
from oncall.calendar_forms import FeedForm, SourceForm, TargetForm, UploadForm
from oncall.calendars import feeds, sources
from oncall.calendars.syncing import Synced
from oncall.models import CalendarFeed, CalendarSource, Schedule, User

ACTORS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar of a secret address. Whoever holds the address is let in, and nobody is told which ones exist."""
    at = now()
    found = feeds.feed_find(token, at=at)
    if found is None:
        raise Http404
    document = feeds.feed_document(found, at=at)
    etag = f'"{document.etag}"'
    fresh = HttpResponse(document.content, content_type="text/calendar; charset=utf-8")
    # By what it says alone: an absence taken back leaves no later instant behind that a date could be held against.
    response = cast(HttpResponse, get_conditional_response(request, etag=etag, response=fresh))
    response["ETag"] = etag
    response["Last-Modified"] = http_date(document.changed_at.timestamp())
    response["Cache-Control"] = "private, no-cache"
    response["Content-Disposition"] = 'inline; filename="on-call.ics"'
    response["X-Robots-Tag"] = "noindex"
    return response


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A calendar that is read, as the page shows it: from which host, and how much of it stands."""

    source: CalendarSource
    place: str
    count: int


@require_safe
@role_required(*feeds.READERS)
def calendars(request: HttpRequest) -> HttpResponse:
    """My feeds, and the calendars read for me and, where I manage, for schedules."""
    return _page(request, at=now())


def _page(request: HttpRequest, *, at: datetime, status: int = 200, **context: Any) -> HttpResponse:
    user = cast(User, request.user)
    led = _led(user)
    mine = CalendarFeed.objects.filter(owner=user, revoked_at=None).select_related("schedule")
    shown = {
        "at": at,
        "feeds": mine.order_by("-created_at", "-pk"),
        "feed_form": FeedForm(auto_id="feed_%s"),
        "source_rows": _source_rows(user, led, at=at),
        "may_read": user.may_respond,
        "source_form": SourceForm(user=user, led=led, auto_id="source_%s"),
        "upload_form": UploadForm(user=user, led=led, auto_id="upload_%s"),
    }
    return render(request, "oncall/calendars.html", {**shown, **context}, status=status)


def _led(user: User) -> list[Schedule]:
    """The schedules whose overrides ``user`` may have read, by name."""
    if not (permissions.is_responder(user) and user.may_manage):
        return []
    return list(Schedule.objects.select_related("team").order_by("name"))


def _sources(user: User, led: list[Schedule]) -> QuerySet[CalendarSource]:
    return (
        CalendarSource.objects.filter(Q(user=user) | Q(schedule__in=led))
        .select_related("user", "schedule__team", "created_by")
        .order_by("schedule__name", "id")
    )


def _source_rows(user: User, led: list[Schedule], *, at: datetime) -> list[SourceRow]:
    standing = Q(absences__state__in=STANDING, absences__end__gt=at) & ~Q(absences__source_uid="")
    in_force = Q(overrides__cancelled_at=None, overrides__end__gt=at) & ~Q(overrides__source_uid="")
    found = _sources(user, led).annotate(
        away=Count("absences", filter=standing, distinct=True),
        stand_ins=Count("overrides", filter=in_force, distinct=True),
    )
    return [SourceRow(one, sources.place_of(one), one.away + one.stand_ins) for one in found]


@require_POST
@role_required(*feeds.READERS)
def feed_create(request: HttpRequest) -> HttpResponse:
    """Make a feed. Its address is shown in this answer only: neither stored nor cached."""
    at, user = now(), cast(User, request.user)
    form = FeedForm(request.POST, auto_id="feed_%s")
    try:
        if not form.is_valid():
            return _page(request, at=at, status=422, feed_form=form)
        made, plain = feeds.feed_create(owner=user, schedule=form.cleaned_data["schedule"], actor=user, at=at)
    except DomainError as error:
        form.add_error("schedule", error.message)
        return _page(request, at=at, status=422, feed_form=form)
    url = feeds.feed_url(plain)
    response = _page(request, at=at, made=made, address=url, webcal=f"webcal://{url.partition('://')[2]}")
    add_never_cache_headers(response)
    return response


@require_POST
@role_required(*feeds.READERS)
def feed_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user = cast(User, request.user)
    found = get_object_or_404(CalendarFeed.objects.select_related("owner", "schedule"), pk=pk, owner=user)
    feeds.feed_revoke(feed=found, actor=user, at=now())
    messages.success(request, _("%(feed)s no longer works.") % {"feed": found})
    return _back()


@require_POST
@role_required(*ACTORS)
def source_add(request: HttpRequest) -> HttpResponse:
    """Have a calendar read from now on; the first reading is done at once, so that the page can say what it found."""
    at, user = now(), cast(User, request.user)
    form = SourceForm(request.POST, user=user, led=_led(user), auto_id="source_%s")
    if not form.is_valid():
        return _page(request, at=at, status=422, source_form=form)
    try:
        source = sources.source_add(url=form.cleaned_data["url"], actor=user, at=at, **form.owner())
    except DomainError as error:
        _at_field(form, error)
        return _page(request, at=at, status=422, source_form=form)
    _tell(request, sources.source_read(source=source, at=at), source)
    return _back()


@require_POST
@role_required(*ACTORS)
def source_upload(request: HttpRequest) -> HttpResponse:
    """Take over what a file says, once."""
    at, user = now(), cast(User, request.user)
    form = UploadForm(request.POST, request.FILES, user=user, led=_led(user), auto_id="upload_%s")
    if not form.is_valid():
        return _page(request, at=at, status=422, upload_form=form)
    try:
        content = form.cleaned_data["file"].read()
        source, synced = sources.source_upload(content=content, actor=user, at=at, **form.owner())
    except DomainError as error:
        _at_field(form, error)
        return _page(request, at=at, status=422, upload_form=form)
    _tell(request, synced, source)
    return _back()


@require_POST
@role_required(*ACTORS)
def source_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a calendar now, and not only when it is next due."""
    source = _own_source(request, pk)
    _tell(request, sources.source_read(source=source, at=now()), source)
    return _back()


@require_POST
@role_required(*ACTORS)
def source_remove(request: HttpRequest, pk: int) -> HttpResponse:
    source = _own_source(request, pk)
    ended = sources.source_remove(source=source, actor=cast(User, request.user), at=now())
    messages.success(
        request,
        ngettext(
            "The calendar is read no more; %(n)d entry of the time to come is taken back.",
            "The calendar is read no more; %(n)d entries of the time to come are taken back.",
            ended,
        )
        % {"n": ended},
    )
    return _back()


def _own_source(request: HttpRequest, pk: int) -> CalendarSource:
    """One the reader may remove; others do not exist for them."""
    user = cast(User, request.user)
    found = get_object_or_404(CalendarSource.objects.select_related("user", "schedule__team", "created_by"), pk=pk)
    if not sources.may_remove_source(user, found):
        raise Http404
    return found


def _at_field(form: TargetForm, error: DomainError) -> None:
    field = "target" if isinstance(error, NotAllowed) else error.field
    form.add_error(field if field in form.fields else None, error.message)


def _tell(request: HttpRequest, synced: Synced | None, source: CalendarSource) -> None:
    """What a reading did, in words; what is the matter with it stands on the page."""
    if synced is None:
        if source.problem:
            messages.warning(request, _("The calendar could not be read. It is tried again and again."))
        else:
            messages.success(request, _("Nothing has changed in the calendar."))
        return
    parts = [
        ngettext("%(n)d entry taken over.", "%(n)d entries taken over.", synced.made) % {"n": synced.made},
    ]
    if synced.ended:
        parts.append(ngettext("%(n)d taken back.", "%(n)d taken back.", synced.ended) % {"n": synced.ended})
    if synced.free:
        parts.append(
            ngettext(
                "%(n)d event marked as free time was left out.",
                "%(n)d events marked as free time were left out.",
                synced.free,
            )
            % {"n": synced.free}
        )
    if synced.problems:
        parts.append(sources.problem_words(synced.problems))
    (messages.warning if synced.problems else messages.success)(request, " ".join(parts))


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("oncall:calendars"), status=303)
