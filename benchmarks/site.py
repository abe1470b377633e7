"""A throw-away installation: its own database and data folder, its processes, and what they cost."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

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

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def python(self, code: str) -> str:
        """Run ``code`` with Django set up; what it prints."""
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def web(self) -> None:
        self.serve("escalation_site.asgi:application", "/healthz")

    def serve(self, application: str, probe: str) -> None:
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

    def engine(self) -> None:
        self.start(sys.executable, "manage.py", "run_engine")

    def cpu(self) -> float:
        """Seconds of CPU used so far by the processes of the site and, on PostgreSQL, by the server."""
        own = [psutil.Process(process.pid) for process in self.processes if process.poll() is None]
        servers = (
            [p for p in psutil.process_iter(["name"]) if p.info["name"] == "postgres"]
            if self.database == "postgresql"
            else []
        )
        total = 0.0
        for process in (*own, *servers):
            try:
                times = process.cpu_times()
                total += times.user + times.system
            except psutil.NoSuchProcess:
                continue
        return total

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes = []


def free_port() -> int:
    """Below the range from which clients' own ports come: a client may otherwise connect to itself."""
    for port in range(21000, 32000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port")


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
