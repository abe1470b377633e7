"""The runs of incidents, and the policy versions they keep (invariant 7)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.simulation.asking import Broken, document, instant, rows


@dataclass(frozen=True, slots=True)
class Run:
    """The current run of an incident. ``levels`` are those of the version it is pinned to."""

    pk: int
    incident: int
    phase: str
    level: int
    cycle: int
    next_due_at: datetime | None
    levels: list[dict[str, Any]]


@dataclass
class Runs:
    """Reads the runs; raises Broken where one was moved to another version."""

    _versions: dict[int, int] = field(default_factory=dict)
    _levels: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    every: dict[int, Run] = field(default_factory=dict)
    """By number, as last read; those that others have taken the place of too."""

    def current(self) -> dict[int, Run]:
        """By incident."""
        found: dict[int, Run] = {}
        for pk, incident, version, phase, level, cycle, due, superseded in rows(
            "SELECT id, incident_id, policy_version_id, phase, level, cycle, next_due_at, superseded "
            "FROM incidents_escalationrun ORDER BY id"
        ):
            if self._versions.setdefault(pk, version) != version:
                raise Broken(7, f"run {pk} of INC-{incident} was moved to another version of its policy")
            self.every[pk] = Run(pk, incident, phase, level, cycle, instant(due), self._of(version))
            if not superseded:
                found[incident] = self.every[pk]
        return found

    def _of(self, version: int) -> list[dict[str, Any]]:
        if version not in self._levels:
            definition = rows("SELECT definition FROM policies_policyversion WHERE id = %s", version)[0][0]
            self._levels[version] = document(definition)["levels"]
        return self._levels[version]
