"""What a backup says of itself."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1

Ask = Callable[[str], Sequence[tuple[Any, ...]]]
"""Runs one SELECT and returns its rows."""


class BackupError(Exception):
    """Why nothing was written, or what did not hold; one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What one snapshot of a database holds: rows by table, the migrations applied ("application.name"), and the
    ledger's last entry, None while there is none."""

    tables: Mapping[str, int]
    migrations: tuple[str, ...]
    ledger: Mapping[str, Any] | None

    @property
    def ledger_id(self) -> int:
        """Number of the ledger's last entry, 0 without one."""
        return int(self.ledger["id"]) if self.ledger else 0

    @property
    def rows(self) -> int:
        return sum(self.tables.values())


@dataclass(frozen=True, slots=True)
class Manifest:
    """Kept beside the payload. ``made_at`` is ISO 8601 in UTC; ``sha256`` and ``size`` (bytes) are the payload's."""

    id: str
    made_at: str
    version: str
    vendor: str
    server: str
    facts: Facts
    sha256: str
    size: int

    def text(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"


def manifest_read(text: str | bytes) -> Manifest:
    """Raises BackupError for what is no manifest of ours, or of a format this code does not know."""
    try:
        content = json.loads(text)
        if (format_found := content.pop("format")) != FORMAT:
            raise BackupError(f"Its format {format_found} is not known to this version of Watchbell.")
        facts = content.pop("facts")
        return Manifest(
            facts=Facts(dict(facts["tables"]), tuple(facts["migrations"]), facts["ledger"]),
            **content,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupError("Its manifest cannot be read: it is no backup of Watchbell, or damaged.") from None


def facts_read(ask: Ask, tables: Sequence[str]) -> Facts:
    """The facts of the snapshot that ``ask`` sees; ``tables`` are names out of its own catalogue."""
    counted = {name: int(ask(f'SELECT COUNT(*) FROM "{name}"')[0][0]) for name in sorted(tables)}  # noqa: S608  own names, values are parameters
    applied = ask("SELECT app, name FROM django_migrations ORDER BY id") if "django_migrations" in counted else ()
    ledger = None
    if counted.get("audit_ledgerentry"):
        ((number, *more),) = ask("SELECT id, at, action, action_id FROM audit_ledgerentry ORDER BY id DESC LIMIT 1")
        ledger = {"id": number, **dict(zip(("at", "action", "action_id"), map(str, more), strict=True))}
    return Facts(counted, tuple(f"{app}.{name}" for app, name in applied), ledger)
