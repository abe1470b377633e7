"""Our own middleware: the request log, what browsers are told a page may do, and what becomes of a session that is over."""

from collections.abc import Callable
from time import perf_counter
from urllib.parse import urlencode, urlsplit

import structlog
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django_structlog.middlewares import RequestMiddleware

from escalation_site import metrics
from escalation_site.logging import safe_path


class RequestLogMiddleware(RequestMiddleware):
    """One log line and one measurement per request. Keys and signed links in an address are cut; the database is
    never asked."""

    def prepare(self, request: HttpRequest) -> None:
        setattr(request, _STARTED, perf_counter())
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR", ""))
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        match = request.resolver_match
        seconds = perf_counter() - getattr(request, _STARTED)
        metrics.request_observed(
            method=request.method or "",
            route=match.route if match else "",
            status=response.status_code,
            seconds=seconds,
        )
        structlog.contextvars.bind_contextvars(ms=round(seconds * 1000, 1))
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {safe_path(request.path)}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Name the user only if the view looked at them: otherwise this would load session and user for every
        request."""
        user = getattr(request, "_cached_user", None)
        if user is not None and user.pk is not None:
            structlog.contextvars.bind_contextvars(user_id=user.pk)


class BrowserPolicyMiddleware(CSPMiddleware):
    """Content-Security-Policy (strict; looser under /admin/), framing and device permissions."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return super().process_response(request, response)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.replace is None and request.path_info.startswith("/admin/"):
            parts.replace = ADMIN_REPLACES
        return parts


class SignInMiddleware:
    """Where the way leads to the sign-in page because the session is over.

    A part of a page gets 401 and nothing else: the sign-in page in its place would be no answer, and the page says itself that
    somebody is signed out. Whoever sent a form comes back to the page they sent it from: what it was sent to can only be posted to.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        place, _mark, query = response.headers.get("Location", "").partition("?")
        if response.status_code != 302 or place != resolve_url(settings.LOGIN_URL) or REDIRECT_FIELD_NAME not in query:
            return response
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401)
        if request.method == "POST":
            response.headers["Location"] = f"{place}?{urlencode({REDIRECT_FIELD_NAME: _sent_from(request)})}"
        return response


def _sent_from(request: HttpRequest) -> str:
    """The page of this site on which a form was sent, the first page where the browser does not say."""
    referrer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referrer, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(referrer)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


_STARTED = "_watchbell_started"
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
# django-unfold builds its pages with Alpine, which evaluates expressions in attributes, and writes colours as inline
# styles. Only administrators reach these pages; every script still has to come from here as a file.
ADMIN_REPLACES = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}
