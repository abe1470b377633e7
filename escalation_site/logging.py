"""Logs: structlog for our events and for everything that uses the standard library, as JSON lines or for reading.

Secrets never reach a line: values under telling names are masked, and addresses are logged without their query and
with long path segments (keys, signed links) cut (`safe_path`).
"""

import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAME = re.compile(
    r"pass(word|wd)?$|secret|token|authorization|cookie|api_?key|routing_?key|signature", re.IGNORECASE
)
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
_LONG_SEGMENT = re.compile(r"[A-Za-z0-9_\-:.=~]{20,}")
MASK = "…"


def safe_path(path: str) -> str:
    """A request path fit for logs: no query, and segments long enough to be a key or a signature cut to their first
    four characters."""
    return _LONG_SEGMENT.sub(lambda match: match.group()[:4] + MASK, path.partition("?")[0])


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask values whose name says that they are secret, and passwords inside addresses."""
    for key, value in event.items():
        if key != "event" and _SECRET_NAME.search(key):
            event[key] = MASK
        elif isinstance(value, str) and "://" in value:
            event[key] = _URL_PASSWORD.sub(rf"\1:{MASK}@", value)
    return event


def _naming(process: str) -> Processor:
    def add_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("process", process)
        return event

    return add_process


def _shared(process: str, *, as_json: bool) -> list[Processor]:
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=as_json, key="at"),
        structlog.processors.StackInfoRenderer(),
    ]
    if process:
        processors.append(_naming(process))
    return [*processors, mask_secrets]


def logging_config(*, level: str, log_format: str, process: str) -> dict[str, Any]:
    """Configure structlog and return Django's LOGGING; ``process`` names the supervised process in each JSON line.

    On the console the supervisor prefixes each line with the process, so the name is not repeated in it.
    """
    as_json = log_format == "json"
    shared = _shared(process if as_json else "", as_json=as_json)
    # What libraries tell of their daily work is of use only to those who look for a fault.
    libraries = "WARNING" if level == "INFO" else "INFO" if level == "DEBUG" else level
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    render: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        render += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        # Plain tracebacks: the default shows local variables, and those hold what must not be logged.
        plain = structlog.dev.plain_traceback
        render.append(
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, timestamp_key="at", exception_formatter=plain)
        )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {"()": structlog.stdlib.ProcessorFormatter, "processors": render, "foreign_pre_chain": shared},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": libraries},
        "loggers": {
            **{name: {"level": level} for name in _OURS},
            # Django's own set-up gives these handlers that would write every line twice.
            "django": {"handlers": [], "level": libraries, "propagate": True},
            "django.server": {"handlers": [], "level": libraries, "propagate": True},
            # The request log says it already, with the request id and without keys in the address.
            "django.request": {"level": "CRITICAL"},
        },
    }


_OURS = (
    "escalation_site",
    "reports",
    "incidents",
    "policies",
    "oncall",
    "notifications",
    "audit",
    "django_structlog",
)
