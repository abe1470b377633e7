"""SLA targets, the priority matrix, channel criteria and business calendars: read by staff, written by managers and administrators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.holiday_calendars import holiday_calendar_names
from oncall.models import User
from oncall.zones import time_zone_names
from policies.book_pages.history import versions_compared
from policies.book_pages.permissions import may_edit_books
from policies.book_pages.shelf import BOOKS
from policies.books import CHANNELS, PRIORITY, SLA, BookEditedMeanwhile, Reading, Shape, book_publish, book_read
from policies.calendars import calendar_parse
from policies.calendars.overview import calendars_shown
from policies.calendars.services import calendar_delete, calendar_set
from policies.channels import channels_lines
from policies.models import BookVersion, WorkCalendar
from policies.own_facts import own_facts_follow
from policies.priority import priority_sentences
from policies.reading import DefinitionInvalid, Problem
from policies.sla import target_sentences
from policies.terms_pages import calendar as calendar_form
from policies.terms_pages import channels as channels_form
from policies.terms_pages import priority as priority_form
from policies.terms_pages import sla as sla_form
from policies.terms_pages.rows import text_sent
from policies.views import READERS

WRITERS = (User.Role.MANAGER, User.Role.ADMINISTRATOR)
MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one book is written: how its form is read, changed by a button and drawn, and what is said of the book
    on its page. ``style`` is a style sheet that only this form needs."""

    shape: Shape[Any]
    url: str
    title: str | Promise
    about: str | Promise
    editor: str
    sent: Callable[[QueryDict], dict[str, Any]]
    act: Callable[[dict[str, Any], str], str]
    page: Callable[..., object]
    says: Callable[[Any, Any], Sequence[tuple[str, tuple[str, ...]]]]
    style: str = ""


SLA_DESK = Desk(
    SLA,
    "policies:sla",
    gettext_lazy("SLA targets"),
    gettext_lazy(
        "By when an incident is to be answered and resolved. The first target that fits holds; without one, nothing is promised. "
        "Incidents under way keep what was promised."
    ),
    "policies/sla_editor.html",
    sla_form.document_sent,
    sla_form.act,
    sla_form.page_of,
    lambda sla, _page: [(target.name, target_sentences(target)) for target in sla.targets],
)
PRIORITY_DESK = Desk(
    PRIORITY,
    "policies:priority",
    gettext_lazy("Priority matrix"),
    gettext_lazy(
        "What is worked on first: from impact and urgency, and from the severity where one of them is not known."
    ),
    "policies/priority_editor.html",
    priority_form.document_sent,
    priority_form.act,
    priority_form.page_of,
    lambda priority, _page: [(_("As the SLA’s time runs down"), priority_sentences(priority))],
)


CHANNELS_DESK = Desk(
    CHANNELS,
    "policies:channels",
    gettext_lazy("Channel criteria"),
    gettext_lazy(
        "By which kinds of contact method people are paged for which incident. The first criterion that holds decides. "
        "Somebody who has none of these is told by what they have."
    ),
    "policies/channels_editor.html",
    channels_form.document_sent,
    channels_form.act,
    channels_form.page_of,
    lambda channels, page: [(title, (line,)) for title, line in channels_lines(channels, name=page.names).items()],
    "css/pages/conditions.css",
)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def channels(request: HttpRequest) -> HttpResponse:
    own_facts_follow()
    return _book(request, CHANNELS_DESK)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def sla(request: HttpRequest) -> HttpResponse:
    return _book(request, SLA_DESK)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def priority(request: HttpRequest) -> HttpResponse:
    return _book(request, PRIORITY_DESK)


# --- books


@dataclass(frozen=True, slots=True)
class _Edit:
    """One request to write a book. ``base`` is the number of the version it stems from."""

    document: dict[str, Any]
    base: int
    reason: str = ""
    focus: str = ""
    problems: tuple[Problem, ...] = ()
    theirs: BookVersion | None = None
    changes: Sequence[object] = ()


