"""A second, empty database that stands for the new machine, and the two commands as an operator gives them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import LedgerEntry
from incidents.models import Incident
from incidents.services.lifecycle import incident_open
from tests.world.harness import World


class Elsewhere:
    """An empty database of the same kind."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._home = connection.settings_dict["NAME"]

    @contextmanager
    def used(self) -> Iterator[None]:
        """Everything inside works on the other database, as after a change of DATABASE_URL."""
        connection.close()
        connection.settings_dict["NAME"] = self.name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = self._home


def _administer(statement: str, *, database: str = "postgres") -> None:
    there = connection.settings_dict
    options = {"host": there["HOST"], "port": there["PORT"], "user": there["USER"], "password": there["PASSWORD"]}
    given = {name: value for name, value in options.items() if value}
    with psycopg.connect(dbname=database, autocommit=True, **given) as administration:
        administration.execute(statement)


@pytest.fixture(scope="session")
def database_elsewhere(django_db_setup: None) -> Iterator[str]:
    """The name of a second database on PostgreSQL, "" on SQLite. One for all tests: making one takes seconds."""
    if connection.vendor == "sqlite":
        yield ""
        return
    name = f"{connection.settings_dict['NAME']}_elsewhere"
    _administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    _administer(f'CREATE DATABASE "{name}"')
    yield name
    _administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def elsewhere(tmp_path: Path, database_elsewhere: str) -> Elsewhere:
    if database_elsewhere:
        _administer("DROP SCHEMA public CASCADE; CREATE SCHEMA public", database=database_elsewhere)
    return Elsewhere(database_elsewhere or str(tmp_path / "elsewhere.sqlite3"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "watchbell.zip"


def backup(file: Path, **options: Any) -> str:
    said = io.StringIO()
    call_command("backup", str(file), stdout=said, **options)
    return said.getvalue()


def restore(file: Path, **options: Any) -> str:
    said = io.StringIO()
    call_command("restore", str(file), stdout=said, **options)
    return said.getvalue()


def refused(command: Any, file: Path, **options: Any) -> str:
    with pytest.raises(CommandError) as raised:
        command(file, **options)
    return str(raised.value)


def opened(world: World, title: str = "Card payments failing") -> Incident:
    return incident_open(
        title=title, summary="", severity=1, service=world.cast.gateway, reporter=world.cast.sofie, at=world.now
    )


def ledger() -> list[tuple[int, str, str]]:
    return [(entry.pk, str(entry.action_id), entry.action) for entry in LedgerEntry.objects.order_by("pk")]
