"""The safety net of every minute: what a dead or stuck engine left undone, and incidents that lost their next step (R039)."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.values import Actor
from incidents.changes import Changes, lock
from incidents.models import EscalationRun, Incident, Page
from incidents.services.paging import PageOrder, pages_create
from oncall.models import User
from policies.services import version_definition
from policies.targets import Recipient, TargetResolver


def stalled() -> QuerySet[Incident]:
    """Open incidents nobody has that nothing will ever happen to by itself: no next step, not exhausted, not snoozed."""
    alive = EscalationRun.objects.filter(
        incident=OuterRef("pk"), superseded=False, set_aside_at=None, next_due_at__isnull=False
    )
    return Incident.objects.filter(
        Q(state=Incident.State.TRIGGERED), ~Exists(alive), exhausted_at=None, owner=None, snoozed_until=None
    )


@transaction.atomic
def stalled_rescue(*, at: datetime, limit: int = 200) -> int:
    """Flag stalled incidents as exhausted and tell the catch-all: the policy's or, without one, the administrators. Returns how many."""
    ids = list(stalled().order_by("severity", "pk").values_list("pk", flat=True)[:limit])
    if not ids:
        return 0
    incidents = [
        incident
        for incident in lock(ids)
        if incident.state == Incident.State.TRIGGERED and incident.exhausted_at is None
    ]
    changes = Changes(at=at, actor=Actor.system("watchdog"), source="watchdog")
    runs = {
        run.incident_id: run
        for run in EscalationRun.objects.filter(incident__in=ids, superseded=False).select_related("policy_version")
    }
    for incident in incidents:
        run = runs.get(incident.pk)
        reason = "set_aside" if run and run.set_aside_at else "no_next_step" if run else "no_policy"
        changes.set(incident, "incident.stall", exhausted_at=at, data={"reason": reason})
        changes.timeline(incident, "incident.stall", reason=reason)
    orders = [_order(runs[incident.pk], incident, at) for incident in incidents if incident.pk in runs]
    pages_create([order for order in orders if order is not None], changes=changes)
    changes.write()
    return len(incidents)


def _order(run: EscalationRun, incident: Incident, at: datetime) -> PageOrder | None:
    """The catch-all's pages, unless it has been told in this cycle already."""
    run.incident = incident
    policy = version_definition(run.policy_version)
    level = len(policy.levels)
    if Page.objects.filter(run=run, cycle=run.cycle, level=level).exists():
        return None
    found: Sequence[Recipient] = TargetResolver(at=at).recipients(policy.catch_all, team=incident.team)
    users = [recipient.user for recipient in found] or list(administrators())
    return PageOrder(run, run.cycle, level, level, "", tuple(Recipient(user, {"kind": "catch_all"}) for user in users))


def administrators() -> QuerySet[User]:
    """Those who are told when nobody else can be."""
    return User.objects.filter(role=User.Role.ADMINISTRATOR, is_active=True).order_by("pk")
