"""What a chat service tells when somebody presses a button of a message, and the page on which people say who they are there.

The walk of a press: the token that stands behind the button says which incident and which channel (nobody else knows it: the chat
service keeps it to itself); the channel must still show buttons; the account that pressed must belong to somebody here, who may see
the incident; then the same services as behind every page, which ask for the right to act. Who is unknown gets a link, for their eyes
alone, to sign in and say that the account is theirs. No cookie plays a part, so that there is no token of a form to ask for.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation_site.kernel.errors import DomainError
from escalation_site.kernel.instants import now
from incidents.changes import actor_of
from incidents.chat_acts import act
from incidents.chat_buttons import address, lines_of, link_of, offered
from incidents.models import Incident
from incidents.permissions import incident_for
from incidents.views.answers import see_other, status_of
from notifications.channels.chat.asked import Pressed, Unreadable, pressed
from notifications.channels.chat.build import attachments, plain
from notifications.channels.chat.tokens import Grant, claim_read, claim_sign, grant_read
from notifications.models import ChatAccount, Destination
from notifications.services.chat_accounts import chat_account_link, chat_account_of, chat_account_part
from oncall.models import User

_SUBJECT = "incident:"


@never_cache
@csrf_exempt
@require_POST
def chat_act(request: HttpRequest) -> JsonResponse:
    """Somebody pressed a button. A forged press is refused; what a person did wrong is told to that person alone."""
    try:
        press = pressed(request.body)
    except Unreadable:
        return _forged(400)
    grant = grant_read(press.token)
    if grant is None or not grant.about.startswith(_SUBJECT):
        return _forged(403)
    place = Destination.objects.filter(slug=grant.place, kind=Destination.Kind.CHAT, enabled=True, buttons=True).first()
    if place is None:
        return _told(_("This channel shows no buttons any more."))
    at = now()
    known = chat_account_of(host=place.host, account=press.account)
    if known is None:
        return _told(_who_are_you(place, press, at))
    user: Any = known.user
    with translation.override(user.language), timezone.override(user.time_zone):
        return _acted(press, grant, place, user, at)


def _acted(press: Pressed, grant: Grant, place: Destination, user: User, at: datetime) -> JsonResponse:
    number = int(grant.about.removeprefix(_SUBJECT))
    try:
        incident = incident_for(user, number)
    except Http404:
        return _told(_("You may not see this incident."))
    said = ""
    try:
        if grant.over(at):
            raise DomainError(_("These buttons are too old."))
        act(press.verb, incident, actor=user, choice=press.choice, place=place.name, at=at)
    except DomainError as error:
        said = f"{error.message} {link_of(incident)}"
    # Whoever handed it over may no longer see it; the channel was told of it and is told how it stands.
    return _told(said, update=_again(Incident.objects.get(pk=number), place, press.token))


def _again(incident: Incident, place: Destination, token: str) -> dict[str, Any] | None:
    """The message as it reads now, with the buttons that are left; None where the channel may no longer be told of it."""
    if incident.restricted and not place.carries_restricted:
        return None
    lines = lines_of(incident)
    *said, link = lines
    shown = attachments(offered(incident), url=address(), token=token, fallback=said[0])
    return {"message": "\n".join([*map(plain, said), link]), "props": {"attachments": shown}}


def _who_are_you(place: Destination, press: Pressed, at: datetime) -> str:
    claim = claim_sign(host=place.host, account=press.account, handle=press.handle, at=at)
    link = settings.PUBLIC_URL.rstrip("/") + reverse("chat_account", args=(claim,))
    with translation.override(settings.LANGUAGE_CODE):
        return _("Nobody here knows who you are yet. Sign in once and say so, then press again: %(link)s") % {
            "link": link
        }


def _told(text: str, *, update: dict[str, Any] | None = None) -> JsonResponse:
    """``text`` is shown to whoever pressed, and to nobody else."""
    answer: dict[str, Any] = {"ephemeral_text": text} if text else {}
    return JsonResponse({**answer, "update": update} if update is not None else answer)


def _forged(status: int) -> JsonResponse:
    return JsonResponse({"error": {"message": _("This button was not made here.")}}, status=status)


@require_safe
@login_required
def chat_accounts(request: HttpRequest) -> HttpResponse:
    """My accounts in chat."""
    user: Any = request.user
    return render(request, "incidents/chat_accounts.html", {"at": now(), "accounts": user.chat_accounts.all()})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def chat_account(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks whether the account is mine, POST says that it is."""
    user: Any = request.user
    at, claim = now(), claim_read(token)
    if claim is None:
        raise Http404
    error, status = "", 200
    if request.method == "POST":
        try:
            row = chat_account_link(claim=claim, user_id=user.pk, actor=actor_of(user), at=at)
        except DomainError as refused:
            error, status = refused.message, status_of(refused)
        else:
            messages.success(request, _("%(account)s is you. Press the button in the chat again.") % {"account": row})
            return see_other(reverse("chat_accounts"))
    elif claim.over(at):
        error, status = _("This link is too old. Press the button in the chat again."), 410
    context = {"at": at, "accounts": user.chat_accounts.all(), "claim": claim, "token": token, "error": error}
    response = render(request, "incidents/chat_accounts.html", context, status=status)
    response["Referrer-Policy"] = "same-origin"
    return response


@require_POST
@login_required
def chat_account_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Part an account of mine from me."""
    user: Any = request.user
    row = get_object_or_404(ChatAccount, pk=pk, user=user)
    said = _("%(account)s is no longer you.") % {"account": row}
    chat_account_part(row=row, actor=actor_of(user), at=now())
    messages.success(request, said)
    return see_other(reverse("chat_accounts"))
