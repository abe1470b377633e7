"""What an operator can set from outside, read once and checked: every variable with its type, its default and an
example.

A value that cannot be used ends the program with one line that names the variable, what is wrong with it and an example
(exit code 2, no traceback): the person who reads it is installing or repairing, not debugging.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from escalation_site import env_values as values
from escalation_site.env_values import Email, Fault, Variable, variable

BASE_DIR = Path(__file__).resolve().parent.parent
EXIT_CODE = 2
_KEY_LENGTH = 50


def _default_database(read: Mapping[str, Any]) -> str:
    return f"sqlite:///{Path(read['data_dir']) / 'watchbell.sqlite3'}"


def _default_public_url(read: Mapping[str, Any]) -> str:
    host = read["host"]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  compared, not bound
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{read['port']}"


def _default_hosts(read: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(["localhost", "127.0.0.1", "[::1]", values.host_of(read["public_url"])]))


def _default_origins(read: Mapping[str, Any]) -> tuple[str, ...]:
    return (values.origin_of(read["public_url"]),)


def _kept_secret(read: Mapping[str, Any]) -> str:
    """The key kept in DATA_DIR/secret-key, made on first use so that sessions survive a restart without any set-up.

    Two processes may start at once: the file is created exclusively, and the one that comes second reads the first
    one's key.
    """
    path = Path(read["data_dir"]) / "secret-key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_text(encoding="ascii").strip()
        if len(key) < _KEY_LENGTH:
            raise Fault(
                f"the key kept in {path} is too short (empty file?); delete the file or set the variable"
            ) from None
        return key
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        key = secrets.token_urlsafe(_KEY_LENGTH)
        file.write(key)
    return key


@dataclass(frozen=True, slots=True)
class Environment:
    """The values in use. Instants and durations carry their unit in the name; addresses are complete (scheme and
    host)."""

    data_dir: Path = variable(
        "DATA_DIR",
        values.directory,
        "./data",
        "/var/lib/watchbell",
        "Where the database file, the generated key, static files and e-mail files live. Created when absent.",
    )
    host: str = variable("HOST", values.text, "127.0.0.1", "0.0.0.0", "The network address the web server listens on.")  # noqa: S104
    port: int = variable("PORT", values.whole(1, 65535), "8000", "8000", "The TCP port the web server listens on.")
    public_url: str = variable(
        "PUBLIC_URL",
        values.http_url,
        _default_public_url,
        "https://watchbell.example.org",
        "The address people use: the base of links in messages. With https, cookies are secure and HSTS is sent.",
        default_text="http://HOST:PORT",
    )
    allowed_hosts: tuple[str, ...] = variable(
        "ALLOWED_HOSTS",
        values.hosts,
        _default_hosts,
        "watchbell.example.org,10.0.0.5",
        "Host names the web server answers to, separated by commas.",
        default_text="localhost and the host of PUBLIC_URL",
    )
    csrf_trusted_origins: tuple[str, ...] = variable(
        "CSRF_TRUSTED_ORIGINS",
        values.origins,
        _default_origins,
        "https://watchbell.example.org",
        "Origins whose forms are accepted, separated by commas.",
        default_text="the origin of PUBLIC_URL",
    )
    trusted_proxies: tuple[str, ...] = variable(
        "TRUSTED_PROXIES",
        values.networks,
        "",
        "10.0.0.2,10.1.0.0/16",
        "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. Empty: nobody's are.",
        default_text="none",
    )
    outbound_allowed: tuple[str, ...] = variable(
        "OUTBOUND_ALLOWED",
        values.networks_and_hosts,
        "",
        "10.20.0.0/16,calendar.example.org",
        "Private networks and hosts that addresses typed in by people (calendars to read) may lead to. Empty: the open "
        "internet alone.",
        default_text="none",
    )
    secret_key: str = variable(
        "SECRET_KEY",
        values.long_text(_KEY_LENGTH),
        _kept_secret,
        "(the output of: openssl rand -base64 48)",
        "Signs sessions, links and queued tasks. All processes and hosts of one installation share it.",
        default_text="made once and kept in DATA_DIR/secret-key",
        secret=True,
    )
    database_url: str = variable(
        "DATABASE_URL",
        values.database_url,
        _default_database,
        "postgres://watchbell:secret@db.example.org:5432/watchbell",
        "The database: sqlite:///path or postgres://user:password@host:port/name.",
        default_text="watchbell.sqlite3 in DATA_DIR",
        secret=True,
    )
    redis_url: str = variable(
        "REDIS_URL",
        values.redis_url,
        "",
        "redis://127.0.0.1:6379/0",
        "Redis or Valkey for the channel layer and the cache. Empty: neither is needed on one host.",
        default_text="none",
        secret=True,
    )
    email: Email = variable(
        "EMAIL_URL",
        values.email,
        "smtp://localhost:25",
        "smtp+tls://user:secret@mail.example.org:587",
        "The outgoing mail server: smtp://, smtp+tls:// (STARTTLS) or smtps://; or filemail: to write messages as "
        "files into "
        "DATA_DIR/mail (what `make run` uses when nothing is set).",
        secret=True,
    )
    default_from_email: str = variable(
        "DEFAULT_FROM_EMAIL",
        values.mailbox,
        "Watchbell <watchbell@localhost>",
        "Watchbell <watchbell@example.org>",
        "The sender of messages.",
    )
    organisation_name: str = variable(
        "ORGANISATION_NAME",
        values.text,
        "Watchbell",
        "Example Organisation",
        "Shown in pages, the admin and authenticator apps.",
    )
    language_code: str = variable(
        "LANGUAGE_CODE",
        values.one_of("en", "it", "nl"),
        "en",
        "it",
        "The language for people who have chosen none: en, it or nl.",
    )
    time_zone: str = variable(
        "TIME_ZONE",
        values.zone,
        "UTC",
        "Europe/Rome",
        "The time zone for people who have chosen none. Instants are stored in UTC.",
    )
    debug: bool = variable(
        "DEBUG",
        values.flag,
        "off",
        "off",
        "Error pages with source code. Never on where others can reach the server.",
    )
    log_level: str = variable(
        "LOG_LEVEL",
        values.one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "INFO",
        "INFO",
        "The least level that is logged.",
    )
    log_format: str = variable(
        "LOG_FORMAT",
        values.one_of("json", "console"),
        "console",
        "json",
        "json: one object a line; console: for reading.",
    )
    metrics_token: str = variable(
        "METRICS_TOKEN",
        values.long_text(16),
        "",
        "(the output of: openssl rand -hex 24)",
        "Bearer token that may read /metrics from other machines. Empty: this machine only.",
        default_text="none",
        secret=True,
    )
    web_workers: int = variable("WEB_WORKERS", values.whole(1, 64), "1", "2", "Web processes `manage.py up` starts.")
    web_threads: int = variable(
        "WEB_THREADS",
        values.whole(1, 256),
        "8",
        "16",
        "Requests one web process works on at the same time; each of these threads keeps one database connection.",
    )
    cluster_workers: int = variable(
        "CLUSTER_WORKERS", values.whole(1, 64), "2", "4", "Worker processes of the django-q2 cluster."
    )
    engine_poll_seconds: float = variable(
        "ENGINE_POLL_SECONDS",
        values.seconds(0.02, 5),
        "0.2",
        "0.2",
        "The longest the engine sleeps before it looks for due work.",
    )
    engine_batch: int = variable(
        "ENGINE_BATCH",
        values.whole(1, 5000),
        "200",
        "500",
        "Most rows the engine claims at a time (signals, steps, deliveries).",
    )
    engine_senders: int = variable(
        "ENGINE_SENDERS",
        values.whole(1, 256),
        "8",
        "16",
        "Messages the engine's sender hands over at the same time.",
    )
    beat_timeout_seconds: float = variable(
        "BEAT_TIMEOUT_SECONDS",
        values.seconds(5, 3600),
        "30",
        "60",
        "An engine that has not beaten for this long is killed and started again. The cluster, which beats once "
        "a minute, gets 180 s more. After a start each gets four times this besides, until it has shown that it works.",
    )
    heartbeat_url: str = variable(
        "HEARTBEAT_URL",
        values.address_or_none,
        "",
        "https://heartbeat.example.org/ping/3f9c",
        "An address outside that is asked each minute while all is well; it should alarm you when nothing comes.",
        secret=True,
        default_text="none",
    )
    ledger_key: str = variable(
        "LEDGER_KEY",
        values.ledger_key,
        "",
        "(the output of: manage.py ledger_key --new)",
        "Signs the ledger's checkpoints; all hosts of one installation share it. manage.py ledger_key makes one.",
        default_text="made once and kept in DATA_DIR/ledger-key",
        secret=True,
    )
    attachment_scanner: str = variable(
        "ATTACHMENT_SCANNER",
        values.text,
        "",
        "clamdscan --no-summary --fdpass",
        "A command that looks at each attachment; the file's path is added to it. It ends with 0 for a clean file and "
        "with 1 for one that nobody may open; anything else is tried again.",
        default_text="none",
    )
    stop_grace_seconds: float = variable(
        "STOP_GRACE_SECONDS",
        values.seconds(0.5, 600),
        "10",
        "30",
        "How long processes may take to end before they are killed.",
    )
    oidc_issuer: str = variable(
        "OIDC_ISSUER",
        values.http_url,
        "",
        "https://login.example.org/realms/main",
        "OpenID Connect issuer for sign-in. Needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET too.",
        default_text="none",
    )
    oidc_client_id: str = variable(
        "OIDC_CLIENT_ID", values.text, "", "watchbell", "Client id at the issuer.", default_text="none"
    )
    oidc_client_secret: str = variable(
        "OIDC_CLIENT_SECRET",
        values.text,
        "",
        "(given by the issuer)",
        "Client secret at the issuer.",
        default_text="none",
        secret=True,
    )
    oidc_name: str = variable(
        "OIDC_NAME", values.text, "Single sign-on", "Example login", "Label of the sign-in button."
    )


def variables() -> tuple[Variable, ...]:
    """Every variable, in the order they are read and documented."""
    return tuple(field.metadata["variable"] for field in fields(Environment))


def read(environ: Mapping[str, str]) -> Environment:
    """Read and check ``environ``. An empty value counts as absent. Raises `Fault` for the first value that cannot be
    used."""
    found: dict[str, Any] = {}
    for field in fields(Environment):
        found[field.name] = field.metadata["variable"].read(environ, found)
    _require_together(environ, found, "oidc_issuer", "oidc_client_id", "oidc_client_secret")
    return Environment(**found)


def _require_together(environ: Mapping[str, str], found: Mapping[str, Any], *names: str) -> None:
    given = [name for name in names if found[name]]
    missing = [name for name in names if not found[name]]
    if given and missing:
        lacking = next(item for item in variables() if item.name == missing[0].upper())
        raise Fault(f"is needed when {given[0].upper()} is set").naming(lacking)


def read_or_exit(environ: Mapping[str, str]) -> Environment:
    """`read`, ending the program with one line on standard error when a value cannot be used."""
    try:
        return read(environ)
    except Fault as fault:
        _exit_with(fault)


def _exit_with(fault: Fault) -> NoReturn:
    sys.stderr.write(f"{fault}\n")
    raise SystemExit(EXIT_CODE)


def markdown() -> str:
    """The table of docs/operations/environment.md; a test holds the page against it."""
    rows = [
        f"| `{item.name}` | {item.default_shown} | `{item.name}={item.example}` | {item.help} |" for item in variables()
    ]
    return "\n".join(["| Variable | Default | Example | Meaning |", "|---|---|---|---|", *rows])
