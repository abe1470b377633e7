"""Time people spent on an incident (R214). Entries are only added; a slip is mended by an administrator, with its history."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.models import Task, TimeEntry
from incidents.permissions import require_responder
from incidents.services.working import working
from oncall.models import User

MOST_MINUTES = 24 * 60


def time_log(
    *,
    incident_id: int,
    minutes: int,
    actor: User,
    at: datetime,
    task_id: int | None = None,
    note: str = "",
    source: str = "web",
) -> TimeEntry:
    """``actor`` spent ``minutes`` on it, on the task ``task_id`` where it is given. Raises DomainError naming the field at fault,
    NotAllowed for people who may not respond."""
    if not 1 <= minutes <= MOST_MINUTES:
        raise DomainError(_("Write from 1 minute to 24 hours."), field="minutes")
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        task = Task.objects.filter(incident=work.incident, pk=task_id).first() if task_id else None
        if task_id and task is None:
            raise DomainError(_("Choose a task of this incident."), field="task")
        entry = TimeEntry(
            incident=work.incident, task=task, user=actor, minutes=minutes, note=note.strip()[:200], at=at
        )
        saved: Any = entry
        saved._history_date, saved._history_user = at, actor
        entry.save()
        work.changes.ledger(
            work.incident,
            "time.log",
            object_type="time_entry",
            object_id=str(entry.pk),
            object_label=f"{work.incident.reference} {task.title if task else ''}".strip(),
            after={"minutes": minutes, "note": entry.note},
        )
    return entry
