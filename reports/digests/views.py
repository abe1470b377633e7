"""Digests: which there are, one as its reader gets it, and switching them on and off."""

from typing import cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.views.answers import status_of
from oncall.access import role_required
from oncall.models import User
from reports.digests.forms import DigestForm, initial_of
from reports.digests.making import content_for
from reports.digests.rights import ALLOWED, STAFF, audience, may_read, may_set, teams_below
from reports.digests.services import digest_reader_set, digest_set
from reports.models.digests import Digest


def _digest(request: HttpRequest, pk: int) -> Digest:
    digest = get_object_or_404(Digest.objects.select_related("team", "destination"), pk=pk)
    if not may_read(cast(User, request.user), digest):
        raise Http404
    return digest


@never_cache
@require_safe
@role_required(*STAFF)
def digest_list(request: HttpRequest) -> HttpResponse:
    """The digests of the reader's role, with whether they get each."""
    user = cast(User, request.user)
    kinds = [kind for kind, roles in ALLOWED.items() if user.role in roles]
    rows = list(Digest.objects.filter(kind__in=kinds).select_related("team"))
    context = {
        "at": now(),
        "rows": [
            {"row": row, "mine": user in audience(row, teams_below(row)), "may_set": may_set(user, row.team)}
            for row in rows
        ],
        "may_new": user.may_manage,
    }
    return render(request, "reports/digests/list.html", context)


@never_cache
@require_safe
@role_required(*STAFF)
def digest_page(request: HttpRequest, pk: int) -> HttpResponse:
    """What the reader would get now: the same lines as the mail."""
    user, at = cast(User, request.user), now()
    digest = _digest(request, pk)
    teams = teams_below(digest)
    people = audience(digest, teams)
    context = {
        "at": at,
        "digest": digest,
        "content": content_for(digest, user, teams, at=at),
        "mine": user in people,
        "people": people,
        "may_set": may_set(user, digest.team),
    }
    return render(request, "reports/digests/digest.html", context)


@require_POST
@role_required(*STAFF)
def digest_mine(request: HttpRequest, pk: int) -> HttpResponse:
    """Get it, or not any more."""
    user, digest = cast(User, request.user), _digest(request, pk)
    wanted = request.POST.get("wanted") == "yes"
    digest_reader_set(digest=digest, user=user, wanted=wanted, at=now())
    messages.success(request, _("You get it from now on.") if wanted else _("You do not get it any more."))
    return redirect("digests:digest", digest.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@role_required(User.Role.MANAGER, User.Role.ADMINISTRATOR)
def digest_edit(request: HttpRequest, pk: int = 0) -> HttpResponse:
    """Switch one on or off for a team, and say when it comes."""
    user, at = cast(User, request.user), now()
    digest = _digest(request, pk) if pk else None
    if digest is not None and not may_set(user, digest.team):
        raise PermissionDenied
    initial = initial_of(digest) if digest else {"send_at": "08:00", "active": True}
    form = DigestForm(request.POST or None, initial=initial, user=user)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                saved = digest_set(actor=user, at=at, **form.cleaned_data)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
                status = status_of(error)
            else:
                messages.success(request, _("“%(name)s” is kept.") % {"name": saved})
                return redirect("digests:digest", saved.pk)
    context = {"at": at, "form": form, "digest": digest}
    return render(request, "reports/digests/edit.html", context, status=status)
