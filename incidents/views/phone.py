"""The page behind the link in a page (mock-up 04): one incident, one person, one tap, no sign-in.

GET only shows: scanners of mail follow links before a person does. Acting is a POST from what was shown.

These views carry no CSRF token, on purpose. The address itself holds a signed secret that only the paged person was sent, so that no
other site can make their browser post here. A token would only do harm: browsers inside mail programs often keep no cookies, and the
pages' own ``Referrer-Policy: no-referrer`` (the address is a secret, it must not travel in a header) makes browsers send
``Origin: null``, which Django's check refuses.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from escalation_site.kernel.errors import Conflict, DomainError
from escalation_site.kernel.instants import now
from incidents.links import UNDO_WINDOW
from incidents.models import Page
from incidents.selectors.phone import Look, look_of, page_behind, phone_page
from incidents.services.lifecycle import incident_acknowledge, incident_escalate, incident_unacknowledge
from incidents.services.pages import page_decline
from incidents.views.answers import see_other, status_of

PageView = Callable[[HttpRequest, Page], HttpResponse]


def _for_recipient(view: PageView) -> Callable[..., HttpResponse]:
    """Look the page up, speak the recipient's language in their zone, and keep the address out of caches, logs and search engines."""

    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        page = page_behind(token)
        if page is None:
            return _secret(render(request, "incidents/page_unknown.html", status=404))
        with translation.override(page.recipient.language), timezone.override(page.recipient.time_zone):
            return _secret(view(request, page))

    return never_cache(csrf_exempt(guarded))


def _secret(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _show(request: HttpRequest, page: Page, *, at: datetime, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "at": at,
        "shown": phone_page(page, at=at),
        "token": (request.resolver_match.kwargs if request.resolver_match else {}).get("token", ""),
        "error": error,
        "sign_in": f"{reverse('account_login')}?next={page.incident.get_absolute_url()}",
    }
    return render(request, "incidents/page.html", context, status=status)


def _acting(act: Callable[[Page, datetime], object]) -> Callable[..., HttpResponse]:
    """A POST that acts, then shows the page anew; a refusal shows it with the reason."""

    @wraps(act)
    def view(request: HttpRequest, page: Page) -> HttpResponse:
        at = now()
        try:
            act(page, at)
        except DomainError as error:
            fresh = Page.objects.select_related(
                "recipient", "incident__service", "incident__team", "incident__owner"
            ).get(pk=page.pk)
            return _show(request, fresh, at=at, error=error.message, status=status_of(error))
        token = (request.resolver_match.kwargs if request.resolver_match else {})["token"]
        return see_other(reverse("page", args=(token,)))

    return require_POST(_for_recipient(view))


@require_safe
@_for_recipient
def page_show(request: HttpRequest, page: Page) -> HttpResponse:
    """What happened, why you, what happens next. Changes nothing."""
    at = now()
    return _show(request, page, at=at, status=410 if look_of(page, at=at) is Look.EXPIRED else 200)


@_acting
def page_acknowledge(page: Page, at: datetime) -> object:
    """The recipient takes it: the link is used up with the acknowledgement, in one transaction."""
    return incident_acknowledge(incident_id=page.incident_id, actor=page.recipient, at=at, page=page, source="email")


@_acting
def page_escalate(page: Page, at: datetime) -> object:
    """The recipient wants the next level now; the link still serves to acknowledge."""
    reason = _("Called from the page of %(name)s.") % {"name": page.recipient.name}
    return incident_escalate(
        incident_id=page.incident_id, actor=page.recipient, reason=reason, at=at, page=page, source="email"
    )


@_acting
def page_decline_view(page: Page, at: datetime) -> object:
    """The recipient cannot take it."""
    return page_decline(page=page, at=at)


@_acting
def page_undo(page: Page, at: datetime) -> object:
    """Take the acknowledgement back, for half a minute after it was given."""
    if page.answered_at is None or at - page.answered_at > UNDO_WINDOW:
        raise Conflict(_("It can no longer be undone here. Sign in to give it back."))
    return incident_unacknowledge(incident_id=page.incident_id, actor=page.recipient, at=at, page=page, source="email")
