"""One incident turns out to be two: what belongs to the second becomes an incident of its own."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.changes import Changes, actor_of, lock_one
from incidents.models import Alert, Incident, IncidentLink, TimelineEvent
from incidents.permissions import require_responder
from incidents.routing import Subject
from incidents.services.lifecycle import incident_acknowledge
from incidents.services.linking import link_add
from incidents.services.opening import incidents_insert, incidents_opened
from incidents.services.working import stage
from oncall.models import User


@transaction.atomic
def incident_split(
    *,
    incident_id: int,
    title: str,
    actor: User,
    at: datetime,
    alerts: Collection[int] = (),
    comments: Collection[int] = (),
    severity: int | None = None,
    keep: bool = False,
    source: str = "web",
) -> Incident:
    """Make a new incident of these alerts and comments, which is returned: same service, team, customer and restriction.

    Alerts move; comments are repeated there, since a timeline is only added to. Its policy starts, and calls nobody where ``actor``
    keeps it in hand. Raises DomainError without a title or for what is not the incident's; Conflict where it is over or merged.
    """
    if not title.strip():
        raise DomainError(_("Give it a title."), field="title")
    origin = lock_one(incident_id)
    require_responder(actor, origin)
    if not origin.is_open:
        raise Conflict(_("It is resolved already."))
    moved, said = _alerts(origin, alerts), _comments(origin, comments)
    changes = Changes(at=at, actor=actor_of(actor), user=actor, source=source)
    new = _new(origin, moved, title=title, severity=severity or origin.severity, at=at)
    first = moved[0] if moved else None
    subject = Subject(new, first.labels, first.details) if first else Subject(new)
    courses = incidents_insert([subject], changes=changes)
    _move(moved, origin, new, changes=changes)
    incidents_opened(courses, changes=changes)
    for event in said:
        public = bool(event.data.get("public"))
        changes.timeline(new, "incident.comment", text=event.text, user=event.actor, public=public, copy_of=event.pk)
    link_add(new, origin, IncidentLink.Kind.SPLIT_FROM, changes=changes, tell=False)
    changes.timeline(new, "incident.split_from", name=origin.reference)
    data = {"new": new.reference, "alerts": [alert.pk for alert in moved], "comments": [event.pk for event in said]}
    changes.timeline(origin, "incident.split", name=new.reference, title=new.title)
    changes.ledger(origin, "incident.split", data=data)
    changes.write()
    return incident_acknowledge(incident_id=new.pk, actor=actor, at=at, source=source) if keep else new


def _alerts(origin: Incident, wanted: Collection[int]) -> list[Alert]:
    """The alerts to move. The one for whose key the incident is open stays: its next firing belongs here."""
    found = list(Alert.objects.filter(incident=origin, pk__in=wanted).order_by("pk"))
    if len(found) != len(set(wanted)):
        raise DomainError(_("Choose alerts of this incident."), field="alerts")
    own = (origin.integration_id, origin.dedup_key)
    if any((alert.integration_id, alert.dedup_key) == own for alert in found):
        raise DomainError(_("The alert that opened this incident stays with it."), field="alerts")
    return found


def _comments(origin: Incident, wanted: Collection[int]) -> list[TimelineEvent]:
    found = TimelineEvent.objects.filter(incident=origin, kind="incident.comment", pk__in=wanted).select_related(
        "actor"
    )
    events = list(found.order_by("at", "pk"))
    if len(events) != len(set(wanted)):
        raise DomainError(_("Choose comments of this incident."), field="comments")
    return events


def _new(origin: Incident, alerts: Sequence[Alert], *, title: str, severity: int, at: datetime) -> Incident:
    """The new incident, of whoever reported the first one; open for the key of its first alert, where no other one is."""
    first = alerts[0] if alerts else None
    taken = (
        first is not None
        and Incident.objects.open().filter(integration=first.integration_id, dedup_key=first.dedup_key).exists()
    )
    key = {"integration_id": first.integration_id, "dedup_key": first.dedup_key} if first and not taken else {}
    return Incident(
        title=title.strip()[:200],
        summary=_("Split from %(reference)s.") % {"reference": origin.reference},
        severity=severity,
        facts=dict(origin.facts),
        stage=stage("new"),
        service=origin.service,
        team=origin.team,
        category_id=origin.category_id,
        customer_id=origin.customer_id,
        environment=origin.environment,
        source=Incident.Source.PERSON,
        detection=origin.detection,
        reporter=origin.reporter,
        restricted=origin.restricted,
        is_test=origin.is_test,
        started_at=at,
        alert_count=sum(alert.count for alert in alerts),
        **key,
    )


def _move(alerts: Sequence[Alert], origin: Incident, new: Incident, *, changes: Changes) -> None:
    if not alerts:
        return
    Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(incident=new)
    origin.alert_count = Alert.objects.filter(incident=origin).aggregate(all=Sum("count"))["all"] or 0
    changes.touch(origin, "alert_count")
