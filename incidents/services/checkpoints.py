"""Human checkpoints: something waits for a person's word, until an instant; then what was said beforehand happens.

Walk: an order → one open question for each (incident, action) → a message to everybody asked → the answer, or the end of the time
(``deciding``). Nobody to ask, or nobody who can be reached: the fallback happens at once and says so, as a level that reaches nobody is
left at once. What a machine may not do alone it may not do because nobody looked either: only the start of an escalation may go on by
itself.

Called inside the transaction that locked the incidents, or inserted them; the caller settles the escalator and writes its changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from escalation_site.kernel.rows import rows_insert, rows_update
from incidents.changes import Changes
from incidents.checkpoint_words import RESOLVE, SEVERITY, START, ask_body
from incidents.models import Checkpoint, CheckpointAsk, EscalationRun, Incident
from incidents.services.escalator import Escalator, RunStart
from incidents.services.terms import terms_renew
from incidents.wording import page_subject
from notifications.models import Message
from notifications.services import messages_create
from notifications.values import MessageValue
from oncall.models import User
from policies.definition import TargetDef, severity_name, target_dump, targets_parse
from policies.models import PolicyVersion
from policies.severity import Severity

__all__ = [
    "RESOLVE",
    "SEVERITY",
    "START",
    "CheckpointOrder",
    "checkpoint_open",
    "checkpoints_open",
    "start_data",
]

Fallback, Outcome = Checkpoint.Fallback, Checkpoint.Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointOrder:
    """Ask ``asked`` whether ``action`` may be done to ``incident``, and wait ``within_seconds``.

    ``data`` are the arguments of the action (``start_data`` for START, {"severity": 4} for SEVERITY), ``reason`` is why it waits, in
    words that people read. ``fallback`` is what happens when nobody decides ("proceed" or "leave"). Raises ValueError where anything but
    the start of an escalation would go on without a person.
    """

    incident: Incident
    action: str
    asked: Sequence[User]
    within_seconds: int
    fallback: str
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        if self.fallback == Fallback.PROCEED and self.action != START:
            raise ValueError(f"{self.action} never goes on without a person")


def start_data(
    version: PolicyVersion,
    *,
    first_level: int | None = None,
    timers_percent: int = 100,
    straight_to: Iterable[TargetDef] = (),
    severity: int | None = None,
) -> dict[str, Any]:
    """How the escalation begins that START waits for, as its data: ``RunStart``, kept as JSON.

    ``severity`` is what the incident is escalated as when nobody decided; None leaves it as it is.
    """
    data: dict[str, Any] = {
        "version": version.pk,
        "first_level": first_level,
        "timers_percent": timers_percent,
        "straight_to": [target_dump(target) for target in straight_to],
    }
    return data if severity is None else {**data, "severity": severity}


def checkpoint_open(
    escalator: Escalator,
    incident: Incident,
    *,
    action: str,
    asked: Sequence[User],
    within_seconds: int,
    fallback: str,
    data: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Checkpoint:
    """As ``checkpoints_open``, for one incident."""
    order = CheckpointOrder(
        incident=incident,
        action=action,
        asked=asked,
        within_seconds=within_seconds,
        fallback=fallback,
        data=data or {},
        reason=reason,
    )
    return checkpoints_open([order], escalator=escalator)[0]


def checkpoints_open(orders: Sequence[CheckpointOrder], *, escalator: Escalator) -> list[Checkpoint]:
    """Ask what ``orders`` ask; returns the checkpoint of each, in their order. A handful of statements, however many.

    Who wants again what is open already gets the open question. Where nobody can be reached the checkpoint comes back decided.
    """
    if not orders:
        return []
    found = _open_ones(orders)
    fresh = {_key(order): order for order in orders if _key(order) not in found}
    made = {key: _checkpoint(order, escalator.changes) for key, order in fresh.items()}
    rows_insert(list(made.values()))
    reached = _ask([(order, made[key]) for key, order in fresh.items()], changes=escalator.changes)
    unheard = [made[key] for key in fresh if made[key].pk not in reached]
    fall_back(unheard, escalator=escalator, unheard=True)
    found |= made
    return [found[_key(order)] for order in orders]


def _key(order: CheckpointOrder) -> tuple[int, str]:
    return order.incident.pk, order.action


def _open_ones(orders: Sequence[CheckpointOrder]) -> dict[tuple[int, str], Checkpoint]:
    incidents = {order.incident.pk: order.incident for order in orders}
    rows = Checkpoint.objects.filter(incident__in=list(incidents), outcome=Outcome.OPEN)
    found = {}
    for checkpoint in rows:
        checkpoint.incident = incidents[checkpoint.incident_id]
        found[checkpoint.incident_id, checkpoint.action] = checkpoint
    return found


def _checkpoint(order: CheckpointOrder, changes: Changes) -> Checkpoint:
    return Checkpoint(
        incident=order.incident,
        action=order.action,
        data=dict(order.data),
        reason=order.reason[:300],
        created_at=changes.at,
        due_at=changes.at + timedelta(seconds=order.within_seconds),
        fallback=order.fallback,
    )


def _ask(opened: Sequence[tuple[CheckpointOrder, Checkpoint]], *, changes: Changes) -> set[int]:
    """Write to everybody asked and enter it; returns the checkpoints of which somebody was reached."""
    asked = [
        (checkpoint, user)
        for order, checkpoint in opened
        for user in {user.pk: user for user in order.asked if user.is_active}.values()
    ]
    messages = messages_create([_message(one, user, changes) for one, user in asked], at=changes.at) if asked else []
    rows_insert(
        [
            CheckpointAsk(checkpoint=checkpoint, user=user, message=message)
            for (checkpoint, user), message in zip(asked, messages, strict=True)
        ]
    )
    for _order, checkpoint in opened:
        people = [user.name for one, user in asked if one is checkpoint]
        _enter_question(checkpoint, people, changes)
    return {
        checkpoint.pk
        for (checkpoint, _user), message in zip(asked, messages, strict=True)
        if message.state != Message.State.FAILED
    }


def _enter_question(checkpoint: Checkpoint, people: list[str], changes: Changes) -> None:
    incident = checkpoint.incident
    places: dict[str, Any] = {"asks": checkpoint.action, "arguments": checkpoint.data, "people": people}
    if people:
        until = checkpoint.due_at.isoformat()
        changes.timeline(incident, "checkpoint.open", text=checkpoint.reason, until=until, **places)
    changes.ledger(
        incident,
        "checkpoint.open",
        object_type="checkpoint",
        object_id=str(checkpoint.pk),
        object_label=str(checkpoint),
        after={"due_at": checkpoint.due_at.isoformat(), "fallback": str(checkpoint.fallback), "asked": people},
        data={"action": checkpoint.action, "reason": checkpoint.reason, "arguments": checkpoint.data},
    )


def checkpoint_link(checkpoint: Checkpoint) -> str:
    """The absolute address of the page where it is decided."""
    path = reverse("incidents:checkpoint", args=(checkpoint.incident_id, checkpoint.pk))
    return settings.PUBLIC_URL.rstrip("/") + path


def _message(checkpoint: Checkpoint, user: User, changes: Changes) -> MessageValue:
    incident = checkpoint.incident
    link = checkpoint_link(checkpoint)
    return MessageValue(
        recipient_id=user.pk,
        kind="notice",
        urgency="high",
        subject=page_subject(incident, user),
        body=ask_body(checkpoint, incident, user, link=link, at=changes.at),
        link=link,
        idempotency_key=f"checkpoint:{checkpoint.pk}:{user.pk}",
        priority=incident.severity * 10,
        context={"subject": incident.subject},
    )


def fall_back(checkpoints: Sequence[Checkpoint], *, escalator: Escalator, unheard: bool = False) -> None:
    """What happens without a person: the fallback of each, entered as such. ``unheard`` where nobody could be asked."""
    changes = escalator.changes
    for checkpoint in checkpoints:
        kind = "checkpoint.unheard" if unheard else "checkpoint.time_out"
        settle(checkpoint, Outcome.TIMED_OUT, kind, changes=changes)
    store(checkpoints)
    going = [one for one in checkpoints if one.fallback == Fallback.PROCEED]
    for checkpoint in going:
        _take_severity(checkpoint, changes)
    escalations_start(going, escalator=escalator)


def settle(checkpoint: Checkpoint, outcome: str, kind: str, *, changes: Changes, note: str = "") -> None:
    """Set how it ended, with its timeline line of ``kind`` and its ledger entry of the same name."""
    checkpoint.outcome, checkpoint.decided_at = outcome, changes.at
    checkpoint.decided_by, checkpoint.note = changes.user, note
    changes.timeline(
        checkpoint.incident,
        kind,
        text=note,
        asks=checkpoint.action,
        arguments=checkpoint.data,
        fallback=str(checkpoint.fallback),
        source=changes.source,
    )
    changes.ledger(
        checkpoint.incident,
        kind,
        object_type="checkpoint",
        object_id=str(checkpoint.pk),
        object_label=str(checkpoint),
        before={"outcome": ""},
        after={"outcome": str(outcome)},
        data={"action": checkpoint.action, "fallback": str(checkpoint.fallback), **({"note": note} if note else {})},
    )


def store(checkpoints: Sequence[Checkpoint]) -> None:
    """Write how they ended."""
    if checkpoints:
        rows_update(list(checkpoints), ["outcome", "decided_at", "decided_by", "note"])


def _take_severity(checkpoint: Checkpoint, changes: Changes) -> None:
    """An escalation that begins because nobody decided has the severity that was said for that."""
    severity = checkpoint.data.get("severity")
    if severity in Severity.values and severity != checkpoint.incident.severity:
        severity_take(checkpoint.incident, severity, changes=changes)


def severity_take(incident: Incident, severity: int, *, changes: Changes, text: str = "") -> None:
    """Give it ``severity`` and the terms that follow, with timeline and ledger; whoever calls tells its run, where it has one."""
    before = incident.severity
    changes.set(incident, "incident.severity", severity=severity, data={"reason": text} if text else None)
    changes.timeline(
        incident,
        "incident.severity",
        text=text,
        before=severity_name(before),
        after=severity_name(severity),
        source=changes.source,
    )
    terms_renew([incident], changes=changes)


def escalations_start(checkpoints: Sequence[Checkpoint], *, escalator: Escalator) -> list[EscalationRun]:
    """Begin the runs that these START checkpoints waited for, as their data say."""
    if not checkpoints:
        return []
    versions = PolicyVersion.objects.in_bulk({one.data["version"] for one in checkpoints})
    return escalator.start([_run_start(one, versions[one.data["version"]]) for one in checkpoints])


def _run_start(checkpoint: Checkpoint, version: PolicyVersion) -> RunStart:
    data = checkpoint.data
    return RunStart(
        checkpoint.incident,
        version,
        data.get("first_level"),
        data.get("timers_percent", 100),
        targets_parse(data.get("straight_to", [])),
    )
