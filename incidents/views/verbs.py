"""The actions a person may take on an incident: what each is called, asks for, and does. Buttons, dialogs and the view all read this."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents import forms
from incidents.board_forms import TeamForm
from incidents.classify_forms import ClassifyForm
from incidents.linking_forms import LinkForm, MergeForm, SplitForm, UnmergeForm
from incidents.major_forms import MajorEndForm, MajorForm
from incidents.models import Incident
from incidents.permissions import may_silence
from incidents.services import handing, lifecycle
from incidents.services.classify import incident_classify
from incidents.services.describing import incident_bridge
from incidents.services.major import incident_major, incident_major_end
from incidents.services.severity import incident_severity
from incidents.services.silence import incident_wake
from incidents.services.stages import incident_close, incident_stage
from incidents.services.teams import incident_team
from incidents.services.undoing import incident_undo
from incidents.stage_forms import CloseForm, StageForm
from incidents.talk_forms import BridgeForm
from incidents.views import linking_verbs
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
    return lifecycle.incident_escalate(incident_id=pk, actor=actor, reason=data["reason"], cause=data["cause"], at=at)


def _reassign(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    more = {"note": data.get("note", ""), "admit": data.get("admit", False)}
    return handing.incident_reassign(incident_id=pk, owner=data["owner"], actor=actor, at=at, **more)


def _snooze(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_snooze(incident_id=pk, until=data["until"], actor=actor, at=at)


def _wake(pk: int, actor: User, at: datetime, _data: dict[str, Any]) -> object:
    return incident_wake(incident_id=pk, actor=actor, at=at)


def _mitigate(pk: int, actor: User, at: datetime, _data: dict[str, Any]) -> object:
    return lifecycle.incident_mitigate(incident_id=pk, actor=actor, at=at)


def _resolve(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_resolve(incident_id=pk, actor=actor, at=at, resolution=data["resolution"])


def _reopen(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return lifecycle.incident_reopen(incident_id=pk, actor=actor, reason=data["reason"], at=at)


def _team(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_team(
        incident_id=pk, team=data["team"], actor=actor, reason=data["reason"], at=at, seen=data["seen"]
    )


def _bridge(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_bridge(incident_id=pk, url=data["url"], actor=actor, at=at, seen=data["seen"])


def _undo(pk: int, actor: User, at: datetime, _data: dict[str, Any]) -> object:
    return incident_undo(incident_id=pk, actor=actor, at=at)


def _stage(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    more = {"override": data.get("override", ""), "seen": data["seen"]}
    return incident_stage(incident_id=pk, stage=data["stage"], actor=actor, at=at, **more)


def _classify(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_classify(
        incident_id=pk, category=data["category"], customer=data["customer"], custom=data["custom"], actor=actor, at=at
    )


def _close(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_close(incident_id=pk, actor=actor, at=at, override=data.get("override", ""))


def _severity(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_severity(
        incident_id=pk, severity=data["severity"], actor=actor, at=at, reason=data["reason"], seen=data["seen"]
    )


def _major(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_major(incident_id=pk, actor=actor, at=at, reason=data["reason"])


def _major_end(pk: int, actor: User, at: datetime, data: dict[str, Any]) -> object:
    return incident_major_end(incident_id=pk, actor=actor, at=at, reason=data["reason"])


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
        Verb("wake", _("End the silence"), "bell-ring", "", _wake, _("The level in force is called now.")),
        Verb("mitigate", _("Mark mitigated"), "shield-check", "g", _mitigate, _("Marked mitigated."), busy=_("Marking")),
        Verb(
            "resolve", _("Resolve"), "circle-check", "r", _resolve, _("Resolved: nobody is paged any more."),
            forms.ResolveForm, _("Every clock stops and every page on its way is called off."),
        ),
        Verb(
            "reopen", _("Reopen"), "rotate-cw", "o", _reopen, _("Open again: the ladder is walked from its first level."),
            forms.ReopenForm, _("The first level is paged at once."),
        ),
        Verb(
            "team", _("Hand over to a team"), "users", "t", _team, _("Handed over."),
            TeamForm, _("Whoever is on call there is told at once. Your team keeps it in sight."),
        ),
        Verb("bridge", _("Set the bridge"), "headset", "b", _bridge, _("Saved."), BridgeForm),
        Verb(
            "link", _("Link"), "link", "", linking_verbs.link, _("Linked."),
            LinkForm, _("Both timelines say so. Nobody is called, and each keeps its own escalation."),
        ),
        Verb(
            "merge", _("Merge"), "merge", "", linking_verbs.merge, _("Merged."),
            MergeForm, _("Its alerts, followers and teams go over, and nobody is paged for it any more. It can be split again."),
        ),
        Verb(
            "unmerge", _("Split it again"), "split", "", linking_verbs.unmerge, _("It stands alone again."),
            UnmergeForm, _("It gets back what it brought. It is as open as it was, and rings where nobody had it."),
        ),
        Verb(
            "split", _("Split"), "split", "", linking_verbs.split, _("Split: the new incident is linked below."),
            SplitForm, _("What you choose becomes an incident of its own, whose first level is paged."),
        ),
        Verb("undo", _("Undo"), "undo-2", "", _undo, _("It is as it was before.")),
        Verb("stage", _("Change stage"), "arrow-right", "s", _stage, _("Moved."), StageForm),
        Verb(
            "classify", _("Change type and answers"), "tag", "y", _classify, _("Kept."),
            ClassifyForm, _("The routing rules look at it again: what gets worse applies at once."),
        ),
        Verb(
            "close", _("Close"), "lock", "l", _close, _("Closed: nothing more is to be done."),
            CloseForm, _("Its record stays as it is. Whoever reopens it calls the first level again."),
            fields="incidents/partials/_close_fields.html",
        ),
        Verb(
            "severity", _("Change severity"), "gauge", "v", _severity, _("Its severity is changed."),
            forms.SeverityForm, _("Its clocks run by the severity you choose; a worse one may call people at once."),
            fields="incidents/partials/_severity_fields.html",
        ),
        Verb(
            "major", _("Declare a major incident"), "siren", "m", _major, _("It is a major incident."),
            MajorForm, _("Whoever oversees major incidents under its policy is told at once."),
        ),
        Verb(
            "major-end", _("No major incident"), "undo-2", "m", _major_end, _("It is no major incident."),
            MajorEndForm, _("The mark and the overseer are taken off it. What was declared stays in its timeline."),
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
    if incident.merged_into_id is not None:
        return Offer(VERBS["unmerge"], (VERBS["link"],), ())
    if incident.state == State.RESOLVED:
        if incident.closed_at is None:
            return Offer(VERBS["close"], (VERBS["reopen"],), ())
        return Offer(VERBS["reopen"], (), ())
    major = "major" if incident.major_at is None else "major-end"
    snooze = "snooze" if may_silence(user, incident) else ""
    if incident.state == State.TRIGGERED:
        wake = "wake" if incident.snoozed_until is not None else ""
        return _offer(
            "acknowledge",
            "escalate reassign resolve",
            f"{wake} mitigate {snooze} team severity {major} stage classify bridge link merge split",
        )
    if incident.mitigated_at is None:
        return _offer(
            "mitigate",
            "escalate reassign resolve",
            f"{snooze} team severity {major} stage classify bridge link merge split unacknowledge",
        )
    return _offer(
        "resolve",
        "escalate reassign",
        f"{snooze} team severity {major} stage classify bridge link merge split unacknowledge",
    )


def _offer(first: str, beside: str, more: str) -> Offer:
    return Offer(VERBS[first], tuple(VERBS[key] for key in beside.split()), tuple(VERBS[key] for key in more.split()))
