"""What the ledger is told: plain values, no model of any other app."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

ActorKind = Literal["user", "system", "integration"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person, a part of the system ("engine", "voice") or an integration. The label is copied at the time."""

    kind: ActorKind
    id: str
    label: str

    @classmethod
    def system(cls, part: str) -> "Actor":
        return cls(kind="system", id=part, label=part)


SYSTEM = Actor.system("system")


@dataclass(frozen=True, slots=True)
class EntryValue:
    """One fact for the ledger.

    ``action`` is namespaced ("incident.acknowledge"). ``object_*`` is what changed; ``subject`` ("incident:42") gathers the
    entries of one incident, schedule or policy, whatever object they are about. ``before`` and ``after`` hold only the fields that
    changed. ``source`` says by which way it came: "web", "api", "email", "alert", "engine", "command".
    """

    at: datetime
    action: str
    object_type: str
    object_id: str
    object_label: str = ""
    subject: str = ""
    actor: Actor | None = None
    source: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
