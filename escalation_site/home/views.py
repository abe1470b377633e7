"""The home page of each role, and the page a person sends to themselves to see whether it arrives."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation_site.first_run.steps import next_step
from escalation_site.home import selectors
from escalation_site.home.duty import reaches_of, week_of
from escalation_site.kernel.instants import now
from escalation_site.ui.context import Frame
from incidents.models import Incident
from incidents.selectors.checkpoints import checkpoints_asking
from notifications.models import Message
from notifications.services.messages import messages_create
from notifications.values import MessageValue
from oncall.models import User

Context = dict[str, Any]


def _responder(request: HttpRequest, user: User, at: datetime) -> Context:
    frame, week = Frame(request), week_of(user, at=at)
    # The page has looked up the reader's duties already; the frame shows the same ones.
    frame.duties = week.watches
    return {"frame": frame, "week": week, "waiting": selectors.waiting_for(user, at=at), "reaches": reaches_of(user)}


def _manager(request: HttpRequest, user: User, at: datetime) -> Context:
    frame, week = Frame(request), week_of(user, at=at)
    frame.duties = week.watches
    return {"frame": frame, "week": week, "management": selectors.management(user, at=at)}


def _reporter(_request: HttpRequest, user: User, at: datetime) -> Context:
    return {"own": selectors.own_reports(user, at=at)}


def _auditor(_request: HttpRequest, user: User, at: datetime) -> Context:
    return {"ledger": selectors.ledger_state(user, at=at)}


def _administrator(_request: HttpRequest, _user: User, at: datetime) -> Context:
    # Once there has been an incident the installation is in use, whatever else is missing.
    step = "" if Incident.objects.exists() else next_step()
    return {"health": selectors.health(at=at), "setup_goes_on": bool(step)}


PAGES: dict[str, Callable[[HttpRequest, User, datetime], Context]] = {
    User.Role.REPORTER: _reporter,
    User.Role.RESPONDER: _responder,
    User.Role.MANAGER: _manager,
    User.Role.AUDITOR: _auditor,
    User.Role.ADMINISTRATOR: _administrator,
}


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What the reader's role needs first."""
    at, user = now(), cast(User, request.user)
    context = PAGES[user.role](request, user, at)
    if user.role != User.Role.AUDITOR:
        context["asks"] = checkpoints_asking(user)
    return render(request, f"site/home/{user.role}.html", {"at": at, **context})


@require_POST
@login_required
def test_page(request: HttpRequest) -> HttpResponse:
    """Send the reader a notice by their own first contact method. A second press within the same minute sends
    nothing more.
    """
    at, user = now(), cast(User, request.user)
    value = MessageValue(
        recipient_id=user.pk,
        kind=Message.Kind.NOTICE,
        subject=_("[TEST] Watchbell reaches you"),
        body=_("You asked to be paged as a test at %(time)s UTC. Nothing is wrong; nobody waits for an answer.")
        % {"time": f"{at:%H:%M:%S}"},
        idempotency_key=f"test-page:{user.pk}:{at:%Y%m%d%H%M}",
        link=settings.PUBLIC_URL,
    )
    (message,) = messages_create([value], at=at)
    if message.state == Message.State.FAILED:
        messages.warning(request, _("You cannot be reached: you have no contact method. Ask an administrator for one."))
    else:
        messages.success(request, _("A test page is on its way to you. This page shows when it arrived."))
    return redirect("home")
