"""Each request is one action of one reader: their zone, their language, and one id for everything the request changes."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from audit.context import action
from audit.looking import readings_append, readings_collected
from audit.values import Actor
from escalation_site.kernel.instants import now
from oncall.rota.clock import zone_named


class ReaderMiddleware:
    """Activates the signed-in person's time zone and, unless they chose another on this browser, their language.

    Requests without a session cookie (monitors, health checks) ask the database for nobody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with action(source="web", address=request.META.get("REMOTE_ADDR", "")):
            if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
                timezone.activate(zone_named(request.user.time_zone))
                if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
                    translation.activate(request.user.language)
                    request.LANGUAGE_CODE = translation.get_language()
            try:
                with readings_collected() as readings:
                    response = self.get_response(request)
                # Before the answer leaves: what cannot be put on record is not shown. What people do is on record anyway.
                looked = request.method in ("GET", "HEAD") and response.status_code < 400
                if readings and looked and request.user.is_authenticated:
                    actor = Actor("user", str(request.user.pk), request.user.name)
                    readings_append(readings=readings, actor=actor, at=now())
                return response
            finally:
                timezone.deactivate()
