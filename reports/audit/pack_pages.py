"""Audit packs: asked for, watched, taken away."""

from typing import cast
from zoneinfo import ZoneInfo

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.views.answers import page_or_fragment, see_other, status_of
from oncall.access import role_required
from oncall.models import User
from reports.audit.forms import PackForm
from reports.audit.packs import KEPT, pack_ask, pack_downloaded
from reports.audit_views import READERS
from reports.models import AuditPack

SHOWN = 50


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def packs(request: HttpRequest) -> HttpResponse:
    """The packs of everybody who reads the ledger, the newest first, and a form to ask for one."""
    user, at = cast(User, request.user), now()
    if request.method != "POST":
        wanted = request.GET.get("incident", "")
        return _listed(request, PackForm(initial={"incident": wanted, "about": "incident"}))
    form = PackForm(request.POST)
    if not form.is_valid():
        return _listed(request, form, status=422)
    try:
        scope = form.scope(zone=ZoneInfo(user.time_zone))
        pack = pack_ask(actor=user, at=at, language=get_language() or "en", **scope)
    except DomainError as error:
        refuse(form, error)
        return _listed(request, form, status=status_of(error))
    return see_other(reverse("audit:pack", args=(pack.pk,)))


def _listed(request: HttpRequest, form: PackForm, *, status: int = 200) -> HttpResponse:
    found = AuditPack.objects.select_related("asked_by", "incident")[:SHOWN]
    context = {"at": now(), "packs": found, "form": form, "days": KEPT.days}
    return render(request, "audit/packs.html", context, status=status)


@never_cache
@require_safe
@role_required(*READERS)
def pack(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a pack is, and then where to get it. It asks again by itself while the pack is made."""
    found = get_object_or_404(AuditPack.objects.select_related("asked_by", "incident"), pk=pk)
    return page_or_fragment(
        request, "audit/pack.html", "audit/partials/_pack.html", {"at": now(), "pack": found, "days": KEPT.days}
    )


@require_POST
@role_required(*READERS)
def pack_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The pack itself. That it was taken away is on record before it is sent."""
    at = now()
    found = get_object_or_404(AuditPack.objects.select_related("incident"), pk=pk)
    if found.state != AuditPack.State.READY or not default_storage.exists(found.file.name or ""):
        raise Http404
    pack_downloaded(pack=found, actor=cast(User, request.user), at=at)
    about = f"INC-{found.incident_id}" if found.incident_id else f"{found.since:%Y%m%d}-{found.until:%Y%m%d}"
    name = f"audit-pack-{about}-{found.ready_at:%Y%m%dT%H%M%SZ}.zip"
    return FileResponse(found.file.open("rb"), as_attachment=True, filename=name, content_type="application/zip")
