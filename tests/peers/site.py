"""An installation that runs: web, engine and cluster as processes of their own, on a database of their own."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from escalation_site.env import BASE_DIR
from tests.peers.mailbox import Mailbox
from tests.peers.ports import free_port, until

COMMANDS: dict[str, tuple[str, ...]] = {
    "web": ("-m", "escalation_site.supervisor.web"),
    "engine": ("manage.py", "run_engine"),
    "cluster": ("manage.py", "qcluster"),
    "supervised": ("-m", "tests.peers.supervised_cluster"),
}
_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningSite:
    """``start`` and ``kill`` its programs by name; ``post`` to it; look into its ``rows``.

    A name is that of a program, or "web-2" for another of the same; each web server has an address of its own.
    """

    folder: Path
    database_url: str
    mailbox: Mailbox
    sessions: Mapping[str, str]
    ports: dict[str, int] = field(default_factory=lambda: {"web": free_port()})
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.ports["web"]

    @property
    def address(self) -> str:
        return self.address_of("web")

    def address_of(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports.setdefault(name, free_port())}"

    @property
    def environment(self) -> dict[str, str]:
        return site_environment(
            self.database_url,
            self.folder,
            EMAIL_URL=f"smtp://127.0.0.1:{self.mailbox.port}",
            HOST="127.0.0.1",
            PORT=str(self.ports["web"]),
            PUBLIC_URL=self.address,
            LOG_LEVEL="WARNING",
        )

    # --- its processes

    def start(self, *names: str) -> None:
        """Start these programs, without waiting for them. Each is the leader of a group, to be killed with its children."""
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, *COMMANDS[name.partition("-")[0]]],
                    cwd=BASE_DIR,
                    env=self._environment_of(name),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def _environment_of(self, name: str) -> dict[str, str]:
        port = str(self.ports.setdefault(name, free_port())) if name.startswith("web") else str(self.ports["web"])
        return {**self.environment, "WATCHBELL_PROCESS": name, "PORT": port}

    def kill(self, name: str) -> None:
        """SIGKILL, as the kernel does when memory ends: nothing is finished, nothing is said.

        A program that ended by itself may have left children, which are killed as well, or nobody.
        """
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)

    def wait_until_up(self, *, seconds: float = 120.0) -> None:
        """Every web server answers, and every engine that was started has beaten. Starting takes as long as the machine is busy."""
        for name in ["web", *(other for other in self.processes if other.startswith("web-"))]:
            until(partial(self.answers, name), f"the web server\n{self.log(name)}", seconds=seconds)
        for name in [name for name in self.processes if name.startswith("engine")]:
            until(partial(self.beats, name), f"the engine's beat\n{self.log(name)}", seconds=seconds)

    def beats(self, name: str) -> bool:
        """Whether this very process has beaten: a cluster's beat comes from one of its workers, and is not seen here."""
        kind, pid = name.partition("-")[0], self.processes[name].pid
        return bool(self.rows("SELECT 1 FROM incidents_processbeat WHERE name = %s AND pid = %s", kind, pid))

    def answers(self, name: str = "web") -> bool:
        try:
            return self.get(f"{self.address_of(name)}/healthz").status == 200
        except OSError:
            return False

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.exists() else ""

    # --- what clients and operators see

    def get(self, path: str) -> Answer:
        """``path`` may be a whole address. Raises OSError where nobody answers."""
        address = path if path.startswith("http") else self.address + path
        return _send(urllib.request.Request(address))  # noqa: S310  our own address

    def post(self, path: str, body: bytes | Any = b"", *, content_type: str = "application/json") -> Answer:
        """POST bytes as they are, anything else as JSON. ``path`` may be a whole address. Raises OSError where nobody answers."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        address = path if path.startswith("http") else self.address + path
        headers = {"Content-Type": content_type}
        return _send(urllib.request.Request(address, content, headers, method="POST"))  # noqa: S310

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the site's database, over a connection of its own. Values stand as ``%s``."""
        with self._cursor(query, values) as cursor:
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def write(self, statement: str, *values: Any) -> None:
        """Change rows behind the product's back, to set a scene."""
        with self._cursor(statement, values):
            pass

    @contextmanager
    def _cursor(self, statement: str, values: tuple[Any, ...]) -> Iterator[Any]:
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=20)) as lite, lite:
                yield lite.execute(statement.replace("%s", "?"), values)
        else:
            with psycopg.connect(self.database_url) as connection:
                yield connection.execute(statement.encode(), values)

    def value(self, query: str, *values: Any) -> Any:
        """The first column of the first row, or None where there is none."""
        found = self.rows(query, *values)
        return found[0][0] if found else None


def _send(request: urllib.request.Request) -> Answer:
    try:
        with _NO_PROXY.open(request, timeout=30) as answer:
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, refused.read())


def site_environment(database_url: str, folder: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.peers.settings",
        "DATABASE_URL": database_url,
        "DATA_DIR": str(folder),
        "SECRET_KEY": "only for the tests with real processes " * 2,
        **more,
    }


@dataclass(frozen=True)
class Template:
    """A database with the cast in it, made once; each site begins with a copy."""

    database_url: str
    sessions: Mapping[str, str]

    @contextmanager
    def site(self, folder: Path, mailbox: Mailbox) -> Iterator[RunningSite]:
        """A site that does not run yet; its processes and its database are gone afterwards."""
        with self._copy(folder) as database_url:
            site = RunningSite(folder, database_url, mailbox, self.sessions)
            try:
                yield site
            finally:
                for name in list(site.processes):
                    site.kill(name)

    @contextmanager
    def _copy(self, folder: Path) -> Iterator[str]:
        if self.database_url.startswith("sqlite"):
            shutil.copy(self.database_url.removeprefix("sqlite:///"), folder / "site.sqlite3")
            yield f"sqlite:///{folder / 'site.sqlite3'}"
            return
        name = f"site_{os.getpid()}_{free_port()}"
        with postgres_database(self.database_url, name, template=self.database_url.rpartition("/")[2]) as url:
            yield url


def template_make(folder: Path, database_url: str) -> Template:
    """Migrate the database at ``database_url`` as far as it is not, and load the cast."""
    printed = _run(site_environment(database_url, folder, EMAIL_URL="filemail:"), "-m", "tests.peers.organisation")
    return Template(database_url, json.loads(printed.splitlines()[-1]))


def _run(environment: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def postgres_database(server: str, name: str, *, template: str = "") -> Iterator[str]:
    """A database beside the one ``server`` names, as a copy of the one called ``template`` if given; dropped afterwards. Yields its
    address."""
    name = f"watchbell_peers_{name}"
    base, _slash, _own = server.rpartition("/")
    copy = f' TEMPLATE "{template}"' if template else ""
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        connection.execute(f'CREATE DATABASE "{name}"{copy}'.encode())
    try:
        yield f"{base}/{name}"
    finally:
        with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
