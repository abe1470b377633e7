"""What is kept while somebody files an incident: what was typed, and the files."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from escalation_site.kernel.instants import now
from incidents.filing_forms import form_values
from incidents.permissions import may_file
from incidents.selectors.attachments import attachments_of_draft
from incidents.services.attachments import draft_attachment_add
from incidents.services.drafts import draft_begin, draft_discard, draft_save
from incidents.views.answers import see_other, wants_fragment
from incidents.views.attaching import files_taken
from oncall.models import User


def _filer(request: HttpRequest) -> User:
    user: Any = request.user
    if not may_file(user):
        raise PermissionDenied
    return user  # type: ignore[no-any-return]  # login_required leaves out who is not signed in


def begun_anew(request: HttpRequest, user: User) -> None:
    """An older draft was offered, and is not taken up: it goes with its files, so that they are not filed with something else."""
    if request.POST.get("fresh") == "on":
        draft_discard(user=user)


@require_POST
@login_required
def draft_keep(request: HttpRequest) -> HttpResponse:
    """Keep what the form holds now; answers when it was kept."""
    user, at = _filer(request), now()
    begun_anew(request, user)
    draft = draft_save(user=user, values=form_values(request.POST), at=at)
    return render(request, "incidents/partials/_draft_kept.html", {"draft": draft, "at": at})


@require_POST
@login_required
def draft_throw_away(request: HttpRequest) -> HttpResponse:
    """Begin anew."""
    draft_discard(user=_filer(request))
    return HttpResponse() if wants_fragment(request) else see_other(reverse("incidents:new"))


@require_POST
@login_required
def draft_files(request: HttpRequest) -> HttpResponse:
    """Keep files with the draft; answers with all of them, and with what is wrong with those that were refused."""
    user, at = _filer(request), now()
    begun_anew(request, user)
    draft = draft_begin(user=user, at=at)
    errors = files_taken(request, lambda upload: draft_attachment_add(draft=draft, upload=upload, actor=user, at=at))
    context = {"at": at, "files": attachments_of_draft(draft), "errors": errors}
    return render(request, "incidents/partials/_attachments.html", context, status=422 if errors else 200)
