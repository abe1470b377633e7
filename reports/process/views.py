"""The process checks: one page of findings, and the incidents behind each number."""

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.models import Incident
from incidents.views.answers import tell_refusal
from oncall.access import role_required
from oncall.models import User
from reports.exports.asking import query_kept
from reports.figures.keeping import figures_ready
from reports.forms import ReportFilters
from reports.period import DEFAULT
from reports.process.checks import finding_of, found_in, weighed
from reports.process.services import problem_open
from reports.selectors import Scope
from reports.views import READERS

PAGE_SIZE = 50
OURS = ("check", "key", "page")


def _asked(request: HttpRequest, at: datetime) -> tuple[ReportFilters, Scope]:
    user = cast(User, request.user)
    query = request.GET.copy()
    query.setdefault("period", DEFAULT)
    figures_ready(at=at)
    form = ReportFilters(query)
    form.is_valid()
    return form, form.scope(user, at=at, zone=ZoneInfo(user.time_zone))


def _filters(request: HttpRequest) -> str:
    """The filters of the address, without what names one finding."""
    query = request.GET.copy()
    for name in OURS:
        query.pop(name, None)
    return query_kept(query.urlencode())


@never_cache
@require_safe
@role_required(*READERS)
def checks(request: HttpRequest) -> HttpResponse:
    """Every check with what it found, the reason, and where it is mended."""
    at = now()
    form, scope = _asked(request, at)
    found = found_in(scope, at=at)
    context = {
        "at": at,
        "form": form,
        "scope": scope,
        "checks": found,
        "act": weighed(found),
        "kept": _filters(request),
        "may_open": cast(User, request.user).may_respond,
    }
    return render(request, "reports/process/checks.html", context)


@never_cache
@require_safe
@role_required(*READERS)
def behind(request: HttpRequest) -> HttpResponse:
    """Exactly the incidents that one finding counts. A finding that is none any more leads back, with a word."""
    at = now()
    _form, scope = _asked(request, at)
    found = finding_of(scope, request.GET.get("check", ""), request.GET.get("key", ""), at=at)
    if found is None:
        context: dict[str, Any] = {"at": at, "finding": None, "kept": _filters(request)}
        return render(request, "reports/process/behind.html", context, status=404)
    check, finding = found
    rows = Incident.objects.visible_to(cast(User, request.user)).filter(pk__in=finding.incidents)
    page = Paginator(rows.select_related("service", "team", "owner").order_by("-started_at", "-pk"), PAGE_SIZE)
    context = {
        "at": at,
        "check": check,
        "finding": finding,
        "page": page.get_page(request.GET.get("page")),
        "kept": _filters(request),
    }
    return render(request, "reports/process/behind.html", context)


@require_POST
@role_required(User.Role.MANAGER, User.Role.ADMINISTRATOR)
def open_problem(request: HttpRequest) -> HttpResponse:
    """Make a cluster a problem: a task on its newest incident, and links to the others."""
    at, user = now(), cast(User, request.user)
    _form, scope = _asked(request, at)
    found = finding_of(scope, "clusters", request.POST.get("key", ""), at=at)
    if found is None:
        raise Http404
    try:
        task = problem_open(incident_ids=found[1].incidents, actor=user, at=at)
    except DomainError as error:
        tell_refusal(request, error)
        return HttpResponseRedirect(f"{reverse('process:checks')}?{_filters(request)}", status=303)
    messages.success(request, _("The task is on the newest incident, and the others are linked with it."))
    return HttpResponseRedirect(reverse("incidents:task", args=(task.incident_id, task.pk)), status=303)
