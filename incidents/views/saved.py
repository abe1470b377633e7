"""Saved views: keeping the filters that are on, and looking after what was kept."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.forms import refuse
from incidents.models import SavedView
from incidents.permissions import may_change_view
from incidents.saved_forms import SavedViewForm
from incidents.selectors.saved import Kept, address_of, views_of, views_seen
from incidents.services.opening_views import may_open_team, view_open_team, view_open_with
from incidents.services.saved_views import view_change, view_copy, view_delete, view_query, view_save
from incidents.views.answers import page_or_fragment, see_other, status_of, tell_refusal
from oncall.models import User


def view_for(user: User, pk: int) -> SavedView:
    """The view. Raises Http404 where ``user`` does not see it."""
    found = SavedView.objects.filter(views_seen(user), pk=pk).select_related("owner", "team").distinct().first()
    if found is None:
        raise Http404
    return found


@require_safe
@login_required
def view_list(request: HttpRequest) -> HttpResponse:
    """Every view the reader sees, with what may be done to each."""
    user: Any = request.user
    context = {"kept": _shown(user)}
    return page_or_fragment(request, "incidents/views.html", "incidents/partials/_views.html", context)


def _shown(user: User) -> list[tuple[Kept, bool, bool]]:
    """Every view the reader sees, whether they may change it, and whether they may say that its team begins with it."""
    return [(one, may_change_view(user, one.view), may_open_team(user, one.view)) for one in views_of(user)]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def view_new(request: HttpRequest) -> HttpResponse:
    """Keep the filters of an address ("query") of a page ("place") under a name."""
    user: Any = request.user
    if request.method != "POST":
        place = request.GET.get("place", "")
        initial = {
            "place": place if place in SavedView.Place.values else SavedView.Place.LIST,
            "query": request.GET.get("query", ""),
            "shared": SavedView.Shared.NOBODY,
        }
        return _asking(request, SavedViewForm(user=user, initial=initial))
    form = SavedViewForm(request.POST, user=user)
    if not form.is_valid():
        return _asking(request, form, status=422)
    try:
        view = view_save(owner=user, at=now(), **form.cleaned_data)
    except DomainError as error:
        refuse(form, error)
        return _asking(request, form, status=status_of(error))
    messages.success(request, _("Kept as “%(name)s”.") % {"name": view.name})
    return see_other(address_of(view))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def view_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a view or share it otherwise; ``query`` replaces its filters."""
    user: Any = request.user
    view = view_for(user, pk)
    if request.method != "POST":
        initial = {
            "name": view.name,
            "shared": view.shared,
            "team": view.team.slug if view.team else "",
            "place": view.place,
            "query": request.GET.get("query", view.query),
        }
        return _asking(request, SavedViewForm(user=user, initial=initial), view=view)
    form = SavedViewForm({"place": view.place, **request.POST.dict()}, user=user)
    if not form.is_valid():
        return _asking(request, form, view=view, status=422)
    values = {name: form.cleaned_data[name] for name in ("name", "query", "shared", "team")}
    try:
        view_change(view=view, actor=user, at=now(), **values)
    except DomainError as error:
        refuse(form, error)
        return _asking(request, form, view=view, status=status_of(error))
    messages.success(request, _("“%(name)s” is changed.") % {"name": view.name})
    return see_other(address_of(view))


def _asking(
    request: HttpRequest, form: SavedViewForm, *, view: SavedView | None = None, status: int = 200
) -> HttpResponse:
    shown = form.data.get("query", "") if form.is_bound else str(form.initial.get("query", ""))
    context = {"form": form, "view": view, "kept_query": view_query(shown[:4000])}
    return page_or_fragment(
        request, "incidents/view_form.html", "incidents/partials/_view_form.html", context, status=status
    )


@require_POST
@login_required
def view_act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Delete a view, copy it, or let the plain list begin with it ("default", again to stop); for its whole team ("team")."""
    user: Any = request.user
    view = view_for(user, pk)
    try:
        match verb:
            case "delete":
                view_delete(view=view, actor=user, at=now())
                messages.success(request, _("“%(name)s” is deleted.") % {"name": view.name})
            case "copy":
                copy = view_copy(view=view, actor=user, at=now())
                messages.success(request, _("“%(name)s” is your own copy.") % {"name": copy.name})
            case "default" if view.place == SavedView.Place.LIST:
                view_open_with(view=view, actor=user, at=now(), opens=not view.opens.filter(user=user).exists())
            case "team" if view.place == SavedView.Place.LIST:
                view_open_team(view=view, actor=user, at=now(), opens=not view.opens.filter(team=view.team).exists())
            case _:
                raise Http404
    except DomainError as error:
        tell_refusal(request, error)
        return _refused(request, error)
    return see_other(reverse("incidents:views"))


def _refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    user: Any = request.user
    return page_or_fragment(
        request,
        "incidents/views.html",
        "incidents/partials/_views.html",
        {"kept": _shown(user)},
        status=status_of(error),
    )
