"""The baseline: a bare Django view that does one INSERT, under the same server, on the same kind of database.

uvicorn benchmarks.bare.app:application
"""

import os

import django
import environ
from django.conf import settings

_database = dict(environ.Env.db_url_config(os.environ["DATABASE_URL"]))
KEPT = os.environ.get("BARE_KEPT") == "1"
_database["CONN_MAX_AGE"] = 600 if KEPT else 0
if _database["ENGINE"].endswith("postgresql") and not KEPT:
    _database["OPTIONS"] = {"pool": {"min_size": 4, "max_size": 8}}
if _database["ENGINE"].endswith("sqlite3"):
    # What the product itself sets, so that both wait for the disk alike.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;",
    }
settings.configure(
    SECRET_KEY="bench",  # noqa: S106  nothing is signed here
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    INSTALLED_APPS=["benchmarks.bare"],
    DATABASES={"default": _database},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402  Django is set up first
from django.db import models  # noqa: E402  Django is set up first
from django.http import HttpRequest, HttpResponse  # noqa: E402  Django is set up first
from django.urls import path  # noqa: E402  Django is set up first

from escalation_site.handler import OneHopHandler  # noqa: E402  Django is set up first


class Row(models.Model):
    """As much as a stored signal."""

    received_at = models.DateTimeField(auto_now_add=True)
    body = models.BinaryField()

    class Meta:
        app_label = "bare"


def insert(request: HttpRequest) -> HttpResponse:
    Row(body=request.body).save(force_insert=True)
    content = b'{"ok":true}'
    return HttpResponse(
        content, status=202, content_type="application/json", headers={"Content-Length": str(len(content))}
    )


urlpatterns = [path("insert", insert)]
application = get_asgi_application()
kept_application = OneHopHandler(threads=8)
