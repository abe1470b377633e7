"""Settings of Watchbell. What differs between installations comes from the environment (`escalation_site.env`).

The tests add their own on top (tests/settings.py).
"""

import logging
import os
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from escalation_site.admin_site.look import UNFOLD as UNFOLD
from escalation_site.api.settings import REST_FRAMEWORK as REST_FRAMEWORK
from escalation_site.api.settings import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from escalation_site.env import BASE_DIR, read_or_exit
from escalation_site.logging import logging_config

# Django's generic classes take type arguments at run time too: class Rows(Paginator[Incident]).
django_stubs_ext.monkeypatch()

ENV = read_or_exit(os.environ)
HTTPS = ENV.public_url.startswith("https://")

DATA_DIR = ENV.data_dir
PUBLIC_URL = ENV.public_url
ORGANISATION_NAME = ENV.organisation_name
SECRET_KEY = ENV.secret_key
DEBUG = ENV.debug
ALLOWED_HOSTS = list(ENV.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENV.csrf_trusted_origins)
METRICS_TOKEN = ENV.metrics_token
OUTBOUND_ALLOWED = ENV.outbound_allowed

ROOT_URLCONF = "escalation_site.urls"
ASGI_APPLICATION = "escalation_site.asgi.application"
AUTH_USER_MODEL = "oncall.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

WEB_THREADS = ENV.web_threads

# --- The engine and the supervisor (DESIGN.md §4) -------------------------------------------------------------
ENGINE_POLL_SECONDS = ENV.engine_poll_seconds
ENGINE_BATCH = ENV.engine_batch
ENGINE_SENDERS = ENV.engine_senders
BEAT_TIMEOUT_SECONDS = ENV.beat_timeout_seconds
HEARTBEAT_URL = ENV.heartbeat_url
LEDGER_KEY = ENV.ledger_key
ATTACHMENT_SCANNER = ENV.attachment_scanner

# --- Applications ---------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    # Before django.contrib.admin, whose templates it replaces.
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    # Before django.contrib.auth, whose commands it replaces.
    "oncall.commandline",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "simple_history",
    "channels",
    "django_q",
    "django_structlog",
    "phonenumber_field",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "escalation_site",
    "reports",
    "incidents",
    "policies",
    "oncall",
    "notifications",
    "audit",
]

# Each one costs every request: see docs/operations/environment.md for what was left out and why.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "escalation_site.middleware.RequestLogMiddleware",
    "escalation_site.middleware.BrowserPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "escalation_site.reader.ReaderMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "escalation_site.middleware.SignInMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "escalation_site.ui.context.navigation",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------------------
_SQLITE_OPTIONS = {
    # Take the write lock at BEGIN: with deferred transactions a read that turns into a write fails under load.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # FULL: an accepted signal is on disk, also after a power cut. recursive_triggers: INSERT OR REPLACE fires the
    # DELETE trigger that keeps the ledger append-only.
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA recursive_triggers=ON;PRAGMA mmap_size=134217728;"
        "PRAGMA journal_size_limit=27103364;PRAGMA cache_size=-16000"
    ),
}


def _database() -> dict[str, Any]:
    """Connections are kept by the threads and processes that live: those of the engine, the cluster and the web
    server's pool
    (`escalation_site.handler`). psycopg's pool is not used: the cluster forks, which a pool does not survive."""
    config: dict[str, Any] = dict(environ.Env.db_url_config(ENV.database_url))
    config["CONN_MAX_AGE"] = 600
    if config["ENGINE"].endswith("sqlite3"):
        config["ENGINE"] = "escalation_site.kernel.sqlite3"
        config["OPTIONS"] = _SQLITE_OPTIONS
    else:
        config["CONN_HEALTH_CHECKS"] = True
        # Compiling a query takes 0.3 s where running it takes a tenth (measured: the list over a million incidents).
        options: dict[str, Any] = config.setdefault("OPTIONS", {})
        options["options"] = f"-c jit=off {options.get('options', '')}".strip()
    return config


DATABASES = {"default": _database()}

# --- Cache, sessions, live updates ----------------------------------------------------------------------------
CACHES: dict[str, dict[str, Any]] = {
    # Shared by the processes of a host and kept over a restart: the counters of the sign-in limits live here.
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": str(DATA_DIR / "cache"),
        "OPTIONS": {"MAX_ENTRIES": 5000},
    },
    # django-q2 notes its own state every two seconds; nobody else reads it (beats are rows).
    "cluster": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "cluster"},
}
if ENV.redis_url:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": "watchbell",
    }
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [ENV.redis_url], "prefix": "watchbell"},
        },
    }

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Tasks (measured: ECOSYSTEM.md §2) ------------------------------------------------------------------------
Q_CLUSTER = {
    "name": "watchbell",
    "label": "Tasks",
    # The database: at least once, in the transaction of what asks for the task. Redis loses tasks when killed.
    "orm": "default",
    "broker_class": "escalation_site.task_queue.Queue",
    "cache": "cluster",
    # How often it looks after its workers, seconds: an idle machine need not do so twice in each, as it is shipped. One that has done
    # its thousand tasks is followed by another so much later.
    "guard_cycle": 10.0,
    "workers": ENV.cluster_workers,
    # retry far above timeout × queue_limit ÷ workers, or waiting tasks are handed out twice.
    "timeout": 120,
    "retry": 900,
    "queue_limit": ENV.cluster_workers,
    "bulk": 1,
    "max_attempts": 5,
    "recycle": 1000,
    # Whoever asks for a file waits for it a second longer at most; twice as often costs an idle machine half as much again.
    "poll": 1.0,
    # Successes are not kept: two more writes for each task that nobody reads. Failures always are.
    "save_limit": -1,
    "catch_up": False,
    "log_level": ENV.log_level,
}

