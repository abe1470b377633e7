"""A throw-away installation: its own database and data folder, its processes, and what they cost."""

import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

KEY = "bench-key-0123456789abcdef0123456789"
ROOT = Path(__file__).resolve().parent.parent
POSTGRES = os.environ.get("BENCH_POSTGRES_URL", "postgres://postgres@127.0.0.1/postgres")


@dataclass
class Site:
    """``database`` is "sqlite" or "postgresql"; ``environment`` is what its processes are given."""

    database: str
    folder: Path
    environment: dict[str, str]
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        self.processes.append(process)
        # "uvicorn", "benchmarks.engine", "qcluster"
        self.names.append(command[2] if command[1] in ("-m", "manage.py") else command[1])
        return process

    def prepare(self, *, ack: str = "30m") -> None:
        """Tables, and the organisation whose first level has ``ack`` to answer."""
        self.python("manage.py", "migrate", "-v0")
        self.python("-m", "benchmarks.organisation", ack)

    def python(self, *arguments: str) -> None:
        """Run Python in the site's environment to its end."""
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def web(self) -> None:
        self.serve("escalation_site.asgi:application")

    def serve(self, application: str) -> None:
        self.start(
            sys.executable,
            "-m",
            "uvicorn",
            application,
            "--port",
            str(self.port),
            "--log-level",
            "warning",
            "--no-access-log",
        )
        wait_for_port(self.port)

    def engine(self, *, sending: bool = True, null: Path | None = None) -> None:
        """Start an engine and wait until it has begun; without ``sending`` it stops at the queued delivery, with ``null`` its messages
        go to a channel that only writes them to that file."""
        engines = ("incidents_processbeat", "name = 'engine'")
        before = self.count(*engines)
        bench = ("-m", "benchmarks.engine", *((str(null),) if null else ()))
        self.start(sys.executable, *(("manage.py", "run_engine") if sending and not null else bench))
        deadline = time.monotonic() + 300
        while self.count(*engines) == before:
            if time.monotonic() > deadline:
                raise RuntimeError("the engine does not begin")
            time.sleep(0.1)

    def count(self, table: str, where: str = "1 = 1") -> int:
        """How many rows there are, asked over a connection of its own: no process is started for it."""
        return int(self.rows(f"SELECT COUNT(*) FROM {table} WHERE {where}")[0][0])  # noqa: S608  our own words

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if self.database == "sqlite":
            with closing(sqlite3.connect(self.folder / "watchbell.sqlite3", timeout=20)) as lite:
                return lite.execute(query).fetchall()
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(query.encode()).fetchall()

    def cpu(self) -> float:
        """Seconds of CPU used so far by the processes of the site and, on PostgreSQL, by the server's for this database."""
        return sum(self.cpu_each().values())

    def cpu_each(self) -> dict[str, float]:
        """The same of each process that was started, with its children, by what it runs."""
        found: dict[str, float] = {}
        for name, process in zip(self.names, self.processes, strict=True):
            if process.poll() is None:
                own = psutil.Process(process.pid)
                found[name] = found.get(name, 0.0) + _seconds([own, *own.children(recursive=True)])
        if self.database == "postgresql":
            found["server"] = _seconds(self._servers())
        return found

    def _servers(self) -> list[psutil.Process]:
        """The server names in its processes' titles the database each works for; others may use it meanwhile."""
        name = self.environment["DATABASE_URL"].rsplit("/", 1)[1]
        servers = [one for one in psutil.process_iter(["name", "cmdline"]) if one.info["name"] == "postgres"]
        return [one for one in servers if name in " ".join(one.info["cmdline"] or ())]

    def logs(self) -> str:
        """The end of what each process printed."""
        found = (self.folder / f"{index}.log" for index in range(len(self.processes)))
        return "\n".join(path.read_text(encoding="utf-8", errors="replace")[-2000:] for path in found)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes, self.names = [], []


def _seconds(processes: Iterable[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def free_port() -> int:
    """Below the range from which clients' own ports come: a client may otherwise connect to itself."""
    while True:
        port = random.randint(22000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_for_port(port: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing answers on port {port}")


@contextmanager
def site(database: str) -> Iterator[Site]:
    """A fresh installation, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="watchbell-bench-"))
    name = f"watchbell_bench_{os.getpid()}"
    if database == "postgresql":
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
            connection.execute(f'CREATE DATABASE "{name}"')
        url = POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    else:
        url = f"sqlite:///{folder}/watchbell.sqlite3"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "escalation_site.settings",
        "SECRET_KEY": "benchmarks only " * 4,
        "EMAIL_URL": "filemail:",
        "LOG_LEVEL": "ERROR",
        "ALLOWED_HOSTS": "*",
    }
    made = Site(database, folder, environment, free_port())
    try:
        yield made
    finally:
        made.stop()
        if database == "postgresql":
            with psycopg.connect(POSTGRES, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        shutil.rmtree(folder, ignore_errors=True)
