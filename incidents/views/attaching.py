"""Files of incidents: adding them, giving them out, taking them away. Nothing but these views gives out what was attached."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.base import File
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.kernel.instants import now
from incidents.files import MAX_AT_ONCE, SHOWN
from incidents.filing_forms import form_values
from incidents.models import Attachment, Incident
from incidents.permissions import attachment_for, incident_for, may_file, may_remove_attachment
from incidents.selectors.attachments import attachments_of, attachments_of_draft
from incidents.services.attachments import attachment_add, attachment_remove
from incidents.services.drafts import draft_save
from incidents.services.scans import attachment_rescan
from incidents.views.answers import page_or_fragment, see_other, status_of, tell_refusal, wants_fragment

OWN_POLICY = "sandbox; default-src 'none'; style-src 'none'; form-action 'none'; frame-ancestors 'none'"
"""A file that is opened runs nothing, whatever is in it."""


UNCHECKED = (Attachment.State.WAITING, Attachment.State.FAILED)


def files_taken(request: HttpRequest, take: Callable[[File[bytes]], object]) -> list[str]:
    """Hand each file that came to ``take``; the refusals, in words."""
    uploads: list[Any] = request.FILES.getlist("files")
    if not uploads:
        return [_("Choose a file first.")]
    if len(uploads) > MAX_AT_ONCE:
        return [_("At most %(most)d files at a time.") % {"most": MAX_AT_ONCE}]
    errors = []
    for upload in uploads:
        try:
            take(upload)
        except DomainError as error:
            errors.append(str(error.message))
    return errors


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def incident_files(request: HttpRequest, pk: int) -> HttpResponse:
    """The files of one incident; POST adds some. ``public=on`` lets the requester have them too."""
    user: Any = request.user
    incident, at = incident_for(user, pk), now()
    errors: list[str] = []
    if request.method == "POST" and not may_file(user):
        raise PermissionDenied
    if request.method == "POST":
        public = request.POST.get("public") == "on"
        errors = files_taken(
            request,
            lambda upload: attachment_add(incident_id=pk, upload=upload, actor=user, at=at, public=public),
        )
        if not wants_fragment(request):
            for error in errors:
                messages.error(request, error)
            return see_other(incident.get_absolute_url())
    return _files(request, incident, errors)


def _files(request: HttpRequest, incident: Incident, errors: list[str]) -> HttpResponse:
    user: Any = request.user
    context = {
        "at": now(),
        "incident": incident,
        "files": attachments_of(incident, user=user),
        "errors": errors,
        "may_attach": may_file(user),
    }
    return page_or_fragment(
        request,
        "incidents/files.html",
        "incidents/partials/_attachments.html",
        context,
        status=422 if errors else 200,
    )


@require_safe
@login_required
def attachment_get(request: HttpRequest, pk: int) -> HttpResponse:
    """The file itself: a download, or, of a picture and where the page asks for it, something to show. Kept nowhere on the way."""
    user: Any = request.user
    row = attachment_for(user, pk)
    if row.state in UNCHECKED:
        context = {"row": row, "at": now(), "may_rescan": may_remove_attachment(user, row)}
        return render(request, "incidents/file_waiting.html", context, status=409)
    return attachment_content(row, shows=request.GET.get("show") == "1" and row.content_type in SHOWN)


def attachment_content(row: Attachment, *, shows: bool = False) -> HttpResponse:
    """The bytes of a file whose reader was asked for. Raises Http404 for one that was refused, Conflict before it was looked at."""
    if row.state == Attachment.State.REFUSED:
        raise Http404
    if row.state in UNCHECKED:
        raise Conflict(_("The scanner has not looked at it yet."))
    try:
        with row.file.open("rb") as stored:
            content = stored.read()
    except FileNotFoundError as error:
        raise Http404 from error
    response = HttpResponse(content, content_type=_sent_type(row))
    response["Content-Disposition"] = content_disposition_header(not shows, row.name) or "attachment"
    response["Content-Security-Policy"] = OWN_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=300" if shows else "no-store"
    return response


def _sent_type(row: Attachment) -> str:
    """Text keeps to text, whatever it looks like."""
    return "text/plain; charset=utf-8" if row.content_type.startswith("text/") else row.content_type


@require_POST
@login_required
def attachment_take_away(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove it; answers with what is left."""
    return _acted(request, pk, attachment_remove)


@require_POST
@login_required
def attachment_check_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the scanner look at a file it gave no answer for; answers with the files."""
    return _acted(request, pk, attachment_rescan)


def _acted(request: HttpRequest, pk: int, act: Callable[..., Attachment]) -> HttpResponse:
    user: Any = request.user
    row = attachment_for(user, pk)
    try:
        act(attachment_id=pk, actor=user, at=now())
    except DomainError as error:
        if wants_fragment(request):
            return HttpResponse(str(error.message), status=status_of(error), content_type="text/plain")
        tell_refusal(request, error)
    if row.incident is not None:
        return (
            _files(request, row.incident, []) if wants_fragment(request) else see_other(row.incident.get_absolute_url())
        )
    if not wants_fragment(request):
        # The whole form came with the button: nothing that was typed is lost.
        draft_save(user=user, values=form_values(request.POST), at=now())
        return see_other(reverse("incidents:new") + "?draft=take")
    context = {"at": now(), "files": attachments_of_draft(row.draft), "errors": []}
    return render(request, "incidents/partials/_attachments.html", context)
