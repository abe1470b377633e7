"""The incident list (mock-up 01) and what is done to several incidents at once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from escalation_site.ui.durations import list_of
from incidents.filters import SORTS, IncidentFilter, in_order
from incidents.models import Incident
from incidents.selectors.listing import TABS, grouped, in_tab, rows_of, tab_counts
from incidents.services.lifecycle import incident_acknowledge, incident_escalate, incident_resolve
from incidents.views.answers import page_or_fragment, see_other
from oncall.models import User

PER_PAGE = 50
BULK_MOST = 200
TAB_LABELS = {
    "open": gettext_lazy("Open"),
    "triggered": gettext_lazy("Triggered"),
    "acknowledged": gettext_lazy("Acknowledged"),
    "resolved": gettext_lazy("Resolved"),
}
EMPTY = {
    "open": gettext_lazy("Nothing is open"),
    "triggered": gettext_lazy("Nothing rings"),
    "acknowledged": gettext_lazy("Nobody is working on an incident"),
    "resolved": gettext_lazy("Nothing has been resolved"),
}


class _CountedPaginator(Paginator[Incident]):
    """A paginator that is told the count: the tabs have asked for it already."""

    def __init__(self, found: Any, per_page: int, total: int) -> None:
        self._total = total
        super().__init__(found, per_page)

    @cached_property
    def count(self) -> int:
        return self._total


@require_safe
@login_required
def incident_list(request: HttpRequest) -> HttpResponse:
    """Incidents the reader may see, by tab, filters and order; 50 to a page. htmx gets the tabs and the table alone."""
    at = now()
    context = list_context(request, at)
    return page_or_fragment(request, "incidents/incident_list.html", "incidents/partials/_list.html", context)


def list_context(request: HttpRequest, at: datetime) -> dict[str, Any]:
    """Everything the list shows: five queries."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else ""
    filters = IncidentFilter(request.GET, queryset=Incident.objects.visible_to(request.user), request=request)
    counts = tab_counts(filters.qs)
    found = in_order(in_tab(filters.qs, tab), sort, tab=tab).select_related(
        "service", "team", "owner", "reporter", "stage", "resolved_by"
    )
    page = _CountedPaginator(found, PER_PAGE, counts[tab]).get_page(request.GET.get("page"))
    rows = rows_of(list(page.object_list), at=at)
    chips = _chips(filters, request.GET)
    return {
        "at": at,
        "tab": tab,
        "tabs": _tabs(request.GET, counts, tab),
        "filters": filters,
        "chips": chips,
        "whose": _whose(request.GET),
        "page": page,
        "groups": grouped(rows, counts),
        "sorts": _sorts(request.GET, sort),
        "sort_label": SORTS[sort or ("newest" if tab == "resolved" else "")],
        "empty_title": EMPTY[tab],
        "last_resolved": _last_resolved(request.user) if not rows else None,
        "may_act": bool(getattr(request.user, "may_respond", False)),
    }


def _last_resolved(user: Any) -> Incident | None:
    """For an empty list: the last fact there is."""
    return Incident.objects.visible_to(user).in_state("resolved").order_by("-resolved_at").first()


def _address(query: QueryDict, **changes: str) -> str:
    """The list's address with some values changed ("" removes one), from its first page."""
    query = query.copy()
    query.pop("page", None)
    for name, value in changes.items():
        if value:
            query[name] = value
        else:
            query.pop(name, None)
    return f"?{query.urlencode()}"


def _tabs(query: QueryDict, counts: Mapping[str, int], current: str) -> list[dict[str, Any]]:
    return [
        {
            "label": TAB_LABELS[tab],
            "count": counts[tab],
            "url": _address(query, tab="" if tab == TABS[0] else tab),
            "current": tab == current,
        }
        for tab in TABS
    ]


def _sorts(query: QueryDict, current: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": _address(query, sort=sort), "current": sort == current} for sort, label in SORTS.items()
    ]


