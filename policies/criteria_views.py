"""The severity criteria: read by everybody, written by managers, tried while they are written."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.models import User
from policies.book_pages.history import versions_compared
from policies.book_pages.permissions import may_edit_books
from policies.book_pages.shelf import BOOKS
from policies.books import CRITERIA, BookEditedMeanwhile, book_publish, book_read
from policies.criteria import CriteriaDef, criteria_parse, criteria_text, proposal_text, propose, worse_sentence
from policies.criteria.acts import act
from policies.criteria.draft import CriteriaDraft, document_of, draft_of, draft_sent
from policies.criteria.form import AnswersForm, answers_sent
from policies.criteria.page import criteria_editor, criterion_builder
from policies.criteria.values import Scale
from policies.editing.history import Change
from policies.models import BookVersion
from policies.reading import DefinitionInvalid, Problem

WRITERS = (User.Role.MANAGER, User.Role.ADMINISTRATOR)
MAX_REASON = 200
_BUILDER = re.compile(r"(?P<scale>severity|impact|urgency)-(?P<row>\d{1,3})-when-(?:builder|words)", re.ASCII)


@require_safe
@login_required
def criteria(request: HttpRequest) -> HttpResponse:
    """What makes an incident how severe: for everybody who may sign in, since everybody files."""
    reading = book_read(CRITERIA)
    user = cast(User, request.user)
    version = BookVersion.objects.select_related("author").get(pk=reading.version_id) if reading.version_id else None
    context = {
        "at": now(),
        "text": criteria_text(reading.value),
        "version": version,
        "may_edit": may_edit_books(user),
        "reads_history": user.role != User.Role.REPORTER,
    }
    return render(request, "policies/criteria.html", context)


@dataclass(frozen=True, slots=True)
class _Edit:
    """One request to write the criteria. ``base`` is the number of the version it stems from."""

    draft: CriteriaDraft
    base: int
    reason: str = ""
    focus: str = ""
    problems: tuple[Problem, ...] = ()
    theirs: BookVersion | None = None
    changes: tuple[Change, ...] = ()
    sent: QueryDict = field(default_factory=QueryDict)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*WRITERS)
def criteria_edit(request: HttpRequest) -> HttpResponse:
    """The criteria as a form; every button but "save" changes the draft in it and stores nothing."""
    at, user = now(), cast(User, request.user)
    if not may_edit_books(user):
        raise PermissionDenied
    if request.method != "POST":
        reading = book_read(CRITERIA)
        return _shown(request, _Edit(draft_of(reading.value), reading.number), at)
    draft, wanted = draft_sent(request.POST), request.POST.get("do", "")
    base = request.POST.get("base", "")
    edit = _Edit(
        draft,
        int(base[:9]) if base.isascii() and base.isdecimal() else 0,
        request.POST.get("reason", "").strip()[:MAX_REASON],
        sent=request.POST,
    )
    if wanted == "save":
        return _save(request, edit, user, at)
    focus = act(draft, wanted)
    # Checking is what whoever looks or tries asks for; whoever adds a row is not told yet that it is empty.
    problems = _problems(draft) if wanted == "look" else ()
    return _shown(request, _with(edit, focus=focus, problems=problems), at)


def _with(edit: _Edit, **changes: Any) -> _Edit:
    values = {name: getattr(edit, name) for name in _Edit.__slots__}
    return _Edit(**{**values, **changes})


def _read(draft: CriteriaDraft) -> tuple[CriteriaDef | None, tuple[Problem, ...]]:
    try:
        return criteria_parse(document_of(draft)), ()
    except DefinitionInvalid as refused:
        return None, refused.problems


def _problems(draft: CriteriaDraft) -> tuple[Problem, ...]:
    return _read(draft)[1]


def _save(request: HttpRequest, edit: _Edit, user: User, at: datetime) -> HttpResponse:
    try:
        version = book_publish(
            shape=CRITERIA,
            definition=document_of(edit.draft),
            author=user,
            at=at,
            reason=edit.reason,
            base=edit.base,
        )
    except DefinitionInvalid as refused:
        return _shown(request, _with(edit, problems=refused.problems), at, status=422)
    except BookEditedMeanwhile as error:
        began = BookVersion.objects.filter(book=CRITERIA.book, number=edit.base).first()
        changes = versions_compared(BOOKS[CRITERIA.book.value], began, error.newest)
        return _shown(
            request, _with(edit, base=error.newest.number, theirs=error.newest, changes=changes), at, status=409
        )
    except DomainError as error:
        return _shown(request, _with(edit, problems=(Problem((), str(error.message)),)), at, status=422)
    messages.success(request, _("Version %(number)d of the criteria is in force.") % {"number": version.number})
    return redirect("policies:criteria")


def _shown(request: HttpRequest, edit: _Edit, at: datetime, *, status: int = 200) -> HttpResponse:
    """The whole page; for htmx the editor, or only the part of it that asks to be drawn again."""
    url = reverse("policies:criteria_edit")
    fragment = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    target = request.headers.get("HX-Target", "") if fragment else ""
    builder = _BUILDER.fullmatch(target)
    if builder is not None:
        scale, row = Scale(builder["scale"]), int(builder["row"])
        return HttpResponse(criterion_builder(edit.draft, scale, row, focus=edit.focus, action=url), status=status)
    if target == "tried":
        return render(
            request, "policies/criteria_tried.html", {"at": at, "form_url": url, **_tried(edit)}, status=status
        )
    context = {
        "at": at,
        "edit": edit,
        "form_url": url,
        "page": criteria_editor(edit.draft, reason=edit.reason, problems=edit.problems, focus=edit.focus, action=url),
        **_tried(edit),
    }
    template = "policies/criteria_editor.html" if fragment else "policies/criteria_edit.html"
    return render(request, template, context, status=status)


def _tried(edit: _Edit) -> dict[str, object]:
    """The draft's questions to be answered, and what it proposes then; nothing while it cannot be read."""
    read, problems = _read(edit.draft)
    if read is None:
        return {"unread": len(problems)}
    form = AnswersForm(initial=edit.sent.dict(), criteria=read)
    context: dict[str, object] = {"form": form, "text": criteria_text(read)}
    answers = answers_sent(read, edit.sent)
    if answers or "rest" in edit.sent:
        proposal = propose(read, answers, rest_no="rest" in edit.sent)
        context |= {
            "proposal": proposal,
            "says": proposal_text(read, proposal),
            "worse": worse_sentence(read, proposal),
        }
    return context
