"""Writing a policy: the form with its ladder in sentences beside it, saving it, and the versions so far."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.models import User
from policies.editing.acts import act
from policies.editing.check import Wrong
from policies.editing.draft import Draft, draft_sent
from policies.editing.editor import (
    Editor,
    blank_draft,
    draft_at,
    edit_check,
    edit_preview,
    edit_save,
    example_draft,
    examples_shown,
    newest_of,
    offer_of,
    teams_offered,
    theirs_of,
)
from policies.editing.history import history_of, versions_compared
from policies.editing.page import editor_page, wrong_lines
from policies.editing.permissions import may_edit
from policies.editing.services import EditedMeanwhile
from policies.examples import EXAMPLES
from policies.models import EscalationPolicy, PolicyVersion

MANAGERS = (User.Role.MANAGER, User.Role.ADMINISTRATOR)
READERS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.AUDITOR, User.Role.ADMINISTRATOR)


# --- pages


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*MANAGERS)
def policy_new(request: HttpRequest) -> HttpResponse:
    """A policy from one of the ready examples, or from nothing: ``?from=`` names which; without it they are shown."""
    at, user = now(), cast(User, request.user)
    if request.method == "POST":
        return _answer(request, _sent(request, None, user, at))
    chosen = request.GET.get("from")
    if chosen is None:
        return render(request, "policies/edit_choose.html", {"at": at, "examples": examples_shown(user)})
    example = next((one for one in EXAMPLES if one.key == chosen), None)
    if example is None and chosen != "nothing":
        raise Http404
    draft = example_draft(user, example) if example else blank_draft(user)
    return _shown(request, Editor(None, None, draft, "", user, at))


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*MANAGERS)
def policy_change(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a policy; ``?version=`` begins from an earlier one, which saving puts in force again."""
    at, user, found = now(), cast(User, request.user), _policy(request, slug)
    if request.method == "POST":
        return _answer(request, _sent(request, found, user, at))
    newest = newest_of(found)
    source = _version(found, request.GET["version"]) if "version" in request.GET else newest
    reason = ""
    if source is not None and source != newest:
        reason = _("Version %(number)d again") % {"number": source.number}
    return _shown(request, Editor(found, newest, draft_at(found, source), reason, user, at))


@require_POST
@role_required(*MANAGERS)
def preview(request: HttpRequest, slug: str = "") -> HttpResponse:
    """What the form as it stands says: the part of the page that follows every change."""
    at, user = now(), cast(User, request.user)
    editor = _sent(request, _policy(request, slug) if slug else None, user, at)
    return render(request, "policies/partials/_edit_preview.html", _preview_context(editor))


@require_safe
@role_required(*READERS)
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """Every version: who saved it, when, why, and what it changed; ``?from=1&to=3`` lays two beside each other."""
    found = get_object_or_404(EscalationPolicy.objects.select_related("team", "current_version"), slug=slug)
    past = history_of(found)
    context: dict[str, object] = {
        "at": now(),
        "policy": found,
        "past": past,
        "may_edit": may_edit(cast(User, request.user), found),
    }
    if "from" in request.GET and "to" in request.GET:
        before, after = _version(found, request.GET["from"]), _version(found, request.GET["to"])
        context |= {"before": before, "after": after, "changes": versions_compared(before, after)}
    return render(request, "policies/history.html", context)


# --- reading the request


def _policy(request: HttpRequest, slug: str) -> EscalationPolicy:
    found = get_object_or_404(EscalationPolicy.objects.select_related("team", "current_version"), slug=slug)
    if not may_edit(cast(User, request.user), found):
        raise PermissionDenied(_("Only managers of its team change a policy."))
    return found


def _version(policy: EscalationPolicy, number: str) -> PolicyVersion:
    if not (number.isascii() and number.isdecimal()):
        raise Http404
    return get_object_or_404(policy.versions.select_related("author"), number=int(number[:9]))


def _sent(request: HttpRequest, policy: EscalationPolicy | None, user: User, at: datetime) -> Editor:
    number = request.POST.get("base", "")
    base = None
    if policy is not None and number.isascii() and number.isdecimal():
        base = policy.versions.filter(number=int(number[:9])).first()
    everything = "all" in (request.POST.get("offer"), request.POST.get("do", "").removeprefix("offer-"))
    draft: Draft = draft_sent(request.POST)
    return Editor(policy, base, draft, request.POST.get("reason", "").strip(), user, at, everything)


# --- answering it


def _answer(request: HttpRequest, editor: Editor) -> HttpResponse:
    wanted = request.POST.get("do", "")
    if wanted == "save":
        return _save(request, editor)
    focus = "offered" if wanted == "offer-all" else act(editor.draft, wanted)
    # Checking is what whoever presses "preview" asks for; whoever adds a row is not told yet that it is empty.
    problems = edit_check(editor).problems if wanted == "preview" else ()
    return _shown(request, replace(editor, focus=focus), problems=problems)


def _save(request: HttpRequest, editor: Editor) -> HttpResponse:
    checked = edit_check(editor)
    if checked.problems or checked.policy is None:
        return _shown(request, editor, problems=checked.problems, status=422)
    try:
        saved = edit_save(editor, checked.policy)
    except EditedMeanwhile as error:
        return _shown(request, replace(editor, base=error.newest), theirs=(editor.base, error.newest), status=409)
    except DomainError as error:
        return _shown(request, editor, problems=[Wrong(error.field, str(error.message))], status=422)
    messages.success(request, _("%(name)s is saved.") % {"name": saved.name})
    return redirect(saved)


# --- the page


def _shown(
    request: HttpRequest,
    editor: Editor,
    *,
    problems: Sequence[Wrong] = (),
    theirs: tuple[PolicyVersion | None, PolicyVersion] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page, or for htmx the editor alone."""
    context = {
        **_preview_context(editor),
        "page": editor_page(
            editor.draft,
            editor.reason,
            teams=teams_offered(editor),
            offer=offer_of(editor),
            problems=problems,
            focus=editor.focus,
        ),
        "theirs": theirs_of(*theirs) if theirs else None,
    }
    template = "policies/partials/_editor.html" if request.headers.get("HX-Request") else "policies/edit.html"
    return render(request, template, context, status=status)


def _preview_context(editor: Editor) -> dict[str, object]:
    checked = edit_check(editor)
    slug = editor.policy.slug if editor.policy else ""
    return {
        "at": editor.at,
        "policy": editor.policy,
        "base": editor.base,
        "says": edit_preview(editor, checked.policy) if checked.policy is not None else None,
        "unread": wrong_lines(checked.problems, editor.draft),
        "form_url": reverse("policies:policy_edit", args=(slug,)) if slug else reverse("policies:policy_new"),
        "preview_url": reverse("policies:policy_edit_preview", args=(slug,))
        if slug
        else reverse("policies:policy_new_preview"),
    }
