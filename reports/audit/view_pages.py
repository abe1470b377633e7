"""Views of the ledger: kept, renamed, shared, deleted."""

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.views.answers import see_other, status_of, tell_refusal
from oncall.access import role_required
from oncall.models import User
from reports.audit.forms import KeepForm
from reports.audit.kept_views import ledger_view_change, ledger_view_delete, ledger_view_save, views_seen
from reports.audit_forms import filters_told
from reports.audit_views import READERS
from reports.models import LedgerView


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def ledger_views(request: HttpRequest) -> HttpResponse:
    """The reader's views and those others share; POST keeps the filters in ``query`` under a name."""
    user = cast(User, request.user)
    if request.method != "POST":
        return _listed(request, KeepForm(initial={"query": request.GET.urlencode()}))
    form = KeepForm(request.POST)
    if not form.is_valid():
        return _listed(request, form, status=422)
    try:
        view = ledger_view_save(owner=user, at=now(), **form.cleaned_data)
    except DomainError as error:
        refuse(form, error)
        return _listed(request, form, status=status_of(error))
    messages.success(request, _("Kept as “%(name)s”.") % {"name": view.name})
    return see_other(f"{reverse('audit:browser')}?{view.query}")


def _listed(request: HttpRequest, form: KeepForm, *, status: int = 200) -> HttpResponse:
    kept = [(view, filters_told(view.query)) for view in views_seen(cast(User, request.user))]
    context = {"at": now(), "kept": kept, "form": form, "told": filters_told(form["query"].value() or "")}
    return render(request, "audit/views.html", context, status=status)


@require_POST
@role_required(*READERS)
def ledger_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a view, or share it otherwise."""
    view = _own(request, pk)
    form = KeepForm(request.POST)
    if not form.is_valid():
        return _listed(request, form, status=422)
    values = {name: form.cleaned_data[name] for name in ("name", "shared")}
    try:
        ledger_view_change(view=view, actor=cast(User, request.user), at=now(), **values)
    except DomainError as error:
        tell_refusal(request, error)
    return see_other(reverse("audit:views"))


@require_POST
@role_required(*READERS)
def ledger_view_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a view."""
    view = _own(request, pk)
    ledger_view_delete(view=view, actor=cast(User, request.user), at=now())
    messages.success(request, _("Deleted “%(name)s”.") % {"name": view.name})
    return see_other(reverse("audit:views"))


def _own(request: HttpRequest, pk: int) -> LedgerView:
    """Raises Http404 for somebody else's."""
    view = LedgerView.objects.filter(owner=cast(User, request.user), pk=pk).first()
    if view is None:
        raise Http404
    return view
