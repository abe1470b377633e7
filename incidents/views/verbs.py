"""The actions a person may take on an incident: what each is called, asks for, and does. Buttons, dialogs and the view all read this."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents import forms
from incidents.models import Incident
from incidents.services import lifecycle
from incidents.services.severity import incident_severity
from oncall.models import User

State = Incident.State
Perform = Callable[[int, User, datetime, dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Verb:
    """One action. ``form`` is None where nothing is asked; ``consequence`` says before what will happen, ``done`` after what did.
    ``fields`` is the template of its form's fields."""

    key: str
    label: str | Promise
    icon: str
    shortcut: str
    perform: Perform
    done: str | Promise
    form: type[forms.ActionForm] | None = None
    consequence: str | Promise = ""
    busy: str | Promise = ""
    fields: str = "incidents/partials/_act_fields.html"

    @property
    def asks(self) -> bool:
        """Whether it needs a form filled. (A template would call ``form``, a class.)"""
        return self.form is not None


def _acknowledge(pk: int, actor: User, at: datetime, _data: dict[str, Any]) -> object:
    return lifecycle.incident_acknowledge(incident_id=pk, actor=actor, at=at)


def _unacknowledge(pk: int, actor: User, at: datetime, _data: dict[str, Any]) -> object:
    return lifecycle.incident_unacknowledge(incident_id=pk, actor=actor, at=at)


def _escalate(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_escalate(incident_id=pk, actor=actor, reason=data["reason"], at=at)


def _reassign(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_reassign(incident_id=pk, owner=data["owner"], actor=actor, at=at)


def _snooze(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_snooze(incident_id=pk, until=data["until"], actor=actor, at=at)


def _mitigate(pk: int, actor: User, at: datetime, _data: dict[str, Any]) -> object:
    return lifecycle.incident_mitigate(incident_id=pk, actor=actor, at=at)


def _resolve(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_resolve(incident_id=pk, actor=actor, at=at, resolution=data["resolution"])


def _reopen(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_reopen(incident_id=pk, actor=actor, reason=data["reason"], at=at)


def _stage(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_stage(incident_id=pk, stage=data["stage"], actor=actor, at=at)


def _severity(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_severity(
        incident_id=pk, severity=data["severity"], actor=actor, at=at, reason=data["reason"], seen=data["seen"]
    )


VERBS: Mapping[str, Verb] = {
    verb.key: verb
    for verb in (
        Verb("acknowledge", _("Acknowledge"), "check", "a", _acknowledge, _("It is yours."), busy=_("Acknowledging")),
        Verb(
            "unacknowledge", _("Give it back"), "undo-2", "u", _unacknowledge,
            _("You gave it back: the level in force rings again."), busy=_("Giving back"),
        ),
        Verb(
            "escalate", _("Escalate"), "arrow-up-from-line", "e", _escalate, _("The next level is called now."),
            forms.EscalateForm, _("The next level is paged at once, not when its time comes."),
        ),
        Verb(
            "reassign", _("Reassign"), "user-round-plus", "i", _reassign, _("Handed over."),
            forms.ReassignForm, _("The new owner has it at once; nobody else is called."),
        ),
        Verb(
            "snooze", _("Snooze"), "moon", "z", _snooze, _("Snoozed."),
            forms.SnoozeForm, _("Nobody is paged until then; afterwards the level in force rings again."),
        ),
        Verb("mitigate", _("Mark mitigated"), "shield-check", "g", _mitigate, _("Marked mitigated."), busy=_("Marking")),
        Verb(
            "resolve", _("Resolve"), "circle-check", "r", _resolve, _("Resolved: nobody is paged any more."),
            forms.ResolveForm, _("Every clock stops and every page on its way is called off."),
        ),
        Verb(
            "reopen", _("Reopen"), "rotate-cw", "o", _reopen, _("Open again: the ladder is walked from its first level."),
            forms.ReopenForm, _("The first level is paged at once."),
        ),
        Verb("stage", _("Change stage"), "arrow-right", "s", _stage, _("Moved."), forms.StageForm),
        Verb(
            "severity", _("Change severity"), "gauge", "v", _severity, _("Its severity is changed."),
            forms.SeverityForm, _("Its clocks run by the severity you choose; a worse one may call people at once."),
            fields="incidents/partials/_severity_fields.html",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """The actions open to a person now: one first, some beside it, the rest in the menu."""

    first: Verb | None
    beside: tuple[Verb, ...]
    more: tuple[Verb, ...]


NOTHING = Offer(None, (), ())


def offer_for(user: User, incident: Incident) -> Offer:
    """What ``user``, who sees ``incident``, may do with it in its present state."""
    if not user.may_respond:
        return NOTHING
    if incident.state == State.RESOLVED:
        return Offer(VERBS["reopen"], (), ())
    if incident.state == State.TRIGGERED:
        return _offer("acknowledge", "escalate reassign resolve", "mitigate snooze severity stage")
    if incident.mitigated_at is None:
        return _offer("mitigate", "escalate reassign resolve", "snooze severity stage unacknowledge")
    return _offer("resolve", "escalate reassign", "snooze severity stage unacknowledge")


def _offer(first: str, beside: str, more: str) -> Offer:
    return Offer(VERBS[first], tuple(VERBS[key] for key in beside.split()), tuple(VERBS[key] for key in more.split()))
