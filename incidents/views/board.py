"""The board: open incidents as cards by stage, team or person, and moving one from column to column."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.filters import IncidentFilter
from incidents.forms import ActionForm, refuse
from incidents.models import Incident
from incidents.people_fields import CarryingField
from incidents.permissions import incident_for, require_responder
from incidents.selectors.board import NOBODY, By, board_of
from incidents.selectors.load import Warned, warned
from incidents.selectors.searching import open_that_say
from incidents.views.answers import page_or_fragment, see_other, status_of, tell_refusal, wants_fragment
from incidents.views.verbs import VERBS
from oncall.models import User

LABELS: Mapping[By, str | Promise] = {
    By.STAGE: gettext_lazy("By stage"),
    By.TEAM: gettext_lazy("By team"),
    By.PERSON: gettext_lazy("By person"),
}
WAYS = {one.value: one for one in By}
# What a move does, and the field of its form that names the column.
MOVES = {By.STAGE: ("stage", "stage"), By.TEAM: ("team", "team"), By.PERSON: ("reassign", "owner")}
NOT_SHARED = ("by", "column", "to", "seen")
"""What the address says of the board alone, and not of which incidents are on it."""


@require_safe
@login_required
def board(request: HttpRequest) -> HttpResponse:
    """Open incidents the reader may see, in columns; htmx gets the columns alone."""
    context = board_context(
        request, WAYS.get(request.GET.get("by", ""), By.STAGE), at=now(), only=request.GET.get("column", "")
    )
    return page_or_fragment(request, "incidents/board.html", "incidents/partials/_board.html", context)


def board_context(request: HttpRequest, by: By, *, at: datetime, only: str = "") -> dict[str, Any]:
    user: Any = request.user
    found = open_asked_for(request, user)
    return {
        "at": at,
        "board": board_of(found, by=by, user=user, at=at, only=only),
        "by": by,
        "only": only,
        "ways": [{"label": LABELS[one], "url": _address(request.GET, one), "current": one is by} for one in By],
        "here": _address(request.GET, by, only=only),
        "whole": _address(request.GET, by),
        "shared": _shared(request.GET).urlencode(),
        "filters_url": f"{reverse('incidents:board_filters')}{_query(request.GET, by)}",
        "filtered": bool(_shared(request.GET)),
        "may_act": user.may_respond,
        "asks": by is By.TEAM,
        "move_field": MOVES[by][1],
    }


def open_asked_for(request: HttpRequest, user: User) -> Any:
    """The incidents that ``user`` may see and the address asks for, on a page that shows only open ones."""
    inside = user.role != User.Role.REPORTER
    visible = open_that_say(request.GET.get("q", ""), Incident.objects.visible_once(user), inside=inside)
    return IncidentFilter(request.GET, queryset=visible, request=request, looked_up=True).qs


ASKED = ("q", "whose", "severity", "priority", "team", "service")
"""The filters that the form of these pages asks for; the list asks for all of them."""


@require_safe
@login_required
def view_filters(request: HttpRequest, page: str) -> HttpResponse:
    """The form of the filters of ``page`` ("board", "plans"), read when it is opened: its lists ask for a query each."""
    filters = IncidentFilter(request.GET, queryset=Incident.objects.none(), request=request, every=True)
    address = reverse(f"incidents:{page}")
    by = request.GET.get("by", "")
    context = {
        "fields": "incidents/partials/_view_filters.html",
        "form": filters.form,
        "kept": _kept(request.GET),
        "address": address,
        "everything": f"{address}?by={by}" if by in WAYS else address,
    }
    return page_or_fragment(request, "incidents/list_filters.html", context["fields"], context)


def _kept(query: QueryDict) -> list[tuple[str, str]]:
    """What the address says beside the filters of the form."""
    return [(name, value) for name, values in query.lists() if name not in (*ASKED, "column", "to") for value in values]


def _shared(query: QueryDict) -> QueryDict:
    """The filters of the address."""
    query = query.copy()
    for name in NOT_SHARED:
        query.pop(name, None)
    return query


def _address(query: QueryDict, by: By, *, only: str = "") -> str:
    return f"{reverse('incidents:board')}{_query(query, by, only=only)}"


def _query(query: QueryDict, by: By, *, only: str = "") -> str:
    query = _shared(query)
    query["by"] = by.value
    if only:
        query["column"] = only
    return f"?{query.urlencode()}"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def board_move(request: HttpRequest, pk: int, by: str) -> HttpResponse:
    """Move a card to another column. GET asks where to, and what else is needed; ``to`` in the address is the column it was dropped on.

    A card that is dropped (``dropped``) and refused is shown where it was, with the reason; a form that is refused is shown again.
    """
    way = WAYS.get(by)
    if way is None:
        raise Http404
    user: Any = request.user
    incident, at = incident_for(user, pk), now()
    verb, field = MOVES[way]
    action = VERBS[verb]
    assert action.form is not None  # noqa: S101  the three verbs of MOVES all ask
    # ``seen`` is the column it was taken from: whoever drags a card from where it is no more is told.
    initial = {name: request.GET[key] for name, key in ((field, "to"), ("seen", "seen")) if key in request.GET} or None
    form = action.form(request.POST if request.method == "POST" else None, incident=incident, at=at, initial=initial)
    dropped = "dropped" in request.POST
    try:
        require_responder(user, incident)
        if request.method != "POST" or (not form.is_valid() and not dropped):
            return _asking(request, incident, way, form, status=200 if request.method != "POST" else 422)
        if request.POST.get(field) == NOBODY:
            raise DomainError(_("Give it back on its own page: then it rings again."))
        if not form.is_valid():
            raise DomainError(" ".join(str(text) for texts in form.errors.values() for text in texts))
        action.perform(incident.pk, user, at, form.cleaned_data)
    except DomainError as error:
        if not dropped and form.is_bound and status_of(error) != 403:
            refuse(form, error)
            return _asking(request, incident, way, form, status=status_of(error))
        tell_refusal(request, error)
        return _again(request, way, at, status=status_of(error))
    return _done(request, incident, way, at, said=_said(form, str(action.done)))


def _warning(form: ActionForm) -> Warned | None:
    """Why whoever is chosen in ``form`` should not get one more."""
    people = form.fields.get("owner")
    if not isinstance(people, CarryingField):
        return None
    chosen = str(form["owner"].value() or "")
    load = people.loads.get(int(chosen)) if chosen.isascii() and chosen.isdigit() else None
    if load is None or load.user.pk == form.incident.owner_id:
        return None
    return warned(load, people.loads.values())


def _said(form: ActionForm, done: str) -> str:
    warning = _warning(form)
    return " ".join([done, *warning.because]) if warning else done


def _asking(request: HttpRequest, incident: Incident, by: By, form: ActionForm, *, status: int) -> HttpResponse:
    action = VERBS[MOVES[by][0]]
    context = {
        "incident": incident,
        "action": action,
        "form": form,
        "at": now(),
        "by": by,
        "shared": _shared(request.GET).urlencode(),
        "whole": _address(request.GET, by),
        "warning": _warning(form),
    }
    return page_or_fragment(
        request, "incidents/board_move.html", "incidents/partials/_board_move.html", context, status=status
    )


def _again(request: HttpRequest, by: By, at: datetime, *, status: int) -> HttpResponse:
    """The board as it is, with what the messages say."""
    context = board_context(request, by, at=at)
    if wants_fragment(request):
        response = render(request, "incidents/partials/_board.html", {**context, "oob": True}, status=status)
        response["HX-Retarget"], response["HX-Reswap"] = "#board", "outerHTML"
        return response
    return render(request, "incidents/board.html", context, status=status)


def _done(request: HttpRequest, incident: Incident, by: By, at: datetime, *, said: str) -> HttpResponse:
    messages.success(request, _("%(reference)s: %(said)s") % {"reference": incident.reference, "said": said})
    if not wants_fragment(request):
        return see_other(_address(request.GET, by))
    response = _again(request, by, at, status=200)
    response["HX-Trigger"] = "wb:done"
    return response
