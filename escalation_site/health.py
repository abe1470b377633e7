"""Is it ready, and how is it doing: /readyz for load balancers, /metrics for Prometheus; /healthz only says alive."""

import hmac
import ipaddress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from escalation_site.kernel.instants import now
from escalation_site.metrics import exposition
from escalation_site.supervisor.beats import newest_beat
from escalation_site.supervisor.prepare import migrations_missing

OK = "ok"
_migrated: set[str] = set()


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process serves. Under ASGI the handler answers this address itself, without middleware
    (`escalation_site.handler`)."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """JSON with each check and its result; 200 when all are "ok", 503 otherwise."""
    checks = readiness(at=now())
    ready = all(result == OK for result in checks.values())
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


def readiness(*, at: datetime) -> dict[str, str]:
    """The checks in order of dependence; those that cannot be made once an earlier one failed say so."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        # The class, not the text: a driver's message can name hosts and users.
        return {
            "database": f"unreachable ({type(error).__name__})",
            "migrations": "not checked",
            "engine": "not checked",
        }
    migrations = _check_migrations()
    return {
        "database": OK,
        "migrations": migrations,
        "engine": _check_engine(at) if migrations == OK else "not checked",
    }


def _check_migrations() -> str:
    """Once all are applied they stay so while this process runs, and the (slow) look is not repeated."""
    if connection.alias in _migrated:
        return OK
    if missing := migrations_missing():
        return f"{missing} not applied"
    _migrated.add(connection.alias)
    return OK


def _check_engine(at: datetime) -> str:
    beat_at = newest_beat("engine")
    if beat_at is None:
        return "never started"
    age = at - beat_at
    if age > timedelta(seconds=settings.BEAT_TIMEOUT_SECONDS):
        return f"silent for {age.total_seconds():.0f} s"
    return OK


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, for this machine and for holders of METRICS_TOKEN; everybody else gets 403."""
    if not _may_read_metrics(request):
        return HttpResponse(
            _("Metrics are for this machine and for holders of METRICS_TOKEN.") + "\n",
            status=403,
            content_type="text/plain",
        )
    return HttpResponse(exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_read_metrics(request: HttpRequest) -> bool:
    expected = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if expected and hmac.compare_digest(given.encode(), expected.encode()):
        return True
    # A forwarded request comes from a proxy on this machine, not from somebody on it.
    if "X-Forwarded-For" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
