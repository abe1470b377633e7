"""The three programs of an installation, how each shows that it works, and whether the web address is free."""

import contextlib
import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.db import close_old_connections

from escalation_site.env import BASE_DIR, Environment
from escalation_site.kernel.instants import now
from escalation_site.kernel.migrations import EXIT_MISMATCH
from escalation_site.supervisor.beats import newest_beat
from escalation_site.supervisor.children import Program

# A schedule that is looked at each half minute, run each minute, through a queue that may be busy.
_CLUSTER_EXTRA = timedelta(seconds=180)
# Until the first sign so many times the silence more. Measured: with eight times as much to do as a machine can, an engine that may
# take 30 s to begin is killed over it again and again.
_STARTING = 4
_PROBE_SECONDS = 5.0


def programs(environment: Environment) -> list[Program]:
    """Web, engine and cluster, as this Python runs them."""
    manage = (sys.executable, str(BASE_DIR / "manage.py"))
    silence = timedelta(seconds=environment.beat_timeout_seconds)
    return [
        Program(
            name="web",
            command=(sys.executable, "-m", "escalation_site.supervisor.web"),
            environment={"PYTHONPATH": str(BASE_DIR), **_shared_counts(environment)},
            last_sign=lambda _pid: now() if is_answering(environment) else None,
            silence=silence,
            starting=silence * _STARTING,
        ),
        Program(
            name="engine",
            command=(*manage, "run_engine"),
            last_sign=_beats_of("engine"),
            silence=silence,
            starting=silence * _STARTING,
            refusal_code=EXIT_MISMATCH,
        ),
        Program(
            name="cluster",
            command=(*manage, "qcluster"),
            last_sign=_beats_of("cluster"),
            silence=silence + _CLUSTER_EXTRA,
            starting=silence * _STARTING,
        ),
    ]


def _beats_of(name: str) -> Callable[[int], datetime | None]:
    def last_sign(pid: int) -> datetime | None:
        close_old_connections()
        return newest_beat(name, group=pid)

    return last_sign


def _shared_counts(environment: Environment) -> dict[str, str]:
    """Several web processes count requests in files that /metrics adds up; those of the last run are removed."""
    if environment.web_workers == 1:
        return {}
    directory = environment.data_dir / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(directory)}


def local_address(environment: Environment) -> str:
    """Where this machine reaches the web server (a wildcard is no address to connect to)."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(environment.host, environment.host)  # noqa: S104  compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{environment.port}"


def is_answering(environment: Environment) -> bool:
    """Whether the web server answers /healthz."""
    address = f"{local_address(environment)}/healthz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with contextlib.closing(opener.open(address, timeout=_PROBE_SECONDS)) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def address_is_free(environment: Environment) -> bool:
    """Whether HOST and PORT can be listened on now."""
    family = socket.AF_INET6 if ":" in environment.host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        # As the server does: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((environment.host, environment.port))
        except OSError:
            return False
    return True


def mail_directory(environment: Environment) -> Path | None:
    """Where messages are written when no mail server is set."""
    return environment.data_dir / "mail" if environment.email.to_files else None
