"""Settings of the tests: those of the product, with a database of their own and nothing that only makes tests slow.

TEST_DB_SUFFIX keeps test runs that share a machine apart. DATABASE_URL chooses the database, as in production.
"""

import os
from pathlib import Path

_BUILD = Path(__file__).resolve().parent.parent / "build"
_SUFFIX = os.environ.get("TEST_DB_SUFFIX", "") or "tests"
os.environ.setdefault("SECRET_KEY", "only-for-tests-only-for-tests-only-for-tests-only-for-tests")
os.environ["DATA_DIR"] = str(_BUILD / f"data-{_SUFFIX}")
os.environ.setdefault("EMAIL_URL", "smtp://127.0.0.1:9")

from escalation_site.settings import *  # noqa: E402, F403
from escalation_site.settings import DATABASES, Q_CLUSTER  # noqa: E402  Django is set up first

_database = DATABASES["default"]
# Test threads end without Django noticing; a connection they kept would hinder dropping the test database.
_database["CONN_MAX_AGE"] = 0
if _database["ENGINE"].endswith("sqlite3"):
    # A file and not memory: threads and child processes of a test see the same rows.
    _database["TEST"] = {"NAME": str(_BUILD / f"test-{_SUFFIX}.sqlite3")}
    _database["OPTIONS"] = {
        **_database["OPTIONS"],
        "init_command": _database["OPTIONS"]["init_command"].replace("synchronous=FULL", "synchronous=OFF"),
    }
else:
    _database["TEST"] = {"NAME": f"test_watchbell_{_SUFFIX}"}
    # No commit of a test has to wait for the disk.
    _database["OPTIONS"] = {**_database.get("OPTIONS", {}), "options": "-c synchronous_commit=off"}

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "tests"},
    "cluster": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "cluster"},
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["*"]
Q_CLUSTER = {**Q_CLUSTER, "testing": True}