# What the cluster runs regularly: name → (function, minutes). Written into its table after each migration
# (schedules.py).
SCHEDULES: dict[str, tuple[str, int]] = {
    # Also the cluster's sign of life.
    "escalation check": ("incidents.tasks.escalation_check", 1),
    "each minute": ("escalation_site.minute.each_minute", 1),
    # What came last each hour, the whole each night; a long verification in slices.
    "ledger check": ("audit.tasks.ledger_check", 5),
    # The linter's look at policies, schedules and services; reviews that are due.
    "policy care": ("reports.tasks.care_check", 60),
}
# What one task does each minute, in this order: what may take long comes last.
EACH_MINUTE: tuple[str, ...] = (
    # Whether Watchbell itself is well; asks HEARTBEAT_URL while it is.
    "incidents.tasks.house_check",
    # Regular exports that are due, files left half made, files whose week is over.
    "reports.exports.tasks.exports_check",
    # Stand-ups, weeks and months that are due.
    "reports.digests.tasks.digests_check",
    # What was committed since the last minute goes into the ledger's tree.
    "audit.tasks.ledger_seal",
    # Handoffs, swaps, public holidays, calendars to read.
    "oncall.tasks.duties_check",
    # The newest checkpoint to whoever keeps them outside.
    "audit.tasks.keepers_send",
    # The figures of the reports follow the ledger.
    "reports.tasks.figures_keep",
)

# --- People and sign-in ---------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "escalation_site.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
# Accounts are made by an administrator or the sign-in provider, who vouch for the address.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "manage_email": "10/m/user",
    "reauthenticate": "10/m/user",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = ENV.organisation_name
SOCIALACCOUNT_ADAPTER = "escalation_site.accounts.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
if ENV.oidc_issuer:
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        # The one issuer is the operator's own: an address it vouches for is that person, so accounts made before are
        # found.
        "EMAIL_AUTHENTICATION": True,
        "EMAIL_AUTHENTICATION_AUTO_CONNECT": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": ENV.oidc_name,
                "client_id": ENV.oidc_client_id,
                "secret": ENV.oidc_client_secret,
                "settings": {"server_url": ENV.oidc_issuer},
            }
        ],
    }

# --- Browsers: headers and what a page may load ---------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        # data: for the QR code of the authenticator set-up, which allauth draws as a data address.
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

# --- Languages and time ---------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = ENV.time_zone
USE_I18N = True
LANGUAGE_CODE = ENV.language_code
LANGUAGES = [("en", _("English")), ("it", _("Italian")), ("nl", _("Dutch"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
# English as operations people write it: a clock of 24 hours. The other languages have it anyway.
FORMAT_MODULE_PATH = "escalation_site.formats"

# --- Mail -----------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = ENV.default_from_email
SERVER_EMAIL = ENV.default_from_email
EMAIL_HOST = ENV.email.host
EMAIL_PORT = ENV.email.port
EMAIL_HOST_USER = ENV.email.user
EMAIL_HOST_PASSWORD = ENV.email.password
EMAIL_USE_TLS = ENV.email.use_tls
EMAIL_USE_SSL = ENV.email.use_ssl
EMAIL_TIMEOUT = 15
# Set: messages are written there as .eml files instead of being sent.
EMAIL_FILE_DIR = DATA_DIR / "mail" if ENV.email.to_files else None
EMAIL_BACKEND = (
    "escalation_site.mail.FileBackend" if ENV.email.to_files else "django.core.mail.backends.smtp.EmailBackend"
)

# --- Static files ---------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "escalation_site.storage.HashedStorage"},
}
# Source maps are read by people who look for a fault; compressing them took most of the time of collecting.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (
    "jpg", "jpeg", "png", "gif", "webp", "zip", "gz", "tgz", "bz2", "tbz", "xz", "br", "woff", "woff2", "map",
)  # fmt: skip
MEDIA_ROOT = DATA_DIR / "files"

# --- Logs -----------------------------------------------------------------------------------------------------
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
# Its way believes any X-Forwarded-For; RequestLogMiddleware notes the address the server established.
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
LOGGING = logging_config(
    level=ENV.log_level, log_format=ENV.log_format, process=os.environ.get("WATCHBELL_PROCESS", "")
)

SILENCED_SYSTEM_CHECKS: list[str] = []
