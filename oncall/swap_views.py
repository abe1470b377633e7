"""Swaps: asking, one swap with everybody's answers, and the page behind the link that somebody who was asked gets.

GET only shows, also behind the link: scanners of mail follow links before a person does. The views behind the link carry no
CSRF token, on purpose: the address itself holds a signed secret that only the person asked was sent, and browsers inside mail
programs often keep no cookies.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import cast
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import Conflict, DomainError, NotAllowed
from escalation_site.kernel.instants import now
from oncall import permissions, rota, swaps
from oncall.access import role_required
from oncall.exchange_forms import SwapForm
from oncall.models import Schedule, Swap, SwapAsk, User
from oncall.selectors import Loaded, schedules_load
from oncall.swap_links import ask_behind
from oncall.telling import as_read_by, span_words
from oncall.wording import role_words

ACTORS = (User.Role.RESPONDER, User.Role.MANAGER, User.Role.ADMINISTRATOR)
HORIZON = timedelta(weeks=8)

Act = Callable[[int, User, datetime], Swap]

ACTS: dict[str, Act] = {
    "accept": lambda pk, user, at: swaps.swap_accept(swap_id=pk, user=user, at=at),
    "refuse": lambda pk, user, at: swaps.swap_refuse(swap_id=pk, user=user, at=at),
    "cancel": lambda pk, user, at: swaps.swap_cancel(swap_id=pk, actor=user, at=at),
    "approve": lambda pk, user, at: swaps.swap_approve(swap_id=pk, actor=user, at=at),
    "decline": lambda pk, user, at: swaps.swap_decline(swap_id=pk, actor=user, at=at),
}
ANSWERS = ("accept", "refuse")


def status_of(error: DomainError) -> int:
    """403 for what a person may not do, 409 for what changed meanwhile, 422 for what has to be mended."""
    match error:
        case NotAllowed():
            return 403
        case Conflict():
            return 409
        case _:
            return 422


# --- asking


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*ACTORS)
def swap_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Offer one of the reader's shifts, named by its role and an instant in it, or a part of it."""
    at, user = now(), cast(User, request.user)
    schedule = get_object_or_404(Schedule.objects.select_related("team"), slug=slug)
    loaded = schedules_load([schedule], since=at)[schedule.pk]
    shift = _shift(request, loaded, user, at)
    people = list(permissions.colleagues(schedule).exclude(pk=user.pk))
    zone = ZoneInfo(user.time_zone)
    form = SwapForm(
        request.POST or None,
        people=people,
        theirs=_theirs(loaded, people, shift, at),
        window=(max(shift.start, at), shift.end),
        zone=zone,
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            swap = swaps.swap_create(
                schedule=schedule,
                role=shift.role,
                requester=user,
                start=data["starts_at"],
                end=data["ends_at"],
                asked=data["people"],
                return_start=data.get("return_start"),
                return_end=data.get("return_end"),
                note=data["note"],
                at=at,
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, _("They have been asked. You are told as soon as somebody accepts."))
            return redirect("oncall:swap", swap.pk)
    context = {"at": at, "schedule": schedule, "shift": shift, "role_name": role_words(shift.role), "form": form}
    return render(request, "oncall/swap_new.html", context, status=422 if request.method == "POST" else 200)


def _shift(request: HttpRequest, loaded: Loaded, user: User, at: datetime) -> rota.Shift:
    """The reader's shift that the address names; 404 where it is not theirs (any more)."""
    try:
        asked = parse_datetime(request.GET.get("at", "").replace(" ", "+"))
    except ValueError:
        asked = None
    if asked is None or asked.tzinfo is None or not at - HORIZON < asked < at + timedelta(days=800):
        raise Http404
    moment = max(asked, at)
    found = loaded.shifts(since=moment, until=moment + timedelta(seconds=1), whole=True)
    role = request.GET.get("role", "")
    shift = next((one for one in found if (one.user_id, one.role) == (user.pk, role)), None)
    if shift is None:
        raise Http404
    return shift


def _theirs(
    loaded: Loaded, people: list[User], shift: rota.Shift, at: datetime
) -> list[tuple[User, list[tuple[str, str]]]]:
    """What each colleague could give in return: their shifts of the same role in the coming weeks."""
    coming = [
        one
        for one in loaded.shifts(since=at, until=at + HORIZON, whole=True)
        if one.role == shift.role and one.start > at
    ]
    return [
        (
            user,
            [
                (f"{user.pk}|{one.start.isoformat()}|{one.end.isoformat()}", span_words(one.start, one.end, at=at))
                for one in coming
                if one.user_id == user.pk
            ],
        )
        for user in people
    ]


# --- one swap


def _found(pk: int) -> Swap:
    asks = Prefetch("asks", SwapAsk.objects.select_related("user"))
    rows = Swap.objects.select_related("schedule__team", "requester", "accepted_by", "decided_by")
    return get_object_or_404(rows.prefetch_related(asks), pk=pk)


@require_safe
@role_required(*ACTORS)
def swap_show(request: HttpRequest, pk: int) -> HttpResponse:
    """Who asked whom for what, the answers, and what the reader may do about it."""
    return _render(request, _found(pk))


def _render(request: HttpRequest, swap: Swap, *, error: str = "", status: int = 200) -> HttpResponse:
    user, at = cast(User, request.user), now()
    if not permissions.may_see_swap(user, swap):
        raise PermissionDenied(_("This swap is between others."))
    live = swap.state in swaps.LIVE and swap.expires_at > at
    ask = next((ask for ask in swap.asks.all() if permissions.may_answer_swap(user, ask)), None)
    context = {
        "at": at,
        "swap": swap,
        "role_name": role_words(swap.role),
        "error": error,
        "ask": ask,
        "may_answer": live and swap.state == Swap.State.OPEN and ask is not None,
        "may_cancel": live and permissions.may_cancel_swap(user, swap),
        "may_decide": live and swap.state == Swap.State.WAITING and permissions.may_decide_swap(user, swap),
    }
    return render(request, "oncall/swap.html", context, status=status)


@require_POST
@role_required(*ACTORS)
def swap_act(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Accept, refuse, withdraw; for managers: approve, decline."""
    user, at = cast(User, request.user), now()
    if verb not in ACTS or not Swap.objects.filter(pk=pk).exists():
        raise Http404
    try:
        ACTS[verb](pk, user, at)
    except NotAllowed as error:
        raise PermissionDenied(error.message) from error
    except DomainError as error:
        return _render(request, _found(pk), error=error.message, status=status_of(error))
    messages.success(request, _done_words(verb))
    return redirect("oncall:swap", pk)


def _done_words(verb: str) -> str:
    match verb:
        case "accept":
            return _("Thank you. Everybody concerned is told.")
        case "refuse":
            return _("Noted: you cannot take it.")
        case "cancel":
            return _("Withdrawn: nobody needs to answer any more.")
        case "approve":
            return _("The swap counts from now on; both are told.")
        case _:
            return _("Declined; both are told.")


# --- behind the link


AnswerView = Callable[..., HttpResponse]


def _for_asked(view: AnswerView) -> Callable[..., HttpResponse]:
    """Look the ask up, speak its person's language on their clock, keep the address out of caches and search engines."""

    @wraps(view)
    def guarded(request: HttpRequest, token: str, **rest: str) -> HttpResponse:
        ask = ask_behind(token)
        if ask is None:
            return _secret(render(request, "oncall/swap_unknown.html", status=404))
        with as_read_by(ask.user):
            return _secret(view(request, ask, **rest))

    return never_cache(csrf_exempt(guarded))


def _secret(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@require_safe
@_for_asked
def swap_answer(request: HttpRequest, ask: SwapAsk) -> HttpResponse:
    """Who asks for what, and one tap to accept. Changes nothing."""
    return _render_answer(request, ask)


def _render_answer(request: HttpRequest, ask: SwapAsk, *, error: str = "", status: int = 200) -> HttpResponse:
    at, swap = now(), ask.swap
    token = request.resolver_match.kwargs["token"] if request.resolver_match else ""
    is_open = swap.state == Swap.State.OPEN and swap.expires_at > at
    context = {
        "at": at,
        "ask": ask,
        "swap": swap,
        "role_name": role_words(swap.role),
        "token": token,
        "error": error,
        "is_open": is_open,
        "mine": swap.accepted_by_id == ask.user_id,
        "sign_in": f"{reverse('account_login')}?next={reverse('oncall:mine')}",
    }
    settled = 410 if not is_open and swap.accepted_by_id != ask.user_id else 200
    return render(request, "oncall/swap_answer.html", context, status=settled if status == 200 else status)


@require_POST
@_for_asked
def swap_answer_act(request: HttpRequest, ask: SwapAsk, verb: str) -> HttpResponse:
    """The person asked accepts, or cannot; then the page shows how it stands."""
    if verb not in ANSWERS:
        raise Http404
    try:
        ACTS[verb](ask.swap_id, ask.user, now())
    except DomainError as error:
        fresh = ask_behind(request.resolver_match.kwargs["token"]) if request.resolver_match else None
        return _render_answer(request, fresh or ask, error=error.message, status=status_of(error))
    response = redirect("oncall:swap_answer", request.resolver_match.kwargs["token"] if request.resolver_match else "")
    response.status_code = 303
    return response
