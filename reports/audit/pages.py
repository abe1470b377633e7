"""Pages of the ledger beside its browser: one incident followed, the past at an instant, versions compared. They only read."""

from typing import Any, cast
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.ui import moments
from incidents.permissions import incident_for
from oncall.access import role_required
from oncall.models import User
from reports.audit.forms import PastForm
from reports.audit.histories import histories
from reports.audit.past import differences_of, past_of
from reports.audit.trail import STAGES, trail_of
from reports.audit.versions import version_words, versions_compared, versions_of
from reports.audit_views import READERS, number_in, reading


@never_cache
@require_safe
@role_required(*READERS)
def trail(request: HttpRequest, pk: int) -> HttpResponse:
    """An incident from its first signal to its review, in the order in which it was written; ``stage`` shows one part."""
    incident = incident_for(cast(User, request.user), pk)
    stage = request.GET.get("stage", "")
    stage = stage if stage in STAGES else ""
    after = number_in(request.GET.get("after", "")) or 0
    reading("trail", incident.subject)
    context = {
        "at": now(),
        "incident": incident,
        "stages": STAGES.items(),
        "stage": stage,
        "after": after,
        "trail": trail_of(incident.subject, stage=stage, after=after),
    }
    return render(request, "audit/trail.html", context)


@never_cache
@require_safe
@role_required(*READERS)
def past(request: HttpRequest) -> HttpResponse:
    """How an incident, a schedule or a policy was at an instant, and what differs from it at another."""
    at = now()
    user = cast(User, request.user)
    asked = bool(request.GET)
    form = PastForm(request.GET if asked else None)
    context: dict[str, Any] = {"at": at, "form": form}
    if asked and form.is_valid():
        zone = ZoneInfo(user.time_zone)
        moment, other = form.instants(at=at, zone=zone)
        kind, row = form.cleaned_data["kind"], form.cleaned_data["row"]
        if kind == "incident":
            # Whoever looks at a restricted one is on record.
            incident_for(user, row.pk)
        reading("past", f"{kind}:{row.pk}")
        first = past_of(kind, row, at=min(moment, at))
        second = past_of(kind, row, at=min(other, at)) if other else None
        context |= {"first": first, "second": second, "title": str(first.row)}
        if second is not None:
            pair = (first, second) if first.at <= second.at else (second, first)
            labels = dict(zip(("before_label", "after_label"), (moments.exactly(one.at) for one in pair), strict=True))
            context |= {"changes": differences_of(*pair), **labels}
    return render(request, "audit/past.html", context, status=200 if not asked or form.is_valid() else 422)


@never_cache
@require_safe
@role_required(*READERS)
def versions(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Every recorded version of one row, and any two of them (``left``, ``right``) side by side; the last two, unless asked."""
    if name not in histories():
        raise Http404
    found = versions_of(name, pk)
    if not found:
        raise Http404
    if name == "incident":
        incident_for(cast(User, request.user), pk)
    reading("versions", f"{name}:{pk}")
    right = number_in(request.GET.get("right", "")) or found[0].key
    # Beside a version stands the one before it, unless another was asked for.
    before = next((version.key for version in found if version.key < right), right)
    left = number_in(request.GET.get("left", "")) or before
    changes = versions_compared(name, pk, left, right)
    if changes is None:
        raise Http404
    keys = {version.key: version for version in found}
    context = {
        "at": now(),
        "model": histories()[name].instance_type._meta.verbose_name,  # type: ignore[attr-defined]  # simple-history is untyped
        "pk": pk,
        "versions": found,
        "words": version_words(),
        "left": keys.get(left),
        "right": keys.get(right),
        "changes": changes,
    }
    return render(request, "audit/versions.html", context)
