"""The house that chaos befalls: a running site with two of everything, and what an operator's tools can do to it."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.mail import MailServer, mail_server
from tests.peers.site import RunningSite, Template

ON_POSTGRES = ("web", "web-2", "engine", "engine-2", "cluster", "cluster-2")
ON_SQLITE = ("web", "engine", "cluster")
UP_SECONDS = 90.0
ENDLESS = resource.RLIM_INFINITY


@dataclass
class House:
    """``names`` are its programs. ``deaths`` are programs that ended by themselves, each with the end of its log.

    A web server or an engine that ends before it ever was up is no such death where the database or the disk was away
    meanwhile: it refuses to start then, and is started again.
    """

    site: RunningSite
    mail: MailServer
    names: tuple[str, ...]
    deaths: list[str] = field(default_factory=list)
    _in_trouble: bool = False
    _excused: set[int] = field(default_factory=set)

    @property
    def on_postgres(self) -> bool:
        return not self.site.database_url.startswith("sqlite")

    def of(self, kind: str) -> list[str]:
        return [name for name in self.names if name.partition("-")[0] == kind]

    def open(self) -> None:
        self.site.start(*self.names)
        self.site.wait_until_up(seconds=UP_SECONDS)

    # --- processes

    def replace(self, name: str) -> None:
        """SIGKILL, and start it again as a supervisor would."""
        self.site.kill(name)
        self.site.start(name)
        if self._in_trouble:
            self._excused.add(self.site.processes[name].pid)

    def look_after(self) -> None:
        """Start again what ended by itself."""
        for name, process in list(self.site.processes.items()):
            if process.poll() is not None:
                if process.pid not in self._excused:
                    self.deaths.append(f"{name} ended with {process.returncode}\n{self.site.log(name)}")
                self.replace(name)

    def _excuse_who_is_not_up(self) -> None:
        if not self._in_trouble:
            self._excused |= {self.site.processes[name].pid for name in self.names if not self._is_up(name)}

    def _is_up(self, name: str) -> bool:
        if name.startswith("web"):
            return self.site.answers(name)
        return self.site.beats(name) if name.startswith("engine") else True

    def signal(self, group: int, number: int) -> None:
        """To a process and all its children; one that is gone meanwhile was killed by something else."""
        with suppress(ProcessLookupError):
            os.killpg(group, number)

    def freeze(self, name: str) -> int:
        """Nothing of it runs until ``thaw`` is given the number this returns."""
        group = self.site.processes[name].pid
        self.signal(group, signal.SIGSTOP)
        return group

    def thaw(self, group: int) -> None:
        self.signal(group, signal.SIGCONT)

    def disk(self, *, most: int) -> None:
        """No process of the site can write beyond the first ``most`` bytes of any file, as on a disk that is full."""
        self._excuse_who_is_not_up()
        self._in_trouble = most != ENDLESS
        groups = {process.pid for process in self.site.processes.values()}
        for found in Path("/proc").iterdir():
            if found.name.isdigit():
                with suppress(ProcessLookupError, PermissionError):
                    if os.getpgid(int(found.name)) in groups:
                        resource.prlimit(int(found.name), resource.RLIMIT_FSIZE, (most, ENDLESS))

    # --- the database

    def connections_cut(self) -> None:
        """As when the server is restarted: every connection ends, whatever it was doing."""
        self._excuse_who_is_not_up()
        self._manage("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", self._database)

    def database_lets_in(self, answer: bool) -> None:
        self._excuse_who_is_not_up()
        self._in_trouble = not answer
        self._manage(f'ALTER DATABASE "{self._database}" WITH ALLOW_CONNECTIONS {answer}')

    @property
    def _database(self) -> str:
        return self.site.database_url.rpartition("/")[2]

    def _manage(self, statement: str, *values: Any) -> None:
        server = self.site.database_url.rpartition("/")[0]
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode(), values)

    def asked(self, query: str, *values: Any) -> Any:
        """The first value that is found, None where there is none or the database is away."""
        try:
            return self.site.value(query, *values)
        except psycopg.Error:
            return None


@contextmanager
def house_open(template: Template, folder: Path, *, on_postgres: tuple[str, ...] = ON_POSTGRES) -> Iterator[House]:
    """A house on the kind of database ``template`` is on, up; gone when the block ends. SQLite bears one of each program."""
    with mail_server(folder) as mail, template.site(folder, mail) as site:
        house = House(site, mail, ON_SQLITE if site.database_url.startswith("sqlite") else on_postgres)
        house.open()
        yield house
