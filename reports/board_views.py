"""Dashboards that people put together: the list, one of them, its cards."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from oncall.access import role_required
from oncall.models import User
from reports.board_forms import BoardForm, CardForm
from reports.boards import (
    board_for,
    boards_of,
    dashboard_change,
    dashboard_create,
    dashboard_delete,
    may_change,
)
from reports.cards import WORK, CardSpec, Drawn, cards_parse, moved
from reports.dashboard import TABS
from reports.figures.definitions import METRICS
from reports.figures.definitions import SPANS as SPAN_NAMES
from reports.figures.times import SORTED
from reports.group_panels import groups, pie
from reports.models import Dashboard
from reports.panels import SPANS, TIMES, Data, line, number_card, week
from reports.telling import told
from reports.views import READERS, asked
from reports.work.counting import work_panel


@dataclass(frozen=True, slots=True)
class Shown:
    """A card as it is drawn: ``kind`` says which template, ``body`` is what it draws, ``place`` counts from nought."""

    place: int
    kind: str
    wide: bool
    body: Any


def shown(data: Data, cards: tuple[CardSpec, ...], *, at: datetime) -> list[Shown]:
    return [Shown(place, str(card.kind), card.wide, _body(data, card, at)) for place, card in enumerate(cards)]


def kinds_of(cards: Iterable[CardSpec]) -> tuple[str, ...]:
    """What the cards count: read together, in one query."""
    keys = {"acknowledge" if card.kind == Drawn.WORDS else card.metric for card in cards} - set(WORK)
    found = {METRICS[key].of if key in METRICS else key for key in keys}
    found |= {SPANS for key in keys & METRICS.keys() if METRICS[key].work in SPAN_NAMES}
    return tuple(sorted(found | ({TIMES} if keys & SORTED else set())))


def _body(data: Data, card: CardSpec, at: datetime) -> Any:
    if card.metric in WORK:
        return work_panel(data, card, at=at)
    match card.kind:
        case Drawn.WORDS:
            return told(data, card.metric, at=at)
        case Drawn.NUMBER | Drawn.TIME:
            return number_card(data, card.metric)
        case Drawn.LINE:
            return line(data, card.metric)
        case Drawn.PIE:
            return pie(data, card.metric, card.dimension)
        case Drawn.HOURS:
            return week(data, card.metric)
        case _:
            return groups(data, card.metric, card.dimension)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*READERS)
def board_list(request: HttpRequest) -> HttpResponse:
    """Own dashboards and those shared with the reader; a new one by POST."""
    user = cast(User, request.user)
    error = ""
    if request.method == "POST":
        name, query = request.POST.get("name", ""), request.POST.get("query", "")
        try:
            board = dashboard_create(owner=user, name=name, query=query, at=now())
        except DomainError as refusal:
            error = refusal.message
        else:
            return redirect("reports:board", board.pk)
    context = {
        "boards": boards_of(user),
        "error": error,
        "name": request.POST.get("name", ""),
        "query": request.GET.urlencode(),
        "tabs": TABS.items(),
        "boards_current": True,
    }
    return render(request, "reports/boards.html", context, status=400 if error else 200)


@require_safe
@role_required(*READERS)
def board(request: HttpRequest, pk: int) -> HttpResponse:
    """One dashboard with its filters, or those of the address."""
    user = cast(User, request.user)
    found = board_for(user, pk)
    return render(request, "reports/board.html", _context(request, found, CardForm(), None))


def _context(request: HttpRequest, found: Dashboard, card_form: CardForm, form: BoardForm | None) -> dict[str, Any]:
    user = cast(User, request.user)
    query = request.GET if request.method == "GET" and request.GET else QueryDict(found.query)
    what = asked(request, query)
    changes, cards = may_change(user, found), cards_parse(found.cards)
    what.data.kinds = kinds_of(cards)
    initial = {"name": found.name, "shared": found.shared, "team": found.team.slug if found.team else ""}
    return {
        **what.context,
        "dashboard": found,
        "cards": shown(what.data, cards, at=what.at),
        "may_change": changes,
        "card_form": card_form,
        "board_form": form or (BoardForm(initial=initial, user=user) if changes else None),
        "other_filters": query.urlencode() != found.query,
        "query": query.urlencode(),
        "tabs": TABS.items(),
        "boards_current": True,
    }


@require_POST
@role_required(*READERS)
def board_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Its name, whom it is shared with, its filters."""
    user = cast(User, request.user)
    found = board_for(user, pk)
    if "keep" in request.POST:
        return _done(request, found, query=request.POST.get("query", ""))
    form = BoardForm(request.POST, user=user)
    if form.is_valid():
        return _done(request, found, **{key: form.cleaned_data[key] for key in ("name", "shared", "team")})
    return render(request, "reports/board.html", _context(request, found, CardForm(), form), status=400)


@require_POST
@role_required(*READERS)
def board_card(request: HttpRequest, pk: int) -> HttpResponse:
    """One card more, further up or down, as wide as the page or not, or gone."""
    found = board_for(cast(User, request.user), pk)
    cards = cards_parse(found.cards)
    action, place = request.POST.get("action", ""), request.POST.get("place", "")
    if action == "add":
        form = CardForm(request.POST)
        if not form.is_valid():
            return render(request, "reports/board.html", _context(request, found, form, None), status=400)
        return _done(request, found, cards=(*cards, form.card))
    if not place.isdigit() or int(place) >= len(cards):
        return redirect("reports:board", pk)
    return _done(request, found, cards=_rearranged(cards, action, int(place)))


def _rearranged(cards: tuple[CardSpec, ...], action: str, place: int) -> tuple[CardSpec, ...]:
    match action:
        case "up" | "down":
            return moved(cards, place, -1 if action == "up" else 1)
        case "wide":
            card = cards[place]
            other = CardSpec(card.kind, card.metric, card.dimension, not card.wide)
            return (*cards[:place], other, *cards[place + 1 :])
        case "remove":
            return (*cards[:place], *cards[place + 1 :])
        case _:
            return cards


@require_POST
@role_required(*READERS)
def board_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """A dashboard of the reader's own with the same cards and filters."""
    user = cast(User, request.user)
    found = board_for(user, pk)
    taken = set(Dashboard.objects.filter(owner=user).values_list("name", flat=True))
    names = [found.name, *(f"{found.name[:50]} ({number})" for number in range(2, len(taken) + 3))]
    name = next(one for one in names if one not in taken)
    try:
        copy = dashboard_create(owner=user, name=name, query=found.query, cards=cards_parse(found.cards), at=now())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("reports:board", pk)
    messages.success(request, _("This one is yours: “%(name)s”.") % {"name": copy.name})
    return redirect("reports:board", copy.pk)


@require_POST
@role_required(*READERS)
def board_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Taken away for everybody it was shared with."""
    found = board_for(cast(User, request.user), pk)
    try:
        dashboard_delete(board=found, actor=cast(User, request.user), at=now())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("reports:board", pk)
    messages.success(request, _("“%(name)s” is gone.") % {"name": found.name})
    return redirect("reports:boards")


def _done(request: HttpRequest, found: Dashboard, **values: Any) -> HttpResponse:
    try:
        dashboard_change(board=found, actor=cast(User, request.user), at=now(), **values)
    except DomainError as error:
        messages.error(request, error.message)
    return redirect(reverse("reports:board", args=(found.pk,)))
