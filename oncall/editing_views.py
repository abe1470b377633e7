"""Writing a rotation: the form with its live preview, saving it, and the versions so far."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.editing.acts import act
from oncall.editing.check import Moment, Problem
from oncall.editing.draft import draft_sent
from oncall.editing.editor import (
    Editor,
    draft_at,
    edit_check,
    edit_preview,
    edit_save,
    first_draft,
    moment_at,
    monday_of,
    newest_of,
    offered_to,
    theirs_of,
)
from oncall.editing.history import history_of
from oncall.editing.page import editor_page, wrong_lines
from oncall.editing.permissions import may_edit
from oncall.editing.preview import Preview
from oncall.editing.services import EditedMeanwhile
from oncall.gaps import GapsOpened
from oncall.models import Schedule, ScheduleVersion, User
from oncall.rota import RotaError
from oncall.zones import time_zone_names

MANAGERS = (User.Role.MANAGER, User.Role.ADMINISTRATOR)
READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)
USUAL_ROLES = ("primary", "secondary")


# --- pages


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*MANAGERS)
def schedule_new(request: HttpRequest) -> HttpResponse:
    """A rotation for one of the reader's teams: filled in with its people, week by week from Monday morning."""
    at, user = now(), cast(User, request.user)
    if request.method != "POST":
        return _shown(request, Editor(None, None, first_draft(user, at), Moment(), user, at))
    return _answer(request, _sent(request, None, user, at))


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*MANAGERS)
def schedule_change(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a rotation; ``?version=`` begins from an earlier one, which saving puts in force again."""
    at, user, found = now(), cast(User, request.user), _schedule(request, slug)
    if request.method == "POST":
        return _answer(request, _sent(request, found, user, at))
    newest = newest_of(found)
    source = newest
    if "version" in request.GET:
        number = request.GET["version"]
        source = get_object_or_404(found.versions, number=int(number[:9]) if number.isdecimal() else 0)
    moment = moment_at(found, newest, at)
    if source is not None and source != newest:
        moment = replace(moment, reason=_("Version %(number)d again") % {"number": source.number})
    return _shown(request, Editor(found, newest, draft_at(found, source, at), moment, user, at))


@require_POST
@role_required(*MANAGERS)
def preview(request: HttpRequest, slug: str = "") -> HttpResponse:
    """What the form as it stands would bring: the part of the page that follows every change."""
    at, user = now(), cast(User, request.user)
    editor = _sent(request, _schedule(request, slug) if slug else None, user, at)
    with timezone.override(editor.zone):
        return render(request, "oncall/partials/_edit_preview.html", _preview_context(request, editor))


@require_safe
@role_required(*READERS)
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Every version: who saved it, when, why, and what it changed."""
    at, found = now(), get_object_or_404(Schedule.objects.select_related("team"), slug=slug)
    context = {
        "at": at,
        "schedule": found,
        "past": history_of(found, at=at),
        "may_edit": may_edit(cast(User, request.user), found),
    }
    return render(request, "oncall/edit_history.html", context)


# --- reading the request


def _schedule(request: HttpRequest, slug: str) -> Schedule:
    found = get_object_or_404(Schedule.objects.select_related("team"), slug=slug)
    if not may_edit(cast(User, request.user), found):
        raise PermissionDenied(_("Only managers of its team change a schedule."))
    return found


def _sent(request: HttpRequest, schedule: Schedule | None, user: User, at: datetime) -> Editor:
    number = request.POST.get("base", "")
    base = None
    if schedule is not None and number.isascii() and number.isdecimal():
        base = schedule.versions.filter(number=int(number[:9])).first()
    offer = "all" if "all" in (request.POST.get("offer"), request.POST.get("do", "").removeprefix("offer-")) else ""
    return Editor(schedule, base, draft_sent(request.POST), Moment.sent(request.POST), user, at, offer)


# --- answering it


def _answer(request: HttpRequest, editor: Editor) -> HttpResponse:
    wanted = request.POST.get("do", "")
    if wanted == "save":
        return _save(request, editor)
    try:
        start = monday_of(editor.draft, editor.at)
    except RotaError:
        start = ""
    focus = act(editor.draft, wanted, start=start)
    if wanted == "offer-all":
        focus = "offered"
    # Checking is what whoever presses "preview" asks for; whoever adds a row is not told yet that it is empty.
    checked = edit_check(editor).problems if wanted == "preview" else ()
    return _shown(request, replace(editor, focus=focus), problems=checked)


def _save(request: HttpRequest, editor: Editor) -> HttpResponse:
    checked = edit_check(editor)
    if checked.problems or checked.spec is None:
        return _shown(request, editor, problems=checked.problems, status=422)
    brings = edit_preview(editor, checked.spec, checked.effective_from)
    if isinstance(brings, Problem):
        return _shown(request, editor, problems=[brings], status=422)
    accepted = request.POST.get("accept_gaps") == brings.holes_key
    if accepted and brings.must_accept and not editor.moment.reason:
        return _shown(request, editor, problems=[Problem("reason", _("Say why nobody is needed then."))], status=422)
    try:
        saved = edit_save(editor, checked, accept_gaps=accepted)
    except GapsOpened as error:
        return _shown(request, editor, problems=[Problem("accept_gaps", error.message)], status=422)
    except EditedMeanwhile as error:
        return _shown(request, replace(editor, base=error.newest), theirs=(editor.base, error.newest), status=409)
    except DomainError as error:
        return _shown(request, editor, problems=[Problem(error.field, error.message)], status=422)
    messages.success(request, _("%(name)s is saved.") % {"name": saved.name})
    for warning in (*brings.clashes, *brings.overloads):
        messages.warning(request, warning)
    return redirect(saved)


# --- the page


def _shown(
    request: HttpRequest,
    editor: Editor,
    *,
    problems: Sequence[Problem] = (),
    theirs: tuple[ScheduleVersion | None, ScheduleVersion] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page, or for htmx the editor alone. Every time on it is on the schedule's clock."""
    context = {
        **_preview_context(request, editor),
        "page": editor_page(
            editor.draft, editor.moment, offered=offered_to(editor), problems=problems, focus=editor.focus
        ),
        "usual_roles": USUAL_ROLES,
        "zones": time_zone_names(),
        "theirs": theirs_of(*theirs) if theirs else None,
    }
    template = "oncall/partials/_editor.html" if request.headers.get("HX-Request") else "oncall/edit.html"
    with timezone.override(editor.zone):
        return render(request, template, context, status=status)


def _preview_context(request: HttpRequest, editor: Editor) -> dict[str, object]:
    checked = edit_check(editor)
    brings: Preview | None = None
    unread: Sequence[Problem] = checked.problems
    if checked.spec is not None and not any(one.field == "effective_from" for one in unread):
        made = edit_preview(editor, checked.spec, checked.effective_from)
        if isinstance(made, Problem):
            unread = [*unread, made]
        else:
            brings = made
    slug = editor.schedule.slug if editor.schedule else ""
    return {
        "at": editor.at,
        "schedule": editor.schedule,
        "base": editor.base,
        "brings": brings,
        "unread": wrong_lines(unread, editor.draft),
        "effective_from": checked.effective_from,
        "in_force": editor.moment.in_force,
        "accepted": bool(brings and request.POST.get("accept_gaps") == brings.holes_key),
        "zone_name": editor.zone.key,
        "form_url": reverse("oncall:schedule_edit", args=(slug,)) if slug else reverse("oncall:schedule_new"),
        "preview_url": reverse("oncall:schedule_edit_preview", args=(slug,))
        if slug
        else reverse("oncall:schedule_new_preview"),
    }
