"""Taking the last step on an incident back, within a minute, where that is safe: its fields become what the ledger says they were."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from audit.models import LedgerEntry
from escalation_site.kernel.errors import Conflict
from incidents.models import Incident, Stage
from incidents.permissions import require_responder
from incidents.services.working import Work, working
from oncall.models import User
from policies.escalation import Acknowledged, Mitigated, Reopened, SnoozeEnded, Unacknowledged

WITHIN = timedelta(seconds=60)
UNDOABLE = ("incident.snooze", "incident.resolve", "incident.reassign")
_AFTER = (
    "incident.acknowledge", "incident.ack_expire", "incident.escalate", "incident.merge", "incident.mitigate", "incident.reopen",
    "incident.severity", "incident.snooze_end", "incident.stage", "incident.team", "incident.unacknowledge", "incident.undo",
)  # fmt: skip
"""Steps that, done since, leave nothing to take back."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is taken back: its name, when it was done, and the values it replaced."""

    action: str
    at: datetime
    before: dict[str, Any]


def incident_undo(*, incident_id: int, actor: User, at: datetime, source: str = "web") -> Incident:
    """Take back ``actor``'s own last step: a snooze, a resolution or a handover not older than a minute.

    Whoever had it has it again without being paged; where nobody had it, the level in force rings again. Raises Conflict when
    there is nothing to take back: too late, or somebody did something since.
    """
    with working(incident_id, actor=actor, at=at, source=source) as work:
        require_responder(actor, work.incident)
        step = _last_step(work.incident, actor, at)
        values = _values(work.incident, step)
        _run_back(work, step, values)
        if step.action == "incident.resolve":
            work.incident.alerts.filter(resolved_at=step.at).update(resolved_at=None)
        cause = step.action.partition(".")[2]
        work.changes.set(work.incident, "incident.undo", data={"step": step.action}, **values)
        work.changes.timeline(work.incident, "incident.undo", cause=cause, source=source)
    return work.incident


def _last_step(incident: Incident, actor: User, at: datetime) -> Step:
    entries = LedgerEntry.objects.filter(subject=incident.subject, action__in=(*UNDOABLE, *_AFTER))
    last = entries.order_by("-id").first()
    own = last is not None and (last.actor_kind, last.actor_id) == ("user", str(actor.pk))
    if last is None or not own or last.action not in UNDOABLE:
        raise Conflict(_("There is nothing of yours to take back: something was done since."))
    if at - last.at > WITHIN:
        raise Conflict(_("It is too late to take that back. Do the opposite instead."))
    return Step(last.action, last.at, last.before or {})


def _values(incident: Incident, step: Step) -> dict[str, Any]:
    """The fields as they were. Numbers of other rows become those rows."""
    values: dict[str, Any] = {}
    for name, value in step.before.items():
        field = Incident._meta.get_field(name)
        if name == "stage":
            values[name] = Stage.objects.get(pk=value)
        elif field.is_relation:
            values[name] = field.related_model._default_manager.filter(pk=value).first()  # type: ignore[union-attr]  # a model
        else:
            values[name] = field.to_python(value)  # type: ignore[union-attr]  # no relation: a column
    return values


def _run_back(work: Work, step: Step, values: dict[str, Any]) -> None:
    incident, run = work.incident, work.run
    if run is None:
        return
    at = work.changes.at
    held = values.get("state", incident.state) == Incident.State.ACKNOWLEDGED
    owner_id = values["owner"].pk if values.get("owner") else incident.owner_id
    if step.action == "incident.reassign":
        if not held:
            work.event(Unacknowledged(at, who=incident.owner_id))
        return
    work.event(Reopened(at) if step.action == "incident.resolve" else SnoozeEnded(at))
    if held:
        # Nobody is paged for what somebody has again.
        work.escalator.forget([run])
        work.event(Acknowledged(at, who=owner_id))
        if incident.mitigated_at is not None:
            work.event(Mitigated(at))
