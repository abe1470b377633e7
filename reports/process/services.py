"""A cluster made a problem: its newest incident gets the task to find the common cause, and the others are linked with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import DomainError
from incidents.models import Incident, IncidentLink, Task
from incidents.services.linking import incident_link
from incidents.services.tasks import task_create
from oncall.models import User

MOST_LINKED = 20
TIME = timedelta(days=14)


@transaction.atomic
def problem_open(*, incident_ids: Sequence[int], actor: User, at: datetime) -> Task:
    """A task on the newest of them, due in two weeks, and a link from it to each of the others (the twenty newest).

    Asked again while that task is open it gives the same one. Raises DomainError for fewer than two incidents that ``actor`` sees,
    NotAllowed where they may not act on the newest.
    """
    found = list(
        Incident.objects.visible_to(actor).filter(pk__in=incident_ids).order_by("-started_at", "-pk")[: MOST_LINKED + 1]
    )
    if len(found) < 2:
        raise DomainError(_("A problem needs two incidents at least."))
    newest, others = found[0], found[1:]
    title = _("Find the common cause of %(number)d incidents") % {"number": len(incident_ids)}
    open_one = Task.objects.filter(incident__in=found, ended_at=None, details__startswith=_mark(incident_ids)).first()
    if open_one is not None:
        return open_one
    task = task_create(
        incident_id=newest.pk,
        title=title,
        details=_details(incident_ids, found),
        actor=actor,
        at=at,
        due_at=at + TIME,
    )
    linked = set(
        IncidentLink.objects.filter(Q(source=newest) | Q(target=newest), kind=IncidentLink.Kind.RELATED).values_list(
            "source_id", "target_id"
        )
    )
    for other in others:
        if (newest.pk, other.pk) not in linked and (other.pk, newest.pk) not in linked:
            incident_link(incident_id=newest.pk, other_id=other.pk, kind=IncidentLink.Kind.RELATED, actor=actor, at=at)
    return task


def _mark(incident_ids: Sequence[int]) -> str:
    """Names the cluster by its first incident: it stays the first however many come."""
    return f"[INC-{min(incident_ids)}…]"


def _details(incident_ids: Sequence[int], found: Sequence[Incident]) -> str:
    lines = [_mark(incident_ids), "", *(f"- {one.reference} {one.title}" for one in found)]
    return "\n".join(lines)[:4000]
