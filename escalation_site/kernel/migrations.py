"""Whether the tables are those this code was written for."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.migrations.loader import MigrationLoader

EXIT_MISMATCH = 3
"""Exit code of a program that refuses the database for its migrations: starting it again changes nothing."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """How database and code differ; each migration as "application.name".

    ``missing`` are not applied yet. ``unknown`` were applied by newer code: this code may write what breaks its rules.
    """

    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unknown)

    @property
    def line(self) -> str:
        """One line that says what is wrong and what to do; "" when nothing is."""
        if self.unknown:
            return (
                f"The database is ahead of this code ({_some(self.unknown)} not known here): "
                "install the version that applied it, or restore a backup made by this one."
            )
        if self.missing:
            return f"The database is behind this code ({_some(self.missing)} not applied): run manage.py migrate."
        return ""


class DatabaseMismatch(Exception):
    """The text is `Mismatch.line`."""


_fitting: set[str] = set()


def database_fits() -> None:
    """Raises DatabaseMismatch unless the database's migrations are those of this code.

    Once they are, nobody looks again: a process that began on tables of its own goes on while newer code expands them
    (docs/operations/upgrade.md).
    """
    if connection.alias in _fitting:
        return
    if mismatch := migration_mismatch():
        raise DatabaseMismatch(mismatch.line)
    _fitting.add(connection.alias)


def _some(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def migration_mismatch() -> Mismatch:
    """Compare the migrations on record in the database with those of the installed applications."""
    loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations)
    return Mismatch(missing=_names(set(loader.graph.nodes) - applied), unknown=_unknown(loader, applied))


def migrations_unknown(names: Collection[str]) -> tuple[str, ...]:
    """Those of ``names`` ("application.name") that newer code must have applied."""
    applied = {(label, name) for label, _dot, name in (one.partition(".") for one in names)}
    return _unknown(MigrationLoader(None), applied)


def _unknown(loader: MigrationLoader, applied: set[tuple[str, str]]) -> tuple[str, ...]:
    """What an application left behind that is no longer installed does not count: nothing here touches its tables."""
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(migration.replaces)
    installed = {label for label, _name in known}
    return _names({key for key in applied - known if key[0] in installed})


def _names(keys: set[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{label}.{name}" for label, name in sorted(keys))
