"""What stands beside an incident and mostly does not: told with its own row, so that a page asks for nothing that is not there."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from audit.models import LedgerEntry
from incidents.models import Checkpoint, Incident, Objective, Service
from incidents.querysets import IncidentQuerySet

OBJECTIVES: Final = "_has_objectives"
CHECKPOINTS: Final = "_has_checkpoints"
SKILLS: Final = "_asks_skills"
_ENTRY: Final = "_newest_entry"
_ROWS: Mapping[str, Callable[[], QuerySet[Any]]] = {
    OBJECTIVES: lambda: Objective.objects.filter(incident=OuterRef("pk")).exclude(state=Objective.State.DROPPED),
    CHECKPOINTS: lambda: Checkpoint.objects.filter(incident=OuterRef("pk")),
    SKILLS: lambda: Service.required_skills.through.objects.filter(service=OuterRef("service")),
}


def with_beside(incidents: IncidentQuerySet) -> IncidentQuerySet:
    """``incidents``, each with whether there is any of what ``has`` is asked for, and the newest entry of the ledger when it was read."""
    entry = LedgerEntry.objects.order_by("-pk").values("pk")[:1]
    return incidents.annotate(**{name: Exists(rows()) for name, rows in _ROWS.items()}, **{_ENTRY: Subquery(entry)})


def has(incident: Incident, what: str) -> bool:
    """Whether there is any; true where nobody has looked."""
    return bool(getattr(incident, what, True))


def entry_seen(incident: Incident) -> int | None:
    """The number of the ledger's newest entry when the incident was read; None where nobody has looked, 0 where there was none."""
    if not hasattr(incident, _ENTRY):
        return None
    return getattr(incident, _ENTRY) or 0
