"""Major incidents: declared once, by a person, a rule or a level, with somebody who oversees them (R098, R135)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from escalation_site.kernel.errors import Conflict, DomainError
from incidents.bridges import bridge_open
from incidents.changes import Changes, actor_of, lock_one
from incidents.models import EscalationRun, Incident
from incidents.permissions import require_responder
from incidents.services.role_map import roles_recheck
from incidents.wording import major_body, page_subject
from notifications.models import Message
from notifications.services import messages_create
from notifications.values import MessageValue
from oncall.models import User
from policies.definition import PolicyDef
from policies.services import version_definition
from policies.targets import Recipient, TargetResolver

By = Literal["person", "rule", "level"]
_DECLARED: Mapping[By, str] = {
    "person": "incident.major_person",
    "rule": "incident.major_rule",
    "level": "incident.major_level",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MajorOrder:
    """Declare ``incident`` major. ``by`` is what says so, ``reason`` why, in words that people read. ``policy`` is the one it runs under,
    None without any."""

    incident: Incident
    by: By
    policy: PolicyDef | None
    reason: str = ""


def majors_declare(orders: Sequence[MajorOrder], *, changes: Changes, resolver: TargetResolver) -> None:
    """Declare these locked (or new) incidents major and tell whoever oversees each; one that is major already stays as it is.

    The overseer is recorded and gets a message at once, which is no page of the run. Where nobody is found, or nobody can be reached, the
    timeline says so. The caller writes ``changes``.
    """
    fresh = {order.incident.pk: order for order in orders if order.incident.major_at is None}
    found = {pk: overseer_of(order, resolver) for pk, order in fresh.items()}
    values = [_message(fresh[pk], one, changes) for pk, one in found.items() if one is not None]
    states = (
        {message.idempotency_key: message.state for message in messages_create(values, at=changes.at)} if values else {}
    )
    for pk, order in fresh.items():
        one = found[pk]
        reached = one is not None and states[_key(order.incident, one.user, changes.at)] != Message.State.FAILED
        _enter(order, one, reached=reached, changes=changes)
        roles_recheck(order.incident, changes=changes)


def overseer_of(order: MajorOrder, resolver: TargetResolver) -> Recipient | None:
    """Whoever holds the policy's overseer target now: the first person of it; None where it is vacant."""
    if order.policy is None:
        return None
    people = resolver.recipients(order.policy.overseers, team=order.incident.team)
    return people[0] if people else None


def _enter(order: MajorOrder, one: Recipient | None, *, reached: bool, changes: Changes) -> None:
    incident = order.incident
    data: dict[str, Any] = {"by": order.by, "reason": order.reason, "reached": reached}
    changes.set(incident, "incident.major", major_at=changes.at, overseer=one.user if one else None, data=data)
    changes.timeline(incident, _DECLARED[order.by], text=order.reason, source=changes.source)
    bridge_open(incident, changes=changes)
    if one is None:
        changes.timeline(incident, "incident.no_overseer")
    else:
        kind = "incident.overseer" if reached else "incident.overseer_unreached"
        changes.timeline(incident, kind, name=one.user.name)


def _key(incident: Incident, user: User, at: datetime) -> str:
    """One message for each declaration: one that was a mistake may be followed by a true one."""
    return f"major:{incident.pk}:{at.timestamp():.6f}:{user.pk}"


def _message(order: MajorOrder, one: Recipient, changes: Changes) -> MessageValue:
    incident = order.incident
    link = settings.PUBLIC_URL.rstrip("/") + incident.get_absolute_url()
    return MessageValue(
        recipient_id=one.user.pk,
        kind="notice",
        urgency="high",
        subject=page_subject(incident, one.user),
        body=major_body(incident, one.user, reason=order.reason, link=link),
        link=link,
        idempotency_key=_key(incident, one.user, changes.at),
        priority=incident.severity * 10,
        context={"subject": incident.subject},
    )


def incident_major(*, incident_id: int, actor: User, at: datetime, reason: str, source: str = "web") -> Incident:
    """``actor`` declares it major. Raises NotAllowed for people who may not respond, DomainError without a reason, Conflict when it
    is resolved or major already.
    """
    if not reason.strip():
        raise DomainError(_("Say why: whoever oversees it reads it first."), field="reason")
    with transaction.atomic():
        incident = lock_one(incident_id)
        require_responder(actor, incident)
        if not incident.is_open:
            raise Conflict(_("It is resolved already."))
        if incident.major_at is not None:
            raise Conflict(_("It is a major incident already."))
        changes = Changes(at=at, actor=actor_of(actor), user=actor, source=source)
        order = MajorOrder(incident=incident, by="person", policy=_policy_of(incident), reason=reason.strip())
        majors_declare([order], changes=changes, resolver=TargetResolver(at=at))
        changes.write()
    return incident


def incident_major_end(*, incident_id: int, actor: User, at: datetime, reason: str, source: str = "web") -> Incident:
    """It was no major incident after all. Raises as ``incident_major``; Conflict when it is none."""
    if not reason.strip():
        raise DomainError(_("Say why it is none after all."), field="reason")
    with transaction.atomic():
        incident = lock_one(incident_id)
        require_responder(actor, incident)
        if incident.major_at is None:
            raise Conflict(_("It is no major incident."))
        changes = Changes(at=at, actor=actor_of(actor), user=actor, source=source)
        data = {"reason": reason.strip()}
        changes.set(incident, "incident.major_end", major_at=None, overseer=None, data=data)
        changes.timeline(incident, "incident.major_end", text=reason.strip(), source=source)
        changes.write()
    return incident


def _policy_of(incident: Incident) -> PolicyDef | None:
    """The one its run keeps or, without a run, that of its service."""
    run = EscalationRun.objects.filter(incident=incident, superseded=False).select_related("policy_version").first()
    own = incident.service.policy
    version = run.policy_version if run else own.current_version if own else None
    return version_definition(version) if version else None
