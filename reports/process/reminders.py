"""Reminders of overdue tasks: whoever has one is told when its time is over and every week after, and so is their manager (R190)."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from audit.services import EntryValue, entry_append
from escalation_site.ui import durations
from incidents.duty import tell
from incidents.models import Incident, Task
from incidents.services.notices import may_see
from notifications.models import Message
from oncall.models import User
from oncall.ports import Note
from oncall.telling import distinct, note_to

WEEK = timedelta(days=7)
TIMES = 5
"""How often one task is brought to mind: after a month of reminders another one changes nothing, and the process checks still show it."""
LOOKED = timedelta(days=1)
"""How long after it is due a reminder may still be sent: whatever did not run for a day reminds a week later."""


def reminders_send(*, at: datetime) -> int:
    """Every hour: remind of what is overdue; how many tasks. Late, doubled or stale calls remind nobody twice."""
    windows = Q()
    for week in range(TIMES):
        windows |= Q(due_at__gt=at - week * WEEK - LOOKED, due_at__lte=at - week * WEEK)
    found = (
        Task.objects.filter(windows, ended_at=None, incident__is_test=False)
        .select_related("incident", "assignee__manager", "incident__owner__manager")
        .order_by("due_at", "pk")
    )
    return sum(_remind(task, at) for task in found)


@transaction.atomic
def _remind(task: Task, at: datetime) -> bool:
    """One reminder of one task; False where it was sent already, or nobody has the task."""
    due = task.due_at
    if due is None:
        return False
    notes = _notes(task, due, at)
    if not notes or Message.objects.filter(idempotency_key__in=[note.key for note in notes]).exists():
        return False
    tell(notes, at)
    entry_append(
        EntryValue(
            at=at,
            action="task.remind",
            object_type="task",
            object_id=str(task.pk),
            object_label=task.title,
            subject=task.incident.subject,
            data={"due": due.isoformat(), "told": [note.recipient_id for note in notes]},
        )
    )
    return True


def _notes(task: Task, due: datetime, at: datetime) -> list[Note]:
    """For whoever has it (where nobody has, who owns the incident), and their manager; of those who may see the incident."""
    holder = task.assignee or task.incident.owner
    if holder is None:
        return []
    people = [one for one in distinct([holder, holder.manager]) if may_see(one, task.incident)]
    key = f"task-overdue:{task.pk}:{due:%Y%m%dT%H%M}:{(at - due) // WEEK}"
    link = reverse("incidents:task", args=(task.incident_id, task.pk))
    return [
        note_to(one, _words(task.incident, task, holder, one, late=at - due), key=key, link=link, subject_ref=task.incident.subject)
        for one in people
    ]  # fmt: skip


def _words(
    incident: Incident, task: Task, holder: User, reader: User, *, late: timedelta
) -> Callable[[], tuple[str, str]]:
    def words() -> tuple[str, str]:
        places = {
            "task": task.title,
            "reference": incident.reference,
            "name": holder.name,
            "late": durations.in_one_unit(late.total_seconds()),
        }
        if reader == holder:
            subject = _("Overdue: %(task)s")
            body = _("Your task “%(task)s” on %(reference)s is %(late)s late. Finish it, move its date, or drop it.")
        else:
            subject = _("Overdue: %(task)s (%(name)s)")
            body = _("%(name)s has the task “%(task)s” on %(reference)s, and it is %(late)s late.")
        return subject % places, body % places

    return words
