"""What is done to several incidents at once: each in its own transaction, and what was refused is told incident by incident."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import DomainError, NotAllowed
from escalation_site.kernel.instants import now
from escalation_site.ui.durations import list_of
from incidents.filters import reference_number
from incidents.models import Incident
from incidents.services.handing import incident_reassign
from incidents.services.lifecycle import (
    incident_acknowledge,
    incident_escalate,
    incident_resolve,
)
from incidents.services.merging import incident_merge
from incidents.views.answers import page_or_fragment, see_other
from incidents.views.listing import Asked, list_context
from oncall.models import User

BULK_MOST = 200
NAMED = 12
"""How many of them a message names."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for all of them: who acts, when, why, who gets them, into which they are merged."""

    actor: User
    at: datetime
    reason: str
    owner: User | None
    into: int | None


def _acknowledge(pk: int, order: Order) -> object:
    return incident_acknowledge(incident_id=pk, actor=order.actor, at=order.at)


def _assign(pk: int, order: Order) -> object:
    if order.owner is None:
        raise DomainError(_("Choose who gets it."), field="owner")
    return incident_reassign(incident_id=pk, owner=order.owner, actor=order.actor, at=order.at)


def _escalate(pk: int, order: Order) -> object:
    return incident_escalate(incident_id=pk, actor=order.actor, reason=order.reason, at=order.at)


def _resolve(pk: int, order: Order) -> object:
    return incident_resolve(incident_id=pk, actor=order.actor, at=order.at, resolution=order.reason)


def _merge(pk: int, order: Order) -> object:
    if order.into is None:
        raise DomainError(_("Name the incident they are merged into."), field="into")
    return incident_merge(incident_id=pk, other_id=order.into, actor=order.actor, at=order.at, reason=order.reason)


BULK: Mapping[str, Callable[[int, Order], object]] = {
    "acknowledge": _acknowledge,
    "assign": _assign,
    "escalate": _escalate,
    "resolve": _resolve,
    "merge": _merge,
}


@require_POST
@login_required
def incidents_bulk(request: HttpRequest) -> HttpResponse:
    """One action on the chosen incidents."""
    actor: Any = request.user
    verb = request.POST.get("verb", "")
    act = BULK.get(verb)
    visible, more = _chosen(request)
    if act is None or not (visible or request.POST.getlist("incident")):
        messages.error(request, _("Choose some incidents and what to do with them."))
        return see_other(_back(request))
    order = _order(request, visible, at=now())
    refused: list[str] = []
    done: list[str] = []
    for incident in visible:
        if verb == "merge" and incident.pk == order.into:
            continue
        try:
            act(incident.pk, order)
            done.append(incident.reference)
        except NotAllowed as error:
            if not actor.may_respond:
                return _refused_all(request, error)
            refused.append(f"{incident.reference}: {error.message}")
        except DomainError as error:
            refused.append(f"{incident.reference}: {error.message}")
    _tell(request, done, refused, order)
    if more:
        text = _("These were the first %(count)d of them. Choose again for the rest.") % {"count": len(visible)}
        messages.info(request, text)
    return see_other(_back(request))


def _chosen(request: HttpRequest) -> tuple[list[Incident], bool]:
    """Those that were ticked, as far as the reader sees them; or all that the list's address asks for, the worst first, and whether there
    are more than are done at once."""
    actor: Any = request.user
    if request.POST.get("all") != "yes":
        ticked = [int(pk) for pk in request.POST.getlist("incident") if pk.isascii() and pk.isdigit()][:BULK_MOST]
        return list(Incident.objects.visible_to(actor).filter(pk__in=ticked).order_by("severity", "pk")), False
    found = list(Asked(request).in_order().values_list("pk", flat=True)[: BULK_MOST + 1])
    rows = Incident.objects.visible_to(actor).filter(pk__in=found[:BULK_MOST]).order_by("severity", "pk")
    return list(rows), len(found) > BULK_MOST


def _order(request: HttpRequest, chosen: Sequence[Incident], *, at: datetime) -> Order:
    """What the form says. Without a name they are merged into the oldest of them."""
    actor: Any = request.user
    into = reference_number(request.POST.get("into", ""))
    if into is None and not request.POST.get("into", "").strip() and len(chosen) > 1:
        into = min(chosen, key=lambda one: (one.merged_into_id is not None, not one.is_open, one.pk)).pk
    owner = User.objects.filter(username=request.POST.get("owner", ""), is_active=True).first()
    return Order(actor, at, request.POST.get("reason", ""), owner, into)


@require_safe
@login_required
def bulk_people(request: HttpRequest) -> HttpResponse:
    """Those who may be given incidents, the reader first: read when the question is opened."""
    people = [one for one in User.objects.filter(is_active=True).order_by("first_name", "last_name") if one.may_respond]
    people.sort(key=lambda one: one.pk != request.user.pk)
    return render(request, "incidents/partials/_bulk_people.html", {"people": people})


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


def _tell(request: HttpRequest, done: Sequence[str], refused: Sequence[str], order: Order) -> None:
    """One message for what was done and one for what was refused, by incident."""
    count = len(done)
    verbs = {
        "acknowledge": ngettext("Acknowledged %(names)s.", "Acknowledged %(count)d: %(names)s.", count),
        "assign": ngettext("%(owner)s has %(names)s.", "%(owner)s has %(count)d: %(names)s.", count),
        "escalate": ngettext(
            "Called the next level for %(names)s.", "Called the next level for %(count)d: %(names)s.", count
        ),
        "resolve": ngettext("Resolved %(names)s.", "Resolved %(count)d: %(names)s.", count),
        "merge": ngettext("Merged %(names)s into %(into)s.", "Merged %(count)d into %(into)s: %(names)s.", count),
    }
    if done:
        names = {"names": list_of(_first(done)), "count": count, "into": f"INC-{order.into}"}
        text = verbs[request.POST["verb"]] % {**names, "owner": order.owner.name if order.owner else ""}
        messages.success(request, text)
    if refused:
        messages.error(request, "\n".join(_first(refused)))


def _first(several: Sequence[str]) -> list[str]:
    """As many as anybody reads."""
    return list(several) if len(several) <= NAMED else [*several[: NAMED - 2], "…"]


def _back(request: HttpRequest) -> str:
    """The list as it was, or the plain list where the form named no address of ours."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith(reverse("incidents:list"))
    return wanted if safe else reverse("incidents:list")