def _whose(query: QueryDict) -> list[dict[str, Any]]:
    """The quick filters, each on or off."""
    labels = {"mine": _("Mine"), "team": _("My teams’"), "nobody": _("Nobody owns"), "filed": _("Filed by me")}
    chosen = query.get("whose", "")
    return [
        {"label": label, "url": _address(query, whose="" if whose == chosen else whose), "current": whose == chosen}
        for whose, label in labels.items()
    ]


def _chips(filters: IncidentFilter, query: QueryDict) -> list[dict[str, str]]:
    """The filters that are on, each with the address that takes it off."""
    if not filters.form.is_valid():
        return []
    chips = []
    for name, value in filters.form.cleaned_data.items():
        if value and name != "whose":
            words = list_of([f"SEV-{one}" for one in value]) if name == "severity" else str(value)
            chips.append(
                {"name": str(filters.form.fields[name].label), "value": words, "url": _address(query, **{name: ""})}
            )
    return chips


def _acknowledge(pk: int, actor: User, at: datetime, _reason: str) -> object:
    return incident_acknowledge(incident_id=pk, actor=actor, at=at)


def _escalate(pk: int, actor: User, at: datetime, reason: str) -> object:
    return incident_escalate(incident_id=pk, actor=actor, reason=reason, at=at)


def _resolve(pk: int, actor: User, at: datetime, reason: str) -> object:
    return incident_resolve(incident_id=pk, actor=actor, at=at, resolution=reason)


BULK: Mapping[str, Callable[[int, User, datetime, str], object]] = {
    "acknowledge": _acknowledge,
    "escalate": _escalate,
    "resolve": _resolve,
}


@require_POST
@login_required
def incidents_bulk(request: HttpRequest) -> HttpResponse:
    """One action on the chosen incidents, each in its own transaction; what was refused is told incident by incident."""
    at = now()
    actor: Any = request.user
    act = BULK.get(request.POST.get("verb", ""))
    chosen = [int(pk) for pk in request.POST.getlist("incident") if pk.isascii() and pk.isdigit()][:BULK_MOST]
    visible = Incident.objects.visible_to(actor).filter(pk__in=chosen).order_by("severity", "pk")
    if act is None or not chosen:
        messages.error(request, _("Choose some incidents and what to do with them."))
        return see_other(_back(request))
    refused: list[str] = []
    done: list[str] = []
    for incident in visible:
        try:
            act(incident.pk, actor, at, request.POST.get("reason", ""))
            done.append(incident.reference)
        except NotAllowed as error:
            return _refused_all(request, error)
        except DomainError as error:
            refused.append(f"{incident.reference}: {error.message}")
    _tell(request, done, refused)
    return see_other(_back(request))


def _refused_all(request: HttpRequest, error: NotAllowed) -> HttpResponse:
    """Who may not act on one may not act on any: the list again, with the reason."""
    messages.error(request, error.message)
    return page_or_fragment(
        request,
        "incidents/incident_list.html",
        "incidents/partials/_list.html",
        list_context(request, now()),
        status=403,
    )


def _tell(request: HttpRequest, done: Sequence[str], refused: Sequence[str]) -> None:
    verbs = {
        "acknowledge": ngettext("Acknowledged %(names)s.", "Acknowledged %(count)d: %(names)s.", len(done)),
        "escalate": ngettext(
            "Called the next level for %(names)s.", "Called the next level for %(count)d: %(names)s.", len(done)
        ),
        "resolve": ngettext("Resolved %(names)s.", "Resolved %(count)d: %(names)s.", len(done)),
    }
    if done:
        messages.success(request, verbs[request.POST["verb"]] % {"names": list_of(list(done)), "count": len(done)})
    for line in refused:
        messages.error(request, line)


def _back(request: HttpRequest) -> str:
    """The list as it was, or the plain list where the form named no address of ours."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(reverse("incidents:list"))
    return wanted if safe else reverse("incidents:list")