def _book(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The book as it is; for who may write it, as a form. Every button but "save" changes the draft and stores nothing."""
    user = cast(User, request.user)
    if request.method != "POST":
        reading = book_read(desk.shape)
        return _shown(request, desk, _Edit(desk.shape.dump(reading.value), reading.number), reading=reading)
    if not may_edit_books(user):
        raise PermissionDenied(_("Only managers change the rules of the house."))
    document, wanted = desk.sent(request.POST), request.POST.get("do", "")
    base, reason = _number(request.POST.get("base", "")), text_sent(request.POST, "reason")[:MAX_REASON]
    if wanted == "save":
        return _save(request, desk, _Edit(document, base, reason), user)
    focus = desk.act(document, wanted)
    # Checking is what whoever looks asks for; whoever adds a row is not told yet that it is empty.
    problems = _problems(desk, document) if wanted == "look" else ()
    return _shown(request, desk, _Edit(document, base, reason, focus, problems))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _problems(desk: Desk, document: object) -> tuple[Problem, ...]:
    try:
        desk.shape.parse(document)
    except DefinitionInvalid as error:
        return error.problems
    return ()


def _save(request: HttpRequest, desk: Desk, edit: _Edit, user: User) -> HttpResponse:
    try:
        version = book_publish(
            shape=desk.shape, definition=edit.document, author=user, at=now(), reason=edit.reason, base=edit.base
        )
    except DefinitionInvalid as error:
        return _shown(request, desk, _with(edit, problems=error.problems), status=422)
    except BookEditedMeanwhile as error:
        began = BookVersion.objects.filter(book=desk.shape.book, number=edit.base).first()
        changes = versions_compared(BOOKS[desk.shape.book.value], began, error.newest)
        newer = _with(edit, base=error.newest.number, theirs=error.newest, changes=changes)
        return _shown(request, desk, newer, status=409)
    messages.success(request, _("Version %(number)d is in force.") % {"number": version.number})
    return redirect(desk.url)


def _with(edit: _Edit, **changes: Any) -> _Edit:
    return _Edit(**{**{name: getattr(edit, name) for name in _Edit.__slots__}, **changes})


def _shown(
    request: HttpRequest, desk: Desk, edit: _Edit, *, reading: Reading[Any] | None = None, status: int = 200
) -> HttpResponse:
    """The whole page, or for htmx the editor alone."""
    value = reading.value if reading else None
    if value is None and not _problems(desk, edit.document):
        value = desk.shape.parse(edit.document)
    page = desk.page(edit.document, edit.problems, focus=edit.focus)
    context = {
        "at": now(),
        "book": desk.shape.book.value,
        "desk": desk,
        "edit": edit,
        "version": _version(desk, reading),
        "form_url": reverse(desk.url),
        "page": page,
        "says": desk.says(value, page) if value is not None else [],
        "may_edit": may_edit_books(cast(User, request.user)),
    }
    template = desk.editor if _is_fragment(request) else "policies/terms_book.html"
    return render(request, template, context, status=status)


def _version(desk: Desk, reading: Reading[Any] | None) -> BookVersion | None:
    """The version in force, for its author and reason; None for what Watchbell comes with and while it is written."""
    if reading is None or reading.version_id is None:
        return None
    return BookVersion.objects.select_related("author").get(pk=reading.version_id)


def _is_fragment(request: HttpRequest) -> bool:
    return bool(request.headers.get("HX-Request")) and not request.headers.get("HX-History-Restore-Request")


# --- calendars


@require_safe
@role_required(*READERS)
def calendars(request: HttpRequest) -> HttpResponse:
    """Every calendar: its hours, its next holidays, whether it is open now, and who works by it."""
    at = now()
    context = {"at": at, "calendars": calendars_shown(at=at), "may_edit": may_edit_books(cast(User, request.user))}
    return render(request, "policies/calendars.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*WRITERS)
def calendar_new(request: HttpRequest) -> HttpResponse:
    return _calendar(request, WorkCalendar())


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*WRITERS)
def calendar_edit(request: HttpRequest, slug: str) -> HttpResponse:
    return _calendar(request, get_object_or_404(WorkCalendar, slug=slug))


@require_POST
@role_required(*WRITERS)
def calendar_remove(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(WorkCalendar, slug=slug)
    try:
        calendar_delete(calendar=found, actor=cast(User, request.user), at=now())
    except Conflict as error:
        messages.error(request, error.message)
        return redirect("policies:calendar_edit", found.slug)
    messages.success(request, _("%(name)s is gone.") % {"name": found.name})
    return redirect("policies:calendars")


def _calendar(request: HttpRequest, calendar: WorkCalendar) -> HttpResponse:
    at, user = now(), cast(User, request.user)
    if not may_edit_books(user):
        raise PermissionDenied(_("Only managers change the rules of the house."))
    if request.method != "POST":
        draft = calendar_form.draft_of(calendar, zone=user.time_zone)
        return _calendar_shown(request, calendar, draft, at=at)
    draft, wanted = calendar_form.draft_sent(request.POST), request.POST.get("do", "")
    if wanted == "save":
        return _calendar_save(request, calendar, draft, user, at)
    focus, problems = calendar_form.act(draft, wanted)
    if wanted == "look":
        problems = _calendar_problems(draft)
    status = 422 if problems and wanted != "look" else 200
    return _calendar_shown(request, calendar, draft, at=at, problems=problems, focus=focus, status=status)


def _calendar_problems(draft: calendar_form.CalendarDraft) -> tuple[Problem, ...]:
    try:
        calendar_parse({"zone": draft.own["zone"], **draft.rows})
    except DefinitionInvalid as error:
        return (*draft.problems, *error.problems)
    return draft.problems


def _calendar_save(
    request: HttpRequest, calendar: WorkCalendar, draft: calendar_form.CalendarDraft, user: User, at: datetime
) -> HttpResponse:
    is_new = calendar._state.adding
    values = draft.values
    if is_new:
        values["slug"] = _slug(values["name"])
    reason = draft.own["reason"][:MAX_REASON]
    problems = draft.problems
    if not problems:
        try:
            calendar_set(
                calendar=calendar, values=values, actor=user, at=at, data={"reason": reason} if reason else None
            )
        except DefinitionInvalid as error:
            problems = error.problems
        except ValidationError as error:
            problems = tuple(
                Problem(("name" if field == "slug" else field,), " ".join(messages_))
                for field, messages_ in error.message_dict.items()
            )
        except DomainError as error:
            problems = (Problem((error.field,), error.message),)
    if problems:
        # What was set on the row before it was refused is not what is stored.
        stored = WorkCalendar() if is_new else WorkCalendar.objects.get(pk=calendar.pk)
        return _calendar_shown(request, stored, draft, at=at, problems=problems, status=422)
    messages.success(request, _("%(name)s is saved.") % {"name": calendar.name})
    return redirect("policies:calendars")


def _slug(name: str) -> str:
    """A short name that nobody has yet, for rules to know it by."""
    base = slugify(name)[:50] or "calendar"
    taken = set(WorkCalendar.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(slug for slug in (base, *(f"{base}-{number}" for number in range(2, 1_000))) if slug not in taken)


def _calendar_shown(
    request: HttpRequest,
    calendar: WorkCalendar,
    draft: calendar_form.CalendarDraft,
    *,
    at: datetime,
    problems: tuple[Problem, ...] = (),
    focus: str = "",
    status: int = 200,
) -> HttpResponse:
    stored = not calendar._state.adding
    context = {
        "at": at,
        "calendar": calendar if stored else None,
        "page": calendar_form.page_of(draft, problems, focus=focus, year=timezone.localtime(at).year),
        "form_url": reverse("policies:calendar_edit", args=(calendar.slug,))
        if stored
        else reverse("policies:calendar_new"),
        "services": list(calendar.services.order_by("name")) if stored else [],
        "zones": time_zone_names(),
        "countries": holiday_calendar_names(),
    }
    template = "policies/calendar_editor.html" if _is_fragment(request) else "policies/calendar_edit.html"
    return render(request, template, context, status=status)
