"""The safety net of every minute: what a dead or stuck engine left undone, and incidents that lost their next step (R039)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.values import Actor
from escalation_site.kernel.composed import Composed
from escalation_site.kernel.failures import is_passing
from incidents.changes import Changes, lock
from incidents.checkpoint_words import START
from incidents.models import Checkpoint, EscalationRun, Incident, Page, TimelineEvent
from incidents.services.paging import PageOrder, pages_create
from incidents.services.waiting import PAGES_NOBODY, SAID_NOBODY
from incidents.wording import page_subject, unrouted_body
from notifications.services import messages_create
from notifications.values import MessageValue
from oncall.models import User
from policies.services import version_definition
from policies.targets import Recipient, TargetResolver

log = structlog.get_logger(__name__)


def stalled(*, at: Any) -> QuerySet[Incident]:
    """Incidents that ring and that nothing will ever happen to by itself: no next step, not exhausted, no snooze that goes on.

    A question that a person has time to answer is a next step. Where a person or a rule said that nobody is paged, none is missing, as
    long as no escalation began after all.
    """
    alive = EscalationRun.objects.filter(
        incident=OuterRef("pk"), superseded=False, set_aside_at=None, next_due_at__isnull=False
    )
    asked = Checkpoint.objects.filter(incident=OuterRef("pk"), action=START)
    ruled = TimelineEvent.objects.filter(incident=OuterRef("pk"), kind=PAGES_NOBODY)
    begun = EscalationRun.objects.filter(incident=OuterRef("pk"), superseded=False)
    return Incident.objects.filter(
        Q(snoozed_until=None) | Q(snoozed_until__lte=at),
        ~Exists(alive),
        ~Exists(asked.filter(outcome=Checkpoint.Outcome.OPEN)),
        Exists(begun) | ~(Exists(asked.filter(SAID_NOBODY)) | Exists(ruled)),
        state=Incident.State.TRIGGERED,
        exhausted_at=None,
    )


_stalled = Composed(lambda at: stalled(at=at).order_by("severity", "pk").values_list("pk"), limited=True)


def stalled_rescue(*, at: datetime, limit: int = 200) -> int:
    """Flag stalled incidents as exhausted and tell the catch-all: the policy's or, without one, the administrators. Returns how many.

    A batch that raises is undone and taken one by one, so that one incident never keeps the alarm from the others.
    """
    ids = [pk for (pk,) in _stalled(at=at, limit=limit)]
    if not ids:
        return 0
    try:
        return _rescue(ids, at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("watchdog.batch_failed", incidents=len(ids))
    return sum(_rescue_one(pk, at=at) for pk in ids)


def _rescue_one(pk: int, *, at: datetime) -> int:
    try:
        return _rescue([pk], at=at)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("watchdog.failed", incident=pk)
        return 0


@transaction.atomic
def _rescue(ids: list[int], *, at: datetime) -> int:
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
        reason = _reason(incident, runs.get(incident.pk))
        changes.set(incident, "incident.stall", exhausted_at=at, snoozed_until=None, data={"reason": reason})
        changes.timeline(incident, "incident.stall", reason=reason)
    resolver = TargetResolver(at=at)
    orders = [_order(runs[incident.pk], incident, resolver) for incident in incidents if incident.pk in runs]
    pages_create([order for order in orders if order is not None], changes=changes)
    unrouted = [incident for incident in incidents if incident.pk not in runs]
    messages_create(
        [_notice(incident, user) for incident in unrouted for user in resolver.administrators()] if unrouted else [],
        at=at,
    )
    changes.write()
    return len(incidents)


def _reason(incident: Incident, run: EscalationRun | None) -> str:
    if run is not None:
        return "set_aside" if run.set_aside_at else "no_next_step"
    # With a policy and no run: somebody was to be asked, and nobody could be, or what followed failed.
    return "not_begun" if incident.service.policy_id else "no_policy"


def _notice(incident: Incident, user: User) -> MessageValue:
    """What administrators are told of an incident no policy covers: there is no run, so there can be no page."""
    link = settings.PUBLIC_URL.rstrip("/") + incident.get_absolute_url()
    return MessageValue(
        recipient_id=user.pk,
        kind="notice",
        subject=page_subject(incident, user),
        body=unrouted_body(incident, user, link=link),
        link=link,
        idempotency_key=f"unrouted:{incident.pk}:{user.pk}",
        priority=incident.severity * 10,
        context={"subject": incident.subject},
    )


def _order(run: EscalationRun, incident: Incident, resolver: TargetResolver) -> PageOrder | None:
    """The catch-all's pages, unless it has been told in this cycle already."""
    run.incident = incident
    found: Sequence[Recipient] = ()
    try:
        policy = version_definition(run.policy_version)
        level = len(policy.levels)
        found = resolver.recipients(policy.catch_all, team=incident.team)
    except Error:
        raise
    except Exception:
        # What stopped the run must not stop the alarm about it.
        log.exception("watchdog.policy_unreadable", run=run.pk)
        level = run.level + 1
    if Page.objects.filter(run=run, cycle=run.cycle, level=level).exists():
        return None
    users = [recipient.user for recipient in found] or resolver.administrators()
    return PageOrder(run, run.cycle, level, level, "", tuple(Recipient(user, {"kind": "catch_all"}) for user in users))
