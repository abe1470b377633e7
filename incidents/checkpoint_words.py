"""What a checkpoint asks, and what follows each answer, in the language in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation_site.ui import moments
from incidents.models import Checkpoint, Incident
from oncall.models import User
from oncall.rota.clock import zone_named
from policies.definition import severity_name
from policies.severity import Severity

START, RESOLVE, SEVERITY = "escalation.start", "incident.resolve", "incident.severity"
"""What may wait for a person: an escalation that begins, a recovery that resolves, a rule that lowers the severity."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One action in words: the question, its two answers, and what follows each. ``after`` is shown once it is done."""

    question: str | Promise
    confirm: str | Promise
    decline: str | Promise
    confirmed: str | Promise
    declined: str | Promise


ASKING: Mapping[str, Asking] = {
    START: Asking(
        gettext_lazy("Should people be paged for it?"),
        gettext_lazy("Page people"),
        gettext_lazy("Page nobody"),
        gettext_lazy("The first level is paged."),
        gettext_lazy("Nobody is paged."),
    ),
    RESOLVE: Asking(
        gettext_lazy("Is it really over?"),
        gettext_lazy("Yes, resolve it"),
        gettext_lazy("No, keep it open"),
        gettext_lazy("It is resolved."),
        gettext_lazy("It stays open."),
    ),
    SEVERITY: Asking(
        gettext_lazy("May its severity be lowered?"),
        gettext_lazy("Lower the severity"),
        gettext_lazy("Keep the severity"),
        gettext_lazy("Its severity is lowered."),
        gettext_lazy("It keeps its severity."),
    ),
}
_UNKNOWN = Asking(
    gettext_lazy("May this be done?"),
    gettext_lazy("Do it"),
    gettext_lazy("Leave it"),
    gettext_lazy("It is done."),
    gettext_lazy("It is left as it is."),
)


def asking(action: str) -> Asking:
    """The words of ``action``; those of an action nobody knows any more stay readable."""
    return ASKING.get(action, _UNKNOWN)


def question_words(action: str, data: Mapping[str, Any]) -> str:
    """What is asked. ``data`` are the arguments of what waits."""
    if action == SEVERITY and data.get("severity") in Severity.values:
        return _("May its severity be lowered to %(severity)s?") % {"severity": severity_name(data["severity"])}
    return str(asking(action).question)


def otherwise_words(action: str, fallback: str, data: Mapping[str, Any]) -> str:
    """What happens by itself when nobody decides."""
    words = asking(action)
    if fallback != Checkpoint.Fallback.PROCEED:
        return str(words.declined)
    if action == START and data.get("severity") in Severity.values:
        return _("The first level is paged, as for %(severity)s.") % {"severity": severity_name(data["severity"])}
    return str(words.confirmed)


def checkpoint_places(kind: str, data: Mapping[str, Any]) -> dict[str, str]:
    """What a timeline line about a checkpoint says: what was asked, and what followed. ``kind`` is the line's."""
    action, arguments = str(data["asks"]), data.get("arguments") or {}
    words = asking(action)
    places = {"asks": question_words(action, arguments)}
    match kind:
        case "checkpoint.confirm":
            places["decided"] = str(words.confirmed)
        case "checkpoint.decline":
            places["decided"] = str(words.declined)
        case "checkpoint.time_out" | "checkpoint.unheard":
            places["decided"] = otherwise_words(action, str(data.get("fallback", "")), arguments)
    return places


def ask_body(checkpoint: Checkpoint, incident: Incident, recipient: User, *, link: str, at: datetime) -> str:
    """The text that asks ``recipient``, in their language and on their clock: the question first, then the limit."""
    with translation.override(recipient.language), timezone.override(zone_named(recipient.time_zone)):
        lines = [question_words(checkpoint.action, checkpoint.data), ""]
        if checkpoint.reason:
            lines += [checkpoint.reason, ""]
        lines += [
            incident.title,
            _("Service: %(service)s, %(environment)s")
            % {"service": incident.service.name, "environment": incident.environment},
            _("Severity: %(severity)s") % {"severity": Severity(incident.severity).label},
            "",
            _("Decide by %(time)s.") % {"time": deadline_words(checkpoint.due_at, at=at)},
            _("If nobody decides: %(otherwise)s")
            % {"otherwise": otherwise_words(checkpoint.action, checkpoint.fallback, checkpoint.data)},
            "",
            _("Look at it and decide:"),
            link,
        ]
        return "\n".join(lines)


def deadline_words(due_at: datetime, *, at: datetime) -> str:
    """ "Sun 22 Nov, 03:19 CET" on the clock in force."""
    zone = timezone.get_current_timezone()
    shown = moments.written(due_at, "short", at=at)
    name = moments.zone_name(due_at.astimezone(zone))
    return shown if shown.endswith(name) else f"{shown} {name}"
